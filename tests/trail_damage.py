"""Ways to damage a trail behind the store's back, each drawn at random, and where it is first seen.

``Drawn.first`` is the number of the event that is to be named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import sqlalchemy as sa

from triage.store import Head

TEXTS: Final = ("at", "actor", "kind", "rule_id", "detail")
NUMBERS: Final = ("run_id", "case_id")
COLUMNS: Final = ("id", "at", "actor", "kind", "run_id", "case_id", "rule_id", "detail", "hash")
TOLD: Final = COLUMNS[:-1]


@dataclass(frozen=True)
class Trail:
    """The events of a store in a transaction that is rolled back, and chance to damage them."""

    connection: sa.Connection
    chance: Random
    last: int

    @property
    def is_file(self) -> bool:
        return self.connection.dialect.name == "sqlite"

    def do(self, sql: str, **values: Any) -> None:
        self.connection.execute(sa.text(sql), values)

    def row(self, number: int) -> dict[str, Any]:
        query = sa.text(f"SELECT {', '.join(COLUMNS)} FROM event WHERE id = :id")
        found = dict(self.connection.execute(query, {"id": number}).one()._mapping)
        return found | {"hash": bytes(found["hash"])}

    def change(self, number: int, **values: Any) -> None:
        said = ", ".join(f"{name} = :{name}" for name in values)
        self.do(f"UPDATE event SET {said} WHERE id = :number", number=number, **values)

    def add(self, **values: Any) -> None:
        names = ", ".join(values)
        self.do(f"INSERT INTO event ({names}) VALUES (:{', :'.join(values)})", **values)

    def any(self, first: int = 1, last: int | None = None) -> int:
        return self.chance.randint(first, self.last if last is None else last)

    def head(self) -> Head:
        return Head(self.last, self.row(self.last)["hash"])


def lift_guards(connection: sa.Connection) -> None:
    """Take away what keeps events from being changed, as somebody could who owns the database."""
    if connection.dialect.name == "sqlite":
        for name in ("update", "delete", "replace"):
            connection.execute(sa.text(f"DROP TRIGGER event_no_{name}"))
    else:
        connection.execute(sa.text("ALTER TABLE event DISABLE TRIGGER event_no_change"))
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))


@dataclass(frozen=True)
class Drawn:
    """A damage that was done: the event that is to be named, and the head that was kept outside."""

    first: int
    head: Head | None = None


def a_byte_of_a_text(trail: Trail) -> Drawn:
    number, column = trail.any(), trail.chance.choice(TEXTS)
    text = trail.row(number)[column]
    if not text:
        return a_byte_of_the_hash(trail)
    raw = bytearray(text.encode())
    place = trail.chance.randrange(len(raw))
    if not trail.is_file:
        raw[place] = ord(trail.chance.choice([c for c in "az09{} é~"[:6] if ord(c) != raw[place]]))
        trail.change(number, **{column: raw.decode()})
        return Drawn(number)
    raw[place] ^= trail.chance.randint(1, 255)
    trail.do(
        f"UPDATE event SET {column} = CAST(:raw AS TEXT) WHERE id = :id", raw=bytes(raw), id=number
    )
    return Drawn(number)


def a_byte_of_the_hash(trail: Trail) -> Drawn:
    number = trail.any()
    raw = bytearray(trail.row(number)["hash"])
    raw[trail.chance.randrange(len(raw))] ^= trail.chance.randint(1, 255)
    trail.change(number, hash=bytes(raw))
    return Drawn(number)


def a_hash_of_another_length(trail: Trail) -> Drawn:
    number = trail.any()
    held = trail.row(number)["hash"]
    trail.change(number, hash=trail.chance.choice([held[:-1], held + b"\0", b""]))
    return Drawn(number)


def another_number(trail: Trail) -> Drawn:
    number, column = trail.any(), trail.chance.choice(NUMBERS)
    value = trail.row(number)[column]
    trail.change(number, **{column: (value or 0) + trail.chance.randint(1, 9)})
    return Drawn(number)


def nothing_for_a_value(trail: Trail) -> Drawn:
    number = trail.any()
    held = trail.row(number)
    filled = [name for name in (*NUMBERS, "rule_id") if held[name] is not None]
    if not filled:
        return a_value_for_nothing(trail)
    trail.change(number, **{trail.chance.choice(filled): None})
    return Drawn(number)


def a_value_for_nothing(trail: Trail) -> Drawn:
    number = trail.any()
    held = trail.row(number)
    empty = [name for name in (*NUMBERS, "rule_id") if held[name] is None]
    if not empty:
        return nothing_for_a_value(trail)
    column = trail.chance.choice(empty)
    # What stands for nothing in the text that is hashed is no way out: it is no value.
    text = trail.chance.choice(["\0", ""] if trail.is_file else ["", "None"])
    trail.change(number, **{column: text if column == "rule_id" else trail.chance.randint(0, 9)})
    return Drawn(number)


def a_text_that_is_none(trail: Trail) -> Drawn:
    """Put bytes that no text has, or the right bytes as no text; a server lets nobody do that."""
    if not trail.is_file:
        return a_byte_of_a_text(trail)
    number, column = trail.any(), trail.chance.choice(("at", "actor", "kind", "detail"))
    raw = trail.row(number)[column].encode()
    if trail.chance.random() < 0.5:
        trail.change(number, **{column: raw})
        return Drawn(number)
    place = trail.chance.randint(0, len(raw))
    raw = (
        raw[:place] + trail.chance.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\0"]) + raw[place:]
    )
    trail.do(f"UPDATE event SET {column} = CAST(:raw AS TEXT) WHERE id = :id", raw=raw, id=number)
    return Drawn(number)


def a_seam_moved(trail: Trail) -> Drawn:
    """Move the end of one field to the beginning of the next: together they read the same."""
    number = trail.any()
    held = trail.row(number)
    trail.change(number, at=held["at"] + "\x1f" + held["actor"][:1], actor=held["actor"][1:])
    return Drawn(number)


def the_first_gone(trail: Trail) -> Drawn:
    trail.do("DELETE FROM event WHERE id = 1")
    return Drawn(1)


def one_gone_between(trail: Trail) -> Drawn:
    number = trail.any(2, trail.last - 1)
    trail.do("DELETE FROM event WHERE id = :id", id=number)
    if trail.chance.random() < 0.5:
        return Drawn(number)
    # The gap is closed again.
    _move(trail, number, -1)
    return Drawn(number)


def the_tail_cut(trail: Trail) -> Drawn:
    head, left = trail.head(), trail.any(0, trail.last - 1)
    trail.do("DELETE FROM event WHERE id > :left", left=left)
    return Drawn(left + 1, head)


def two_swapped(trail: Trail) -> Drawn:
    one, other = sorted(trail.chance.sample(range(1, trail.last + 1), 2))
    rows = {one: trail.row(other), other: trail.row(one)}
    for number, held in rows.items():
        trail.change(number, **{name: held[name] for name in COLUMNS[1:]})
    # Two reads of one case in one second differ in their hashes only.
    return Drawn(one)


def one_added_between(trail: Trail) -> Drawn:
    """Put one in with a hash that fits what stands before it."""
    number = trail.any(1, trail.last)
    _move(trail, number, 1)
    held = trail.row(trail.any(number + 1, trail.last + 1)) | {"id": number}
    before = trail.row(number - 1)["hash"] if number > 1 else bytes(32)
    trail.add(**held | {"hash": chained(before, held)})
    return Drawn(number + 1)


def one_added_at_the_end(trail: Trail) -> Drawn:
    held = trail.row(trail.any())
    gap = trail.chance.choice([0, 0, 1, 7])
    trail.add(**held | {"id": trail.last + 1 + gap})
    return Drawn(trail.last + 1)


def one_added_before_the_first(trail: Trail) -> Drawn:
    trail.add(**trail.row(trail.any()) | {"id": trail.chance.choice([0, -1])})
    return Drawn(1)


def all_written_anew_from_one_on(trail: Trail) -> Drawn:
    """Change one and make every hash after it fit: only the head kept outside tells."""
    head, number = trail.head(), trail.any()
    trail.change(number, actor="somebody.else")
    before = trail.row(number - 1)["hash"] if number > 1 else bytes(32)
    for one in range(number, trail.last + 1):
        before = chained(before, trail.row(one))
        trail.change(one, hash=before)
    return Drawn(trail.last, head)


def chained(before: bytes, held: dict[str, Any]) -> bytes:
    """Return the hash of an event: of the hash before it, and of its fields, set apart by 0x1F."""
    texts = ("\0" if held[name] is None else str(held[name]) for name in TOLD)
    return hashlib.sha256(before + "\x1f".join(texts).encode()).digest()


def _move(trail: Trail, first: int, by: int) -> None:
    """Number the events from one on anew, over numbers that are not taken."""
    trail.do("UPDATE event SET id = -id - 100 WHERE id >= :first", first=first)
    trail.do("UPDATE event SET id = -id - 100 + :by WHERE id < -100", by=by)


WAYS: Final[tuple[Callable[[Trail], Drawn], ...]] = (
    a_byte_of_a_text, a_byte_of_the_hash, a_hash_of_another_length, another_number,
    nothing_for_a_value, a_value_for_nothing, a_text_that_is_none, a_seam_moved, the_first_gone,
    one_gone_between, the_tail_cut, two_swapped, one_added_between, one_added_at_the_end,
    one_added_before_the_first, all_written_anew_from_one_on,
)  # fmt: skip
