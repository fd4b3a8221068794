"""The trail: what happened, by whom, and when; each event bears a hash of itself and all before it.

The hash is the SHA-256 of the hash before and of the event's own fields, so that an event which is
changed, taken out, put in or moved no longer fits those around it. Nothing in it tells of a child.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from triage.errors import CallError
from triage.store import bulk
from triage.store.tables import event
from triage.vocabulary import printable

NIGHTLY: Final = "system:nightly"
BEGINNING: Final = bytes(32)
"""What stands before the first event in place of a hash."""
_GUARD: Final = "event_no_replace"
_APART: Final = "\x1f"
_NOTHING: Final = "\0"
_FIELDS: Final = ("id", "at", "actor", "kind", "run_id", "case_id", "rule_id", "detail")
_NO_DETAIL: Final = "{}"

Happened = tuple[str, int | None, str | None, str]
"""An event as it is added: its kind, the case, the rule, and the detail as JSON."""


def happened(
    kind: str,
    case_id: int | None = None,
    rule_id: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Happened:
    """Return an event to be added; ``detail`` is to tell nothing of a child."""
    return (kind, case_id, rule_id, as_detail(detail) if detail else _NO_DETAIL)


def as_detail(detail: Mapping[str, Any]) -> str:
    """Return a detail as it is kept: JSON in ASCII, the same for the same."""
    return json.dumps(detail, sort_keys=True, separators=(",", ":"))


def add_events(
    connection: sa.Connection,
    at: str,
    actor: str,
    events: Iterable[Happened],
    run_id: int | None = None,
) -> None:
    """Add events to the end of the trail, in their order.

    Whoever writes to the store writes alone, so nobody adds between the last one and these.

    Raises:
        CallError: when the actor's name holds a character that cannot be printed.
    """
    put(connection, chained(head(connection), at, actor, events, run_id))


@dataclass(frozen=True)
class Head:
    """The last event at some moment: its number, and its hash."""

    id: int
    hash: bytes


@dataclass(frozen=True)
class Chained:
    """Events as they are put at the end of the trail, and the last of them."""

    columns: Mapping[str, Sequence[Any]]
    same: Mapping[str, Any]
    head: Head

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.columns["id"])


def chained(
    after: Head, at: str, actor: str, events: Iterable[Happened], run_id: int | None = None
) -> Chained:
    """Return events with what each bears of itself and of all before it.

    Raises:
        CallError: when the actor's name holds a character that cannot be printed.
    """
    if not actor or not actor.isprintable():
        raise CallError("a name is to be of characters that can be printed; give another.")
    found = list(events)
    first = after.id + 1
    hashes = _hashes(after.hash, first, at, actor, run_id, found)
    kinds, cases, rules, details = zip(*found, strict=True) if found else ((), (), (), ())
    columns: dict[str, Sequence[Any]] = {
        "id": range(first, first + len(found)),
        "kind": kinds,
        "case_id": cases,
        "rule_id": rules,
        "detail": details,
        "hash": hashes,
    }
    last = Head(after.id + len(found), hashes[-1]) if found else after
    return Chained(columns, {"at": at, "actor": actor, "run_id": run_id}, last)


def put(connection: sa.Connection, events: Chained) -> None:
    """Put events at the end of the trail, the last of which they were chained to."""
    with _unguarded(connection, len(events)):
        bulk.add(connection, event, events.columns, events.same)


def head(connection: sa.Connection) -> Head:
    """Return the last event of the trail."""
    query = sa.select(event.c.id, event.c.hash).order_by(event.c.id.desc()).limit(1)
    found = connection.execute(query).first()
    return Head(0, BEGINNING) if found is None else Head(int(found[0]), bytes(found[1]))


def _hashes(
    digest: bytes, first: int, at: str, actor: str, run_id: int | None, events: Iterable[Happened]
) -> list[bytes]:
    told = f"{_APART}{at}{_APART}{actor}{_APART}"
    run = f"{_APART}{_NOTHING if run_id is None else run_id}{_APART}"
    found = []
    for number, (kind, case_id, rule_id, detail) in enumerate(events, first):
        case = _NOTHING if case_id is None else case_id
        rule = _NOTHING if rule_id is None else rule_id
        text = f"{number}{told}{kind}{run}{case}{_APART}{rule}{_APART}{detail}"
        digest = hashlib.sha256(digest + text.encode()).digest()
        found.append(digest)
    return found


@dataclass(frozen=True)
class Verdict:
    """What became of looking the trail over; ``damage`` says where it is damaged first, and how."""

    n_events: int
    last: int
    hash: bytes
    damage: str = ""


def verify(connection: sa.Connection, kept: Head | None = None) -> Verdict:
    """Return whether each event fits those before it, and the head that was kept outside.

    The first that does not is named; what comes after it is not looked at.
    """
    query = sa.select(*(event.c[name] for name in (*_FIELDS, "hash"))).order_by(event.c.id)
    if connection.dialect.name == "sqlite":
        # A damaged text may be no text at all; it is to be found, not to end the looking.
        held = connection.connection.driver_connection
        assert held is not None
        held.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    digest, last, n_events = BEGINNING, 0, 0
    is_kept_met = kept is None or kept.id == 0
    for some in bulk.rows(connection, query):
        for row in some:
            damage = _damage(row, last, digest)
            if not damage and kept is not None and row[0] == kept.id:
                is_kept_met = True
                if bytes(row[-1]) != kept.hash:
                    damage = f"{_name(row)} is another than when the head was kept"
            if damage:
                return Verdict(n_events, last, digest, damage)
            last, digest, n_events = row[0], bytes(row[-1]), n_events + 1
    if not is_kept_met and kept is not None:
        damage = f"event {last + 1} is missing: the trail was kept up to event {kept.id}"
        return Verdict(n_events, last, digest, damage)
    return Verdict(n_events, last, digest)


def _damage(row: tuple[Any, ...], last: int, digest: bytes) -> str:
    number, held = row[0], row[-1]
    if number != last + 1:
        return f"event {last + 1} is missing: event {number} follows event {last}"
    texts = [_NOTHING if value is None else str(value) for value in row[:-1]]
    if any(_APART in text for text in texts[:-1]) or _NOTHING in row:
        return f"{_name(row)} was changed"
    told = hashlib.sha256(digest + _APART.join(texts).encode("utf-8", "surrogateescape")).digest()
    if not isinstance(held, bytes | memoryview) or bytes(held) != told:
        return f"{_name(row)} was changed, put in or moved: it does not fit the one before it"
    return ""


def _name(row: tuple[Any, ...]) -> str:
    return printable(f"event {row[0]} ({row[3]}, {row[1]})")


@contextmanager
def _unguarded(connection: sa.Connection, n_events: int) -> Iterator[None]:
    """Lift the guard of SQLite against replaced events while many are added: it asks one by one.

    It is back before the transaction ends, and nobody else can write until then.
    """
    if connection.dialect.name != "sqlite" or n_events < bulk.AT_ONCE:
        yield
        return
    asked = sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name")
    guard = connection.execute(asked, {"name": _GUARD}).scalar_one()
    connection.exec_driver_sql(f"DROP TRIGGER {_GUARD}")
    yield
    connection.exec_driver_sql(guard)
