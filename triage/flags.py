"""Flags in words: what happened, by how much, against which limit, and what it rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triage import explain
from triage.calendar import add_working_days, spoken_date, to_date
from triage.conditions import Compare
from triage.facts import FACT_BY_NAME, FactTable, SubjectName
from triage.judging import OUTCOMES, Row, Verdict
from triage.rules import BECAUSE, BRACES, Rule
from triage.ruleset import Ruleset
from triage.validation import GIVEN
from triage.vocabulary import counted, cut


@dataclass(frozen=True)
class Flag:
    """One rule on one referral, with its words and what they rest on.

    Of a rule that judges contacts, ``referral_id`` and ``referral_date`` are the contact's.
    """

    rule: str
    severity: str
    child_id: str
    referral_id: str
    referral_date: dt.date
    team: str | None
    message: str
    due_on: dt.date | None
    overdue_working_days: int | None
    evidence: Mapping[str, Any]
    restricted: bool = False
    subject: SubjectName = "referral"

    def as_json(self) -> dict[str, Any]:
        """Return the flag as outside scripts read it; a contact's says so."""
        found = {
            "rule": self.rule,
            "severity": self.severity,
            "child_id": self.child_id,
            "referral_id": self.referral_id,
            "referral_date": self.referral_date.isoformat(),
            "team": self.team,
            "message": self.message,
            "due_on": self.due_on.isoformat() if self.due_on else None,
            "overdue_working_days": self.overdue_working_days,
            "evidence": dict(self.evidence),
        }
        return found if self.subject == "referral" else {**found, "subject": self.subject}


@dataclass(frozen=True)
class _Because:
    """What made a rule true for a pattern: the texts to say, and the clock that ran out."""

    sayings: tuple[str, ...]
    clock: Compare | None


def describe(
    rule: Rule,
    ruleset: Ruleset,
    table: FactTable,
    verdicts: Mapping[str, Verdict],
    rows: Sequence[int],
) -> list[Flag]:
    """Return the flags of a rule on the entries that it flags, in words."""
    flags = []
    limits = ruleset.limits(rule.id)
    for row, said, because in _told(rule, table, verdicts, rows):
        due_on, overdue = _deadline(because.clock, table, row)
        flags.append(
            Flag(
                **said,
                message=message(rule, limits, table, because.sayings, row),
                due_on=due_on,
                overdue_working_days=overdue,
                evidence=_evidence(rule, table, verdicts, row),
                subject=rule.subject,
            )
        )
    return flags


def describe_due(
    rule: Rule,
    ruleset: Ruleset,
    table: FactTable,
    verdicts: Mapping[str, Verdict],
    rows: Sequence[int],
) -> Iterator[dict[str, Any]]:
    """Yield what falls due, in words: whose, by when, and what is to be done."""
    limits = ruleset.limits(rule.id)
    for row, said, because in _told(rule, table, verdicts, rows):
        due_on, _ = _deadline(because.clock, table, row)
        if due_on is not None:
            text = _filled(rule.about.due or "", rule, limits, table, row)
            yield said | {"due_on": due_on, "message": text[:1].upper() + text[1:]}


def _told(
    rule: Rule, table: FactTable, verdicts: Mapping[str, Verdict], rows: Sequence[int]
) -> Iterator[tuple[int, dict[str, Any], _Because]]:
    """Yield each row with whose it is and what made the rule true, asked once a pattern."""
    entries, team = table.subject.entries, table.subject.column("team")
    restricted = table.subject.is_restricted
    reasons: dict[int, _Because] = {}
    for row in rows:
        pattern = int(verdicts[rule.id].pattern[row])
        if pattern not in reasons:
            reasons[pattern] = _because(rule, table, Row(table, verdicts, row))
        yield (
            row,
            {
                "rule": rule.id,
                "severity": rule.severity,
                "child_id": str(entries.child_ids[row]),
                "referral_id": str(entries.ids[row]),
                "referral_date": to_date(int(entries.day[row])),
                "team": team.names[team.value[row]] if team.state[row] == GIVEN else None,
                "restricted": bool(restricted[row]),
            },
            reasons[pattern],
        )


def _because(rule: Rule, table: FactTable, subject: Row) -> _Because:
    held = explain.true_comparisons(rule.condition, subject)
    clock = next(
        (
            compare
            for compare in held
            if compare.operator == "more_than" and table.measure(compare.asked).start is not None
        ),
        None,
    )
    return _Because(tuple(explain.true_sayings(rule.condition, subject)), clock)


def _deadline(
    clock: Compare | None, table: FactTable, row: int
) -> tuple[dt.date | None, int | None]:
    """Return when what the rule asks for was due, and by how many working days it was passed."""
    if clock is None:
        return None, None
    measure = table.measure(clock.asked)
    assert measure.start is not None
    limit = clock.values[0]
    due = to_date(add_working_days(int(measure.start[row]), limit))
    return due, int(measure.value[row]) - limit


def message(
    rule: Rule, limits: Mapping[str, Any], table: FactTable, said: Sequence[str], row: int
) -> str:
    """Return the sentence of a flag: what happened, by how much, against which limit.

    ``limits`` holds the parameters by the names that messages have for them, ``said`` the texts of
    the parts of the condition that hold.
    """
    because = _joined([_filled(text, rule, limits, table, row) for text in said])
    text = _filled(rule.about.message, rule, limits, table, row, because)
    return text[:1].upper() + text[1:]


def _joined(said: list[str]) -> str:
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)


def _filled(
    text: str,
    rule: Rule,
    limits: Mapping[str, Any],
    table: FactTable,
    row: int,
    because: str = "",
) -> str:
    def fill(match: Any) -> str:
        name, noun = match.group(1), match.group(2)
        if name == BECAUSE:
            return because
        value = limits.get(name)
        if value is None:
            value = table.plain(rule.told(name), row)
            if isinstance(value, str) and FACT_BY_NAME[name].is_own_words:
                return value
        return spoken(value, noun)

    return BRACES.sub(fill, text)


def spoken(value: Any, noun: str | None = None) -> str:
    """Return a value as a sentence has it; typed text is cut short."""
    match value:
        case None:
            return "an unknown date" if noun is None else f"an unknown number of {noun}s"
        case bool():
            return "yes" if value else "no"
        case int():
            return counted(value, noun) if noun else str(value)
        case dt.date():
            return spoken_date(value)
        case tuple():
            return ", ".join(value)
    return cut(str(value))


def _evidence(
    rule: Rule, table: FactTable, verdicts: Mapping[str, Verdict], row: int
) -> dict[str, Any]:
    """Return each fact the rule looked at, each parameter, and what the rules it reads said."""
    found: dict[str, Any] = {}
    for asked in (*rule.facts, *rule.shown):
        name, value = asked.name, table.plain(asked, row)
        if isinstance(value, dt.date):
            found[name] = value.isoformat()
        else:
            is_typed = isinstance(value, str) and not FACT_BY_NAME[name].is_own_words
            found[name] = cut(value) if is_typed else value
    for name, value in rule.parameters.items():
        found[name] = list(value) if isinstance(value, tuple) else value
    for read in rule.reads:
        found[read] = OUTCOMES[verdicts[read].codes[row]]
    return found
