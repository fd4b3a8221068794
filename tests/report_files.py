"""The files of a report as a reader takes them: tables out of pages, workbooks, CSV and minutes."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from python_calamine import CalamineWorkbook

Grid = list[list[str]]


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def texts_of(folder: Path) -> dict[str, str]:
    """Return all that can be read in each file; of a workbook, all of its parts."""
    found = {}
    for name, data in files_of(folder).items():
        if name.endswith(".xlsx"):
            with zipfile.ZipFile(io.BytesIO(data)) as book:
                found[name] = "\n".join(book.read(part).decode() for part in book.namelist())
        else:
            found[name] = data.decode("utf-8")
    return found


def csv_grid(path: Path) -> Grid:
    """Return the rows of a CSV file, its heading first."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def tables_of(folder: Path) -> Iterator[tuple[str, Grid]]:
    """Yield each table of each file with the file's name; the heading is among its rows."""
    for name, data in files_of(folder).items():
        if name.endswith(".csv"):
            yield name, csv_grid(folder / name)
        elif name.endswith(".html"):
            page = _Page()
            page.feed(data.decode("utf-8"))
            for grid in page.tables:
                yield name, grid
        elif name.endswith(".xlsx"):
            book = CalamineWorkbook.from_filelike(io.BytesIO(data))
            for sheet in book.sheet_names[1:]:
                cells = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
                yield f"{name}: {sheet}", [[_plain(cell) for cell in row] for row in cells]
        elif name.endswith(".md"):
            for block in re.findall(r"(?:^\|.*\n)+", data.decode("utf-8"), re.MULTILINE):
                yield name, [_cells(line) for line in block.splitlines()]


def _plain(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _cells(line: str) -> list[str]:
    inner = re.split(r"(?<!\\)\|", line.strip())[1:-1]
    return [re.sub(r"\\(.)", r"\1", one.strip()) for one in inner]


class _Page(HTMLParser):
    """Takes the tables out of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[Grid] = []
        self.is_cell = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.is_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.is_cell = False

    def handle_data(self, data: str) -> None:
        if self.is_cell:
            self.tables[-1][-1][-1] += data.strip()
