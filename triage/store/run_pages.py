"""What came in by night, told a page at a time, and each run whole: counts, never a child."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from triage.errors import ForbiddenError, MissingError
from triage.store.connection import acting, reading
from triage.store.letting_go import was_let_go_of
from triage.store.people import Asker, viewer_of
from triage.store.reading import rejections
from triage.store.tables import rejection, ruleset_rule, run
from triage.store.trail import add_events, happened

READ: Final = "rejected rows read"
_OF_A_LIST: Final = (
    "id", "finished_at", "who", "version", "as_of", "ruleset_hash", "inputs", "rows", "queue",
    "contacts", "oversight",
)  # fmt: skip
_OUTCOMES: Final = ("flag", "clear", "cannot_tell")


@dataclass(frozen=True)
class RunsListed:
    """Some runs, the latest first, and how many there are in all."""

    runs: list[dict[str, Any]]
    n: int


def listed_runs(url: str, asker: Asker, limit: int, offset: int = 0) -> RunsListed:
    """Return runs with what is told of each in a list, the latest first.

    Raises:
        CallError: when whoever asks may see no cases.
    """
    with reading(url) as connection:
        viewer_of(connection, asker).require("see cases")
        query = sa.select(*(run.c[name] for name in _OF_A_LIST)).order_by(run.c.id.desc())
        rows = connection.execute(query.limit(limit).offset(offset))
        n = connection.scalar(sa.select(sa.func.count()).select_from(run)) or 0
        return RunsListed([dict(row._mapping) for row in rows], n)


@dataclass(frozen=True)
class WholeRun:
    """A run, the runs beside it, and what was wrong with its rows: how many by kind and column.

    ``was_let_go_of`` says that the rows themselves were let go of, so that nothing is counted.
    """

    run: dict[str, Any]
    before: int | None
    after: int | None
    problems: list[tuple[str, str, int]]
    was_let_go_of: bool


def one_run(url: str, asker: Asker, number: int) -> WholeRun:
    """Return all that is told of a run.

    Raises:
        CallError: when there is no such run, or whoever asks may see no cases.
    """
    with reading(url) as connection:
        viewer_of(connection, asker).require("see cases")
        row = connection.execute(sa.select(run).where(run.c.id == number)).first()
        if row is None:
            raise MissingError(f"there is no run {number}", "; `triage runs` shows them.")
        counts = connection.execute(
            sa.select(rejection.c.kind, rejection.c.column, sa.func.count())
            .where(rejection.c.run_id == number)
            .group_by(rejection.c.kind, rejection.c.column)
            .order_by(rejection.c.kind.desc(), sa.func.count().desc(), rejection.c.column)
        )
        problems = [(kind, column, n) for kind, column, n in counts]
        before = connection.scalar(sa.select(sa.func.max(run.c.id)).where(run.c.id < number))
        after = connection.scalar(sa.select(sa.func.min(run.c.id)).where(run.c.id > number))
        is_gone = not problems and was_let_go_of(connection, number)
        return WholeRun(dict(row._mapping), before, after, problems, is_gone)


def read_rejections(url: str, asker: Asker, number: int) -> list[dict[str, Any]]:
    """Return what was wrong with the rows of a run; that they were read is added to the trail.

    Raises:
        CallError: when there is no such run, its rows were let go of, or whoever asks may not make
            reports, or is not of all teams: a row that could not be read is of no team yet.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        who.require("make reports")
        if who.teams is not None:
            raise ForbiddenError(
                "the rows of a run are of all teams; ask somebody who works for all of them."
            )
    found = rejections(url, number)
    with acting(url) as connection:
        event = happened(READ, detail={"run": number, "rows": len(found)})
        add_events(connection, asker.at, asker.actor, [event])
    return found


@dataclass(frozen=True)
class Firing:
    """How a rule ended on all that a run judged; ``is_same_text`` by the text that is asked for."""

    run: int
    as_of: Any
    flag: int
    clear: int
    cannot_tell: int
    lacks: tuple[str, ...]
    is_same_text: bool

    @property
    def judged(self) -> int:
        """Return how many referrals, contacts or cases the rule was asked of."""
        return self.flag + self.clear + self.cannot_tell


def firing_of(url: str, asker: Asker, rule: str, text_hash: str, limit: int) -> list[Firing]:
    """Return how a rule ended in the last runs, the latest first.

    Raises:
        CallError: when whoever asks may see no cases.
    """
    names = ("id", "as_of", "ruleset_hash", "rules", "contacts", "trial", "oversight")
    with reading(url) as connection:
        viewer_of(connection, asker).require("see cases")
        same = frozenset(
            connection.scalars(
                sa.select(ruleset_rule.c.ruleset_hash).where(ruleset_rule.c.rule_hash == text_hash)
            )
        )
        query = sa.select(*(run.c[name] for name in names)).order_by(run.c.id.desc()).limit(limit)
        found = []
        for row in connection.execute(query):
            told = counts_of(row._mapping).get(rule)
            if told is not None:
                counts = {name: told[name] for name in _OUTCOMES}
                lacks, is_same = tuple(told["missing_columns"]), row.ruleset_hash in same
                found.append(Firing(row.id, row.as_of, lacks=lacks, is_same_text=is_same, **counts))
        return found


def last_counts(url: str, asker: Asker) -> dict[str, dict[str, Any]]:
    """Return how each rule ended in the last run; nothing while there is none.

    Raises:
        CallError: when whoever asks may see no cases.
    """
    names = ("rules", "contacts", "trial", "oversight")
    with reading(url) as connection:
        viewer_of(connection, asker).require("see cases")
        query = sa.select(*(run.c[name] for name in names)).order_by(run.c.id.desc()).limit(1)
        row = connection.execute(query).first()
        return {} if row is None else counts_of(row._mapping)


def counts_of(told: Mapping[Any, Any]) -> dict[str, dict[str, Any]]:
    """Return how each rule ended in a run, whatever it judges: referrals, contacts, cases."""
    contacts, overseen = told["contacts"] or {}, told["oversight"] or {}
    parts = (told["rules"], told["trial"] or (), contacts.get("rules", ()))
    found = {one["id"]: one for part in parts for one in part}
    return found | {one["id"]: one for one in overseen.get("rules", ())}
