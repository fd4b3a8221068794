"""Writes an invented council as the Ofsted Annex A workbook, lists 1 to 7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import xlsxwriter
from numpy.typing import NDArray

from triage.sample.generator import Council
from triage.sample.text import column_text, read_days
from triage.sample.workdays import BLANK, Days, day_number, months_before
from triage.sample.written import Written, cells_equal, placed_days

Mask = NDArray[np.bool_]

_CREATED = datetime(2000, 1, 1)
_EXCEL_OF_1970 = 25_569
_SHEET_ROWS = 1_048_576
_NOT_RECORDED = ("c) Not stated/recorded", "t) NOBT", "c) Unknown")

_START: Final = ("Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)")
_DISABILITY: Final = "Does the Child have a Disability"
_HELD_BY: Final = ("Allocated Team", "Allocated Worker")
LIST_HEADINGS: Final[dict[int, tuple[str, ...]]] = {
    1: (*_START, "Date of Contact", "Contact Source"),
    2: (
        *_START, "Assessment start date", "Assessment completion date",
        "Organisation completing assessment",
    ),
    3: (
        *_START, "Date of referral", "Referral Source", "Referral NFA?",
        "Number of Referrals in Last 12 Months", *_HELD_BY,
    ),
    4: (
        *_START, _DISABILITY, "Continuous Assessment Start Date",
        "Child Seen During Continuous Assessment", "Continuous Assessment Date of Authorisation",
        "Was the child assessed as requiring LA children's social care support?", *_HELD_BY,
    ),
    5: (
        *_START, _DISABILITY,
        "Strategy discussion initiating Section 47 Enquiry Start Date",
        "Was an Initial Child Protection Conference deemed unnecessary?",
        "Date of Initial Child Protection Conference",
        "Did the Initial Child Protection Conference Result in a Child Protection Plan",
        "Number of Section 47 Enquiries in the last 12 months",
        "Number of ICPCs in the last 12 months", *_HELD_BY,
    ),
    6: (
        *_START, _DISABILITY, "CIN Start Date", "Primary Need Code", "Date Child Was Last Seen",
        "CIN Closure Date", "Reason for Closure", "Case Status", *_HELD_BY,
    ),
    7: (
        *_START, _DISABILITY, "Child Protection Plan Start Date", "Initial Category of Abuse",
        "Latest Category of Abuse", "Date of the Last Statutory Visit",
        "Was the Child Seen Alone?", "Date of latest review conference",
        "Child Protection Plan End Date",
        "Subject to Emergency Protection Order or Protected Under Police Powers in Last Six "
        "Months (Y/N)",
        "Number of Previous Child Protection Plans", *_HELD_BY,
    ),
}  # fmt: skip
"""The headings of each list, word for word."""

_GROUPS = {
    "1": "Individual", "2A": "Schools", "2B": "Education services", "3": "Health services",
    "4": "Housing", "5": "LA services", "6": "Police", "7": "Other legal agency", "8": "Other",
    "9": "Anonymous", "10": "Unknown",
}  # fmt: skip
_SOURCE_LETTERS = {
    "1A": "a", "1B": "b", "1C": "c", "1D": "d", "2A": "e", "2B": "f", "3A": "g", "3B": "h",
    "3C": "i", "3D": "j", "3E": "k", "3F": "l", "4": "m", "5A": "n", "5B": "o", "5C": "p",
    "5D": "p1", "6": "q", "7": "r", "8": "s", "9": "t", "10": "u",
}  # fmt: skip
SOURCES: Final = {
    code: f"{letter}) {code}: {_GROUPS.get(code) or _GROUPS[code[0]]}"
    for code, letter in _SOURCE_LETTERS.items()
}
"""Referral sources as coded values, such as ``q) 6: Police``."""

NEEDS: Final = {
    "N1": "N1 - Abuse or neglect",
    "N2": "N2 - Child's disability",
    "N3": "N3 - Parental disability or illness",
    "N4": "N4 - Family in acute stress",
    "N5": "N5 - Family dysfunction",
    "N6": "N6 - Socially unacceptable behaviour",
    "N7": "N7 - Low income",
    "N8": "N8 - Absent parenting",
    "N9": "N9 - Cases other than children in need",
    "N0": "N0 - Not stated",
}
REASONS: Final = {
    "RC1": "a) Adopted",
    "RC2": "b) Died",
    "RC3": "c) Residence Order",
    "RC4": "d) SGO",
    "RC5": "e) Transfer to another LA",
    "RC6": "f) Adult services",
    "RC7": "g) Other/no longer in need",
    "RC8": "h) Not in need after assessment",
    "RC9": "h) Not in need after assessment",
}
_TRUTHS = {"true": "a) Yes", "false": "b) No"}


@dataclass(frozen=True)
class _Dates:
    """A column of real dates, with what was typed where a date cannot be read."""

    days: Days
    typed: list[str]


Cells = _Dates | list[str] | NDArray[np.int32]


def write_annex_a(council: Council, path: Path, *, months: int | None = 6) -> Written:
    """Writes the Annex A workbook and counts the referrals of List 3 and those not in it.

    List 3 holds the referrals of the ``months`` up to ``as_of`` (None: every one), list 4 the
    assessments, list 5 the section 47 enquiries and list 6 the episodes open in that window.
    Lists 1, 2 and 7 have headings only. Dates are real Excel dates without a time; one that
    cannot be read is text as typed. The number of referrals in List 3 is that of the referral
    table; the numbers in List 5 are the child's rows in the year to ``as_of``.

    Raises:
        ValueError: when a list does not fit an Excel sheet.
        OSError: when the file cannot be written.
    """
    table = council.referrals
    as_of_day = day_number(council.as_of)
    start = 0 if months is None else day_number(months_before(council.as_of, months))
    placed = placed_days(table)
    closed = read_days(column_text(table, "closed_on"))
    authorised = read_days(column_text(table, "assessment_authorised_on"))
    open_in_window = (closed == BLANK) | (closed >= start)
    year_ago = day_number(months_before(council.as_of, 12))

    masks = {
        3: np.ones(len(table), dtype=bool) if months is None else placed >= max(start, 0),
        4: ~cells_equal(table, "assessment_started_on", "")
        & ((authorised == BLANK) | (authorised >= start)),
        5: ~cells_equal(table, "section47_started_on", "") & open_in_window,
        6: ~cells_equal(table, "nfa", "true") & open_in_window,
    }
    for number, mask in masks.items():
        if int(mask.sum()) + 1 > _SHEET_ROWS:
            raise ValueError(f"List {number} has {int(mask.sum()):,} rows: too many for Excel")

    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": _CREATED})
        as_date = book.add_format({"num_format": "dd/mm/yyyy"})
        makers = {3: _list_3, 4: _list_4, 5: _list_5, 6: _list_6}
        for number, headings in LIST_HEADINGS.items():
            sheet = book.add_worksheet(f"List {number}")
            sheet.write_row(0, 0, headings)
            if number in makers:
                cells = _shared(table, masks[number], as_of_day, disability=number > 3)
                cells |= makers[number](table, masks[number], year_ago)
                _write_rows(sheet, headings, cells, as_date)
    written = int(masks[3].sum())
    skipped = 0 if months is None else int((placed == BLANK).sum())
    return Written(written, len(table) - written - skipped, skipped)


def _write_rows(
    sheet: Any, headings: tuple[str, ...], cells: Mapping[str, Cells], as_date: Any
) -> None:
    """Writes the columns that have cells, row by row; a blank cell is not written at all."""
    filled = [(place, cells[name]) for place, name in enumerate(headings) if name in cells]
    size = len(cells[headings[0]])  # type: ignore[arg-type]
    for row in range(size):
        for place, column in filled:
            if isinstance(column, _Dates):
                day = int(column.days[row])
                if day != BLANK:
                    sheet.write_number(row + 1, place, day + _EXCEL_OF_1970, as_date)
                elif column.typed[row]:
                    sheet.write_string(row + 1, place, column.typed[row])
            elif isinstance(column, list):
                if column[row]:
                    sheet.write_string(row + 1, place, column[row])
            elif column[row] != BLANK:
                sheet.write_number(row + 1, place, int(column[row]))


def _shared(table: pd.DataFrame, mask: Mask, as_of_day: int, *, disability: bool) -> dict[str, Any]:
    """The columns every list starts with, and the team and worker it ends with."""
    born = _dates(table, mask, "date_of_birth")
    size = int(mask.sum())
    age = np.where(born.days == BLANK, BLANK, (as_of_day - born.days) // 365.25)
    gender, ethnicity, unknown = _NOT_RECORDED
    cells: dict[str, Any] = {
        "Child Unique ID": _texts(table, mask, "child_id"),
        "Gender": [gender] * size,
        "Ethnicity": [ethnicity] * size,
        "Date of Birth": born,
        "Age of Child (Years)": age.astype(np.int32),
        "Allocated Team": _texts(table, mask, "team"),
        "Allocated Worker": _texts(table, mask, "allocated_worker_id"),
    }
    return cells | ({_DISABILITY: [unknown] * size} if disability else {})


def _list_3(table: pd.DataFrame, mask: Mask, year_ago: int) -> dict[str, Any]:
    counts = [int(cell) for cell in _texts(table, mask, "referrals_in_last_12_months")]
    return {
        "Date of referral": _dates(table, mask, "referral_date"),
        "Referral Source": _texts(table, mask, "referral_source", SOURCES),
        "Referral NFA?": _texts(table, mask, "nfa", _TRUTHS),
        "Number of Referrals in Last 12 Months": np.array(counts, dtype=np.int32),
    }


def _list_4(table: pd.DataFrame, mask: Mask, year_ago: int) -> dict[str, Any]:
    reasons = _texts(table, mask, "closure_reason")
    authorised = _texts(table, mask, "assessment_authorised_on")
    needed = [
        "" if not day else _TRUTHS["false" if reason in ("RC8", "RC9") else "true"]
        for day, reason in zip(authorised, reasons, strict=True)
    ]
    return {
        "Continuous Assessment Start Date": _dates(table, mask, "assessment_started_on"),
        "Continuous Assessment Date of Authorisation": _dates(
            table, mask, "assessment_authorised_on"
        ),
        "Was the child assessed as requiring LA children's social care support?": needed,
    }


def _list_5(table: pd.DataFrame, mask: Mask, year_ago: int) -> dict[str, Any]:
    strategy = _dates(table, mask, "strategy_discussion_on")
    started = _dates(table, mask, "section47_started_on")
    none = np.array([not cell for cell in strategy.typed], dtype=bool)
    shown = _Dates(
        np.where(none, started.days, strategy.days).astype(np.int32),
        [theirs or ours for theirs, ours in zip(strategy.typed, started.typed, strict=True)],
    )
    return {
        "Strategy discussion initiating Section 47 Enquiry Start Date": shown,
        "Was an Initial Child Protection Conference deemed unnecessary?": _texts(
            table, mask, "icpc_not_required", _TRUTHS
        ),
        "Date of Initial Child Protection Conference": _dates(table, mask, "icpc_on"),
        "Number of Section 47 Enquiries in the last 12 months": _recent(
            table, "section47_started_on", year_ago
        )[mask],
        "Number of ICPCs in the last 12 months": _recent(table, "icpc_on", year_ago)[mask],
    }


def _list_6(table: pd.DataFrame, mask: Mask, year_ago: int) -> dict[str, Any]:
    started = np.array(_texts(table, mask, "assessment_started_on")) != ""
    unsigned = np.array(_texts(table, mask, "assessment_authorised_on")) == ""
    conferred = np.array(_texts(table, mask, "icpc_on")) != ""
    closed = np.array(_texts(table, mask, "closed_on")) != ""
    status = np.select(
        [closed, started & unsigned, conferred],
        ["e) Closed episode", "d) Open assessment", "b) Child Protection plan"],
        "c) Child in need plan",
    )
    return {
        "CIN Start Date": _dates(table, mask, "referral_date"),
        "Primary Need Code": _texts(table, mask, "primary_need", NEEDS),
        "CIN Closure Date": _dates(table, mask, "closed_on"),
        "Reason for Closure": _texts(table, mask, "closure_reason", REASONS),
        "Case Status": [str(word) for word in status],
    }


def _texts(
    table: pd.DataFrame, mask: Mask, name: str, labels: Mapping[str, str] | None = None
) -> list[str]:
    """The cells of a column as text, by label where there is one, else as typed."""
    cells: list[str] = column_text(table, name).filter(pa.array(mask)).to_pylist()
    return [labels.get(cell, cell) for cell in cells] if labels else cells


def _dates(table: pd.DataFrame, mask: Mask, name: str) -> _Dates:
    cells = column_text(table, name).filter(pa.array(mask))
    return _Dates(read_days(cells), cells.to_pylist())


def _recent(table: pd.DataFrame, name: str, year_ago: int) -> NDArray[np.int32]:
    """For each row, how many rows of its child have this date in the year to ``as_of``."""
    recent = (read_days(column_text(table, name)) >= year_ago).astype(np.float64)
    child = column_text(table, "child_id").dictionary_encode().indices.to_numpy()
    counts = np.bincount(child, weights=recent)
    recent_of_child: NDArray[np.int32] = counts[child].astype(np.int32)
    return recent_of_child
