"""Writes an invented council as children in need census files, in the order of the schema."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from triage.sample.generator import Council
from triage.sample.text import Text, column_text, iso_text, read_days
from triage.sample.workdays import BLANK, Days, day_number
from triage.sample.written import Written, cells_equal, placed_days

_ROWS_AT_ONCE = 250_000
_DATE_COLUMNS = {
    "closed_on": ("closure_reason",),
    "assessment_started_on": (),
    "assessment_reviewed_on": (),
    "assessment_authorised_on": ("assessment_factors",),
    "section47_started_on": ("icpc_not_required",),
    "icpc_on": (),
}
_PLAIN_COLUMNS = ("child_id", "referral_source", "primary_need", "nfa")


def write_cin(council: Council, path: Path, *, year_ending: int | None = None) -> Written:
    """Writes the council as a census file and counts the referrals written and not written.

    With ``year_ending`` of 2026 the file holds the referrals of 1 April 2025 to 31 March 2026
    and the episodes open on 1 April 2025, without what came after 31 March 2026; without it,
    every referral. Dates lose their time of day, which the census does not carry, and a date
    that cannot be read is written as typed. The council has neither sex nor ethnicity, so the
    codes for "not recorded" stand there; an enquiry with nothing said about whether a conference
    is needed is written as one where it is, because the schema requires an answer.

    Raises:
        OSError: when the file cannot be written.
    """
    table = council.referrals
    year = year_ending if year_ending is not None else _census_year(council.as_of)
    if year_ending is None:
        kept = np.ones(len(table), dtype=bool)
        skipped = 0
    else:
        placed = placed_days(table)
        kept = _belongs(table, placed, year)
        skipped = int((placed == BLANK).sum())
    reference = date(year, 3, 31)
    last_day = day_number(reference) if year_ending is not None else None
    cells = _cells(table, kept, last_day)
    child = _child_numbers(cells["child_id"])
    order = np.lexsort((np.arange(len(child)), cells.pop("placed"), child))
    cells |= _births(table, kept, child)
    cells = {name: column.take(pa.array(order)) for name, column in cells.items()}

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(_head(council, year, reference).encode())
        for part in _children(cells, child[order], year):
            file.write(part)
        file.write(b"  </Children>\n</Message>\n")
    written = int(kept.sum())
    return Written(written, len(table) - written - skipped, skipped)


def _census_year(day: date) -> int:
    return day.year if day <= date(day.year, 3, 31) else day.year + 1


def _belongs(table: pd.DataFrame, placed: Days, year: int) -> NDArray[np.bool_]:
    """Referred in the year, or still open on its first day."""
    first, last = day_number(date(year - 1, 4, 1)), day_number(date(year, 3, 31))
    closed = read_days(column_text(table, "closed_on"))
    still_open = ~cells_equal(table, "nfa", "true") & ((closed == BLANK) | (closed >= first))
    kept: NDArray[np.bool_] = (placed != BLANK) & (placed <= last)
    kept &= (placed >= first) | still_open
    return kept


def _cells(table: pd.DataFrame, kept: NDArray[np.bool_], last_day: int | None) -> dict[str, Any]:
    """The kept rows' cells as the census writes them; events after ``last_day`` are blank."""
    keep = pa.array(kept)
    cells = {name: column_text(table, name).filter(keep) for name in _PLAIN_COLUMNS}
    cells["referral_date"] = iso_text(column_text(table, "referral_date").filter(keep))
    cells["placed"] = placed_days(table)[kept]
    for name, belongings in _DATE_COLUMNS.items():
        typed = column_text(table, name).filter(keep)
        later = pa.array(
            np.zeros(len(typed), dtype=bool) if last_day is None else read_days(typed) > last_day
        )
        cells[name] = pc.if_else(later, pa.scalar(""), iso_text(typed))
        for belonging in belongings:
            cell = column_text(table, belonging).filter(keep)
            cells[belonging] = pc.if_else(later, pa.scalar(""), cell)
    for name in ("nfa", "icpc_not_required"):
        cells[name] = _bit(cells[name])
    return cells


def _bit(cells: Text) -> Text:
    """True and false as the schema's 1 and 0; another word stays as typed."""
    as_one = pc.if_else(pc.equal(cells, "true"), pa.scalar("1"), cells)
    return pc.if_else(pc.equal(cells, "false"), pa.scalar("0"), as_one)


def _child_numbers(ids: Text) -> NDArray[np.int64]:
    """A number for each child in the order of their ids; each blank id is a child of its own."""
    rank = pc.rank(ids, sort_keys="ascending", tiebreaker="dense").to_numpy().astype(np.int64)
    blank = np.asarray(pc.equal(ids, "").to_numpy(zero_copy_only=False))
    return np.where(blank, len(ids) + 1 + np.arange(len(ids)), rank)


def _births(
    table: pd.DataFrame, kept: NDArray[np.bool_], child: NDArray[np.int64]
) -> dict[str, Text]:
    """Each child's birth dates on all its rows: the first that can be read, else as typed."""
    births: dict[str, Text] = {}
    for name in ("date_of_birth", "expected_date_of_birth"):
        typed = column_text(table, name).filter(pa.array(kept))
        unread = (read_days(typed) == BLANK).astype(np.int8)
        unread += np.asarray(pc.equal(typed, "").to_numpy(zero_copy_only=False))
        order = np.lexsort((unread, child))
        new = np.ones(len(child), dtype=bool)
        new[1:] = child[order][1:] != child[order][:-1]
        best = np.empty(len(child), dtype=np.int64)
        best[order] = order[np.flatnonzero(new)][np.cumsum(new) - 1]
        births[name] = iso_text(typed).take(pa.array(best))
    return births


def _children(cells: dict[str, Text], child: NDArray[np.int64], year: int) -> Any:
    """The Child elements as bytes, a batch of rows at a time."""
    size = len(child)
    opens = np.ones(size, dtype=bool)
    opens[1:] = child[1:] != child[:-1]
    closes = np.append(opens[1:], True)[:size]
    for begin in range(0, size, _ROWS_AT_ONCE):
        part = slice(begin, begin + _ROWS_AT_ONCE)
        rows = {name: _escaped(column[part]) for name, column in cells.items()}
        start = pc.if_else(pa.array(opens[part]), _child_start(rows, year), pa.scalar(""))
        end = pc.if_else(pa.array(closes[part]), pa.scalar("    </Child>\n"), pa.scalar(""))
        lines = _joined(start, _episodes(rows), end)
        whole = pa.ListArray.from_arrays(pa.array([0, len(lines)], type=pa.int32()), lines)
        yield pc.binary_join(whole, "")[0].as_py().encode()


def _child_start(rows: dict[str, Text], year: int) -> Text:
    unknown = "<Sex>U</Sex>" if year >= 2025 else "<GenderCurrent>0</GenderCurrent>"
    return _joined(
        "    <Child>\n      <ChildIdentifiers><LAchildID>",
        rows["child_id"],
        "</LAchildID>",
        _element("PersonBirthDate", rows["date_of_birth"]),
        _element("ExpectedPersonBirthDate", rows["expected_date_of_birth"]),
        f"{unknown}</ChildIdentifiers>\n"
        "      <ChildCharacteristics><Ethnicity>NOBT</Ethnicity></ChildCharacteristics>\n",
    )


def _episodes(rows: dict[str, Text]) -> Text:
    factors = pc.replace_substring(
        rows["assessment_factors"], ";", "</AssessmentFactors><AssessmentFactors>"
    )
    assessment = _joined(
        _element("AssessmentActualStartDate", rows["assessment_started_on"]),
        _element("AssessmentInternalReviewDate", rows["assessment_reviewed_on"]),
        _element("AssessmentAuthorisationDate", rows["assessment_authorised_on"]),
        _element("FactorsIdentifiedAtAssessment", _element("AssessmentFactors", factors)),
    )
    has_enquiry = pc.not_equal(rows["section47_started_on"], "")
    excused = rows["icpc_not_required"]
    excused = pc.if_else(pc.equal(excused, ""), pa.scalar("0"), excused)
    conference = _element("DateOfInitialCPC", rows["icpc_on"])
    enquiry = _joined(
        _element("S47ActualStartDate", rows["section47_started_on"]),
        conference,
        _element("ICPCnotRequired", excused),
    )
    return _joined(
        "      <CINdetails>",
        _element("CINreferralDate", rows["referral_date"]),
        _element("ReferralSource", rows["referral_source"]),
        _element("PrimaryNeedCode", rows["primary_need"]),
        _element("CINclosureDate", rows["closed_on"]),
        _element("ReasonForClosure", rows["closure_reason"]),
        pc.if_else(has_enquiry, pa.scalar(""), conference),
        _element("Assessments", assessment),
        pc.if_else(has_enquiry, _element("Section47", enquiry), pa.scalar("")),
        _element("ReferralNFA", rows["nfa"]),
        "</CINdetails>\n",
    )


def _element(name: str, cells: Text) -> Text:
    """The cell inside its element; nothing at all for a blank one."""
    return pc.if_else(pc.equal(cells, ""), pa.scalar(""), _joined(f"<{name}>", cells, f"</{name}>"))


def _joined(*parts: Text | str) -> Text:
    typed = [pa.scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*typed, "")


def _escaped(cells: Text) -> Text:
    for mark, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        cells = pc.replace_substring(cells, mark, name)
    return cells


def _head(council: Council, year: int, reference: date) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<Message>\n"
        "  <Header>\n"
        f"    <CollectionDetails><Collection>CIN</Collection><Year>{year}</Year>"
        f"<ReferenceDate>{reference}</ReferenceDate></CollectionDetails>\n"
        "    <Source><SourceLevel>L</SourceLevel><LEA>999</LEA>"
        "<SoftwareCode>Invented council</SoftwareCode><Release>1</Release>"
        f"<SerialNo>001</SerialNo><DateTime>{council.as_of}T00:00:00</DateTime></Source>\n"
        "  </Header>\n"
        "  <Children>\n"
    )
