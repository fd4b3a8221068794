"""What people have not done yet: the rules for cases judged on the queue as a run leaves it.

They follow the other rules in the same transaction, since a case that the run has just closed
waits for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from triage.facts import SubjectName
from triage.overseeing import SCHEMA, judge_cases, of_cases
from triage.ruleset import Ruleset
from triage.run import Judgement, Run
from triage.store import bulk
from triage.store.behind import Behind
from triage.store.beside import Beside
from triage.store.exceptions import RuleException
from triage.store.queue import update_queue
from triage.store.queue_change import QueueChange
from triage.store.stood import queue_stood
from triage.store.tables import case, flag, remedial_action, run
from triage.store.tonight import of_run
from triage.store.trail import Happened

AWAITED: Final = ("claimed", "in review")
"""Statuses in which a case waits for its review whatever has become of its flags."""
_SUBJECTS: Final[tuple[SubjectName, ...]] = ("referral", "contact")
_STORED: Final = pa.schema(
    {
        "subject": pa.string(),
        **{
            field.name: pa.int8() if pa.types.is_boolean(field.type) else pa.string()
            for field in SCHEMA
        },
    }
)
"""Cases with what the queue knows of them, as the store gives them."""


@dataclass(frozen=True)
class Oversight:
    """What the rules for cases said of those of referrals and of contacts, and what changed."""

    judgements: Mapping[SubjectName, Judgement]
    change: QueueChange

    def rules_json(self) -> list[dict[str, Any]]:
        """Return the counts of the rules, on all cases together, as outside scripts read them."""
        told = [[one.as_json() for one in of.results_of("stable")]
                for of in self.judgements.values()]  # fmt: skip
        outcomes = ("flag", "clear", "cannot_tell")
        return [
            {**same[0], **{name: sum(one[name] for one in same) for name in outcomes}}
            for same in zip(*told, strict=True)
        ]

    def as_json(self) -> dict[str, Any]:
        """Return it as outside scripts read it, with every flag."""
        flags = [flag.as_json() for of in self.judgements.values() for flag in of.flags]
        return {"rules": self.rules_json(), "flags": flags, "queue": self.change.as_json()}


def oversee(
    later: Behind,
    result: Run,
    run_id: int,
    review_days: Mapping[str, int],
    exceptions: Sequence[RuleException],
) -> tuple[Oversight, list[Happened]]:
    """Bring the flags of the rules for cases up to date; return what they said, and what happened.

    Raises:
        RuleError: when a rule cannot be evaluated.
    """
    rules = of_cases(result.ruleset)
    if not rules.rules:
        return Oversight({}, QueueChange()), []
    as_of = result.options.as_of
    cases = _cases(later.connection, [rule.id for rule in rules.rules])
    judgements = {
        subject: judge_cases(
            cases.filter(pc.equal(cases["subject"], subject)).select(SCHEMA.names).cast(SCHEMA),
            subject, result.ruleset, as_of,
        )
        for subject in _SUBJECTS
    }  # fmt: skip
    overseen = replace(result, referrals=judgements["referral"], contacts=judgements["contact"])
    if not any(len(one.flags) for one in judgements.values()) and not _stand(
        later.connection, rules
    ):
        return Oversight(judgements, QueueChange()), []
    tonight = of_run(overseen, exceptions)
    stood = queue_stood(Beside(later.connection, None), overseen, tonight)
    changes, events = update_queue(later, overseen, stood, run_id, review_days, exceptions)
    return Oversight(judgements, reduce(QueueChange.plus, changes.values())), events


def case_rules(connection: sa.Connection) -> frozenset[str]:
    """Return the rules for cases that any run judged by."""
    found: set[str] = set()
    for told in connection.scalars(sa.select(run.c.oversight).where(run.c.oversight.is_not(None))):
        found.update(one["id"] for one in told["rules"])
    return frozenset(found)


def _cases(connection: sa.Connection, rules: Sequence[str]) -> pa.Table:
    """Return the cases on which something is not done, or is said not to be."""
    of_case = sa.and_(flag.c.case_id == case.c.id, flag.c.state == "open")
    is_flagged = sa.exists().where(of_case, flag.c.rule_id.not_in(rules))
    waits = sa.or_(case.c.status.in_(AWAITED), sa.and_(case.c.status == "new", is_flagged))
    waiting = sa.select(case.c.id).where(waits).subquery()
    is_waiting = waiting.c.id.is_not(None)
    action = (
        sa.select(remedial_action.c.case_id, sa.func.min(remedial_action.c.due_on).label("due_on"))
        .where(remedial_action.c.done_on.is_(None), remedial_action.c.handed_to.is_(None))
        .group_by(remedial_action.c.case_id)
        .subquery()
    )
    query = (
        sa.select(
            case.c.subject,
            case.c.child_id,
            case.c.referral_id,
            case.c.referral_date,
            case.c.team,
            case.c.restricted,
            sa.case((is_waiting, case.c.opened_on)).label("review_awaited_since"),
            action.c.due_on.label("action_due_on"),
        )
        .outerjoin(waiting, waiting.c.id == case.c.id)
        .outerjoin(action, action.c.case_id == case.c.id)
        .where(
            sa.or_(
                is_waiting,
                action.c.due_on.is_not(None),
                sa.exists().where(of_case, flag.c.rule_id.in_(rules)),
            )
        )
        .order_by(case.c.id)
    )
    return bulk.table_of(connection, query, _STORED)


def _stand(connection: sa.Connection, rules: Ruleset) -> bool:
    """Return whether a flag of one of these rules is open."""
    names = [rule.id for rule in rules.rules]
    query = sa.select(flag.c.id).where(flag.c.rule_id.in_(names), flag.c.state == "open")
    return connection.execute(query.limit(1)).first() is not None
