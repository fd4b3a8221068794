"""The store's tables for analysis elsewhere: pseudonyms for whoever is named, and no free text.

Dates stay as they are, since the times between them are what is analysed. What is handed on is of
one moment, and of the cases that whoever asks sees; the trail tells of it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from triage import __version__
from triage.casework import said
from triage.errors import CallError
from triage.export_files import NewFolder, new_folder
from triage.letting_go import Counts, Identifiers, refuse_naming
from triage.pseudonyms import Key, Kind
from triage.review_form import QUESTIONS
from triage.rights import Viewer
from triage.store.connection import acting, reading
from triage.store.husks import IS_KEPT
from triage.store.people import Asker, actor_of
from triage.store.standing import NOTHING_HIDDEN, Hidden, final_ids, hidden_from
from triage.store.tables import case, event, flag, referral, remedial_action, review, rule_text, run
from triage.store.trail import add_events, happened
from triage.store.work import as_of_store

EXPORTED: Final = "data exported"
MANIFEST: Final = "manifest.json"
_CODED: Final = tuple(
    name for name, (_, allowed) in QUESTIONS.items()
    if allowed and name not in ("further_reasons", "flags_useful", "actions")
)  # fmt: skip
"""The questions of a review that have one answer out of a list."""
HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "cases": ("case", "subject", "child", "referral", "referral_date", "team", "restricted",
              "status", "severity", "due_on", "is_boosted", "snoozed_until", "held_by",
              "assigned_to", "closed_on"),
    "flags": ("case", "child", "rule", "rule_hash", "severity", "state", "due_on",
              "first_flagged_on", "changed_on", "cleared_on"),
    "reviews": ("review", "case", "child", "kind", "state", "is_final", "supersedes", "reviewer",
                "started_on", "submitted_on", *_CODED, "further_reasons", "flags_useful"),
    "actions": ("action", "case", "child", "review", "kind", "owner", "due_on", "done_on",
                "is_handed_over"),
    "referrals": ("child", "referral", "referral_date", "team", "restricted", "referral_source",
                  "primary_need", "nfa", "closed_on", "closure_reason"),
}  # fmt: skip
"""The columns of each table."""

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Exported:
    """What was handed on: how many rows of each table, by the key of which fingerprint."""

    rows: Counts
    fingerprint: str
    as_of: dt.date
    teams: tuple[str, ...]
    with_restricted: bool


@dataclass(frozen=True)
class _Seen:
    """What whoever asks sees: their cases by number, and which reviews are hidden from them."""

    who: Viewer
    teams: tuple[str, ...]
    cases: dict[int, Any]
    hidden: Mapping[int, Hidden]

    def shows(self, row: Any) -> bool:
        """Return whether something of a team, perhaps restricted, is handed on."""
        is_asked = not self.teams or row.team in self.teams
        return is_asked and self.who.sees(row.team, restricted=bool(row.restricted))

    def hides(self, case_id: int, number: int) -> bool:
        """Return whether a review is hidden."""
        return number in self.hidden.get(case_id, NOTHING_HIDDEN).reviews


def export_data(
    url: str, asker: Asker, folder: Path, key: Key, teams: Sequence[str] = ()
) -> Exported:
    """Write the cases that whoever asks sees, and what belongs to them, into a new folder.

    The same store and key give the same bytes. The folder is there once it is whole and the trail
    says so: rather may the trail tell of one that never came than the other way round.

    Raises:
        CallError: when whoever asks may not, there is no case of a team that they see, or the
            folder cannot be written.
        StoreError: when there is no store, or it is out of reach.
    """
    with new_folder(folder) as made:
        with reading(url) as connection:
            who = actor_of(connection, asker)
            who.require("export")
            done = _written(connection, who, made, key, tuple(dict.fromkeys(teams)))
        told = {"key": done.fingerprint, "rows": done.rows, "teams": list(done.teams),
                "restricted": done.with_restricted}  # fmt: skip
        with acting(url) as connection:
            add_events(connection, asker.at, who.name, [happened(EXPORTED, detail=told)])
        made.place()
    return done


def _written(
    connection: sa.Connection, who: Viewer, made: NewFolder, key: Key, teams: tuple[str, ...]
) -> Exported:
    seen = _seen(connection, who, teams)
    as_of, rows, digests = as_of_store(connection), {}, {}
    for name, (of_table, heading) in _tables(connection, seen, key).items():
        cells = sorted(of_table)
        rows[name] = len(cells)
        digests[name] = made.table(f"{name}.csv", heading, cells)
    done = Exported(rows, key.fingerprint, as_of, teams, who.sees_restricted)
    made.text(MANIFEST, json.dumps(_manifest(done, digests), indent=2) + "\n")
    return done


def _manifest(done: Exported, digests: Mapping[str, str]) -> dict[str, Any]:
    return {
        "made_by": f"rereferral-triage {__version__}",
        "as_of": done.as_of.isoformat(),
        "key": done.fingerprint,
        "teams": list(done.teams) or None,
        "restricted": done.with_restricted,
        "tables": {
            f"{name}.csv": {"rows": n_rows, "sha256": digests[name]}
            for name, n_rows in done.rows.items()
        },
    }


def _seen(connection: sa.Connection, who: Viewer, teams: tuple[str, ...]) -> _Seen:
    found = _Seen(who, teams, {}, hidden_from(connection, who))
    for row in connection.execute(sa.select(case).where(IS_KEPT)):
        if found.shows(row):
            found.cases[row.id] = row
    there = {row.team for row in found.cases.values()}
    for team in teams:
        if team not in there:
            raise CallError(f"there is no case of team {team}; `triage queue list` shows them.")
    return found


def _tables(
    connection: sa.Connection, seen: _Seen, key: Key
) -> dict[str, tuple[Iterator[Cells], tuple[str, ...]]]:
    makers = {"cases": _cases, "flags": _flags, "reviews": _reviews, "actions": _actions,
              "referrals": _referrals}  # fmt: skip
    return {name: (make(connection, seen, key), HEADINGS[name]) for name, make in makers.items()}


def _cases(connection: sa.Connection, seen: _Seen, key: Key) -> Iterator[Cells]:
    closed = sa.select(event.c.case_id, sa.func.max(event.c.at)).where(
        event.c.kind == "case closed"
    ).group_by(event.c.case_id)  # fmt: skip
    closed_at = {row[0]: row[1] for row in connection.execute(closed)}
    for row in seen.cases.values():
        yield _cells(
            *_named(key, row), row.referral_date, row.team, row.restricted, row.status,
            row.severity, row.due_on, row.boost is not None, row.snoozed_until,
            key.pseudonym("person", row.held_by), key.pseudonym("person", row.assigned_to),
            _day(closed_at.get(row.id)) if row.status == "closed" else None,
        )  # fmt: skip


def _named(key: Key, row: Any) -> tuple[str, ...]:
    kind: Kind = "contact" if row.subject == "contact" else "referral"
    return (key.pseudonym("case", row.id), row.subject, key.pseudonym("child", row.child_id),
            key.pseudonym(kind, row.referral_id))  # fmt: skip


def _flags(connection: sa.Connection, seen: _Seen, key: Key) -> Iterator[Cells]:
    days = {row.id: row.as_of for row in connection.execute(sa.select(run.c.id, run.c.as_of))}
    names = ("case_id", "rule_id", "rule_hash", "severity", "state", "due_on",
             "first_flagged_on", "changed_run_id", "cleared_run_id")  # fmt: skip
    for row in connection.execute(sa.select(*(flag.c[name] for name in names))):
        if row.case_id in seen.cases:
            yield _cells(
                *_whose(key, seen, row.case_id), row.rule_id, row.rule_hash, row.severity,
                row.state, row.due_on, row.first_flagged_on, days.get(row.changed_run_id),
                days.get(row.cleared_run_id),
            )  # fmt: skip


def _reviews(connection: sa.Connection, seen: _Seen, key: Key) -> Iterator[Cells]:
    final = set(final_ids(connection).values())
    rules = set(connection.scalars(sa.select(rule_text.c.rule_id)))
    for row in connection.execute(sa.select(review).where(review.c.state != "draft")):
        if row.case_id not in seen.cases or seen.hides(row.case_id, row.id):
            continue
        answers = json.loads(row.answers)
        yield _cells(
            key.pseudonym("review", row.id), *_whose(key, seen, row.case_id), row.kind, row.state,
            row.id in final, key.pseudonym("review", row.supersedes),
            key.pseudonym("person", row.reviewer), _day(row.started_at), _day(row.submitted_at),
            *(_coded(name, answers.get(name)) for name in _CODED),
            ";".join(_coded("further_reasons", one) for one in answers.get("further_reasons", ())),
            ";".join(
                f"{rule}={_coded('flags_useful', useful)}"
                for rule, useful in sorted(answers.get("flags_useful", {}).items())
                if rule in rules
            ),
        )  # fmt: skip


def _coded(question: str, answer: Any) -> str:
    """Return an answer that is one of the form's; of another it cannot be told what it holds."""
    return str(answer) if answer in QUESTIONS[question][1] else ""


def _actions(connection: sa.Connection, seen: _Seen, key: Key) -> Iterator[Cells]:
    for row in connection.execute(sa.select(remedial_action)):
        if row.case_id in seen.cases and not seen.hides(row.case_id, row.review_id):
            yield _cells(
                key.pseudonym("action", row.id), *_whose(key, seen, row.case_id),
                key.pseudonym("review", row.review_id), _coded("actions", row.kind),
                key.pseudonym("person", row.owner), row.due_on, row.done_on,
                row.handed_to is not None,
            )  # fmt: skip


def _referrals(connection: sa.Connection, seen: _Seen, key: Key) -> Iterator[Cells]:
    children = {row.child_id for row in seen.cases.values()}
    for row in connection.execute(sa.select(referral)):
        if row.child_id in children and seen.shows(row):
            yield _cells(
                key.pseudonym("child", row.child_id), key.pseudonym("referral", row.referral_id),
                row.referral_date, row.team, row.restricted, row.referral_source,
                row.primary_need, row.nfa, row.closed_on, row.closure_reason,
            )  # fmt: skip


def _whose(key: Key, seen: _Seen, case_id: int) -> tuple[str, str]:
    child = seen.cases[case_id].child_id
    return key.pseudonym("case", case_id), key.pseudonym("child", child)


def _day(moment: str | None) -> str | None:
    return None if moment is None else moment[: len("2026-10-09")]


def _cells(*values: Any) -> Cells:
    return tuple(_cell(value) for value in values)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dt.date():
            return value.isoformat()
    return str(value)


def cases_behind(url: str, asker: Asker, pseudonym: str, key: Key, why: str) -> tuple[int, ...]:
    """Return the cases that a pseudonym of a case or a child stands for, for a reason.

    It is for whoever may export, and only of cases that they see; the trail tells of each.

    Raises:
        CallError: when it stands for none, no reason is given, or whoever asks may not.
    """
    words = said(why, "give a reason to look behind a pseudonym, with --reason TEXT.")
    with acting(url) as connection:
        who = actor_of(connection, asker)
        who.require("export")
        seen = _seen(connection, who, ())
        found = tuple(
            number for number in sorted(seen.cases) if pseudonym in _whose(key, seen, number)
        )
        if not found:
            raise CallError(
                f"no case that you see bears this pseudonym by the key {key.fingerprint}; the "
                "manifest of an export names its key."
            )
        for number in found:
            row = seen.cases[number]
            refuse_naming(words, Identifiers(row.child_id, frozenset({row.referral_id})))
        told = {"key": key.fingerprint, "reason": words}
        events = [happened("pseudonym looked behind", number, None, told) for number in found]
        add_events(connection, asker.at, who.name, events)
        return found
