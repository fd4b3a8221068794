"""Storing a run: cases and flags brought up to date in one transaction.

One rule on one referral is one flag, however many nights it is raised. What no longer holds is
cleared, never deleted; what could not be judged tonight stands as it was.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from triage import __version__
from triage.facts import SubjectName
from triage.flags import Flag
from triage.judging import CLEAR_CODE
from triage.rules import Rule
from triage.run import Run
from triage.store.cases import (
    Key,
    Writes,
    event_row,
    follow_cases,
    insert_rows,
    key_of,
    open_cases,
    stored_keys,
)  # fmt: skip
from triage.store.connection import writing
from triage.store.tables import (
    due_item,
    event,
    flag,
    referral,
    rejection,
    rule_text,
    ruleset_rule,
    run,
)
from triage.timeline import timeline

ACTOR: Final = "system:nightly"


@dataclass
class QueueChange:
    """What a run changed in the queue, in flags."""

    new: int = 0
    still_flagged: int = 0
    changed: int = 0
    cleared: int = 0
    reopened: int = 0

    def as_json(self) -> dict[str, int]:
        """Return the counts as outside scripts read them."""
        return asdict(self)


Changes = dict[SubjectName, QueueChange]
"""What a run changed in the queue: flags on referrals, and flags on contacts."""


def store_run(
    url: str,
    result: Run,
    *,
    who: str,
    started_at: dt.datetime,
    finished_at: dt.datetime,
    settings: Mapping[str, Any],
    review_days: Mapping[str, int],
) -> tuple[int, Changes]:
    """Store a run and bring the queue up to date; return the run's number and what changed.

    ``review_days`` gives the working days within which a case is to be reviewed, by severity. All
    of it is one transaction: a run that is killed leaves nothing behind.

    Raises:
        StoreError: when the store is busy, damaged or out of reach; nothing was stored.
    """
    with writing(url) as connection:
        _store_rules(connection, result)
        shown = result.as_json()
        run_id = _store_run_row(connection, result, shown, who, started_at, finished_at, settings)
        changes = _update_queue(connection, result, run_id, finished_at, review_days)
        contacts = {name: shown["contacts"][name] for name in ("rows", "rules")}
        counts = contacts | {"queue": changes["contact"].as_json()}
        queue = changes["referral"].as_json()
        connection.execute(
            sa.update(run).where(run.c.id == run_id).values(queue=queue, contacts=counts)
        )
        _store_problems(connection, result, run_id)
        _store_timeline(connection, result)
        due = [{"run_id": run_id, **asdict(one)} for one in result.due]
        insert_rows(connection, due_item, due)
    return run_id, changes


def _store_rules(connection: sa.Connection, result: Run) -> None:
    known = set(connection.scalars(sa.select(rule_text.c.hash)))
    new = {rule.text_hash: rule for rule in result.ruleset.rules if rule.text_hash not in known}
    insert_rows(
        connection,
        rule_text,
        [{"hash": hash_, "rule_id": rule.id, "text": rule.text} for hash_, rule in new.items()],
    )
    whole = result.ruleset.hash
    stored = sa.select(ruleset_rule.c.rule_id).where(ruleset_rule.c.ruleset_hash == whole)
    if not connection.execute(stored.limit(1)).first():
        rows = [
            {"ruleset_hash": whole, "rule_id": rule.id, "rule_hash": rule.text_hash}
            for rule in result.ruleset.rules
        ]
        insert_rows(connection, ruleset_rule, rows)


def _store_run_row(
    connection: sa.Connection,
    result: Run,
    shown: Mapping[str, Any],
    who: str,
    started_at: dt.datetime,
    finished_at: dt.datetime,
    settings: Mapping[str, Any],
) -> int:
    inserted = connection.execute(
        sa.insert(run).values(
            started_at=_stamp(started_at),
            finished_at=_stamp(finished_at),
            who=who,
            version=__version__,
            as_of=result.options.as_of,
            ruleset_hash=result.ruleset.hash,
            settings={
                **settings,
                "window": shown["window"],
                "history_from": shown["history_from"],
            },
            inputs=shown["inputs"],
            rows=shown["rows"],
            rules=shown["rules"],
            notes=shown["notes"],
            queue={},
            trial=shown["trial"]["rules"],
        )
    )
    key = inserted.inserted_primary_key
    assert key is not None
    return int(key[0])


def _store_problems(connection: sa.Connection, result: Run, run_id: int) -> None:
    problems = (*result.problems, *result.contacts.problems)
    columns = ("kind", "source", "row", "column", "message")
    rows = [
        {"run_id": run_id, **{name: getattr(problem, name) for name in columns}}
        for problem in problems
    ]
    insert_rows(connection, rejection, rows)


def _store_timeline(connection: sa.Connection, result: Run) -> None:
    """Bring the referrals of flagged children up to date; only what differs is written."""
    stored = {
        (row.child_id, row.referral_id): tuple(row)
        for row in connection.execute(sa.select(referral))
    }
    new = []
    for entry in timeline(result):
        row = asdict(entry)
        before = stored.get((entry.child_id, entry.referral_id))
        if before is None:
            new.append(row)
        elif before != tuple(row.values()):
            connection.execute(
                sa.update(referral)
                .where(
                    referral.c.child_id == entry.child_id,
                    referral.c.referral_id == entry.referral_id,
                )
                .values(**row)
            )
    insert_rows(connection, referral, new)


def _update_queue(
    connection: sa.Connection,
    result: Run,
    run_id: int,
    at: dt.datetime,
    review_days: Mapping[str, int],
) -> Changes:
    case_ids = {key: number for number, key in stored_keys(connection).items()}
    stored = {
        (row.case_id, row.rule_id): row
        for row in connection.execute(
            sa.select(
                flag.c.id,
                flag.c.case_id,
                flag.c.rule_id,
                flag.c.rule_hash,
                flag.c.severity,
                flag.c.state,
                flag.c.message,
                flag.c.due_on,
                flag.c.fingerprint,
            )
        )
    }
    changes: Changes = {"referral": QueueChange(), "contact": QueueChange()}
    writes = Writes()
    rules = result.ruleset.by_id
    raised: set[tuple[int, str]] = set()
    for key, number in open_cases(connection, result, case_ids, review_days).items():
        case_ids[key] = number
        writes.events.append(event_row("case opened", number, None, {}))
    flags = result.stable_flags
    for found, lasting in zip(flags, flags.table["lasting"].to_pylist(), strict=True):
        place = (case_ids[key_of(found)], found.rule)
        raised.add(place)
        row = _flag_row(found, lasting, rules[found.rule], place[0], result.options.as_of, run_id)
        _raise(stored.get(place), row, run_id, changes[found.subject], writes)
    keys = {number: key for key, number in case_ids.items()}
    _clear(result, stored, raised, keys, run_id, changes, writes)
    insert_rows(connection, flag, writes.new_flags)
    for update in writes.updates:
        connection.execute(sa.update(flag).where(flag.c.id == update.pop("id")).values(**update))
    follow_cases(connection, result, writes, review_days)
    stamp = {"at": _stamp(at), "actor": ACTOR, "run_id": run_id}
    insert_rows(connection, event, [stamp | row for row in writes.events])
    return changes


def _raise(
    before: Any, row: dict[str, Any], run_id: int, change: QueueChange, writes: Writes
) -> None:
    """Bring one flag that was raised tonight up to date."""
    case_id, rule_id = row["case_id"], row["rule_id"]
    if before is None:
        change.new += 1
        writes.new_flags.append(row)
        writes.events.append(
            event_row("flag raised", case_id, rule_id, {"message": row["message"]})
        )
        writes.touched.add(case_id)
        return
    told = {name: row[name] for name in ("message", "due_on", "severity", "rule_hash", "evidence")}
    if before.state == "cleared":
        change.reopened += 1
        kind = "flag raised again"
        told |= {"state": "open", "cleared_run_id": None}
    elif before.fingerprint != row["fingerprint"]:
        change.changed += 1
        kind = "flag changed"
    else:
        change.still_flagged += 1
        same = all(getattr(before, name) == row[name] for name in told if name != "evidence")
        if not same:
            writes.updates.append({"id": before.id, **told})
        return
    told |= {"fingerprint": row["fingerprint"], "changed_run_id": run_id}
    writes.updates.append({"id": before.id, **told})
    writes.events.append(event_row(kind, case_id, rule_id, {"message": row["message"]}))
    writes.touched.add(case_id)


def _clear(
    result: Run,
    stored: Mapping[tuple[int, str], Any],
    raised: set[tuple[int, str]],
    keys: Mapping[int, Key],
    run_id: int,
    changes: Changes,
    writes: Writes,
) -> None:
    """Clear each open flag of which the rule now says clear; what was not judged stands.

    The flags of a rule that was retired, switched off or put on trial are cleared too.
    """
    standing = [row for place, row in stored.items() if row.state == "open" and place not in raised]
    if not standing:
        return
    place_of = {
        (subject, *key): place
        for subject, judged in (
            ("referral", result.referrals.judged),
            ("contact", result.contacts.judged),
        )
        for place, key in enumerate(
            zip(judged.child_ids.tolist(), judged.ids.tolist(), strict=True)
        )
    }
    for row in standing:
        key = keys[row.case_id]
        why = _why_silent(result, row.rule_id)
        if not why and not _is_clear(result, key, row.rule_id, place_of.get(key)):
            continue
        changes["contact" if key[0] == "contact" else "referral"].cleared += 1
        writes.updates.append({"id": row.id, "state": "cleared", "cleared_run_id": run_id})
        detail = {"why": f"the rule is {why}"} if why else {}
        writes.events.append(event_row("flag cleared", row.case_id, row.rule_id, detail))
        writes.touched.add(row.case_id)


def _why_silent(result: Run, rule_id: str) -> str:
    """Return why a rule has no place in the queue any more; nothing while it has one."""
    if why := result.ruleset.silent.get(rule_id):
        return why
    rule = result.ruleset.by_id.get(rule_id)
    return "on trial" if rule is not None and rule.status == "trial" else ""


def _is_clear(result: Run, key: Key, rule_id: str, place: int | None) -> bool:
    judgement = result.contacts if key[0] == "contact" else result.referrals
    codes = judgement.judged.outcomes.get(rule_id)
    return place is not None and codes is not None and bool(codes[place] == CLEAR_CODE)


def _flag_row(
    found: Flag, lasting: str, rule: Rule, case_id: int, as_of: dt.date, run_id: int
) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "rule_id": found.rule,
        "rule_hash": rule.text_hash,
        "severity": found.severity,
        "state": "open",
        "message": found.message,
        "due_on": found.due_on,
        "evidence": dict(found.evidence),
        "fingerprint": hashlib.sha256(lasting.encode()).hexdigest(),
        "first_flagged_on": as_of,
        "first_run_id": run_id,
        "changed_run_id": run_id,
        "cleared_run_id": None,
    }


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
