"""How useful reviewers found what a rule said, and how many of its flags stand.

Answers count once they are final: while a case waits for its second review, they tell nothing.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from typing import Final

import sqlalchemy as sa

from triage.report.records import Reviewed, RuleUse
from triage.rights import Viewer
from triage.store import bulk
from triage.store.caselist import Wanted, seen_of
from triage.store.connection import reading
from triage.store.people import Asker, viewer_of
from triage.store.standing import Cases, final_ids
from triage.store.tables import case, flag, review, second_review
from triage.store.work import as_of_store

_IN_ONE: Final = 500
"""Case numbers asked for in one statement."""
UNENDED: Final = second_review.c.ended_at.is_(None)
"""What is so of a second review that is not in, or differs and waits for its moderation."""


def open_flags(url: str, asker: Asker) -> dict[str, int]:
    """Return on how many cases of the queue each rule has an open flag, of those somebody sees.

    Raises:
        CallError: when people are registered and this is none of them.
        StoreError: when there is no store, or no run in it.
    """
    with reading(url) as connection:
        conditions = seen_of(viewer_of(connection, asker), Wanted(), as_of_store(connection))
        query = (
            sa.select(flag.c.rule_id, sa.func.count())
            .join(case, case.c.id == flag.c.case_id)
            .where(flag.c.state == "open", *conditions)
            .group_by(flag.c.rule_id)
        )
        return {row[0]: int(row[1]) for row in connection.execute(query)}


def uses_of_rule(url: str, asker: Asker, rule: str) -> list[RuleUse]:
    """Return how often each text of a rule flagged a case, and how useful reviewers found that.

    Raises:
        CallError: when whoever asks may see no cases.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        who.require("see cases")
        of_rule = sa.select(flag.c.case_id).where(flag.c.rule_id == rule)
        rows = connection.execute(
            sa.select(case.c.id, case.c.team, case.c.restricted).where(case.c.id.in_(of_rule))
        )
        seen = frozenset(
            row.id for row in rows if who.sees(row.team, restricted=bool(row.restricted))
        )
        pending = frozenset(connection.scalars(sa.select(second_review.c.case_id).where(UNENDED)))
        reviewed = reviewed_of(connection, seen, pending, of_rule)
        return list(uses_of(connection, who, reviewed, rule))


def reviewed_of(
    connection: sa.Connection,
    seen: frozenset[int],
    pending: frozenset[int],
    cases: Cases | None = None,
) -> tuple[Reviewed, ...]:
    """Return the final answers of cases that somebody sees, of some ``cases`` or of all.

    Those that wait for their second review are left out.
    """
    final = {of: number for of, number in final_ids(connection, cases).items()
             if of in seen and of not in pending}  # fmt: skip
    names = ("id", "case_id", "kind", "answers", "submitted_at", "supersedes")
    query = sa.select(*(review.c[name] for name in names)).where(review.c.state != "draft")
    if cases is not None:
        query = query.where(review.c.case_id.in_(cases))
    first: dict[int, str] = {}
    found: dict[int, tuple[str, str]] = {}
    for some in bulk.rows(connection, query.order_by(review.c.id)):
        for number, of, kind, answers, submitted, supersedes in some:
            if kind == "first" and supersedes is None:
                first[of] = submitted
            if final.get(of) == number:
                found[of] = (answers, kind)
    return tuple(
        Reviewed(of, _day_of(first[of]), json.loads(found[of][0]), found[of][1])
        for of in sorted(found)
    )


def _day_of(moment: str) -> dt.date:
    """Return the day of a moment that the store keeps, in UTC: the same on every machine."""
    return dt.datetime.fromisoformat(moment).date()


def uses_of(
    connection: sa.Connection,
    who: Viewer,
    reviewed: tuple[Reviewed, ...],
    rule: str = "",
) -> tuple[RuleUse, ...]:
    """Return how often each text of a rule flagged a case, and how useful reviewers found that.

    ``rule`` is the one that is asked for; without it, all are.
    """
    said = {one.case: one.answers.get("flags_useful", {}) for one in reviewed}
    n_flags: Counter[tuple[str, str]] = Counter()
    n_open: Counter[tuple[str, str]] = Counter()
    useful: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    of_rule = [flag.c.rule_id == rule] if rule else []
    by = (flag.c.rule_id, flag.c.rule_hash, flag.c.state, case.c.team, case.c.restricted)
    query = sa.select(*by, sa.func.count()).join(case, case.c.id == flag.c.case_id)
    for name, text, state, team, restricted, n in connection.execute(
        query.where(*of_rule).group_by(*by)
    ):
        if who.sees(team, restricted=restricted):
            n_flags[name, text] += n
            n_open[name, text] += n * (state == "open")
    answered = sorted(number for number, answers in said.items() if answers)
    for start in range(0, len(answered), _IN_ONE):
        which = flag.c.case_id.in_(answered[start : start + _IN_ONE])
        of_cases = sa.select(flag.c.case_id, flag.c.rule_id, flag.c.rule_hash)
        for number, name, text in connection.execute(of_cases.where(which, *of_rule)):
            if answer := said[number].get(name):
                useful[name, text][answer] += 1
    return tuple(
        RuleUse(*key, n_flags[key], n_open[key], dict(useful[key])) for key in sorted(n_flags)
    )
