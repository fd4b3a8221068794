"""A page as a tagged PDF, by WeasyPrint, which is an extra: it needs a library of the system."""

from __future__ import annotations

import importlib
import logging
from typing import Any, Final

from triage.errors import CallError

_SVG: Final = "{http://www.w3.org/2000/svg}"
_HOW_TO_INSTALL: Final = (
    "The PDF form needs WeasyPrint and the system's Pango library, which cannot be loaded ({}); "
    "install them (pip install 'rereferral-triage[pdf]'; on Debian or Ubuntu apt install "
    "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0) or print the HTML form from a browser."
)


def pdf_of(html: str) -> bytes:
    """Return a page as PDF/UA: tagged, with its language and title, and nothing loaded for it.

    The same page is the same bytes.

    Raises:
        CallError: when WeasyPrint, or the library it needs, is not installed.
    """
    weasyprint = _weasyprint()
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    page = weasyprint.HTML(string=html, url_fetcher=nothing)
    for drawn in page.etree_element.iter(f"{_SVG}svg"):
        _told_in_full(drawn)
    return bytes(page.write_pdf(pdf_variant="pdf/ua-1", url_fetcher=nothing))


def is_there() -> bool:
    """Return whether a PDF can be made here."""
    try:
        _weasyprint()
    except CallError:
        return False
    return True


def _weasyprint() -> Any:
    # What it tells is for whoever writes style sheets; warnings would stand between our own words.
    for name in ("weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return importlib.import_module("weasyprint")
    except (ImportError, OSError) as error:
        why = " ".join(str(error).split())[:120]
        raise CallError(_HOW_TO_INSTALL.format(why)) from None


def _told_in_full(drawn: Any) -> None:
    """Put a picture's description into its title, of which WeasyPrint makes the alternative."""
    title, told = drawn.find(f"{_SVG}title"), drawn.find(f"{_SVG}desc")
    if title is not None and told is not None and told.text:
        title.text = f"{title.text}. {told.text}"
