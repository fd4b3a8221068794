"""The stages in order: sources, records, facts, rules, outcomes. One run, from inputs to flags."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from triage.calendar import check_as_of, minus_months, minus_months_array, to_date, to_day
from triage.due import what_is_due
from triage.entries import CONTACTS
from triage.errors import CallError, InputError
from triage.facts import FACT_BY_NAME, FactTable, SubjectName
from triage.flags import none_at_all
from triage.judging import CANNOT_TELL_CODE, CLEAR_CODE, FLAG_CODE, Verdict, judge_all
from triage.measure import KNOWN
from triage.raising import in_order, raise_flags
from triage.records import Loaded, LoadedContacts, load
from triage.ruleset import Ruleset
from triage.run import Judged, Judgement, Options, RuleResult, Run
from triage.schema import COLUMNS
from triage.sources import read_inputs
from triage.subject import ContactSubject, ReferralSubject
from triage.tables import Input, Problem
from triage.vocabulary import counted

LONE_START_MONTHS = 36
"""An earliest referral this many months before the next one is no start of an extract."""

Progress = Callable[[str], None]
Truth = npt.NDArray[np.bool_]


def check(
    names: Sequence[str],
    ruleset: Ruleset,
    options: Options,
    progress: Progress = lambda stage: None,
) -> Run:
    """Return what the rules say of the records in ``names``; nothing is stored.

    Raises:
        CallError: for a date that cannot be judged on, or no input.
        InputError: for an input that cannot be used.
        RuleError: for a rule that cannot be evaluated.
    """
    return check_sources(read_sources(names, options, progress), ruleset, options, progress)


def read_sources(
    names: Sequence[str], options: Options, progress: Progress = lambda stage: None
) -> list[Input]:
    """Return the inputs as read, so that several rule sets can be tried on them.

    Raises:
        CallError: for a date that cannot be judged on, or no input.
        InputError: for an input that cannot be used.
    """
    check_as_of(options.as_of)
    if not names:
        raise CallError("no input was given; name a file or a folder of referral records.")
    return read_inputs(names, options.reading, progress)


def check_sources(
    sources: Sequence[Input],
    ruleset: Ruleset,
    options: Options,
    progress: Progress = lambda stage: None,
) -> Run:
    """Return what the rules say of inputs that were read already.

    Drafts and retired rules are left out; rules on trial are judged and kept apart.
    """
    live = ruleset.live()
    as_of = options.as_of
    progress("validating")
    loaded = load(sources, as_of, options.reading.join_within_days)
    history_from, notes = _history(loaded, options)
    progress("working out the facts")
    table, is_judged = _referral_facts(loaded, options, history_from)
    progress(f"judging {counted(int(is_judged.sum()), 'referral')}")
    of_referrals = live.of("referral")
    verdicts = judge_all(of_referrals, table, is_judged)
    collapsed = len(loaded.collapsed_days)
    rows = _fates(table, is_judged, loaded.n_read, collapsed, loaded.n_rejected)
    progress("writing the flags")
    judgement = _judgement(
        of_referrals, table, verdicts, is_judged, loaded.referrals.carried, rows, loaded.problems
    )
    return Run(
        options,
        history_from,
        loaded.sources,
        live,
        (*loaded.notes, *notes),
        judgement,
        _judge_contacts(live.of("contact"), loaded, options),
        what_is_due(of_referrals, loaded.referrals, as_of, history_from, is_judged, verdicts),
        loaded.joins,
    )


def fact_table(
    sources: Sequence[Input], subject: SubjectName, options: Options
) -> tuple[FactTable, Truth]:
    """Return the facts of the referrals (or the contacts) of some inputs, and which are judged.

    Raises:
        InputError: for an input that cannot be used, or that holds no contact where they are asked.
    """
    loaded = load(sources, options.as_of, options.reading.join_within_days)
    if subject == "referral":
        return _referral_facts(loaded, options, _history(loaded, options)[0])
    if loaded.contacts is None:
        raise InputError(f"{sources[0].path}: holds no contacts, which this rule judges.")
    return _contact_facts(loaded.contacts, loaded, options)


def _referral_facts(
    loaded: Loaded, options: Options, history_from: dt.date
) -> tuple[FactTable, Truth]:
    subject = ReferralSubject(loaded.referrals, options.as_of, history_from)
    table = FactTable(subject, FACT_BY_NAME)
    return table, _in_window(table, options) | _open_or_may_be(table)


def _contact_facts(
    contacts: LoadedContacts, loaded: Loaded, options: Options
) -> tuple[FactTable, Truth]:
    """Return the facts of contacts, covered from the earliest, or from where records are whole."""
    since = options.history_from or to_date(int(contacts.entries.day.min()))
    subject = ContactSubject(contacts.entries, loaded.referrals, options.as_of, since)
    table = FactTable(subject, FACT_BY_NAME)
    return table, _in_window(table, options)


def _judgement(
    ruleset: Ruleset,
    table: FactTable,
    verdicts: dict[str, Verdict],
    is_judged: Truth,
    carried: frozenset[str],
    rows: dict[str, int],
    problems: tuple[Problem, ...],
) -> Judgement:
    """Return the counts, the flags in words and the outcomes of the rules that are reported."""
    reported = [rule for rule in ruleset.rules if not rule.is_off]
    raised = raise_flags(ruleset, reported, table, verdicts, is_judged)
    entries = table.subject.entries
    results = []
    for rule in reported:
        codes = verdicts[rule.id].codes[is_judged]
        columns = ruleset.columns(rule.id)
        results.append(
            RuleResult(
                rule,
                int((codes == FLAG_CODE).sum()),
                int((codes == CLEAR_CODE).sum()),
                int((codes == CANNOT_TELL_CODE).sum()),
                ruleset.can_flag(rule.id, carried),
                tuple(name for name in COLUMNS if name in columns - carried),
            )
        )
    return Judgement(
        rows,
        problems,
        tuple(results),
        in_order([raised], reported[0].subject if reported else "referral"),
        table,
        Judged(
            entries.ids[is_judged],
            entries.child_ids[is_judged],
            {rule.id: verdicts[rule.id].codes[is_judged] for rule in reported},
        ),
    )


def _fates(
    table: FactTable, is_judged: Truth, n_read: int, n_collapsed: int, n_rejected: int
) -> dict[str, int]:
    """Return the rows read by their fate; each ends in exactly one."""
    n_judged = int(is_judged.sum())
    return {
        "read": n_read,
        "judged": n_judged,
        "history_only": len(table) - n_judged,
        "after_as_of": len(table.subject.whole) - len(table),
        "collapsed": n_collapsed,
        "rejected": n_rejected,
    }


def _judge_contacts(ruleset: Ruleset, loaded: Loaded, options: Options) -> Judgement:
    """Return what the rules for contacts said; without contacts none of them can be evaluated."""
    contacts = loaded.contacts
    if contacts is None or not len(contacts.entries):
        return _no_contacts(ruleset, contacts)
    entries = contacts.entries
    table, is_judged = _contact_facts(contacts, loaded, options)
    verdicts = judge_all(ruleset, table, is_judged)
    rows = _fates(table, is_judged, contacts.n_read, contacts.n_collapsed, contacts.n_rejected)
    carried = entries.carried
    return _judgement(ruleset, table, verdicts, is_judged, carried, rows, contacts.problems)


def _no_contacts(ruleset: Ruleset, contacts: LoadedContacts | None) -> Judgement:
    n_read = contacts.n_read if contacts else 0
    rows = dict.fromkeys(("judged", "history_only", "after_as_of", "collapsed"), 0)
    rows = {"read": n_read, **rows, "rejected": n_read}
    reported = [rule for rule in ruleset.rules if not rule.is_off]
    results = [
        RuleResult(rule, 0, 0, 0, False, (CONTACTS[0], *sorted(ruleset.columns(rule.id))))
        for rule in reported
    ]
    nothing = np.zeros(0, object)
    codes = {rule.id: np.zeros(0, np.int8) for rule in reported}
    problems = contacts.problems if contacts else ()
    return Judgement(
        rows, problems, tuple(results), none_at_all(), None, Judged(nothing, nothing, codes)
    )


def _history(loaded: Loaded, options: Options) -> tuple[dt.date, list[str]]:
    """Return the date from which the extract covers referrals, with a warning where one is due."""
    days = np.unique(loaded.referrals.day)
    earliest = to_date(int(days[0]))
    if options.history_from is not None:
        return options.history_from, []
    notes = []
    if len(days) > 1:
        following = to_date(int(days[1]))
        if earliest <= minus_months(following, LONE_START_MONTHS):
            notes.append(
                f"warning: the earliest referral ({earliest}) lies three years or more before the "
                f"next ({following}), yet history is taken to start there; give --history-from"
            )
    return earliest, notes


def _in_window(table: FactTable, options: Options) -> Truth:
    day = table.subject.entries.day
    if options.window is None:
        return np.ones(len(day), bool)
    as_of = np.array([to_day(options.as_of)], np.int32)
    return np.asarray(day >= minus_months_array(as_of, options.window)[0], bool)


def _open_or_may_be(table: FactTable) -> Truth:
    measure = table.measure("is_open")
    return np.asarray((measure.state != KNOWN) | (measure.value == 1), bool)
