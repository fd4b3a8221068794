"""Reports as PDF: tagged, with a language and a title, read in the order of the page."""

from __future__ import annotations

import importlib.util
import io
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from report_documents import charts, document, whole_page, within

from triage.errors import CallError
from triage.report.document import Document, Section, Words
from triage.report.forms import written
from triage.report.pdf import pdf_of
from triage.report.shown import Shown

needs_weasyprint = pytest.mark.skipif(
    importlib.util.find_spec("weasyprint") is None or importlib.util.find_spec("pikepdf") is None,
    reason="no WeasyPrint: pip install weasyprint pikepdf; apt install libpango-1.0-0 "
    "libpangoft2-1.0-0 libharfbuzz-subset0",
)


@pytest.fixture(scope="module")
def pdf() -> Iterator[Any]:
    pikepdf = pytest.importorskip("pikepdf")
    with pikepdf.open(io.BytesIO(pdf_of(whole_page(within())))) as found:
        yield found


def elements(pdf: Any) -> Iterator[tuple[str, Any]]:
    """Yield the elements of a PDF's structure in the order in which they are read."""

    def walk(node: Any) -> Iterator[tuple[str, Any]]:
        if "/S" in node:
            yield str(node.S)[1:], node
        kids = node.get("/K", [])
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
                yield from walk(kid)

    import pikepdf

    yield from walk(pdf.Root.StructTreeRoot)


def marked(pdf: Any) -> dict[tuple[int, int], str]:
    """Return the text of each piece of marked content, by its page and number."""
    import pikepdf

    found: dict[tuple[int, int], str] = {}
    for place, page in enumerate(pdf.pages):
        letters = {name: _letters(font) for name, font in page.Resources.Font.items()}
        font, at = "", None
        for operands, operator in pikepdf.parse_content_stream(page):
            match str(operator):
                case "Tf":
                    font = str(operands[0])
                case "BDC":
                    at = (place, int(operands[1].MCID)) if "/MCID" in operands[1] else None
                case "EMC":
                    at = None
                case "TJ" | "Tj" if at is not None:
                    shown = operands[0] if str(operator) == "TJ" else [operands[0]]
                    codes = b"".join(bytes(one) for one in shown if isinstance(one, pikepdf.String))
                    pairs = (codes[n : n + 2] for n in range(0, len(codes), 2))
                    text = "".join(letters[font].get(pair, "?") for pair in pairs)
                    found[at] = found.get(at, "") + text
    return found


def _letters(font: Any) -> dict[bytes, str]:
    import re

    text = bytes(font.ToUnicode.read_bytes()).decode("latin-1")
    return {
        bytes.fromhex(code): bytes.fromhex(letter).decode("utf-16-be")
        for code, letter in re.findall(r"<([0-9a-fA-F]{4})> <([0-9a-fA-F]+)>", text)
    }


def text_of(node: Any, texts: dict[tuple[int, int], str], pages: list[Any]) -> str:
    import pikepdf

    kids = node.get("/K", [])
    parts = []
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, int):
            parts.append(texts.get((pages.index(node.Pg.objgen), kid), ""))
        elif isinstance(kid, pikepdf.Dictionary):
            parts.append(text_of(kid, texts, pages))
    return "".join(parts)


@needs_weasyprint
def test_it_says_that_it_is_tagged_and_its_language_and_title(pdf: Any) -> None:
    assert bool(pdf.Root.MarkInfo.Marked)
    assert str(pdf.Root.Lang) == "en-GB"
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    with pdf.open_metadata() as told:
        assert told["dc:title"] == "Re-referrals & reviews <2026>"
        assert told["pdfuaid:part"] == "1"
    assert str(pdf.docinfo["/Title"]) == "Re-referrals & reviews <2026>"


@needs_weasyprint
def test_headings_tables_and_figures_are_tagged_in_reading_order(pdf: Any) -> None:
    texts, pages = marked(pdf), [page.objgen for page in pdf.pages]
    found = list(elements(pdf))
    tags = [tag for tag, _ in found]
    assert tags.count("H1") == 1
    headings = [text_of(node, texts, pages) for tag, node in found if tag in ("H1", "H2")]
    own = document()
    assert headings == [
        own.title, "Contents", *[section.title for section in own.sections], "On what this stands"
    ]  # fmt: skip
    assert tags.count("Table") >= len(list(own.tables()))
    heads = {text_of(node, texts, pages) for tag, node in found if tag == "TH"}
    assert {"Team", "Re-referrals", "North", "All teams"} <= heads
    cells = [node for tag, node in found if tag == "TD"]
    assert cells
    assert all("/Headers" in node.A for node in cells)
    figures = [str(node.Alt) for tag, node in found if tag == "Figure"]
    assert figures == [f"{one.title}. {one.alternative}" for one in charts()]


@needs_weasyprint
def test_every_font_is_in_it_and_every_piece_of_content_is_tagged_or_decoration(pdf: Any) -> None:
    import pikepdf

    for page in pdf.pages:
        for font in page.Resources.Font.values():
            descriptor = font.DescendantFonts[0].FontDescriptor
            assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
        depth = 0
        for _, operator in pikepdf.parse_content_stream(page):
            depth += {"BDC": 1, "BMC": 1, "EMC": -1}.get(str(operator), 0)
            assert depth > 0 or str(operator) not in ("TJ", "Tj")


@needs_weasyprint
def test_nothing_is_loaded_for_it(tmp_path: Any) -> None:
    asked: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Listening) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        secret = tmp_path / "secret.svg"
        secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>kept</text></svg>')
        made = pdf_of(
            f'<html lang="en-GB"><title>T</title><link rel="stylesheet" href="{address}/a.css">'
            f'<style>@import "{address}/b.css"; body {{ background: url({address}/c.png) }}</style>'
            f'<img alt="x" src="{address}/d.png"><img alt="y" src="{secret.as_uri()}"><p>Text'
        )
        server.shutdown()
        thread.join()
    assert asked == []
    assert made.startswith(b"%PDF")


@needs_weasyprint
def test_the_same_page_is_the_same_bytes() -> None:
    sections = (Section("One", (Words("Words."), charts()[1])),)
    one = Document("small", "Small", "Of little.", document().standing, sections)
    page = whole_page(Shown(one))
    assert pdf_of(page) == pdf_of(page)


def test_without_it_a_sentence_says_how_to_install_it_and_the_rest_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    one = Document("small", "Small", "Of little.", document().standing, ())
    with pytest.raises(CallError, match=r"pip install 'rereferral-triage\[pdf\]'") as told:
        written(Shown(one), with_pdf=True)
    assert "\n" not in str(told.value)
    assert set(written(Shown(one), with_pdf=False)) == {"small.html", "small.xlsx", "small.md"}
