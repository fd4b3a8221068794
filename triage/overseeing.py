"""Judging cases: what people have not done yet on them, by the rules that ask for nothing else.

A case stays to be judged however old its referral is, so these rules have records of their own:
one of each case. On a referral of an extract, which carries none of their columns, they cannot be
evaluated.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.entries import Entries
from triage.facts import FACT_BY_NAME, FactTable, SubjectName
from triage.judging import Bench
from triage.parts import Questions, judge_subject
from triage.pipeline import judgement
from triage.ruleset import Ruleset
from triage.run import Judgement
from triage.schema_nights import QUEUE_COLUMNS
from triage.subject import ReferralSubject
from triage.tables import Texts, arrow_texts
from triage.validation import BLANK, GIVEN, Column

SCHEMA: Final = pa.schema(
    {
        "child_id": pa.string(),
        "referral_id": pa.string(),
        "referral_date": pa.date32(),
        "team": pa.string(),
        "restricted": pa.bool_(),
        **{name: pa.date32() for name in QUEUE_COLUMNS},
    }
)
"""A case, and what is not done on it yet: blank where there is nothing to do."""


def of_cases(ruleset: Ruleset) -> Ruleset:
    """Return the rules that judge cases: those that ask for what the queue knows alone."""
    wanted = set(QUEUE_COLUMNS)
    found = [one.id for one in ruleset.rules if wanted >= ruleset.columns(one.id) > frozenset()]
    return ruleset.only(*found)


def judge_cases(
    cases: pa.Table, subject: SubjectName, ruleset: Ruleset, as_of: dt.date
) -> Judgement:
    """Return what the rules for cases say of those (``SCHEMA``) of referrals, or of contacts.

    Raises:
        RuleError: when a rule cannot be evaluated.
    """
    entries = _entries(cases)
    asked = Questions(of_cases(ruleset.live()), as_of, None, as_of)
    judged = ReferralSubject(entries, as_of, as_of)
    found = judge_subject(judged, asked, Bench())
    rows = (len(cases), 0, 0)
    return judgement(
        asked, [found], entries.carried, rows, (),
        lambda: FactTable(judged, FACT_BY_NAME), subject,
    )  # fmt: skip


def _entries(cases: pa.Table) -> Entries:
    """Return cases as entries; one of a referral that lies ahead is judged as well."""
    order = [
        ("child_id", "ascending"),
        ("referral_date", "ascending"),
        ("referral_id", "ascending"),
    ]
    whole = cases.sort_by(order).combine_chunks()
    n = len(whole)
    children = _text(whole["child_id"])
    identifiers = _text(whole["referral_id"])
    columns = {
        "team": _text(whole["team"]),
        "restricted": Column(
            np.full(n, GIVEN, np.uint8), whole["restricted"].to_numpy().astype(np.int64)
        ),
        **{name: _days(whole[name]) for name in QUEUE_COLUMNS},
    }
    return Entries(
        children.value,
        whole["referral_date"].cast(pa.int32()).to_numpy(),
        np.arange(n),
        identifiers.value.astype(np.int32),
        Texts(arrow_texts(identifiers.names)),
        Texts(arrow_texts(children.names)),
        np.ones(n, np.int64),
        columns,
    )


def _text(column: pa.ChunkedArray) -> Column:
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = pc.fill_null(encoded.indices, 0).to_numpy().astype(np.int64)
    return Column(_state(column), codes, Texts(encoded.dictionary))


def _days(column: pa.ChunkedArray) -> Column:
    days = pc.fill_null(column.cast(pa.int32()), 0).to_numpy().astype(np.int64)
    return Column(_state(column), days)


def _state(column: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    is_there = np.asarray(pc.is_valid(column).to_numpy(), bool)
    return np.where(is_there, GIVEN, BLANK).astype(np.uint8)
