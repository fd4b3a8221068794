"""The rules of the queue, kept slowly: one flag after another, in plain dictionaries.

It knows nothing of how the store keeps or compares them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from triage.calendar import add_working_days, to_date, to_day
from triage.flags import Flag
from triage.judging import CLEAR_CODE
from triage.run import Run
from triage.validation import GIVEN

Key = tuple[str, str, str]
Row = dict[str, Any]
SNOOZED_FOR = dt.timedelta(2)
SEVERITIES = ("critical", "high", "medium", "low")
NOBODY = {"held_by": None}
AFRESH = {"assigned_to": None, "snoozed_until": None}
IN_WORK = ("new", "claimed", "in review")
ACTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "claim": (IN_WORK, {"status": "claimed", "held_by": "m.manager"}),
    "review": (IN_WORK, {"status": "in review", "held_by": "m.manager"}),
    "release": (("claimed", "in review"), {"status": "new", **NOBODY}),
    "assign": (IN_WORK, {"status": "new", "assigned_to": "w.worker", **NOBODY}),
    "close": (("new", "claimed"), {"status": "closed", **NOBODY}),
    "reopen": (("closed",), {"status": "new", "boost": "reopened", **AFRESH}),
    "boost": (IN_WORK, {"boost": "asked for"}),
    "snooze": (IN_WORK, {}),
}
"""What a person may do to a case of which statuses, and what comes of it."""


class SlowQueue:
    """The queue as it stands after some nights."""

    def __init__(self, review_days: Mapping[str, int]) -> None:
        self.review_days = review_days
        self.cases: dict[Key, Row] = {}
        self.flags: dict[tuple[Key, str], Row] = {}
        self.events: list[tuple[int, Key, str, str | None, str]] = []
        self.referrals: dict[tuple[str, str], tuple[Any, ...]] = {}
        self._opened: dict[Key, list[str]] = {}
        self.n_runs = 0
        self.as_of = dt.date.min

    def order(self, cases: Collection[Row] | None = None) -> list[int]:
        """Return the numbers of cases, all or some, in the order of work."""

        def turn(case: Row) -> tuple[Any, ...]:
            return (
                0 if case["due_on"] < self.as_of else 1,
                1 if case["boost"] is None else 0,
                SEVERITIES.index(case["severity"]),
                case["due_on"],
                case["referral_date"],
                case["number"],
            )

        found = self.cases.values() if cases is None else cases
        return [case["number"] for case in sorted(found, key=turn)]

    def listed(self, *, sees_restricted: bool, team: str = "") -> list[int]:
        """Return the numbers of the cases that wait for work, as somebody sees them."""
        return self.order(
            [
                case
                for case in self.cases.values()
                if case["status"] != "closed"
                and not (case["snoozed_until"] and case["snoozed_until"] > self.as_of)
                and (sees_restricted or not case["restricted"])
                and (not team or case["team"] == team)
            ]
        )

    def act(self, name: str, number: int) -> bool:
        """Do what a person does to a case; return whether it can be done to it."""
        case = next(row for row in self.cases.values() if row["number"] == number)
        statuses, values = ACTS[name]
        if case["status"] not in statuses:
            return False
        was_in_review = case["status"] == "in review"
        case |= values
        if name == "claim" and was_in_review:
            case["status"] = "in review"
        if name == "snooze":
            case["snoozed_until"] = self.as_of + SNOOZED_FOR
        return True

    def night(self, run: Run) -> dict[str, dict[str, int]]:
        """Bring the queue up to date with a run; return the counts by subject."""
        self.n_runs += 1
        self.as_of = run.options.as_of
        names = ("new", "still_flagged", "changed", "cleared", "reopened")
        counts = {subject: dict.fromkeys(names, 0) for subject in ("referral", "contact")}
        tonight: dict[tuple[Key, str], Flag] = {}
        known, raised, cleared = set(self.cases), set(), set()
        self._opened = {}
        for flags in (run.flags, run.contact_flags):
            lasting = flags.table_to_store["lasting"].to_pylist()
            for found, rests_on in zip(flags, lasting, strict=True):
                key = (found.subject, found.child_id, found.referral_id)
                tonight[key, found.rule] = found
                if self._raise(run, key, found, rests_on, counts[found.subject]):
                    raised.add(key)
        for key, rules in self._opened.items():
            self._note(key, "case opened", None, " ".join(sorted(rules)))
        for (key, rule), row in self.flags.items():
            if row["state"] != "open" or (key, rule) in tonight:
                continue
            why = self._why_gone(run, rule)
            if why or self._is_clear(run, key, rule):
                row |= {"state": "cleared", "cleared": self.n_runs}
                counts[key[0]]["cleared"] += 1
                self._note(key, "flag cleared", rule, f"the rule is {why}" if why else "")
                cleared.add(key)
        for (key, _), found in tonight.items():
            self.cases[key] |= {"team": found.team, "restricted": found.restricted}
        for key in raised | cleared:
            self._follow(key, is_raised=key in raised, is_known=key in known)
        for key, case in self.cases.items():
            severities = [row["severity"] for row in self._open_flags(key)]
            if severities:
                case["severity"] = min(severities, key=SEVERITIES.index)
        self._remember_referrals(run)
        return counts

    def _raise(self, run: Run, key: Key, found: Flag, rests_on: str, count: dict[str, int]) -> bool:
        """Bring one flag up to date; return whether it was raised, anew or again."""
        as_of = run.options.as_of
        told = {
            "message": found.message,
            "due_on": found.due_on,
            "severity": found.severity,
            "rule_hash": run.ruleset.by_id[found.rule].text_hash,
        }
        rests_on = hashlib.sha256(rests_on.encode()).hexdigest()
        if key not in self.cases:
            self.cases[key] = {
                "number": len(self.cases) + 1,
                "referral_date": found.referral_date,
                "status": "new",
                **dict.fromkeys(("boost", "snoozed_until", "held_by", "assigned_to")),
            }
            self._opened[key] = []
        before = self.flags.get((key, found.rule))
        new = {"state": "open", "rests_on": rests_on, "changed": self.n_runs, "cleared": None}
        evidence = {"evidence": dict(found.evidence)}
        if before is None:
            count["new"] += 1
            first = {"first_on": as_of, "first": self.n_runs}
            self.flags[key, found.rule] = {**told, **evidence, **new, **first}
            if key in self._opened:
                self._opened[key].append(found.rule)
            else:
                self._note(key, "flag raised", found.rule, "")
            return True
        if before["state"] == "cleared":
            count["reopened"] += 1
            before |= {**told, **evidence, **new}
            self._note(key, "flag raised again", found.rule, "")
            return True
        if before["rests_on"] != rests_on:
            count["changed"] += 1
            before |= {**told, **evidence, **new}
            self._note(key, "flag changed", found.rule, "")
            return False
        count["still_flagged"] += 1
        if any(before[name] != value for name, value in told.items()):
            before |= {**told, **evidence}
        return False

    def _why_gone(self, run: Run, rule: str) -> str:
        if rule in run.ruleset.silent:
            return run.ruleset.silent[rule]
        known = run.ruleset.by_id.get(rule)
        return "on trial" if known is not None and known.status == "trial" else ""

    def _is_clear(self, run: Run, key: Key, rule: str) -> bool:
        judged = (run.contacts if key[0] == "contact" else run.referrals).judged
        for place, name in enumerate(
            zip(judged.child_ids.tolist(), judged.ids.tolist(), strict=True)
        ):
            if name == key[1:] and rule in judged.outcomes:
                return bool(judged.outcomes[rule][place] == CLEAR_CODE)
        return False

    def _open_flags(self, key: Key) -> list[Row]:
        return [
            row for (other, _), row in self.flags.items() if other == key and row["state"] == "open"
        ]

    def _follow(self, key: Key, *, is_raised: bool, is_known: bool) -> None:
        """Close, reopen or bring forward a case on which a flag was raised, or cleared."""
        case, open_ones = self.cases[key], self._open_flags(key)
        if not open_ones:
            if case["status"] == "new":
                case["status"] = "closed"
                self._note(key, "case closed", None, "no flag holds any more")
            return
        if case["status"] == "closed":
            if is_raised:
                due = min(self._due(self.as_of, row["severity"]) for row in open_ones)
                case |= {"status": "new", "boost": "came back", "due_on": due, **AFRESH}
                self._note(key, "case reopened", None, "")
            return
        case["due_on"] = min(self._due(row["first_on"], row["severity"]) for row in open_ones)
        if is_raised and is_known and case["boost"] is None:
            case["boost"] = "a flag was added"
            self._note(key, "case boosted", None, "a flag was added")

    def _remember_referrals(self, run: Run) -> None:
        table = run.referrals.table
        assert table is not None
        entries = table.subject.entries

        def cell(name: str, place: int) -> Any:
            column = table.subject.column(name)
            if column.state[place] != GIVEN:
                return None
            value = int(column.value[place])
            if name == "closed_on":
                return to_date(value)
            return bool(value) if name == "nfa" else column.names[value]

        columns = ("team", "referral_source", "primary_need", "nfa", "closed_on", "closure_reason")
        for place, child in enumerate(entries.child_ids.tolist()):
            self.referrals[child, entries.ids[place]] = (
                to_date(int(entries.day[place])),
                *(cell(name, place) for name in columns),
                bool(table.subject.is_restricted[place]),
            )

    def _due(self, start: dt.date, severity: str) -> dt.date:
        return to_date(add_working_days(to_day(start), self.review_days[severity]))

    def _note(self, key: Key, kind: str, rule: str | None, detail: str) -> None:
        self.events.append((self.n_runs, key, kind, rule, detail))
