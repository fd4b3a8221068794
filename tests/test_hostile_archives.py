"""Hostile workbooks, Parquet files and databases: each is refused with a sentence, in bounds."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

import hostile_archives as a
import pytest
from contained import Contained, is_refused, keeps_to_bounds
from hostile import Maker, late, sparse, written
from hostile_archives import ROWS, SHEET, STRINGS, bomb, ole, parts, row, schema, workbook

from triage.sources import read_source
from triage.tables import Source

BOMB = "it looks like a zip bomb, not a workbook"
TOO_MUCH = "cannot be opened as an Excel workbook with 160 MB of memory and 5 seconds"
FAR = "single cells lie as far out as row 1,048,576 and column"


def cell(at: str, attributes: str = "", inside: str = "<v>1</v>") -> str:
    """Return a further row of a worksheet with one cell."""
    return f'<row><c r="{at}" {attributes}>{inside}</c></row>'


def shared(length: int, times: int) -> Maker:
    """Return the maker of a workbook in whose cells one long text stands very often."""
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c><c r="B{n}" t="s"><v>1</v></c></row>'
        for n in range(3, 3 + times)
    )
    strings = f"<si><t>{'x' * length}</t></si><si><t>2023-05-01</t></si>"
    return workbook(parts(ROWS + rows, strings))


def errors(folder: Path, inside: str) -> Path:
    """Make a workbook with a formula and so much more in one cell."""
    return workbook(parts(ROWS + f'<row r="3"><c r="A3"><f>1</f>{inside}</c></row>'))(folder)


def database(*statements: str) -> Maker:
    """Return the maker of a SQLite file."""

    def make(folder: Path) -> Path:
        connection = sqlite3.connect(folder / "ssd.db")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
        return folder / "ssd.db"

    return make


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"

REFUSED: dict[str, tuple[Maker, str]] = {
    "a sheet that is a bomb": (bomb(SHEET, 300), BOMB),
    "a sheet that is a bomb, which its directory denies": (bomb(SHEET, 100, lies=True), BOMB),
    "shared texts that are a bomb": (bomb(STRINGS, 300), BOMB),
    "shared texts that are a bomb, which their directory denies": (
        bomb(STRINGS, 100, lies=True),
        BOMB,
    ),
    "a list of sheets that is a bomb": (bomb("xl/workbook.xml", 60), "workbook.xml alone is 60 MB"),
    "a part that is longer than its directory says": (
        bomb(SHEET, 20, lies=True),
        "that its directory says",
    ),
    "parts that lie over one another": (a.overlapping(9), "lie over one another, as in a zip bomb"),
    "a directory of half a million parts": (a.many_parts(500_000), "very many parts"),
    "a zip of a zip of a bomb": (a.zip_in_zip, "a zip archive that holds inner.xlsx"),
    "a zip of something else": (
        workbook({"a.csv": b"x", "\x1b[31mb.csv": b"y"}),
        "looks like a zip archive that holds a.csv,  [31mb.csv, not a workbook",
    ),
    "an empty zip": (written(b"PK\x05\x06" + bytes(18)), "a zip archive with nothing in it"),
    "a Word document": (workbook({"word/document.xml": b"<x/>"}), "looks like a Word document"),
    "an OpenDocument sheet": (workbook({"content.xml": b"<x/>"}), "looks like an OpenDocument"),
    "a binary workbook": (workbook({"xl/workbook.bin": b"x"}), "a binary workbook (.xlsb)"),
    "4 GB of nothing in a zip": (sparse(b"PK\x03\x04"), "a workbook of 4,096 MB, larger than any"),
    "a cell in the last corner": (workbook(parts(ROWS + cell("XFD1048576"))), FAR),
    "a cell in the last row": (workbook(parts(ROWS + cell("BZ1048576"))), FAR),
    "a cell beyond every corner": (workbook(parts(ROWS + cell("ZZZZZZ4294967295"))), TOO_MUCH),
    "a text of 10 MB in a thousand cells": (late(lambda: shared(10_000_000, 1000)), TOO_MUCH),
    "a text of 30 KB in 20,000 cells": (late(lambda: shared(30_000, 20_000)), "with 16"),
    "a text of 10 MB": (
        late(lambda: shared(10_000_000, 1)),
        "row 3, column 'child_id' holds more than 1,000,000 characters in one cell",
    ),
    "one sheet under 20,000 names": (late(lambda: workbook(parts(sheets=20_000))), "with 16"),
    "cells inside one another": (
        workbook(parts(ROWS + '<row r="3">' + '<c r="A3" t="e">' * 200_000)),
        "its sheet Data1 is damaged",
    ),
    "4 GB of nothing in an old workbook": (sparse(a.OLE, name="a.xls"), "4,096 MB, larger than"),
    "90 MB of nothing in an old workbook": (
        sparse(a.OLE, 90 << 20, name="a.xls"),
        "a file of an old Office program",
    ),
    "an old Word document": (lambda place: ole(place, "WordDocument"), "like a Word document"),
    "an Outlook message": (lambda place: ole(place, "__properties_version1.0"), "an Outlook mess"),
    "an old workbook under a password": (
        lambda place: ole(place, "EncryptionInfo", "EncryptedPackage"),
        "is locked by a password",
    ),
    "an old workbook that goes round in a circle": (
        lambda place: ole(place, "Workbook", circle=True),
        "cannot be opened as an Excel workbook",
    ),
    "a billion rows by run-length": (a.run_length(10**9), "says that it holds 1,000,000,000 rows"),
    "a billion rows that are not there": (a.run_length(10, says=10**9), "1,000,000,000 rows"),
    "a long text in a thousand rows": (
        late(lambda: a.run_length(1000, text=b"x" * 10_000_000)),
        "row 2, column 'child_id' holds more than 1,000,000 characters in one cell",
    ),
    "a text that is none": (a.run_length(10, text=b"\xff\xfe"), "is a damaged Parquet file"),
    "a text that is not there": (a.run_length(10, place=1), "damaged Parquet file (Column 0"),
    "a page that says it is 2 GB": (a.run_length(10, page_says=2**31 - 1), "damaged Parquet"),
    "20,000 columns": (
        a.parquet([schema("x", 20_000), *(schema(f"c{n}") for n in range(20_000))], 1, []),
        "has 20,000 columns; at most 16,384 are read",
    ),
    "a million columns": (
        late(
            lambda: a.parquet(
                [schema("x", 1_000_000), *[schema("c")] * 1_000_000], 1, []
            )
        ),
        "is a damaged Parquet file",
    ),
    "a list of columns of 3 GB": (
        sparse(b"PAR1", 1 << 20, name="cut.parquet"),
        "is a damaged Parquet file (its end is missing)",
    ),
    "20,000 groups inside one another": (
        a.parquet([*(schema("g", 1) for _ in range(20_000)), schema("x")], 1, []),
        "is a damaged Parquet file",
    ),
    "4 GB of nothing in Parquet": (sparse(b"PAR1"), "is a damaged Parquet file (its end"),
    "4 GB of nothing in SQLite": (sparse(b"SQLite format 3\0"), "SQLite database"),
    "a view without an end": (
        database(f"CREATE VIEW ssd_cin_episodes AS {ENDLESS} SELECT i AS cine_referral_id, "
                 "i AS cine_person_id, '2023-05-01' AS cine_referral_date FROM n"),
        "it asks for more than a file of its size should",
    ),
    "a cell of 900 MB of nothing": (
        database("CREATE VIEW ssd_cin_episodes AS SELECT zeroblob(900000000) AS cine_referral_id, "
                 "1 AS cine_person_id, '2023-05-01' AS cine_referral_date"),
        "it asks for more than a file of its size should",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_do_harm_is_refused_in_one_sentence_and_within_bounds(
    contained: Contained, start: float, one_rule: Path, tmp_path: Path, make: Maker, said: str
) -> None:
    path = make(tmp_path)
    outcome = contained.check(path, "--rules", one_rule, folder=tmp_path)
    is_refused(outcome, start, said)
    assert path.name in outcome.err


READ: dict[str, Maker] = {
    "a megabyte of space in a cell with a formula": (
        lambda place: errors(place, " " * 1_000_000 + "<v>1</v>")
    ),
    "a cell of half a million values": lambda place: errors(place, "<v/>" * 500_000),
    "a row of half a million cells": workbook(
        parts(ROWS + '<row r="3">' + '<c r="B3"><v>1</v></c>' * 500_000 + "</row>")
    ),
    "text that says it is a bomb and is none": workbook(parts(row(1, "child_id", "referral_date")
        + "".join(row(n, "A", "2023-05-01") for n in range(2, 20_000)))),
    "100,000 rows by run-length": a.run_length(100_000),
    "a footer that says less than there is": a.run_length(10**9, says=10),
}  # fmt: skip


@pytest.mark.parametrize("make", READ.values(), ids=READ.keys())
def test_what_looks_alarming_is_read_within_bounds(
    contained: Contained, start: float, one_rule: Path, tmp_path: Path, make: Maker
) -> None:
    path = make(tmp_path)
    outcome = contained.check(path, "--rules", one_rule, folder=tmp_path)
    keeps_to_bounds(outcome, start)
    assert (outcome.code, outcome.err) == (0, "")


def test_a_workbook_with_pictures_and_much_blank_is_no_bomb(tmp_path: Path) -> None:
    held = parts() | {"xl/media/0.bmp": bytes(10 << 20)}
    source = read_source(str(workbook(held)(tmp_path)))
    assert isinstance(source, Source)
    assert source.referrals.columns["child_id"].cells() == ["A"]


@pytest.mark.parametrize("at", [26, 30, 60, 200])
def test_a_workbook_damaged_anywhere_is_read_or_refused_in_order(
    contained: Contained, start: float, one_rule: Path, tmp_path: Path, at: int
) -> None:
    path = workbook(parts())(tmp_path)
    whole = path.read_bytes()
    for damage in (b"\xff\xff\xff\xff", b"", struct.pack("<I", 7)):
        path.write_bytes(whole[:-at] + damage + whole[len(whole) - at + len(damage) :])
        outcome = contained.check(path, "--rules", one_rule, folder=tmp_path)
        keeps_to_bounds(outcome, start)
        assert outcome.code in (0, 3), outcome.err
