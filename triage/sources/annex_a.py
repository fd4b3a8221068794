"""Ofsted's Annex A: child-level lists, as a workbook or a folder of CSV files.

List 3 holds the referrals, list 1 the contacts, list 2 early help; lists 4, 5 and 6 hold
assessments, section 47 enquiries and children in need, which bear no referral identifier and are
joined on child and date. List 7, child protection plans, is counted. Named workers are not read:
the lists give no date of allocation.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from triage.errors import InputError
from triage.reading import Reading
from triage.sources.annex_a_headings import LISTS, is_list_heading, list_headings, list_number
from triage.sources.annex_a_meaning import understood
from triage.sources.annex_a_words import is_closed
from triage.sources.folder import CONTACT_COLUMNS
from triage.sources.grid import Grid
from triage.sources.guard import admit_text
from triage.sources.text import below_title, read_text
from triage.sources.text_table import read_text_grid
from triage.sources.words import with_words
from triage.tables import LOST, ChildTable, Problem, RawColumn, RawTable, Source
from triage.vocabulary import counted, cut

if TYPE_CHECKING:
    from triage.sources.workbook import Sheet

KIND: Final = "Ofsted Annex A"
_TEXT_FILES: Final = (".csv", ".txt", ".tsv")
_CARRIES: Final = {
    4: ("assessment_started_on", "assessment_authorised_on"),
    5: ("strategy_discussion_on", "icpc_on", "icpc_not_required"),
    6: ("primary_need", "closed_on", "closure_reason"),
}
"""What the lists beside the referrals tell of them."""

Lists = dict[int, RawTable]


def lists_of_sheets(path: Path, sheets: Sequence[Sheet]) -> tuple[Lists, list[str]]:
    """Return the lists of a workbook that are read, and a sentence about those that are not.

    Where a list stands on two sheets the one in sight goes before a hidden one.

    Raises:
        InputError: when two sheets in sight, or two hidden ones, hold the same list.
    """
    found: dict[int, tuple[Sheet, int]] = {}
    others: set[int] = set()
    notes = []
    for sheet in sorted(sheets, key=lambda sheet: not sheet.is_visible):
        number = list_number(sheet.name)
        if number is None or number not in LISTS:
            others |= {number} if number else set()
            continue
        heading_at = sheet.heading_at(partial(is_list_heading, number))
        if heading_at is None:
            if any(map(any, sheet.rows)):
                notes.append(_not_headed(f"{path.name} [{sheet.name}]"))
            continue
        if number in found and found[number][0].is_visible == sheet.is_visible:
            _refuse_twice(path, number, found[number][0].name, sheet.name)
        found.setdefault(number, (sheet, heading_at))
    lists = {}
    for number, (sheet, heading_at) in found.items():
        wanted = list_headings(number, sheet.rows[heading_at]).position.values()
        grid = sheet.grid(heading_at, frozenset(wanted))
        lists[number] = _list_table(number, f"{path} [{sheet.name}]", grid)
    if others:
        names = ", ".join(f"list {number}" for number in sorted(others))
        notes.append(f"{path.name}: passed over {names}, which no rule asks for")
    return lists, notes


def list_files(folder: Path) -> dict[int, Path]:
    """Return the files of a folder that are named after a list that is read.

    Raises:
        InputError: when two files are named after the same list.
    """
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        number = list_number(path.stem)
        if number is None or number not in LISTS:
            continue
        if path.suffix.casefold() not in _TEXT_FILES or not path.is_file():
            continue
        if number in found:
            _refuse_twice(folder, number, found[number].name, path.name)
        found[number] = path
    return found


def lists_of_files(files: dict[int, Path]) -> tuple[Lists, list[str]]:
    """Return the lists that files hold, and a sentence about each file that is not headed as one.

    A title may stand above the headings.
    """
    lists = {}
    notes = []
    for number, path in files.items():
        text = below_title(read_text(admit_text(path)), partial(is_list_heading, number))
        grid = read_text_grid(text, str(path))
        if is_list_heading(number, grid.headings):
            lists[number] = _list_table(number, str(path), grid)
        else:
            notes.append(_not_headed(path.name))
    return lists, notes


def refuse_without_list_3(path: Path, lists: Collection[int]) -> None:
    """Raise InputError for what holds other lists, since the referrals stand in List 3.

    Nothing is raised where there is no list at all.
    """
    if not lists:
        return
    headed = "headed with the child's identifier and the date of referral"
    if 3 in lists:
        raise InputError(f"{path}: none of the first rows of its List 3 is {headed}; mend it.")
    names = ", ".join(f"list {number}" for number in sorted(lists))
    raise InputError(
        f"{path}: holds {names} of Annex A and no List 3 {headed}, which has the referrals; add "
        "it, and name it List 3."
    )


def annex_a_source(
    path: Path, sha256: str, lists: Lists, said: Sequence[str], reading: Reading
) -> Source:
    """Return the referrals of List 3 with what the other lists add, and the contacts of list 1.

    ``said`` is what is to be said of lists that are there and are not read.
    """
    notes = []
    plans = lists.get(7)
    known = {number: table for number, table in lists.items() if number != 7}
    for number, table in sorted(known.items()):
        table, unclear = understood(with_words(table, reading.words))
        known[number] = table
        notes += [f"{Path(table.source).name}: {note}" for note in (*table.notes, *unclear)]
    if plans is not None:
        n = counted(len(plans), "child protection plan")
        notes.append(f"{Path(plans.source).name}: {n}, which no rule asks for")
    notes += said
    children = [_beside(number, known[number]) for number in _CARRIES if number in known]
    children += [_early_help(known[2])] if 2 in known else []
    contacts = _contacts(known[1]) if 1 in known else None
    return Source(
        str(path), KIND, sha256, known[3], tuple(filter(None, children)), contacts, tuple(notes)
    )


def _list_table(number: int, name: str, grid: Grid) -> RawTable:
    headings = list_headings(number, grid.headings)
    notes = headings.notes
    if number == 3 and headings.names_workers:
        notes = (*notes, "named workers are not read")
    table = grid.part(name, headings.position, notes)
    if number == 6:
        table = _closed_without_date(table)
    return table


def _closed_without_date(table: RawTable) -> RawTable:
    """Return List 6 where a closed episode without a date of closure is never taken for open.

    That it was closed is known and when is not, so the cell is LOST.
    """
    columns = dict(table.columns)
    status, closed_on = columns.pop("case_status", None), columns.get("closed_on")
    table = replace(table, columns=columns)
    if status is None or closed_on is None:
        return table
    says_closed = np.array([bool(text) and is_closed(text or "") for text in status.texts], bool)
    is_blank = np.array([text == "" for text in closed_on.texts], bool)
    lost = says_closed[status.codes] & is_blank[closed_on.codes]
    if not lost.any():
        return table
    codes = np.where(lost, np.int32(len(closed_on.texts)), closed_on.codes).astype(np.int32)
    columns["closed_on"] = RawColumn(codes, [*closed_on.texts, LOST])
    problems = [
        Problem(
            "problem",
            table.source,
            int(table.rows[place]),
            "closed_on",
            f"the case status '{cut(status.texts[status.codes[place]] or '')}' says closed and "
            "the date is blank; when it was closed is unknown",
        )
        for place in np.flatnonzero(lost).tolist()
    ]
    return replace(table, columns=columns, problems=(*table.problems, *problems))


def _beside(number: int, table: RawTable) -> ChildTable | None:
    """Return one of the lists 4, 5 and 6 as a table beside the referrals, if it tells anything."""
    event = _CARRIES[number][0] if number != 6 else "referral_date"
    carried = tuple(column for column in _CARRIES[number] if column in table.columns)
    if not carried:
        return None
    table = replace(table, notes=())
    return ChildTable(table, carried, event, "child_and_event", "first", number != 6)


def _early_help(table: RawTable) -> ChildTable:
    """Return List 2: early help, by the start of its assessment."""
    event: Final = "early_help_started_on"
    return ChildTable(
        replace(table, notes=()), (), event, "child", name="early_help", keeps=(event,)
    )


def _contacts(table: RawTable) -> RawTable:
    """Return List 1: contacts with their date and source; the list has no outcome of a contact."""
    columns = {
        column: table.columns[column] for column in CONTACT_COLUMNS if column in table.columns
    }
    return replace(table, columns=columns, notes=())


def _not_headed(name: str) -> str:
    return (
        f"{name}: was passed over, since none of its first rows is headed with the child's "
        "identifier and the date that the list is of"
    )


def _refuse_twice(path: Path, number: int, first: str, second: str) -> None:
    raise InputError(
        f"{path}: holds list {number} twice ({first}, {second}); leave one of them, so that it is "
        "plain which one counts."
    )
