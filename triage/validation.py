"""Validation of one table against the schema: each distinct cell once, every problem of every row.

The result is typed columns in which each cell has a state: given, blank (known not to be there),
unreadable (typed, but not readable), untold (it may hold anything) or absent (the extract does not
carry the column).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from triage.calendar import to_day
from triage.schema import COLUMNS, ORDER_CHECKS, ColumnSpec, cell_reader
from triage.screening import screen_moments
from triage.tables import LOST, Problem, RawColumn, RawTable
from triage.vocabulary import SPREADSHEET_ERRORS, cut

GIVEN: Final = 0
BLANK: Final = 1
UNREADABLE: Final = 2
ABSENT: Final = 3
UNTOLD: Final = 4
"""What stood there is not in the extract (a row cut short, one letter for two codes, an episode in
no list): neither blank nor readable, and nothing was typed that could be wrong."""
UNREAD: Final = (UNREADABLE, UNTOLD)
"""The states of a cell that may hold anything."""

States = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Column:
    """A typed column: ``state`` a cell, and ``value`` where it is given.

    Values are day numbers for dates (``seconds`` of the day beside them), whole numbers, 1 and 0
    for true and false, and positions in ``names`` for texts and codes.
    """

    state: States
    value: npt.NDArray[np.int64]
    names: tuple[str, ...] = ()
    seconds: npt.NDArray[np.int32] | None = None

    def take(self, rows: npt.NDArray[np.int64]) -> Column:
        """Return the column for some rows."""
        seconds = None if self.seconds is None else self.seconds[rows]
        return Column(self.state[rows], self.value[rows], self.names, seconds)


def absent(n: int) -> Column:
    """Return a column that the extract does not carry, for ``n`` rows."""
    return Column(np.full(n, ABSENT, np.uint8), np.zeros(n, np.int64))


@dataclass(frozen=True)
class Distinct:
    """The distinct cells of a column, read: state, value, and what is wrong with each."""

    state: States
    value: npt.NDArray[np.int64]
    names: tuple[str, ...]
    seconds: npt.NDArray[np.int32] | None
    messages: Mapping[int, str]


def read_distinct(spec: ColumnSpec, raw: RawColumn, earliest: dt.date | None) -> Distinct:
    """Return the distinct texts of a column read by the schema."""
    n = len(raw.texts)
    state = np.array(
        [UNTOLD if text is LOST else GIVEN if text else BLANK for text in raw.texts], np.uint8
    )
    value = np.zeros(n, np.int64)
    seconds = np.zeros(n, np.int32) if spec.kind == "event" else None
    messages: dict[int, str] = {}
    if spec.kind == "text":
        places: dict[str, int] = {}
        for place, cell in enumerate(raw.texts):
            value[place] = places.setdefault(cell or "", len(places))
            if (cell or "").upper() in SPREADSHEET_ERRORS:
                state[place] = UNREADABLE
                messages[place] = f"'{cell}' is an error of the spreadsheet, not a value"
        return Distinct(state, value, tuple(places), None, messages)
    names: dict[Any, int] = {}
    unread = state == GIVEN
    if spec.kind in ("event", "birth"):
        accepted, days, clock = screen_moments(raw.texts, earliest or spec.reads.earliest)
        value[accepted] = days[accepted]
        if seconds is not None:
            seconds[accepted] = clock[accepted]
        unread &= ~accepted
    read = cell_reader(spec.name, earliest)
    for place in np.flatnonzero(unread).tolist():
        try:
            result = read(str(raw.texts[place]))
        except ValueError as error:
            state[place] = UNREADABLE
            messages[place] = str(error)
            continue
        match result:
            case dt.datetime():
                value[place] = to_day(result.date())
                if seconds is not None:
                    seconds[place] = result.hour * 3600 + result.minute * 60 + result.second
            case bool() | int():
                value[place] = int(result)
            case tuple():
                value[place] = names.setdefault(";".join(result), len(names))
            case _:
                value[place] = names.setdefault(result, len(names))
    return Distinct(state, value, tuple(names), seconds, messages)


@dataclass(frozen=True)
class ValidTable:
    """A table whose cells are typed, with every problem found in it."""

    raw: RawTable
    columns: dict[str, Column]
    problems: tuple[Problem, ...]

    def column(self, name: str) -> Column:
        """Return a column; one that is not carried is absent in every row."""
        return self.columns.get(name) or absent(len(self.raw))


def validate(
    table: RawTable,
    wanted: tuple[str, ...] | None = None,
    *,
    rejects: bool = False,
    earliest_referral: dt.date | None = None,
) -> ValidTable:
    """Return a table with its cells typed by the schema, and every problem of every row.

    ``wanted`` names the columns that count in this table (all by default). With ``rejects`` a row
    whose required cell is blank or cannot be read is rejected, and the list says why. With
    ``earliest_referral`` a referral date before 1990 is a problem that is listed while its row is
    judged; without it such a date cannot be read.
    """
    columns: dict[str, Column] = {}
    problems = list(table.problems)
    rejections: dict[int, list[tuple[str, str]]] = {}
    for name in sorted(table.columns, key=list(COLUMNS).index):
        raw = table.columns[name]
        if wanted is not None and name not in wanted:
            continue
        spec = COLUMNS[name]
        earliest = earliest_referral if name == "referral_date" else None
        distinct = read_distinct(spec, raw, earliest)
        messages = dict(distinct.messages)
        if rejects and spec.required:
            _note_rejections(rejections, table, spec, distinct)
        if earliest is not None:
            messages |= _out_of_calendar(raw, distinct, spec.reads.earliest)
        columns[name] = Column(
            distinct.state[raw.codes],
            distinct.value[raw.codes],
            distinct.names,
            None if distinct.seconds is None else distinct.seconds[raw.codes],
        )
        if messages:
            where = np.flatnonzero(np.isin(raw.codes, np.fromiter(messages, np.int32)))
            problems += [
                Problem("problem", table.source, int(table.rows[i]), name, messages[code])
                for i, code in zip(where.tolist(), raw.codes[where].tolist(), strict=True)
            ]
    problems += [
        Problem(
            "rejected",
            table.source,
            int(table.rows[place]),
            reasons[0][0],
            "; ".join(message for _, message in reasons),
        )
        for place, reasons in sorted(rejections.items())
    ]
    problems += _queries(table, columns)
    return ValidTable(table, columns, tuple(_findable(table, problems)))


def _findable(table: RawTable, problems: list[Problem]) -> list[Problem]:
    """Return the problems with the identifier by which each row is found, where a table has one."""
    key = table.columns.get(table.found_by)
    if key is None or not problems:
        return problems
    texts = dict(zip(table.rows.tolist(), key.cells(), strict=True))
    what = table.found_by.removesuffix("_id")
    return [
        replace(one, message=f"{one.message} ({what} {cut(text)})")
        if (text := texts.get(one.row))
        else one
        for one in problems
    ]


def _note_rejections(
    rejections: dict[int, list[tuple[str, str]]],
    table: RawTable,
    spec: ColumnSpec,
    distinct: Distinct,
) -> None:
    """Add, for each row without a usable cell in a required column, the column and the reason."""
    codes = table.columns[spec.name].codes
    for place in np.flatnonzero(distinct.state[codes] != GIVEN).tolist():
        code = int(codes[place])
        reason = (
            f"{spec.name} is blank" if distinct.state[code] == BLANK else "the row is cut short"
        )
        message = distinct.messages.get(code, reason)
        rejections.setdefault(place, []).append((spec.name, message))


def _out_of_calendar(raw: RawColumn, distinct: Distinct, usual: dt.date) -> dict[int, str]:
    early = np.flatnonzero((distinct.state == GIVEN) & (distinct.value < to_day(usual)))
    return {
        place: f"'{raw.texts[place]}' lies before {usual.year}; the referral is judged as typed"
        for place in early.tolist()
    }


def _queries(table: RawTable, columns: dict[str, Column]) -> list[Problem]:
    """Return the cross-field checks that fail, each with what was typed in both cells."""
    found = []
    for check in ORDER_CHECKS:
        before, after = columns.get(check.before), columns.get(check.after)
        if before is None or after is None:
            continue
        fails = (before.state == GIVEN) & (after.state == GIVEN) & (after.value < before.value)
        for place in np.flatnonzero(fails).tolist():
            typed = [table.columns[name] for name in (check.before, check.after)]
            message = check.told(*(str(cells.texts[cells.codes[place]]) for cells in typed))
            row = int(table.rows[place])
            found.append(Problem("query", table.source, row, check.after, message, check.sentence))
    return found
