"""Dirty referrals cut into Parquet files in every way, and what is said of them compared."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import dirty_tables
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Triage
from rich.console import Console

from triage import partitioned, present
from triage.cluster import check_in_partitions
from triage.flag_files import write_parquet
from triage.outputs import as_json
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options, Run
from triage.sources import pieces

AS_OF = dt.date(2023, 6, 30)
RULES = load_rules(shipped("rules"))
ALL = Options(AS_OF, None)
ASKED = ("--as-of", AS_OF.isoformat(), "--window", "all")
WAYS = ("by child", "by hash", "by row group", "at random", "one file")

Row = dict[str, str]

_RATIONALES = (
    "",
    "Child to be seen today.",
    "child to be  SEEN today.",
    "No role for us; the family was told where to find help.",
    "Agreed with the social worker.",
    "#REF!",
)


def dirty_rows(seed: int, n: int = 240) -> list[Row]:
    """Make dirty referrals: households and rationales shared, identifiers reused and look-alike."""
    header, cells = dirty_tables.make_table(seed, n, as_of=AS_OF)
    rows = [dict(zip(header, row, strict=True)) for row in cells]
    pick = Random(seed)
    children = [row["child_id"].strip() for row in rows]
    for row in rows:
        row["rationale"] = pick.choice(_RATIONALES)
        roll = pick.random()
        if roll < 0.05:
            day = row["referral_date"][:10] if "-" in row["referral_date"] else "2022-01-01"
            child = pick.choice(children)
            row["referral_id"] = f"{child}/{day.strip()}/{pick.choice((1, 1, 2))}"
        elif roll < 0.2:
            row["referral_id"] = f"R{pick.randrange(40)}"
        if pick.random() < 0.03:
            row["referral_date"] = pick.choice(("", "2022-02-31", "2023-07-05"))
    return rows


def cut_up(rows: Sequence[Row], way: str, folder: Path, n_files: int = 4) -> Path:
    """Write rows into a folder of Parquet files in one of ``WAYS``."""
    folder.mkdir()
    by_child = sorted(rows, key=lambda row: row["child_id"].strip())
    if way == "by child":
        edges = (len(rows) * number // n_files for number in range(n_files + 1))
        files = [by_child[start:stop] for start, stop in itertools.pairwise(edges)]
    elif way == "by hash":
        files = [
            [r for r in rows if zlib.crc32(r["child_id"].strip().encode()) % n_files == number]
            for number in range(n_files)
        ]
    elif way == "by row group":
        write(by_child, folder / "all.parquet", row_group_size=17)
        return folder
    elif way == "at random":
        mixed = Random(len(rows)).sample(list(rows), len(rows))
        files = [mixed[number::n_files] for number in range(n_files)]
    else:
        files = [list(rows)]
    for number, some in enumerate(files):
        if some:
            write(some, folder / f"rows-{number}.parquet", row_group_size=50)
    return folder


def files(folder: Path, *tables: list[Row]) -> Path:
    """Write tables into a folder, a file each."""
    folder.mkdir()
    for number, rows in enumerate(tables):
        write(rows, folder / f"{number}.parquet")
    return folder


def row(child: str, day: str = "2023-05-02", **cells: str) -> Row:
    """A referral without a decision, which is flagged, so that all that is told of it is seen."""
    return {"child_id": child, "referral_date": day, "nfa": "false", "decision_at": "", **cells}


def write(
    rows: Sequence[Row], path: Path, without: Collection[str] = (), row_group_size: int = 1000
) -> Path:
    """Write rows as a Parquet file of texts, without some of their columns; blanks are null."""
    columns = [
        name for name in dict.fromkeys(n for row in rows for n in row) if name not in without
    ]
    table = pa.table({n: pa.array([r.get(n) or None for r in rows], pa.string()) for n in columns})
    pq.write_table(table, path, row_group_size=row_group_size)
    return path


@contextmanager
def partitions_of(n_rows: int) -> Iterator[None]:
    """Let a partition have so many rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "ROWS_OF_A_PARTITION", n_rows)
        patch.setattr(partitioned, "ROWS_OF_A_PARTITION", n_rows)
        patch.setattr(partitioned, "MOST_AT_ONCE", 4 * n_rows)
        yield


def told(run: Run, folder: Path) -> dict[str, Any]:
    """Return what a run tells: as JSON, as Parquet and as text, and what it found wrong."""
    page = io.StringIO()
    present.show_run(run, Console(file=page, width=200))
    path = folder / "told.parquet"
    write_parquet(run.stable_flags, path)
    return {
        "json": as_json(run.as_json()),
        "text": page.getvalue(),
        "parquet": path.read_bytes(),
        "problems": run.problems,
    }


def same(folder: Path, options: Options = ALL, rows: int = 40, rules: Any = RULES) -> Run:
    """Judge a folder at once and in partitions of so many rows, and hold one against the other."""
    run = check([str(folder)], rules, options)
    at_once = told(run, folder.parent)
    with partitions_of(rows):
        apart = told(check_in_partitions([str(folder)], rules, options, None), folder.parent)
    for form, said in at_once.items():
        assert apart[form] == said, form
    return run


def refused(triage: Triage, *arguments: str | Path, code: int) -> str:
    """Return the one sentence with which a call in partitions is refused."""
    found, out, said = triage("check", *arguments, *ASKED, "--chunk")
    assert (found, out) == (code, "")
    assert said.count("\n") == 1
    return said
