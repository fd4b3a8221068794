"""How the queue stood before a run, held beside what the run says of it; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from triage.names import found_at
from triage.run import Run
from triage.store.beside import Beside
from triage.store.cases import Cases, cases_of
from triage.store.columns import AnyColumn, same, truths
from triage.store.tables import flag
from triage.store.tonight import Tonight
from triage.vocabulary import SEVERITIES

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]

_TOLD: Final = ("rule_hash", "message", "due_on")
_SCHEMA: Final = pa.schema(
    {
        "id": pa.int64(),
        "case_id": pa.int64(),
        "rule_id": pa.string(),
        "is_open": pa.int8(),
        "rank": pa.int64(),
        "fingerprint": pa.string(),
        "first_flagged_on": pa.string(),
        **{name: pa.string() for name in _TOLD},
    }
)
_BESIDE: Final = pa.schema(
    {
        "number": pa.int64(),
        "case": pa.int64(),
        "rule": pa.dictionary(pa.int32(), pa.string()),
        "is_open": pa.bool_(),
        "since": pa.date32(),
        "rank": pa.int64(),
        "place": pa.int64(),
        "is_same": pa.bool_(),
        "is_told_so": pa.bool_(),
    }
)
_NONE: Final = _BESIDE.empty_table()


@dataclass(frozen=True)
class Stored:
    """The flags that stood before a run, in the order of their numbers.

    ``place`` is where tonight's flags have the same, or -1; ``is_same`` whether it rests on the
    same, and ``is_told_so`` whether it is told in the same words.
    """

    number: Whole
    case: Whole
    rule: pa.ChunkedArray
    is_open: Truth
    since: Whole
    rank: Whole
    place: Whole
    is_same: Truth
    is_told_so: Truth


@dataclass(frozen=True)
class Stood:
    """A queue before a run, and what the run brings to it.

    ``tonight`` has the flags of the run by case and rule, so that each index of the store grows at
    its end; ``whose`` the number of each one's case, known or new; ``told`` what is stored of them,
    by the names of the store.
    """

    cases: Cases
    tonight: Tonight
    whose: Whole
    told: Mapping[str, AnyColumn]
    flags: Stored


def queue_stood(store: Beside, run: Run, tonight: Tonight) -> Stood:
    """Return how the queue stands, and beside it what a run says."""
    cases = cases_of(store, tonight)
    whose = cases.number[tonight.entry]
    order = np.lexsort((tonight.rule, whose))
    tonight, whose = tonight.of(order), whose[order]
    told = _columns(run, tonight)
    return Stood(cases, tonight, whose, told, _stored(store, tonight, whose, told))


def _columns(run: Run, tonight: Tonight) -> dict[str, AnyColumn]:
    """Return what is stored of tonight's flags, by the names of the store."""
    hashes = [run.ruleset.by_id[rule].text_hash for rule in tonight.rules]
    codes = pa.array(tonight.rule.astype(np.int16))
    return {
        "rule_id": tonight.flags["rule"],
        "rule_hash": pa.DictionaryArray.from_arrays(codes, pa.array(hashes, pa.string())),
        "severity": tonight.flags["severity"],
        "message": tonight.flags["message"],
        "due_on": tonight.flags["due_on"],
        "evidence": tonight.flags["evidence"],
        "fingerprint": tonight.fingerprints,
    }


def _stored(
    store: Beside,
    tonight: Tonight,
    whose: Whole,
    told: Mapping[str, AnyColumn],
) -> Stored:
    """Return the flags that stand in the store, each beside tonight's."""
    rules = pa.array(tonight.rules, pa.string())
    key = whose * (len(rules) + 1) + tonight.rule
    order = np.arange(len(key))
    reckoned = {
        "is_open": sa.cast(flag.c.state == "open", sa.Integer),
        "rank": sa.case(
            {name: rank for rank, name in enumerate(SEVERITIES)}, value=flag.c.severity
        ),
    }
    query = sa.select(
        *(reckoned[name] if name in reckoned else flag.c[name] for name in _SCHEMA.names)
    ).order_by(flag.c.id)
    found = [_NONE]
    for some in store.tables(query, _SCHEMA):
        rule = pc.index_in(some["rule_id"], value_set=rules).fill_null(len(rules)).to_numpy()
        place = found_at(some["case_id"].to_numpy() * (len(rules) + 1) + rule, key, order)
        which = np.flatnonzero(place >= 0)
        stands, raised = some.take(pa.array(which)), pa.array(place[which])
        is_so = {
            name: same(told[name].take(raised), stands[name]) for name in (*_TOLD, "fingerprint")
        }
        is_same, is_told_so = np.zeros(len(some), bool), np.zeros(len(some), bool)
        is_same[which] = is_so.pop("fingerprint")
        as_severe = stands["rank"].to_numpy() == tonight.rank[place[which]]
        is_told_so[which] = np.logical_and.reduce([*is_so.values(), as_severe])
        columns = [
            some["id"],
            some["case_id"],
            some["rule_id"].dictionary_encode(),
            pc.equal(some["is_open"], 1),
            some["first_flagged_on"].cast(pa.date32()),
            some["rank"],
            place,
            is_same,
            is_told_so,
        ]
        found.append(pa.table(columns, schema=_BESIDE))
    whole = pa.concat_tables(found)
    return Stored(
        whole["number"].to_numpy(),
        whole["case"].to_numpy(),
        whole["rule"],
        truths(whole["is_open"]),
        whole["since"].cast(pa.int32()).to_numpy(),
        whole["rank"].to_numpy(),
        whole["place"].to_numpy(),
        truths(whole["is_same"]),
        truths(whole["is_told_so"]),
    )
