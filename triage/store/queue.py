"""The queue after a run: its flags beside those that stand, and only what differs written.

One rule on one referral is one flag, however many nights it is raised. What no longer holds is
cleared, never deleted; what could not be judged tonight stands as it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from triage.calendar import to_day
from triage.facts import SubjectName
from triage.judging import CLEAR_CODE
from triage.names import found_at, places
from triage.run import Run
from triage.store import bulk
from triage.store.cases import (
    Cases,
    OpenFlags,
    Touched,
    cases_of,
    follow_cases,
    open_cases,
)
from triage.store.columns import AnyColumn, dates, same, texts, truths
from triage.store.exceptions import RuleException, excepted
from triage.store.queue_change import Changes, QueueChange
from triage.store.tables import flag
from triage.store.tonight import Tonight
from triage.store.trail import Happened, happened
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


def update_queue(
    connection: sa.Connection,
    run: Run,
    tonight: Tonight,
    run_id: int,
    review_days: Mapping[str, int],
    exceptions: Sequence[RuleException] = (),
) -> tuple[Changes, list[Happened]]:
    """Bring cases and flags up to date with a run; return the counts, and what happened.

    ``exceptions`` are those for which tonight's flags were left out; what stands is cleared.
    """
    as_of = run.options.as_of
    cases = cases_of(connection, tonight)
    open_cases(connection, cases, tonight, as_of, review_days)
    tonight = tonight.of(np.argsort(cases.number[tonight.entry], kind="stable"))
    whose = cases.number[tonight.entry]
    told = _columns(run, tonight)
    stored = _stored(connection, tonight, whose, told)
    is_new = np.ones(len(whose), bool)
    is_new[stored.place[stored.place >= 0]] = False
    new = np.flatnonzero(is_new)
    _add_flags(connection, told, whose, new, as_of, run_id)

    is_raised = stored.place >= 0
    returns = is_raised & ~stored.is_open
    changes = is_raised & stored.is_open & ~stored.is_same
    stays = is_raised & stored.is_open & stored.is_same
    changed = _change_flags(connection, told, stored, returns, changes, run_id)
    _tell_anew(connection, told, stored, stays & ~stored.is_told_so)
    clears, is_contact, cleared = _clear_flags(connection, run, cases, stored, run_id, exceptions)

    rank = stored.rank.copy()
    rank[is_raised] = tonight.rank[stored.place[is_raised]]
    stands = (stored.is_open & ~clears) | returns
    followed = follow_cases(
        connection,
        cases,
        tonight,
        Touched(np.concatenate([whose[new], stored.case[returns]]), stored.case[clears]),
        OpenFlags(
            np.concatenate([stored.case[stands], whose[new]]),
            np.concatenate([stored.since[stands], np.full(len(new), to_day(as_of))]),
            np.concatenate([rank[stands], tonight.rank[new]]),
        ),
        as_of,
        review_days,
    )
    events = [
        *_raised(cases, whose[new], texts(told["rule_id"].take(pa.array(new)))),
        *changed,
        *cleared,
        *followed,
    ]

    def count(which: Truth, of_contacts: bool) -> int:
        return int((tonight.is_contact[stored.place[which]] == of_contacts).sum())

    counts = {
        name: QueueChange(
            int((tonight.is_contact[new] == of_contacts).sum()),
            count(stays, of_contacts),
            count(changes, of_contacts),
            int((is_contact[clears] == of_contacts).sum()),
            count(returns, of_contacts),
        )
        for name, of_contacts in _SUBJECTS
    }
    return counts, events


def _raised(cases: Cases, whose: Whole, rules: Sequence[str]) -> Iterator[Happened]:
    """Yield what happened by new flags, given by case: a case that they opened names its own."""
    opened = set(cases.number[cases.place < 0].tolist())
    told: dict[tuple[str, ...], Happened] = {}
    for number, pairs in groupby(zip(whose.tolist(), rules, strict=True), itemgetter(0)):
        flags = tuple(rule for _, rule in pairs)
        if number not in opened:
            yield from (happened("flag raised", number, rule) for rule in flags)
            continue
        if flags not in told:
            told[flags] = happened("case opened", None, None, {"flags": sorted(flags)})
        kind, _, rule, detail = told[flags]
        yield kind, number, rule, detail


_EXCEPTED: Final = {"why": "an exception is made"}
_SUBJECTS: Final[tuple[tuple[SubjectName, bool], ...]] = (("referral", False), ("contact", True))


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
    connection: sa.Connection,
    tonight: Tonight,
    whose: Whole,
    told: Mapping[str, AnyColumn],
) -> Stored:
    """Return the flags that stand in the store, each beside tonight's."""
    rules = pa.array(tonight.rules, pa.string())
    key = whose * (len(rules) + 1) + tonight.rule
    order = np.argsort(key)
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
    for some in bulk.tables(connection, query, _SCHEMA):
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


def _add_flags(
    connection: sa.Connection,
    told: Mapping[str, AnyColumn],
    whose: Whole,
    new: Whole,
    as_of: dt.date,
    run_id: int,
) -> None:
    """Add the flags that never were there."""
    bulk.add(
        connection,
        flag,
        {"case_id": whose[new].tolist(), **_written(told, new)},
        {
            "state": "open",
            "first_flagged_on": as_of,
            "first_run_id": run_id,
            "changed_run_id": run_id,
        },
    )


def _written(told: Mapping[str, AnyColumn], which: Whole) -> dict[str, list[str]]:
    """Return what is stored of some flags, as it is passed to the store."""
    rows = pa.array(which)
    return {
        name: (dates if name == "due_on" else texts)(column.take(rows))
        for name, column in told.items()
    }


def _change_flags(
    connection: sa.Connection,
    told: Mapping[str, AnyColumn],
    stored: Stored,
    returns: Truth,
    changes: Truth,
    run_id: int,
) -> list[Happened]:
    """Open the flags again that were cleared, and renew those that rest on something else now."""
    which = np.flatnonzero(returns | changes)
    written = _written(told, stored.place[which])
    rules = written.pop("rule_id")
    common = {"state": "open", "cleared_run_id": None, "changed_run_id": run_id}
    bulk.change(connection, flag, {"id": stored.number[which].tolist()}, written, common)
    return [
        happened("flag raised again" if returned else "flag changed", number, rule)
        for number, rule, returned in zip(
            stored.case[which].tolist(), rules, returns[which].tolist(), strict=True
        )
    ]


def _tell_anew(
    connection: sa.Connection,
    told: Mapping[str, AnyColumn],
    stored: Stored,
    moves: Truth,
) -> None:
    """Renew the words of flags that rest on the same: clocks run on from night to night."""
    which = np.flatnonzero(moves)
    written = _written(told, stored.place[which])
    del written["rule_id"], written["fingerprint"]
    bulk.change(connection, flag, {"id": stored.number[which].tolist()}, written)


def _clear_flags(
    connection: sa.Connection,
    run: Run,
    cases: Cases,
    stored: Stored,
    run_id: int,
    exceptions: Sequence[RuleException],
) -> tuple[Truth, Truth, list[Happened]]:
    """Clear each open flag of which the rule now says clear; what was not judged stands.

    The flags of a rule that was retired, switched off or put on trial are cleared too, and those
    for which an exception is made. Returns
    which flags are cleared, which stored flags are on contacts, and what happened.
    """
    quiet = np.flatnonzero(stored.is_open & (stored.place < 0))
    clears, is_contact = np.zeros(len(stored.case), bool), np.zeros(len(stored.case), bool)
    if not len(quiet):
        return clears, is_contact, []
    whose = cases.known.take(pa.array(cases.places_of(stored.case[quiet])))
    is_contact[quiet] = truths(pc.equal(whose["subject"], "contact"))
    rules = texts(stored.rule.take(pa.array(quiet)))
    why = {rule: _why_silent(run, rule) for rule in set(rules)}
    clears[quiet] = np.array([bool(why[rule]) for rule in rules])
    of_rule = np.array(rules, object)
    for of_contacts, judgement in ((False, run.referrals), (True, run.contacts)):
        judged = judgement.judged
        at = places([whose["child_id"], whose["referral_id"]], [judged.child_names, judged.names])
        is_judged = (at >= 0) & (is_contact[quiet] == of_contacts)
        for rule in set(of_rule[is_judged]) & set(judged.outcomes):
            here = np.flatnonzero(is_judged & (of_rule == rule))
            clears[quiet[here]] |= judged.outcomes[rule][at[here]] == CLEAR_CODE
    of_quiet = pa.chunked_array([pa.array(rules, pa.string())])
    is_excepted = excepted(exceptions, of_quiet, whose["child_id"], whose["team"])
    clears[quiet] |= is_excepted
    which = np.flatnonzero(clears)
    common = {"state": "cleared", "cleared_run_id": run_id}
    bulk.change(connection, flag, {"id": stored.number[which].tolist()}, {}, common)
    reasons = {rule: {"why": f"the rule is {said}"} if said else {} for rule, said in why.items()}
    events = [
        happened("flag cleared", number, rule, _EXCEPTED if is_quiet else reasons[rule])
        for number, rule, is_quiet in zip(
            stored.case[which].tolist(),
            of_rule[clears[quiet]].tolist(),
            is_excepted[clears[quiet]].tolist(),
            strict=True,
        )
    ]
    return clears, is_contact, events


def _why_silent(run: Run, rule_id: str) -> str:
    """Return why a rule has no place in the queue any more; nothing while it has one."""
    if why := run.ruleset.silent.get(rule_id):
        return why
    rule = run.ruleset.by_id.get(rule_id)
    return "on trial" if rule is not None and rule.status == "trial" else ""
