"""Events of a run, added together; what happened to whom, and when, for whoever asks later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from triage.store import bulk
from triage.store.tables import case, event, flag

ACTOR: Final = "system:nightly"
_GUARD: Final = "event_no_replace"


@dataclass
class Events:
    """What happened in one run, gathered, and added in the order of the lists.

    ``at`` is the moment that stands beside each of them.
    """

    run_id: int
    at: str
    _of_flags: list[tuple[Any, ...]] = field(default_factory=list)
    _of_cases: list[tuple[Any, ...]] = field(default_factory=list)

    def of_flags(self, events: Iterable[tuple[int, str, str, dict[str, str]]]) -> None:
        """Note what happened to some flags: of each the case, the rule, the kind and the detail."""
        self._of_flags += [(*one, json.dumps(detail)) for *one, detail in events]

    def of_cases(self, events: Iterable[tuple[int, str, dict[str, str]]]) -> None:
        """Note what happened to some cases: the number of each, the kind and the detail."""
        self._of_cases += [(*one, json.dumps(detail)) for *one, detail in events]

    def add(self, connection: sa.Connection, last_case: int, last_flag: int) -> None:
        """Add the events: cases opened and flags raised since these numbers, then the others."""
        opened = sa.select(
            *self._same("case opened"), case.c.id, sa.null(), sa.literal_column("'{}'")
        )
        told = sa.literal_column("""'{"message": '""").concat(sa.func.json_quote(flag.c.message))
        raised = sa.select(
            *self._same("flag raised"),
            flag.c.case_id,
            flag.c.rule_id,
            told.concat(sa.literal_column("'}'")),
        )
        into = ["at", "actor", "run_id", "kind", "case_id", "rule_id", "detail"]
        same = {"at": self.at, "actor": ACTOR, "run_id": self.run_id}
        with _unguarded(connection):
            for new in (
                opened.where(case.c.id > last_case).order_by(case.c.id),
                raised.where(flag.c.id > last_flag).order_by(flag.c.id),
            ):
                connection.execute(sa.insert(event).from_select(into, new))
            for names, rows in (
                (("case_id", "rule_id", "kind", "detail"), self._of_flags),
                (("case_id", "kind", "detail"), self._of_cases),
            ):
                if rows:
                    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
                    bulk.add(connection, event, columns, same)

    def _same(self, kind: str) -> list[sa.ColumnElement[Any]]:
        return [sa.literal(value) for value in (self.at, ACTOR, self.run_id, kind)]


@contextmanager
def _unguarded(connection: sa.Connection) -> Iterator[None]:
    """Lift the guard against replaced events while events are added, which it asks one by one.

    It is back before the transaction ends, and nobody else can write until then.
    """
    asked = sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name")
    guard = connection.execute(asked, {"name": _GUARD}).scalar_one()
    connection.exec_driver_sql(f"DROP TRIGGER {_GUARD}")
    yield
    connection.exec_driver_sql(guard)
