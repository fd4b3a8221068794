"""What reports are made from, read at one moment, and that they were made."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from triage.agreement import Pair
from triage.calendar import to_day
from triage.errors import StoreError
from triage.report.records import (
    BLANK,
    CASES,
    CODES,
    EVENTS,
    GIVEN,
    MARKS,
    NOT_TOLD,
    REFERRALS,
    UNKNOWN,
    ActionRow,
    Excepted,
    LastRun,
    Records,
    Reviewed,
    SecondRow,
)
from triage.rights import Viewer
from triage.rule_text import RuleText
from triage.store import bulk
from triage.store.beside import Beside, beside
from triage.store.connection import acting, reading
from triage.store.exceptions import lasting
from triage.store.people import Asker, viewer_of
from triage.store.rule_use import UNENDED, reviewed_of, uses_of
from triage.store.standing import READ
from triage.store.tables import (
    case,
    event,
    flag,
    referral,
    rejection,
    remedial_action,
    review,
    rule_text,
    ruleset_rule,
    run,
    second_review,
)
from triage.store.trail import add_events, happened

MADE: Final = "report made"
OPENED: Final = "report opened"
_READS: Final = (
    "case read", READ, "agreement read", "trail read", "trail exported", "rejected rows read",
    "store backed up", MADE, OPENED,
)  # fmt: skip
"""Kinds of events that change nothing that a report tells."""
_REFERRALS: Final = pa.schema(
    {"child_id": pa.string(), "referral_id": pa.string(), "referral_date": pa.string(),
     **{name: pa.string() for name in CODES}, **{name: pa.int8() for name in MARKS},
     **{name: pa.string() for name in EVENTS}, "restricted": pa.int8(), "unread": pa.string()}
)  # fmt: skip
_CASES: Final = pa.schema(
    {"id": pa.int64(), "subject": pa.string(), "child_id": pa.string(),
     "referral_id": pa.string(), "referral_date": pa.string(), "team": pa.string(),
     "restricted": pa.int8(), "status": pa.string(), "severity": pa.string(),
     "due_on": pa.string(), "opened_on": pa.string(), "snoozed_until": pa.string()}
)  # fmt: skip

_FLAGS: Final = pa.schema({"case_id": pa.int64(), "rule_id": pa.string()})


def records_of(url: str, asker: Asker) -> Records:
    """Return what a report is made from, as whoever asks may see it.

    Raises:
        CallError: when whoever asks may not make reports.
        StoreError: when there is no store, or no run in it.
    """
    with reading(url) as connection, beside(connection) as stored:
        who = viewer_of(connection, asker)
        who.require("make reports")
        last = _last_run(connection)
        referrals, children = _referrals(stored, who, last)
        cases = _cases(stored, who, children, last.as_of)
        seen = frozenset(cases["case"].tolist())
        pending = frozenset(connection.scalars(sa.select(second_review.c.case_id).where(UNENDED)))
        reviewed = reviewed_of(connection, seen, pending)
        number, head = _head(connection)
        return Records(
            run=last,
            event=number,
            head=head,
            seen_by=_seen_by(who),
            referrals=referrals,
            cases=cases,
            flags=_flags(stored, seen),
            reviewed=reviewed,
            pending=pending & seen,
            closed_by_hand=_closed_by_hand(connection, cases, reviewed),
            seconds=_seconds(connection, seen),
            pairs=_pairs(connection, seen),
            actions=_actions(connection, seen),
            uses=uses_of(connection, who, reviewed),
            titles=_titles(connection),
            excepted=tuple(
                Excepted(one.rule, _number(children, one.child_id), one.team)
                for one in lasting(connection, last.as_of)
            ),
            may_see_reviewers=who.may("compare reviewers"),
        )


def keep_made(url: str, asker: Asker, name: str, told: Mapping[str, Any]) -> None:
    """Keep in the trail that a report was made, and of what.

    Raises:
        CallError: when whoever asks may not make reports.
        StoreError: when the store is busy, damaged or out of reach.
    """
    with acting(url) as connection:
        viewer_of(connection, asker).require("make reports")
        made = happened(MADE, detail={"report": name, **told})
        add_events(connection, asker.at, asker.actor, [made])


def keep_opened(url: str, asker: Asker, told: Mapping[str, Any]) -> None:
    """Keep in the trail that a file of a report was opened, and which.

    Raises:
        CallError: when whoever asks may not make reports.
        StoreError: when the store is busy, damaged or out of reach.
    """
    with acting(url) as connection:
        viewer_of(connection, asker).require("make reports")
        add_events(connection, asker.at, asker.actor, [happened(OPENED, detail=told)])


def _last_run(connection: sa.Connection) -> LastRun:
    row = connection.execute(sa.select(run).order_by(run.c.id.desc()).limit(1)).first()
    if row is None:
        raise StoreError("the store holds no run yet; `triage nightly SOURCE` makes one.")
    unread = sa.select(sa.func.count()).where(
        rejection.c.run_id == row.id, rejection.c.kind == "problem"
    )
    return LastRun(
        number=row.id,
        as_of=row.as_of,
        version=row.version,
        ruleset=row.ruleset_hash,
        inputs=tuple((PurePath(str(one["path"])).name, one["sha256"]) for one in row.inputs),
        history_from=dt.date.fromisoformat(row.settings["history_from"]),
        window=str(row.settings["window"]),
        rows=row.rows,
        rules=tuple(row.rules),
        carried=frozenset(row.carried or ()),
        n_unread=connection.scalar(unread) or 0,
    )


def _head(connection: sa.Connection) -> tuple[int, str]:
    """Return the last event that changed anything: reading, and making reports, does not."""
    query = sa.select(event.c.id, event.c.hash).where(event.c.kind.not_in(_READS))
    row = connection.execute(query.order_by(event.c.id.desc()).limit(1)).first()
    return (0, "") if row is None else (row.id, row.hash.hex())


def _seen_by(who: Viewer) -> str:
    teams = "of all teams" if who.teams is None else f"of {', '.join(sorted(who.teams))}"
    restricted = "restricted ones as well" if who.sees_restricted else "no restricted ones"
    return f"cases {teams}, {restricted}"


def _referrals(stored: Beside, who: Viewer, last: LastRun) -> tuple[pd.DataFrame, pa.Array]:
    """Return the referrals of the last run, and the children by whose place they are numbered."""
    query = sa.select(*(referral.c[name] for name in _REFERRALS.names)).where(
        referral.c.gone_run_id.is_(None), referral.c.referral_date <= last.as_of
    )
    found = stored.all_of(query, _REFERRALS)
    order = [(name, "ascending") for name in ("child_id", "referral_date", "referral_id")]
    found = found.sort_by(order).combine_chunks()
    encoded = found["child_id"].combine_chunks().dictionary_encode()
    teams = found["team"].to_pylist() if who.teams is not None else None
    is_seen = np.ones(len(found), bool)
    if teams is not None:
        is_seen &= np.array([team in (who.teams or ()) for team in teams], bool)
    if not who.sees_restricted:
        is_seen &= found["restricted"].to_numpy() == 0
    columns: dict[str, Any] = {
        "child": encoded.indices.to_numpy().astype(np.int64),
        "referral_id": found["referral_id"].to_pandas().to_numpy(object),
        "day": _days(found["referral_date"]),
    }
    for name in CODES:
        columns[name] = _objects(found[name])
    is_unread = _unread(found["unread"])
    for name in MARKS:
        columns[name] = pc.fill_null(found[name], NOT_TOLD).to_numpy().astype(np.int64)
    for name in EVENTS:
        is_there = np.asarray(pc.is_valid(found[name]).to_numpy(), bool)
        unknown = is_unread[name] if name in last.carried else np.ones(len(found), bool)
        columns[name] = _days(found[name])
        state = np.where(is_there, GIVEN, np.where(unknown, UNKNOWN, BLANK))
        columns[f"{name}_state"] = state.astype(np.int8)
    columns["is_seen"] = is_seen
    return pd.DataFrame({name: columns[name] for name in REFERRALS}), encoded.dictionary


def _days(column: pa.ChunkedArray) -> Any:
    days = column.cast(pa.date32()).cast(pa.int32())
    return pc.fill_null(days, 0).to_numpy().astype(np.int64)


def _objects(codes: pa.ChunkedArray) -> pd.Series[Any]:
    """Return codes as objects: else pandas makes a text that is missing a number that is none."""
    encoded = codes.combine_chunks().dictionary_encode()
    known = np.array([*encoded.dictionary.to_pylist(), None], object)
    places = pc.fill_null(encoded.indices, len(known) - 1).to_numpy(False)
    return pd.Series(known[places], dtype=object)


def _unread(told: pa.ChunkedArray) -> dict[str, Any]:
    """Return where each of the events' columns is one of those that could not be read."""
    found = {name: np.zeros(len(told), bool) for name in EVENTS}
    for place in np.flatnonzero(pc.is_valid(told).to_numpy()):
        for name in told[int(place)].as_py().split():
            if name in found:
                found[name][place] = True
    return found


def _number(children: pa.Array, child: str | None) -> int | None:
    """Return the number of a child; none where the exception is not for one."""
    return None if child is None else int(pc.index(children, child).as_py())


def _cases(stored: Beside, who: Viewer, children: pa.Array, as_of: dt.date) -> pd.DataFrame:
    query = sa.select(*(case.c[name] for name in _CASES.names))
    found = stored.all_of(query, _CASES).sort_by("id")
    if who.teams is not None:
        found = found.filter(pc.is_in(found["team"], value_set=pa.array(sorted(who.teams))))
    if not who.sees_restricted:
        found = found.filter(pc.equal(found["restricted"], 0))
    child = pc.fill_null(pc.index_in(found["child_id"], value_set=children), -1)
    columns = {
        "case": found["id"].to_numpy(),
        "subject": found["subject"].to_pandas(),
        "child": child.to_numpy().astype(np.int64),
        "referral_id": found["referral_id"].to_pandas(),
        "day": _days(found["referral_date"]),
        "team": found["team"].to_pandas(),
        "status": found["status"].to_pandas(),
        "severity": found["severity"].to_pandas(),
        "due_on": _days(found["due_on"]),
        "opened_on": _days(found["opened_on"]),
        "is_put_off": _days(found["snoozed_until"]) > to_day(as_of),
    }
    return pd.DataFrame({name: np.asarray(columns[name]) for name in CASES})


def _flags(stored: Beside, seen: frozenset[int]) -> dict[int, tuple[str, ...]]:
    """Return the rules that ever flagged each case, in the order of their names."""
    found: dict[int, list[str]] = defaultdict(list)
    query = sa.select(*(flag.c[name] for name in _FLAGS.names))
    raised = stored.all_of(query, _FLAGS).sort_by([(name, "ascending") for name in _FLAGS.names])
    for number, rule in zip(*(raised[name].to_pylist() for name in _FLAGS.names), strict=True):
        found[number].append(rule)
    return {number: tuple(rules) for number, rules in found.items() if number in seen}


def _closed_by_hand(
    connection: sa.Connection, cases: pd.DataFrame, reviewed: tuple[Reviewed, ...]
) -> frozenset[int]:
    """Return the closed cases without a review that a person closed, not a run."""
    closed = set(cases.loc[cases["status"] == "closed", "case"].tolist())
    closed -= {one.case for one in reviewed}
    query = sa.select(event.c.case_id, event.c.run_id, event.c.id).where(
        event.c.kind == "case closed"
    )
    last: dict[int, bool] = {}
    for some in bulk.rows(connection, query.order_by(event.c.id)):
        last.update((of, by is None) for of, by, _ in some)
    return frozenset(of for of in closed if last.get(of))


def _seconds(connection: sa.Connection, seen: frozenset[int]) -> tuple[SecondRow, ...]:
    rows = connection.execute(sa.select(second_review).order_by(second_review.c.id))
    return tuple(
        SecondRow(
            row.case_id, row.why, row.outcome or "", row.second_id is not None,
            row.settled_id is not None,
        )
        for row in rows
        if row.case_id in seen
    )  # fmt: skip


def _pairs(connection: sa.Connection, seen: frozenset[int]) -> tuple[Pair, ...]:
    one, other = sa.alias(review, "one"), sa.alias(review, "other")
    query = (
        sa.select(
            second_review.c.case_id, one.c.reviewer, one.c.answers,
            other.c.reviewer.label("other_by"), other.c.answers.label("other_answers"),
        )
        .join(one, one.c.id == second_review.c.first_id)
        .join(other, other.c.id == second_review.c.second_id)
        .order_by(second_review.c.id)
    )  # fmt: skip
    return tuple(
        Pair(row.case_id, row.reviewer, row.other_by, json.loads(row.answers),
             json.loads(row.other_answers))
        for row in connection.execute(query)
        if row.case_id in seen
    )  # fmt: skip


def _actions(connection: sa.Connection, seen: frozenset[int]) -> tuple[ActionRow, ...]:
    rows = connection.execute(sa.select(remedial_action).order_by(remedial_action.c.id))
    return tuple(
        ActionRow(row.case_id, row.kind, row.due_on, row.done_on, row.handed_to is not None)
        for row in rows
        if row.case_id in seen
    )


def _titles(connection: sa.Connection) -> dict[str, str]:
    """Return the title of each rule, by the text that the last run used where it did."""
    latest = sa.select(sa.func.max(run.c.id)).scalar_subquery()
    used = sa.select(run.c.ruleset_hash).where(run.c.id == latest).scalar_subquery()
    query = (
        sa.select(rule_text.c.rule_id, rule_text.c.text)
        .outerjoin(ruleset_rule, sa.and_(
            ruleset_rule.c.rule_hash == rule_text.c.hash, ruleset_rule.c.ruleset_hash == used
        ))
        .order_by(ruleset_rule.c.ruleset_hash.is_not(None), rule_text.c.hash)
    )  # fmt: skip
    found = {}
    for rule, text in connection.execute(query):
        plain = RuleText(Path(rule), text).plain or {}
        found[rule] = str(plain.get("title", rule))
    return found
