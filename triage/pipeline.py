"""The stages in order: sources, records, facts, rules, outcomes. One run, from inputs to flags."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from triage.across import Across
from triage.calendar import Days, check_as_of, minus_months, to_date
from triage.due import in_order as due_in_order
from triage.entries import CONTACTS, Entries
from triage.errors import CallError, InputError
from triage.facts import FACT_BY_NAME, FactTable, SubjectName
from triage.flags import Flags
from triage.judging import CANNOT_TELL_CODE, CLEAR_CODE, FLAG_CODE, Bench
from triage.nights import with_nights
from triage.parts import Found, Questions, cut, jobs_for, judge_parts, judge_subject, judged
from triage.progress import Progress, Told, silent
from triage.raising import in_order
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

ACROSS = ("household_id", "rationale_hash", "decision_at")
"""The columns in which the records of several children are looked at together."""

Truth = npt.NDArray[np.bool_]


def check(
    names: Sequence[str],
    ruleset: Ruleset,
    options: Options,
    progress: Progress = silent,
    *,
    keeps_records: bool = True,
    nights: pa.Table | None = None,
) -> Run:
    """Return what the rules say of the records in ``names``; nothing is stored.

    Without ``keeps_records`` only counts and flags are kept, which halves the memory: no cell as
    it was typed, and not what each rule said of what it does not flag. ``nights`` is what earlier
    nights saw of the referrals (``triage.nights``), where a store keeps it.

    Raises:
        CallError: for a date that cannot be judged on, or no input.
        InputError: for an input that cannot be used.
        RuleError: for a rule that cannot be evaluated.
    """
    sources = read_sources(names, options, progress)
    return check_sources(
        sources, ruleset, options, progress, keeps_records=keeps_records, nights=nights
    )


def read_sources(
    names: Sequence[str], options: Options, progress: Progress = silent
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
    progress: Progress = silent,
    *,
    keeps_records: bool = True,
    nights: pa.Table | None = None,
) -> Run:
    """Return what the rules say of inputs that were read already.

    Drafts and retired rules are left out; rules on trial are judged and kept apart. Without
    ``keeps_records`` a list of inputs is emptied of their cells as soon as they are validated.
    """
    live = ruleset.live()
    progress("validating")
    loaded = load(sources, options.as_of, options.reading.join_within_days)
    if not keeps_records and isinstance(sources, list):
        sources[:] = [one.without_cells() for one in sources]
        loaded = replace(loaded, sources=tuple(sources))
    if nights is not None:
        loaded = replace(loaded, referrals=with_nights(loaded.referrals, nights))
    history_from, notes = history(_first_days(loaded.referrals), options)
    asked = Questions(live.of("referral"), options.as_of, options.window, history_from)
    found = _judge_referrals(
        loaded.referrals, asked, options.jobs, progress, keeps_records=keeps_records
    )
    progress("putting the flags in order")
    return Run(
        options,
        history_from,
        loaded.sources,
        live,
        (*loaded.notes, *notes),
        judgement(
            asked,
            found,
            loaded.referrals.carried,
            (loaded.n_read, len(loaded.collapsed_days), loaded.n_rejected),
            loaded.problems,
            partial(_referral_facts, loaded.referrals, options.as_of, history_from)
            if keeps_records
            else None,
        ),
        _judge_contacts(live.of("contact"), loaded, options),
        due_in_order(one for part in found for one in part.due),
        loaded.joins,
    )


def _judge_referrals(
    referrals: Entries,
    asked: Questions,
    jobs: int | None,
    progress: Progress,
    *,
    keeps_records: bool = True,
) -> list[Found]:
    """Return what was found of referrals, judged in parts of whole children."""
    told = Told(progress, f"judging {counted(len(referrals), 'referral')}", len(referrals))
    jobs = jobs or jobs_for(len(referrals))
    parts = list(cut(referrals, across_of(referrals, asked), asked.as_of, jobs))
    return judge_parts(parts, asked, jobs, told.add, keeps_names=keeps_records)


def across_of(referrals: Entries, asked: Questions) -> Across:
    """Return what the rules need to know of the referrals that only all of them together tell."""
    columns = {name: referrals.columns[name] for name in ACROSS if name in referrals.columns}
    narrow = replace(referrals, columns=columns, events={})
    households, months = across_asked(asked)
    return ReferralSubject(narrow, asked.as_of, asked.history_from).look_across(
        households=households, rationale_months=months
    )


def across_asked(asked: Questions) -> tuple[bool, frozenset[int]]:
    """Return whether the rules ask for households, and the months over which for rationales."""
    facts = [fact for rule in asked.rules.rules for fact in (*rule.facts, *rule.shown)]
    return (
        any(FACT_BY_NAME[one.name].needs == ("household_id",) for one in facts),
        frozenset(
            one.within for one in facts if one.name == "n_same_rationale" and one.within is not None
        ),
    )


def fact_table(
    sources: Sequence[Input], subject: SubjectName, options: Options
) -> tuple[FactTable, Truth]:
    """Return the facts of the referrals (or the contacts) of some inputs, and which are judged.

    Raises:
        InputError: for an input that cannot be used, or that holds no contact where they are asked.
    """
    loaded = load(sources, options.as_of, options.reading.join_within_days)
    if subject == "contact" and loaded.contacts is None:
        raise InputError(f"{sources[0].path}: holds no contacts, which this rule judges.")
    if subject == "contact":
        assert loaded.contacts is not None
        table = _contact_facts(loaded.contacts, loaded, options)
    else:
        since = history(_first_days(loaded.referrals), options)[0]
        table = _referral_facts(loaded.referrals, options.as_of, since)
    return table, judged(table, options.as_of, options.window)


def _referral_facts(referrals: Entries, as_of: dt.date, history_from: dt.date) -> FactTable:
    return FactTable(ReferralSubject(referrals, as_of, history_from), FACT_BY_NAME)


def _contact_facts(contacts: LoadedContacts, loaded: Loaded, options: Options) -> FactTable:
    """Return the facts of contacts, covered from the earliest, or from where records are whole."""
    since = options.history_from or to_date(int(contacts.entries.day.min()))
    subject = ContactSubject(contacts.entries, loaded.referrals, options.as_of, since)
    return FactTable(subject, FACT_BY_NAME)


def judgement(
    asked: Questions,
    found: Sequence[Found],
    carried: frozenset[str],
    rows: tuple[int, int, int],
    problems: tuple[Problem, ...],
    make_table: Callable[[], FactTable] | None,
    subject: SubjectName | None = None,
) -> Judgement:
    """Return what was found of all parts together; ``rows`` are read, collapsed and rejected.

    ``subject`` says of what the flags are, where that is not what the rules judge.
    """
    tallies = np.sum([one.tallies for one in found], axis=0)
    results = [
        RuleResult(
            rule,
            int(tally[FLAG_CODE]),
            int(tally[CLEAR_CODE]),
            int(tally[CANNOT_TELL_CODE]),
            asked.rules.can_flag(rule.id, carried),
            tuple(n for n in COLUMNS if n in asked.rules.columns(rule.id) - carried),
        )
        for rule, tally in zip(asked.reported, tallies, strict=True)
    ]
    n_judged = sum(one.n_judged for one in found)
    subject = subject or (asked.reported[0].subject if asked.reported else "referral")
    return Judgement(
        {
            "read": rows[0],
            "judged": n_judged,
            "history_only": sum(one.n_entries for one in found) - n_judged,
            "after_as_of": sum(one.n_later for one in found),
            "collapsed": rows[1],
            "rejected": rows[2],
        },
        problems,
        tuple(results),
        in_order([one.raised for one in found], asked.rules, subject),
        Judged(
            pa.chunked_array([one.ids for one in found], pa.string()),
            pa.chunked_array([one.child_ids for one in found], pa.string()),
            {
                rule.id: np.concatenate([one.outcomes[rule.id] for one in found])
                for rule in asked.reported
            },
        ),
        make_table,
    )


def _judge_contacts(ruleset: Ruleset, loaded: Loaded, options: Options) -> Judgement:
    """Return what the rules for contacts said; without contacts none of them can be evaluated."""
    contacts = loaded.contacts
    if contacts is None or not len(contacts.entries):
        return no_contacts(ruleset, contacts)
    table = _contact_facts(contacts, loaded, options)
    since = to_date(table.subject.history_from)
    asked = Questions(ruleset, options.as_of, options.window, since)
    found = judge_subject(table.subject, asked, Bench())
    rows = (contacts.n_read, contacts.n_collapsed, contacts.n_rejected)
    carried = contacts.entries.carried
    return judgement(asked, [found], carried, rows, contacts.problems, lambda: table)


def no_contacts(ruleset: Ruleset, contacts: LoadedContacts | None) -> Judgement:
    """Return that the rules for contacts could not be evaluated, since there is none to judge."""
    n_read = contacts.n_read if contacts else 0
    rows = dict.fromkeys(("judged", "history_only", "after_as_of", "collapsed"), 0)
    rows = {"read": n_read, **rows, "rejected": n_read}
    reported = [rule for rule in ruleset.rules if not rule.is_off]
    results = [
        RuleResult(rule, 0, 0, 0, False, (CONTACTS[0], *sorted(ruleset.columns(rule.id))))
        for rule in reported
    ]
    nothing = pa.chunked_array([], pa.string())
    codes = {rule.id: np.zeros(0, np.int8) for rule in reported}
    problems = contacts.problems if contacts else ()
    return Judgement(rows, problems, tuple(results), Flags(), Judged(nothing, nothing, codes))


def history(first_days: Days, options: Options) -> tuple[dt.date, list[str]]:
    """Return the date from which the extract covers referrals, with a warning where one is due.

    ``first_days`` are the earliest day of any referral and the next one that differs.
    """
    earliest = to_date(int(first_days[0]))
    if options.history_from is not None:
        return options.history_from, []
    notes = []
    if len(first_days) > 1:
        following = to_date(int(first_days[1]))
        if earliest <= minus_months(following, LONE_START_MONTHS):
            notes.append(
                f"warning: the earliest referral ({earliest}) lies three years or more before the "
                f"next ({following}), yet history is taken to start there; give --history-from"
            )
    return earliest, notes


def _first_days(referrals: Entries) -> Days:
    """Return the earliest day of any referral and the next one that differs."""
    day = referrals.day
    earliest = day.min()
    later = day[day > earliest]
    return np.array([earliest, later.min()] if len(later) else [earliest], np.int32)
