"""The queue after a run: its flags beside those that stand, and only what differs written.

One rule on one referral is one flag, however many nights it is raised. What no longer holds is
cleared, never deleted; what could not be judged tonight stands as it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.calendar import to_day
from triage.facts import SubjectName
from triage.flagged import told_apart
from triage.judging import CLEAR_CODE
from triage.names import places
from triage.run import Run
from triage.store import bulk
from triage.store.behind import Behind
from triage.store.cases import Cases, OpenFlags, Touched, follow_cases, open_cases
from triage.store.columns import AnyColumn, dates, texts, truths
from triage.store.exceptions import RuleException, excepted
from triage.store.queue_change import Changes, QueueChange
from triage.store.stood import Stood, Stored
from triage.store.tables import flag
from triage.store.trail import Happened, as_detail, happened

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]

_BITS: Final = 62
"""Rules that are told by the bits of one whole number."""


def update_queue(
    later: Behind,
    run: Run,
    stood: Stood,
    run_id: int,
    review_days: Mapping[str, int],
    exceptions: Sequence[RuleException] = (),
) -> tuple[Changes, list[Happened]]:
    """Bring cases and flags up to date with a run; return the counts, and what happened.

    ``exceptions`` are those for which tonight's flags were left out; what stands is cleared.
    """
    as_of = run.options.as_of
    cases, tonight, whose, told = stood.cases, stood.tonight, stood.whose, stood.told
    stored = stood.flags
    open_cases(later, cases, tonight, as_of, review_days)
    is_new = np.ones(len(whose), bool)
    is_new[stored.place[stored.place >= 0]] = False
    new = np.flatnonzero(is_new)
    _add_flags(later, told, whose, new, as_of, run_id)

    is_raised = stored.place >= 0
    returns = is_raised & ~stored.is_open
    changes = is_raised & stored.is_open & ~stored.is_same
    stays = is_raised & stored.is_open & stored.is_same
    changed = _change_flags(later, told, stored, returns, changes, run_id)
    _tell_anew(later, told, stored, stays & ~stored.is_told_so)
    clears, is_contact, cleared = _clear_flags(later, run, cases, stored, run_id, exceptions)

    rank = stored.rank.copy()
    rank[is_raised] = tonight.rank[stored.place[is_raised]]
    stands = (stored.is_open & ~clears) | returns
    followed = follow_cases(
        later,
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
        *_raised(stood, new),
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


def _raised(stood: Stood, new: Whole) -> list[Happened]:
    """Return what happened by new flags, by case: one that they opened names all of its own."""
    whose, numbers, rules = stood.whose[new], stood.tonight.rule[new], stood.tonight.rules
    n_raised = int(np.searchsorted(whose, stood.cases.last, "right"))
    raised = [
        happened("flag raised", number, rules[rule])
        for number, rule in zip(whose[:n_raised].tolist(), numbers[:n_raised].tolist(), strict=True)
    ]
    whose, numbers = whose[n_raised:], numbers[n_raised:]
    opened, starts = np.unique(whose, return_index=True)
    if not len(opened):
        return raised
    # Which rules a case is opened for, a bit each; the same ones are told in the same words.
    bits = [
        np.bitwise_or.reduceat(np.where(numbers // _BITS == word, 1 << numbers % _BITS, 0), starts)
        for word in range(len(rules) // _BITS + 1)
    ]
    which, firsts = told_apart(bits)
    ends = np.append(starts[1:], len(whose))
    details = [
        as_detail({"flags": sorted(rules[rule] for rule in numbers[starts[at] : ends[at]])})
        for at in firsts.tolist()
    ]
    kinds, told = repeat("case opened"), map(details.__getitem__, which.tolist())
    return [*raised, *zip(kinds, opened.tolist(), repeat(None), told)]


_EXCEPTED: Final = {"why": "an exception is made"}
_SUBJECTS: Final[tuple[tuple[SubjectName, bool], ...]] = (("referral", False), ("contact", True))


def _add_flags(
    later: Behind,
    told: Mapping[str, AnyColumn],
    whose: Whole,
    new: Whole,
    as_of: dt.date,
    run_id: int,
) -> None:
    """Add the flags that never were there."""
    later.write(
        bulk.add,
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
    later: Behind,
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
    later.write(bulk.change, flag, {"id": stored.number[which].tolist()}, written, common)
    return [
        happened("flag raised again" if returned else "flag changed", number, rule)
        for number, rule, returned in zip(
            stored.case[which].tolist(), rules, returns[which].tolist(), strict=True
        )
    ]


def _tell_anew(
    later: Behind,
    told: Mapping[str, AnyColumn],
    stored: Stored,
    moves: Truth,
) -> None:
    """Renew the words of flags that rest on the same: clocks run on from night to night."""
    which = np.flatnonzero(moves)
    written = _written(told, stored.place[which])
    del written["rule_id"], written["fingerprint"]
    later.write(bulk.change, flag, {"id": stored.number[which].tolist()}, written)


def _clear_flags(
    later: Behind,
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
    later.write(bulk.change, flag, {"id": stored.number[which].tolist()}, {}, common)
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
