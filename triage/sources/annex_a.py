"""Ofsted's Annex A: child-level lists, as a workbook or a folder of CSV files.

List 3 holds the referrals, list 1 the contacts, list 2 early help; lists 4, 5 and 6 hold
assessments, section 47 enquiries and children in need, which bear no referral identifier and are
joined on child and date. Named workers are not read: the lists give no date of allocation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from triage.reading import Reading
from triage.sources.folder import CONTACT_COLUMNS
from triage.sources.grid import Grid
from triage.sources.headings import folded, is_referral_heading
from triage.tables import LOST, ChildTable, RawColumn, RawTable, Source
from triage.vocabulary import CLOSURE_REASONS, PRIMARY_NEEDS, REFERRAL_SOURCES

KIND: Final = "Ofsted Annex A"
LISTS_USED: Final = (1, 2, 3, 4, 5, 6)

_LETTERED = re.compile(r"^[a-z]\d?[).]\s*", re.IGNORECASE)
_SOURCE_WORDS: Final = {
    "school": "2A",
    "schools": "2A",
    "education services": "2B",
    "housing": "4",
    "police": "6",
    "other legal agency": "7",
    "other": "8",
    "anonymous": "9",
    "unknown": "10",
}
_YES: Final = frozenset({"yes", "1", "1 - yes", "nfa", "no further action", "y", "true"})
_NO: Final = frozenset({"no", "0", "0 - no", "fa", "further action", "n", "false"})
_NOT_KNOWN: Final = frozenset({"unknown", "u", "not stated", "not recorded"})
_CLOSURE_LETTERS: Final = {
    letter: f"RC{number}" for number, letter in enumerate("abcdefg", start=1)
}


def list_number(name: str) -> int | None:
    """Return the number of the list that a sheet or file is named after, if any."""
    match = re.match(r"list[\s_]*(\d{1,2})(?!\d)", name.strip(), re.IGNORECASE)
    return int(match.group(1)) if match else None


def is_list_3(headings: Sequence[str]) -> bool:
    """Return whether a heading row is that of Annex A's list of referrals."""
    return is_referral_heading(headings) and any(
        folded(heading) == "childuniqueid" for heading in headings
    )


def annex_a_source(
    path: Path, sha256: str, lists: dict[int, tuple[str, Grid]], reading: Reading
) -> Source:
    """Return the referrals of List 3 with what lists 2, 4, 5 and 6 add, and the contacts of list 1.

    ``lists`` holds each list found by its number, with the name it goes by in messages.
    """
    name, grid = lists[3]
    referrals = _tidy(grid.table(name))
    notes = (
        [f"{name}: named workers are not read"]
        if "allocatedworker" in {folded(heading) for heading in grid.headings}
        else []
    )
    notes += _source_notes(name, referrals)
    referrals = _coded(referrals)
    children = []
    for number, carries, event, is_complete in (
        (4, ("assessment_started_on", "assessment_authorised_on"), "assessment_started_on", True),
        (
            5,
            ("strategy_discussion_on", "icpc_on", "icpc_not_required"),
            "strategy_discussion_on",
            True,
        ),
        (6, ("primary_need", "closed_on", "closure_reason"), "referral_date", False),
    ):
        if number not in lists:
            continue
        child_name, child_grid = lists[number]
        table = _coded(_tidy(_with_start(number, child_grid).table(child_name)))
        table = replace(table, notes=())
        carried = tuple(column for column in carries if column in table.columns)
        if carried and event in table.columns and "child_id" in table.columns:
            children.append(
                ChildTable(table, carried, event, "child_and_event", "first", is_complete)
            )
    if 2 in lists:
        children += _early_help(*lists[2])
    passed_over = sorted(number for number in lists if number not in LISTS_USED)
    if passed_over:
        notes.append(
            f"{path}: lists {', '.join(map(str, passed_over))} answer no rule and were passed over"
        )
    contacts = _contacts(*lists[1]) if 1 in lists else None
    return Source(str(path), KIND, sha256, referrals, tuple(children), contacts, tuple(notes))


def _contacts(name: str, grid: Grid) -> RawTable | None:
    """Return List 1: contacts with their date and source; the list has no outcome of a contact."""
    table = _coded(grid.table(name))
    columns = {
        column: table.columns[column] for column in CONTACT_COLUMNS if column in table.columns
    }
    if not {"child_id", "contact_date"} <= columns.keys():
        return None
    return replace(table, columns=columns, notes=())


def _early_help(name: str, grid: Grid) -> list[ChildTable]:
    """Return List 2: early help, by the start of its assessment."""
    event: Final = "early_help_started_on"
    table = replace(_headed(grid, "assessmentstartdate", event).table(name), notes=())
    if not {"child_id", event} <= table.columns.keys():
        return []
    return [ChildTable(table, (), event, "child", name="early_help", keeps=(event,))]


def _with_start(number: int, grid: Grid) -> Grid:
    """Return List 6 with its start date headed as what it is: the date of the referral."""
    return _headed(grid, "cinstartdate", "referral_date") if number == 6 else grid


def _headed(grid: Grid, heading: str, column: str) -> Grid:
    """Return a list with one heading, folded, replaced by the name of the column it means."""
    headings = tuple(column if folded(text) == heading else text for text in grid.headings)
    return replace(grid, headings=headings)


def _tidy(table: RawTable) -> RawTable:
    kept = {
        name: column
        for name, column in table.columns.items()
        if name not in ("allocated_worker_id", "referral_id")
    }
    notes = tuple(
        note
        for note in table.notes
        if folded(note).removeprefix("unknowncolumn").removesuffix("wasignored")
        not in _HEADINGS_KNOWN
    )
    return replace(table, columns=kept, notes=notes)


_HEADINGS_KNOWN: Final = frozenset(
    folded(heading)
    for heading in (
        "Gender", "Ethnicity", "Age", "Age of Child (Years)", "Allocated Worker",
    )
)  # fmt: skip


def _source_notes(name: str, table: RawTable) -> list[str]:
    column = table.columns.get("referral_source")
    if column is None:
        return []
    groups = sorted({text for text in column.texts if text and _source(text) == ""} - {""})
    return [
        f"{name}: tolerated referral source '{group}', which is a group and no one census code; "
        "read as unknown"
        for group in groups
    ]


def _coded(table: RawTable) -> RawTable:
    changes: dict[str, Callable[[str], str | None]] = {
        "referral_source": _source,
        "contact_source": _source,
        "primary_need": _need,
        "closure_reason": _closure,
        "nfa": _yes_no,
        "icpc_not_required": _yes_no,
    }
    columns: dict[str, RawColumn] = {
        name: column.mapped(changes[name]) if name in changes else column
        for name, column in table.columns.items()
    }
    return replace(table, columns=columns)


def _source(text: str) -> str:
    plain = _LETTERED.sub("", text)
    code = re.match(r"(\d{1,2}[A-F]?)\b", plain, re.IGNORECASE)
    if code and code.group(1).upper() in REFERRAL_SOURCES:
        return code.group(1).upper()
    word = plain.casefold()
    if word in _SOURCE_WORDS:
        return _SOURCE_WORDS[word]
    groups = ("individual", "health", "la services", "health services", "education")
    return "" if word in groups else text


def _need(text: str) -> str:
    code = re.match(r"(N\d)\b", _LETTERED.sub("", text), re.IGNORECASE)
    return code.group(1).upper() if code and code.group(1).upper() in PRIMARY_NEEDS else text


def _closure(text: str) -> str | None:
    """Return the census code of a closure reason; the lists' own letter h) is two codes in one."""
    code = re.match(r"(RC\d)\b", _LETTERED.sub("", text), re.IGNORECASE)
    if code and code.group(1).upper() in CLOSURE_REASONS:
        return code.group(1).upper()
    letter = text[:1].casefold() if _LETTERED.match(text) else ""
    if letter == "h":
        return LOST
    if letter == "i":
        return ""
    return _CLOSURE_LETTERS.get(letter, text)


def _yes_no(text: str) -> str:
    word = _LETTERED.sub("", text).casefold()
    if word in _YES:
        return "true"
    if word in _NO:
        return "false"
    return "" if word in _NOT_KNOWN else text
