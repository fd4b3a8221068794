"""Types up an invented council: from numbers to the cells of each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from triage.sample import words
from triage.sample.chance import Ints
from triage.sample.rationales import hashes_text
from triage.sample.referrals import Columns
from triage.sample.text import (
    Text,
    blank_text,
    days_text,
    ids_text,
    numbers_text,
    times_text,
    to_series,
    words_text,
)
from triage.sample.workdays import BLANK, Days

CHILD_WIDTH = 7


def referral_cells(
    rows: Columns, factors: Sequence[str], people: Sequence[str], seed: int
) -> dict[str, Text]:
    """The cells of the referral table, by the names of its columns.

    ``factors`` are the sets of assessment factors and ``people`` the workers' identifiers, each
    by its number in ``rows``.
    """
    size = len(rows["day"])
    return {
        "child_id": ids_text("C", rows["child"], CHILD_WIDTH),
        "referral_date": times_text(rows["day"], rows["minute"]),
        "referral_id": ids_text("R", np.arange(1, size + 1, dtype=np.int32), 7),
        "household_id": ids_text("H", rows["household"], 7),
        "date_of_birth": days_text(rows["born"]),
        "expected_date_of_birth": days_text(rows["expected"]),
        "referral_source": words_text(rows["source"], words.SOURCES),
        "primary_need": words_text(rows["need"], words.NEEDS),
        "nfa": words_text(rows["nfa"], words.TRUTHS),
        "referrals_in_last_12_months": numbers_text(rows["earlier"]),
        "team": words_text(rows["team"], words.TEAMS),
        "closed_on": days_text(rows["closed"]),
        "closure_reason": words_text(rows["reason"], words.REASONS),
        **_decision_cells(rows, people, seed),
        **_allocation_cells(rows, people),
        "assessment_started_on": days_text(rows["started"]),
        "assessment_reviewed_on": days_text(rows["reviewed"]),
        "assessment_authorised_on": days_text(rows["authorised"]),
        "assessment_factors": words_text(rows["factors"], factors),
        "strategy_discussion_on": days_text(rows["strategy"]),
        "section47_started_on": days_text(rows["enquiry"]),
        "icpc_on": days_text(rows["conference"]),
        "icpc_not_required": words_text(rows["excused"], words.TRUTHS),
        "last_oversight_on": days_text(rows["oversight"]),
        "restricted": words_text(rows["restricted"], words.TRUTHS),
    }


def decision_table(
    cells: Mapping[str, Text], decided: np.ndarray, later: Columns, people: Sequence[str], seed: int
) -> pd.DataFrame:
    """Every decision, the first of a referral exactly as in its row of the referral table.

    ``decided`` says which referrals have one; ``later`` are the decisions that supersede it.
    """
    row = np.flatnonzero(decided).astype(np.int32)
    order = np.argsort(np.concatenate((row, later["row"])), kind="stable")
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(1, len(order) + 1, dtype=np.int32)
    first = np.full(len(decided), BLANK, dtype=np.int32)
    first[row] = number[: len(row)]
    blank = blank_text(len(row))
    reasons = words_text(later["superseding_reason"], words.SUPERSEDING_REASONS)
    own = {
        "decision_id": ids_text("D", number, 7),
        "supersedes_decision_id": _joined(blank, ids_text("D", first[later["row"]], 7)),
        "superseding_reason": _joined(blank, reasons),
    }
    told = _decision_cells(later, people, seed)
    return _table(words.DECISION_COLUMNS, cells, row, told, later["row"], own, order)


def allocation_table(
    cells: Mapping[str, Text],
    allocated: np.ndarray,
    ended: Days,
    later: Columns,
    people: Sequence[str],
) -> pd.DataFrame:
    """Every allocation over time, the first of a referral exactly as in the referral table.

    ``allocated`` says which referrals have one and ``ended`` when that first one ended; ``later``
    are those that followed.
    """
    row = np.flatnonzero(allocated).astype(np.int32)
    order = np.argsort(np.concatenate((row, later["row"])), kind="stable")
    own = {"allocation_ended_at": days_text(np.concatenate((ended[row], later["ended"])))}
    held = _allocation_cells(later, people)
    return _table(words.ALLOCATION_COLUMNS, cells, row, held, later["row"], own, order)


def contact_table(contacts: Columns) -> pd.DataFrame:
    """Every contact, numbered in the order of time."""
    size = len(contacts["day"])
    return frame(
        {
            "contact_id": ids_text("K", np.arange(1, size + 1, dtype=np.int32), 7),
            "child_id": ids_text("C", contacts["child"], CHILD_WIDTH),
            "contact_date": days_text(contacts["day"]),
            "contact_source": words_text(contacts["source"], words.SOURCES),
            "contact_outcome": words_text(contacts["outcome"], words.CONTACT_OUTCOMES),
            "team": words_text(contacts["team"], words.TEAMS),
            "restricted": words_text(contacts["restricted"], words.TRUTHS),
        },
        words.CONTACT_COLUMNS,
    )


def early_help_table(episodes: Columns) -> pd.DataFrame:
    """Every early-help episode."""
    return frame(
        {
            "child_id": ids_text("C", episodes["child"], CHILD_WIDTH),
            "early_help_started_on": days_text(episodes["start"]),
            "early_help_ended_on": days_text(episodes["end"]),
        },
        words.EARLY_HELP_COLUMNS,
    )


def frame(cells: Mapping[str, Text], names: Sequence[str]) -> pd.DataFrame:
    """The named columns as a table of text."""
    return pd.DataFrame({name: to_series(cells[name]) for name in names})


def _decision_cells(rows: Columns, people: Sequence[str], seed: int) -> dict[str, Text]:
    return {
        "decision_at": times_text(rows["decided"], rows["decided_minute"]),
        "decision_recorded_at": times_text(rows["recorded"], rows["recorded_minute"]),
        "decision_maker_id": words_text(rows["maker"], people),
        "decision_maker_role": words_text(rows["maker_role"], words.ROLES),
        "decision_outcome": words_text(rows["outcome"], words.OUTCOMES),
        "threshold_level": numbers_text(rows["threshold"]),
        "risk_rating": words_text(rows["risk"], words.RATINGS),
        "rationale_length": numbers_text(rows["rationale"]),
        "rationale_hash": hashes_text(rows["text"], seed),
        "history_considered": words_text(rows["history"], words.TRUTHS),
        "feedback_at": times_text(rows["feedback"], rows["feedback_minute"]),
    }


def _allocation_cells(rows: Columns, people: Sequence[str]) -> dict[str, Text]:
    return {
        "allocated_at": times_text(rows["allocated"], rows["allocated_minute"]),
        "allocated_worker_id": words_text(rows["worker"], people),
        "allocated_worker_role": words_text(rows["worker_role"], words.ROLES),
        "worker_is_agency": words_text(rows["agency"], words.TRUTHS),
        "worker_is_registered": words_text(rows["registered"], words.TRUTHS),
        "worker_caseload": numbers_text(rows["caseload"]),
    }


def _table(
    names: Sequence[str],
    cells: Mapping[str, Text],
    row: Ints,
    later: Mapping[str, Text],
    later_row: Ints,
    own: Mapping[str, Text],
    order: np.ndarray,
) -> pd.DataFrame:
    """First events from the referral table and later ones, put into the order given."""
    places, later_places, in_order = pa.array(row), pa.array(later_row), pa.array(order)
    columns = {}
    for name in names:
        if name in own:
            column = own[name]
        else:
            added = later[name] if name in later else cells[name].take(later_places)
            column = _joined(cells[name].take(places), added)
        columns[name] = column.take(in_order)
    return frame(columns, names)


def _joined(first: Any, second: Any) -> Text:
    parts = [
        part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part
        for part in (first, second)
    ]
    return pc.cast(pa.concat_arrays(parts), pa.string())
