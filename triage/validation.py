"""Validation of one table against the schema: each distinct cell once, every problem of every row.

The result is typed columns in which each cell has a state: given, blank (known not to be there),
unreadable (typed, but not readable), untold (it may hold anything) or absent (the extract does not
carry the column).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.calendar import to_day
from triage.schema import COLUMNS, ORDER_CHECKS, ColumnSpec, cell_reader
from triage.screening import screen_moments
from triage.tables import Problem, RawColumn, RawTable, Texts, arrow_texts, spread
from triage.threads import at_once
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


_ArrayT = TypeVar("_ArrayT")
_NO_DEFAULT: Final = object()


class _Cells(Generic[_ArrayT]):
    """A field of a column: asked for row by row, though only its distinct cells may be held."""

    def __init__(self, default: object = _NO_DEFAULT) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, column: Column | None, owner: type) -> _ArrayT:
        if column is None:
            if self._default is _NO_DEFAULT:
                raise AttributeError(self._name)
            return cast("_ArrayT", self._default)
        held, codes = column.__dict__[self._name], column.codes
        return cast("_ArrayT", held if held is None or codes is None else spread(held, codes))

    def __set__(self, column: Column, held: _ArrayT) -> None:
        column.__dict__[self._name] = held


@dataclass(frozen=True, eq=False)
class Column:
    """A typed column: ``state`` a cell, and ``value`` where it is given.

    Values are day numbers for dates (``seconds`` of the day beside them), whole numbers, 1 and 0
    for true and false, and positions in ``names`` for texts and codes. All of them are told row by
    row. Of a column that was read only the distinct cells are held, and in ``codes`` which of them
    stands in each row: 1 to 4 bytes a row in place of 13.
    """

    state: _Cells[States] = _Cells()
    value: _Cells[npt.NDArray[np.int64]] = _Cells()
    names: Sequence[str] = ()
    seconds: _Cells[npt.NDArray[np.int32] | None] = _Cells(None)
    codes: npt.NDArray[Any] | None = field(default=None, init=False)

    def take(self, rows: npt.NDArray[np.int64]) -> Column:
        """Return the column for some rows."""
        if self.codes is not None:
            return self._held_with(_narrow(spread(self.codes, rows), len(self.__dict__["state"])))
        seconds = None if self.seconds is None else self.seconds[rows]
        return Column(self.state[rows], self.value[rows], self.names, seconds)

    def between(self, start: int, stop: int) -> Column:
        """Return the column for a run of rows, of which nothing is copied."""
        if self.codes is not None:
            return self._held_with(self.codes[start:stop])
        seconds = None if self.seconds is None else self.seconds[start:stop]
        return Column(self.state[start:stop], self.value[start:stop], self.names, seconds)

    def row_by_row(self) -> Column:
        """Return the column with the cells of every row held, to be asked for many times."""
        return Column(self.state, self.value, self.names, self.seconds)

    def spread_over(self, codes: npt.NDArray[Any]) -> Column:
        """Return the column whose row i holds what row ``codes[i]`` of this one does."""
        if self.codes is not None:
            return self.take(codes)
        return self._held_with(codes)

    def _held_with(self, codes: npt.NDArray[Any]) -> Column:
        """Return a column of the same distinct cells, standing in other rows."""
        held = self.__dict__
        column = Column(held["state"], held["value"], self.names, held["seconds"])
        object.__setattr__(column, "codes", codes)
        return column


def _narrow(codes: npt.NDArray[Any], n_distinct: int) -> npt.NDArray[Any]:
    """Return positions among ``n_distinct`` cells in as few bytes as they need."""
    kind = np.uint8 if n_distinct <= 1 << 8 else np.uint16 if n_distinct <= 1 << 16 else np.int32
    return codes.astype(kind, copy=False)


def absent(n: int) -> Column:
    """Return a column that the extract does not carry, for ``n`` rows."""
    nothing = Column(np.full(1, ABSENT, np.uint8), np.zeros(1, np.int64))
    return nothing.spread_over(np.zeros(n, np.uint8))


@dataclass(frozen=True)
class Distinct:
    """The distinct cells of a column, read: state, value, and what is wrong with each."""

    state: States
    value: npt.NDArray[np.int64]
    names: Sequence[str]
    seconds: npt.NDArray[np.int32] | None
    messages: Mapping[int, str]


def read_distinct(spec: ColumnSpec, raw: RawColumn, earliest: dt.date | None) -> Distinct:
    """Return the distinct texts of a column read by the schema."""
    texts = arrow_texts(raw.texts)
    n = len(texts)
    lengths = pc.binary_length(texts).fill_null(-1).to_numpy(zero_copy_only=False)
    state = np.select([lengths > 0, lengths == 0], [GIVEN, BLANK], UNTOLD).astype(np.uint8)
    if spec.kind == "text":
        return _read_names(raw.texts, texts, state)
    value = np.zeros(n, np.int64)
    seconds = np.zeros(n, np.int32) if spec.kind == "event" else None
    messages: dict[int, str] = {}
    names: dict[Any, int] = {}
    unread = state == GIVEN
    if spec.kind in ("event", "birth"):
        accepted, days, clock = screen_moments(raw.texts, earliest or spec.reads.earliest)
        value[accepted] = days[accepted]
        if seconds is not None:
            seconds[accepted] = clock[accepted]
        unread &= ~accepted
    read = cell_reader(spec.name, earliest)
    places = np.flatnonzero(unread)
    for place, text in zip(places.tolist(), texts.take(pa.array(places)).to_pylist(), strict=True):
        try:
            result = read(text)
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


def _read_names(typed: Sequence[str | None], texts: pa.StringArray, state: States) -> Distinct:
    """Return texts read as such: each stands for itself, but for the errors of a spreadsheet."""
    messages = {}
    for place in _possible_errors(texts).tolist():
        text = texts[place].as_py()
        if text.upper() in SPREADSHEET_ERRORS:
            state[place] = UNREADABLE
            messages[place] = f"'{text}' is an error of the spreadsheet, not a value"
    if isinstance(typed, Texts):
        return Distinct(state, np.arange(len(texts)), Texts(texts), None, messages)
    encoded = texts.fill_null("").dictionary_encode()
    value = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Distinct(state, value, Texts(encoded.dictionary), None, messages)


def _possible_errors(texts: pa.StringArray) -> npt.NDArray[np.int64]:
    """Return the places of texts that may be an error of a spreadsheet in some case.

    Capitals of ASCII are compared by Arrow; a text with other letters is left to Python, which
    knows that the capital of a long s is S.
    """
    is_plain = pc.string_is_ascii(texts)
    is_error = pc.is_in(pc.ascii_upper(texts), value_set=pa.array(sorted(SPREADSHEET_ERRORS)))
    possible = pc.or_(is_error, pc.invert(is_plain)).fill_null(False)
    return np.flatnonzero(possible.to_numpy(zero_copy_only=False))


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
    names = [name for name in COLUMNS if name in table.columns]
    names = [name for name in names if wanted is None or name in wanted]
    earliest_of = {"referral_date": earliest_referral}
    read = at_once(
        lambda name: read_distinct(COLUMNS[name], table.columns[name], earliest_of.get(name)),
        names,
        len(table),
    )
    for name, distinct in zip(names, read, strict=True):
        raw, spec, earliest = table.columns[name], COLUMNS[name], earliest_of.get(name)
        messages = dict(distinct.messages)
        if rejects and spec.required:
            _note_rejections(rejections, table, spec, distinct)
        if earliest is not None:
            messages |= _out_of_calendar(raw, distinct, spec.reads.earliest)
        cells = Column(distinct.state, distinct.value, distinct.names, distinct.seconds)
        columns[name] = cells.spread_over(raw.codes)
        if messages:
            is_wrong = np.zeros(len(raw.texts), np.uint8)
            is_wrong[list(messages)] = 1
            where = np.flatnonzero(spread(is_wrong, raw.codes))
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
    for place in np.flatnonzero(spread(distinct.state, codes) != GIVEN).tolist():
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
        places = np.flatnonzero(fails)
        typed = (table.columns[name].at(places) for name in (check.before, check.after))
        for row, one, other in zip(table.rows[places].tolist(), *typed, strict=True):
            told = check.told(str(one), str(other))
            found.append(Problem("query", table.source, row, check.after, told, check.sentence))
    return found
