"""From the cells of a census to one row an episode: texts tidied, the first events chosen."""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import PydanticCustomError

from triage.calendar import BIRTHS_FROM
from triage.cells import read_moment
from triage.sources.cin_pieces import Bools, Codes, arrow, arrow_texts, whole_numbers
from triage.sources.cin_records import Records
from triage.sources.cin_shape import CELL_NUMBER, CELLS
from triage.sources.cin_tolerated import Tolerated, tidy
from triage.sources.cin_tree import Places
from triage.tables import RawColumn, RawTable

_FACTORS: Final = "assessment_factors"
_EVENTS: Final = {
    "Assessments": ("assessment_started_on", "assessment"),
    "Section47": ("strategy_discussion_on", "section 47 enquiry"),
}
"""The records of which the first to start is judged, the column of its start, and its name."""

Columns = dict[str, Codes]


class Cells:
    """The cells of one file by record and column, each a place among the distinct tidy texts."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._place, self.texts = _tidied(records.texts)
        self.blank = int(self._place[0])

    def count(self, record: str) -> int:
        """Return the number of records of a kind."""
        if record == "Child":
            return self.records.n_children
        return len(self.records.owner[record]) if record in self.records.owner else 1

    def given(self, record: str, column: str) -> tuple[Codes, Codes]:
        """Return the record of each time that a cell was given, and its text, in that order."""
        owner, text = self.records.cells[CELL_NUMBER[record, column]]
        return owner, self._place[text]

    def columns(self, record: str) -> Columns:
        """Return the text of each record by column; of a cell given more than once, the last."""
        found = {}
        for cell in CELLS:
            if cell.record == record and cell.column != _FACTORS:
                column = np.full(self.count(record), self.blank, np.int32)
                owner, text = self.given(record, cell.column)
                column[owner] = text
                found[cell.column] = column
        return found

    def lone(self, record: str, column: str) -> str:
        """Return the last text given of a cell that belongs to the whole file, "" for none."""
        text = self.given(record, column)[1]
        return str(self.texts[int(text[-1])]) if len(text) else ""

    def raw(self, column: Codes) -> RawColumn:
        """Return a column with its own distinct texts."""
        is_used = np.zeros(len(self.texts), bool)
        is_used[column] = True
        place = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
        return RawColumn(place[column], self.texts.take(_places(is_used)).to_pylist())


def _places(chosen: Bools) -> pa.Array:
    return arrow(np.flatnonzero(chosen).astype(np.int32))


def episodes(source: str, cells: Cells, tolerated: Tolerated) -> RawTable:
    """Return the referrals: one row an episode, numbered by the child's place in the file."""
    _count_repeated(cells, tolerated)
    child = cells.records.owner["CINdetails"]
    columns = {name: column[child] for name, column in cells.columns("Child").items()}
    columns |= cells.columns("CINdetails")
    conference = columns.pop("icpc_on")
    first = {record: _first(cells, record, tolerated) for record in _EVENTS}
    for record in _EVENTS:
        for name, column in cells.columns(record).items():
            columns[name] = np.append(column, np.int32(cells.blank))[first[record]]
    columns["icpc_on"] = np.where(columns["icpc_on"] == cells.blank, conference, columns["icpc_on"])
    raw = {name: cells.raw(columns.pop(name)) for name in list(columns)}
    raw["section47_started_on"] = raw["strategy_discussion_on"]
    raw[_FACTORS] = _factors(cells, first["Assessments"])
    return RawTable(source, child.astype(np.int64) + 1, raw)


def _tidied(texts: list[pa.Array]) -> tuple[Codes, pa.Array]:
    """Return the place of each text among the distinct tidy ones, and those.

    The list is emptied on the way, so that no text is held three times.
    """
    whole = pa.concat_arrays(texts)
    texts.clear()
    encoded = whole.dictionary_encode()
    del whole
    distinct = pc.utf8_trim_whitespace(encoded.dictionary)
    is_odd = pc.match_substring_regex(distinct, r"[&\s]|[^\x00-\x7f]")
    if pc.any(is_odd).as_py():
        odd = distinct.filter(is_odd).to_pylist()
        tidied = arrow_texts([tidy(text).encode() for text in odd])
        distinct = pc.replace_with_mask(distinct, is_odd, tidied)
    again = distinct.dictionary_encode()
    place: Codes = whole_numbers(again.indices)[whole_numbers(encoded.indices)]
    return place, again.dictionary


def _first(cells: Cells, record: str, tolerated: Tolerated) -> Places:
    """Return the event of each episode that starts first, -1 for none.

    Those whose start is blank or cannot be read come last; of the same start, the first given.
    """
    column, name = _EVENTS[record]
    episode = cells.records.owner[record]
    first = np.full(cells.count("CINdetails"), -1, np.int64)
    first[episode[::-1]] = np.arange(len(episode))[::-1]
    n_events = np.bincount(episode, minlength=len(first))
    tolerated.add(
        f"an episode with more than one {name} (the first to start is judged)",
        np.count_nonzero(n_events > 1),
    )
    several = np.flatnonzero(n_events[episode] > 1)
    start = cells.columns(record)[column][several]
    rank = _ranks(cells, start)
    order = several[np.lexsort((several, rank, episode[several]))]
    first[episode[order[::-1]]] = order[::-1]
    return first


def _ranks(cells: Cells, start: Codes) -> Places:
    """Return the order in time of some texts."""
    distinct, place = np.unique(start, return_inverse=True)
    moments = [_moment(text) for text in cells.texts.take(arrow(distinct)).to_pylist()]
    rank_of = {moment: rank for rank, moment in enumerate(sorted(set(moments)))}
    return np.array([rank_of[moment] for moment in moments], np.int64)[place]


def _moment(text: str) -> dt.datetime:
    try:
        return read_moment(text, BIRTHS_FROM)
    except PydanticCustomError:
        return dt.datetime.max


def _factors(cells: Cells, chosen: Places) -> RawColumn:
    """Return the factors of the chosen assessments, joined as the referral table holds them."""
    assessment, text = cells.given("Assessments", _FACTORS)
    is_said = text != cells.blank
    assessment, text = assessment[is_said], text[is_said]
    order = np.argsort(assessment, kind="stable")
    ends = np.searchsorted(assessment[order], np.arange(cells.count("Assessments") + 1))
    lists = pa.ListArray.from_arrays(
        arrow(ends.astype(np.int32)), cells.texts.take(arrow(text[order]))
    )
    between = arrow_texts([b";"]).take(arrow(np.zeros(len(lists), np.int32)))
    joined = pc.binary_join(lists, between).dictionary_encode()
    texts = ["", *joined.dictionary.to_pylist()]
    codes = np.append(whole_numbers(joined.indices) + np.int32(1), np.int32(0))[chosen]
    return RawColumn(codes.astype(np.int32), texts)


def _count_repeated(cells: Cells, tolerated: Tolerated) -> None:
    """Count the cells that were given again where one is expected."""
    for cell in CELLS:
        if cell.column == _FACTORS:
            continue
        record, _ = cells.given(cell.record, cell.column)
        is_given = np.zeros(cells.count(cell.record), bool)
        is_given[record] = True
        tolerated.add(
            f"{cell.element} given more than once in one {cell.record} (the last is read)",
            len(record) - np.count_nonzero(is_given),
        )
