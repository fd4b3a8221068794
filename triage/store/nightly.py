"""Storing a run, in one transaction: its row, the queue, and what was wrong with the records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from triage import __version__
from triage.known import known_now
from triage.names import places
from triage.run import Run
from triage.store import bulk
from triage.store.behind import Behind, behind
from triage.store.beside import Beside, beside
from triage.store.cases import keep_overdue
from triage.store.columns import dates, same, texts, truths
from triage.store.connection import writing
from triage.store.exceptions import lasting
from triage.store.known import KnownBefore, keep_known, known_before
from triage.store.overseeing import Oversight, oversee
from triage.store.queue import update_queue
from triage.store.queue_change import Changes, no_change
from triage.store.stood import queue_stood
from triage.store.tables import (
    due_item,
    referral,
    rejection,
    rule_text,
    ruleset_rule,
    run,
)
from triage.store.tonight import of_run, told, told_of_records
from triage.store.trail import NIGHTLY, Happened, chained, happened, head, put
from triage.timeline import timeline

_NAMES: Final = ("child_id", "referral_id")
_BESIDE: Final = pa.schema(
    {"child_id": pa.string(), "referral_id": pa.string(), "digest": pa.int64(),
     "gone_run_id": pa.int64()}
)  # fmt: skip
"""The referrals that are stored, to be held beside tonight's."""
_BEFORE: Final = sa.select(run.c.told, run.c.records).order_by(run.c.id.desc()).limit(1)


def store_run(
    url: str,
    result: Run,
    *,
    who: str,
    started_at: dt.datetime,
    finished_at: dt.datetime,
    settings: Mapping[str, Any],
    review_days: Mapping[str, int],
) -> tuple[int, Changes, Oversight]:
    """Store a run and bring the queue up to date; return the run's number and what changed.

    The last tells what the rules for cases said of the queue as the run leaves it.

    ``review_days`` gives the working days within which a case is to be reviewed, by severity. All
    of it is one transaction: a run that is killed leaves nothing behind.

    Raises:
        StoreError: when the store is busy, damaged or out of reach; nothing was stored.
    """
    at = _stamp(finished_at)
    with (
        writing(url) as connection,
        beside(connection) as store,
        behind(connection, is_read_apart=store.is_apart) as later,
    ):
        # All that is held beside tonight's is read before anything is written.
        before = connection.execute(_BEFORE).first()
        quiet = lasting(connection, result.options.as_of)
        last = head(connection)
        known, referrals = known_now(result), timeline(result)
        records = told_of_records(known, referrals)
        records_then = None
        if before is None or records != before.records:
            records_then = later.read(lambda connection: _records_before(connection, store))
        tonight = of_run(result, quiet)
        told_now = told(result, tonight, referrals, review_days)
        stood = None
        if before is None or told_now != before.told:
            stood = later.read(lambda _: queue_stood(store, result, tonight)).result()

        _store_rules(later.connection, result)
        run_id = _store_run_row(later.connection, result, who, started_at, finished_at, settings)
        changes = no_change(tonight)
        events: list[Happened] = []
        if stood is not None:
            changes, events = update_queue(later, result, stood, run_id, review_days, quiet)
        so_far = chained(last, at, NIGHTLY, events, run_id)
        later.write(put, so_far)
        if records_then is not None:
            known_then, referrals_then = records_then.result()
            keep_known(later, known_then, known, run_id, result.options.as_of)
            _store_referrals(later, referrals, referrals_then, run_id)
        _store_problems(later, result, run_id)
        _store_due(later, result, run_id)
        oversight, since = oversee(later, result, run_id, review_days, quiet)
        keep_overdue(later.connection, result.options.as_of)
        found = {
            "told": told_now,
            "records": records,
            "carried": list(known.columns),
            **_counts(result, changes, oversight),
        }
        later.connection.execute(sa.update(run).where(run.c.id == run_id).values(found))
        since = [*since, happened("run stored", detail=_told_of_run(result, who))]
        put(later.connection, chained(so_far.head, at, NIGHTLY, since, run_id))
    return run_id, changes, oversight


def _counts(result: Run, changes: Changes, oversight: Oversight) -> dict[str, Any]:
    """Return what a run's row says of the queue, of contacts, and of the rules for cases."""
    contacts = {
        "rows": dict(result.contacts.rows),
        "rules": [one.as_json() for one in result.contacts.results_of("stable")],
        "queue": changes["contact"].as_json(),
    }
    overseen = {"rules": oversight.rules_json(), "queue": oversight.change.as_json()}
    return {"queue": changes["referral"].as_json(), "contacts": contacts, "oversight": overseen}


def _told_of_run(result: Run, who: str) -> dict[str, Any]:
    """Return what the trail says of a run: on what, by which rules, and who set it going."""
    return {
        "who": who,
        "as_of": result.options.as_of.isoformat(),
        "rules": result.ruleset.hash,
        "inputs": [source["sha256"] for source in result.inputs_json()],
    }


def _store_rules(connection: sa.Connection, result: Run) -> None:
    known = set(connection.scalars(sa.select(rule_text.c.hash)))
    new = {rule.text_hash: rule for rule in result.ruleset.rules if rule.text_hash not in known}
    rules = list(new.values())
    columns = {"rule_id": [rule.id for rule in rules], "text": [rule.text for rule in rules]}
    bulk.add(connection, rule_text, {"hash": list(new), **columns})
    whole = result.ruleset.hash
    stored = sa.select(ruleset_rule.c.rule_id).where(ruleset_rule.c.ruleset_hash == whole)
    if not connection.execute(stored.limit(1)).first():
        rules = list(result.ruleset.rules)
        names = {"rule_id": [one.id for one in rules], "rule_hash": [o.text_hash for o in rules]}
        bulk.add(connection, ruleset_rule, names, {"ruleset_hash": whole})


def _store_run_row(
    connection: sa.Connection,
    result: Run,
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
                "window": result.window,
                "history_from": result.history_from.isoformat(),
            },
            inputs=result.inputs_json(),
            rows=dict(result.rows),
            rules=[one.as_json() for one in result.loaded],
            notes=list(result.notes),
            queue={},
            trial=[one.as_json() for one in result.trial_results],
        )
    )
    key = inserted.inserted_primary_key
    assert key is not None
    return int(key[0])


def _store_problems(later: Behind, result: Run, run_id: int) -> None:
    problems = (*result.problems, *result.contacts.problems)
    columns = {
        name: [getattr(problem, name) for problem in problems]
        for name in ("kind", "source", "row", "column", "message")
    }
    later.write(bulk.add, rejection, columns, {"run_id": run_id})


def _store_due(later: Behind, result: Run, run_id: int) -> None:
    names = ("rule", "severity", "child_id", "referral_id", "team", "message", "restricted")
    columns = {name: [getattr(one, name) for one in result.due] for name in names}
    for name in ("referral_date", "due_on"):
        columns[name] = [getattr(one, name).isoformat() for one in result.due]
    later.write(bulk.add, due_item, columns, {"run_id": run_id})


def _records_before(connection: sa.Connection, store: Beside) -> tuple[KnownBefore, pa.Table]:
    """Return what was known of the records after the last run, and the referrals it found."""
    query = sa.select(*(referral.c[name] for name in _BESIDE.names))
    return known_before(connection, store), store.all_of(query, _BESIDE)


def _store_referrals(later: Behind, referrals: pa.Table, stored: pa.Table, run_id: int) -> None:
    """Bring the referrals up to date; only what differs is written.

    What this run did not find any more stays, since a case may be of it, and says so.
    """
    at = places([referrals[name] for name in _NAMES], [stored[name] for name in _NAMES])
    is_known = at >= 0
    is_here = np.zeros(len(stored), bool)
    is_here[at[is_known]] = True
    was_gone = truths(pc.is_valid(stored["gone_run_id"]))
    if len(stored):
        beside = stored.take(pa.array(at, mask=~is_known))
        differs = ~same(referrals["digest"], beside["digest"])
        differs |= truths(pc.is_valid(beside["gone_run_id"]))
        differs &= is_known
    else:
        differs = np.zeros(len(referrals), bool)
    new = referrals.filter(pa.array(~is_known)).sort_by([(name, "ascending") for name in _NAMES])
    later.write(bulk.add, referral, _written(new))
    changed = _written(referrals.filter(pa.array(differs)))
    which = {name: changed.pop(name) for name in _NAMES}
    later.write(bulk.change, referral, which, changed, {"gone_run_id": None})
    gone = stored.filter(pa.array(~is_here & ~was_gone))
    names = {name: gone[name].to_pylist() for name in _NAMES}
    later.write(bulk.change, referral, names, {}, {"gone_run_id": run_id})


def _written(referrals: pa.Table) -> dict[str, list[Any]]:
    """Return referrals as they are passed to the store."""
    return {
        name: dates(column)
        if pa.types.is_date32(column.type)
        else column.to_pylist()
        if name in _NAMES or not pa.types.is_string(column.type)
        else texts(column)
        for name, column in zip(referrals.column_names, referrals.columns, strict=True)
    }


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
