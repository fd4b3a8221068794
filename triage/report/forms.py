"""All forms that a document takes, by the names of their files."""

from __future__ import annotations

from triage.report.page import page_of
from triage.report.pdf import pdf_of
from triage.report.second_hand import hands
from triage.report.shown import Shown
from triage.report.texts import csv_of, markdown_of, named_file


def written(shown: Shown, *, with_pdf: bool) -> dict[str, bytes]:
    """Return a document in each of its forms: a page, a workbook, minutes, a CSV file a table.

    The same document is the same bytes. Only the PDF needs more than is always installed.

    Raises:
        CallError: when a PDF is wanted and what makes it is not installed.
    """
    name = shown.document.name
    with hands(shown) as made:
        page = page_of(shown, made.chart)
        files = {f"{name}.html": _bytes(page)}
        if with_pdf:
            files[f"{name}.pdf"] = pdf_of(page)
        plain = {f"{name}.md": _bytes(markdown_of(shown))}
        for table in shown.document.tables():
            plain[named_file(table)] = _bytes(csv_of(table, shown))
        return {**files, f"{name}.xlsx": made.workbook(), **plain}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
