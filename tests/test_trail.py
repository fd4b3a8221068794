"""The trail: each event bound to those before it, by the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from conftest import Triage
from stores import ON_POSTGRESQL, ON_SQLITE, NewStore, OwnStore
from trail_damage import TOLD, WAYS, Trail, chained, lift_guards
from work_helpers import ANSWERS, DECIDED, asker, last_event, night, row, rows, to_do

from triage import store as door
from triage.store import Head, Wanted, trail
from triage.store.address import address_of
from triage.store.engines import driver_errors, postgresql_engine, sqlite_engine

DAMAGED = {"sqlite": 1_000, "postgresql": 64}
"""Stores that are damaged, each in one way drawn at random."""


def some_work(own: OwnStore, folder: Path) -> None:
    """Fill a trail with events of every shape: of runs, cases and rules, of people, and of none."""
    night(own, folder, rows(20))
    manager, reviewer = asker("m.manager"), asker("r.réviewer 'R'", minutes=1)
    for _ in range(2):
        door.claim_next(own.url, reviewer, Wanted())
    door.add_note(own.url, reviewer, 1, "spoke to the referrer")
    door.submit_review(own.url, reviewer, 1, ANSWERS | {"actions": [to_do(owner="w.wörker")]})
    door.finish_action(own.url, asker("w.worker"), 1, asker().today, "seen")
    door.assign(own.url, manager, [3, 4], "r.other")
    door.release(own.url, manager, 2)
    door.one_case(own.url, asker(None), 1)
    door.register(own.url, asker("a.administrator"), "a.administrator", "administrator", ["North"])
    door.register(own.url, asker("a.administrator"), "a.auditor", "auditor", [])
    decided = [row(f"R{number:05}", **DECIDED) for number in range(14, 20)]
    night(own, folder, [row("R00000", team="South"), *rows(14)[1:], *decided], dt.date(2023, 7, 3))


@pytest.fixture
def worked(store: OwnStore, workplace: Path) -> OwnStore:
    """A store with a trail of some dozens of events."""
    some_work(store, workplace)
    return store


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStore]:
    """The same, for tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("lasting")
    with new_store(folder) as own:
        some_work(own, folder)
        yield own


@pytest.fixture
def opened(lasting: OwnStore) -> Iterator[sa.Connection]:
    """A connection on which anything may be done; nothing of it stays."""
    address = address_of(lasting.url)
    if address.file is None:
        engine = postgresql_engine(address, writes=True)
    else:
        engine = sqlite_engine(address.file, "IMMEDIATE", ("foreign_keys=OFF",))
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def test_each_of_a_thousand_stores_damaged_in_one_way_is_found_and_the_first_damage_named(
    lasting: OwnStore, opened: sa.Connection
) -> None:
    last = last_event(lasting)
    assert last > 40
    missed, told = [], Counter[str]()
    for seed in range(DAMAGED[lasting.kind]):
        chance = Random(seed)
        way = WAYS[seed % len(WAYS)]
        lift_guards(opened)
        drawn = way(Trail(opened, chance, last))
        damage = trail.verify(opened, drawn.head).damage
        opened.rollback()
        told[way.__name__] += 1
        if not damage.startswith(f"event {drawn.first} "):
            missed.append((way.__name__, seed, drawn.first, damage))
    assert missed == []
    assert min(told.values()) > 1
    assert len(told) == len(WAYS)


def test_undamaged_ones_pass_with_the_head_of_any_moment(
    lasting: OwnStore, opened: sa.Connection
) -> None:
    last = last_event(lasting)
    whole = trail.verify(opened)
    assert (whole.n_events, whole.last, whole.damage) == (last, last, "")
    for number in range(last + 1):
        digest = Trail(opened, Random(0), last).row(number)["hash"] if number else bytes(32)
        assert trail.verify(opened, Head(number, digest)) == whole


def test_the_hash_is_that_of_the_fields_and_of_the_hash_before(
    lasting: OwnStore, opened: sa.Connection
) -> None:
    before, trail_of = bytes(32), Trail(opened, Random(0), last_event(lasting))
    seen = {name: set[bool]() for name in TOLD}
    for number in range(1, trail_of.last + 1):
        held = trail_of.row(number)
        before = chained(before, held)
        assert held["hash"] == before
        for name in TOLD:
            seen[name].add(held[name] is None)
    assert all(seen[name] == {True, False} for name in ("run_id", "case_id", "rule_id"))


def test_nothing_in_the_trail_tells_of_a_child(lasting: OwnStore) -> None:
    told = repr(lasting.query("SELECT actor, kind, rule_id, detail FROM event"))
    assert not any(f"R{number:05}" in told for number in range(14))
    assert "2023-06-20" not in told


CHANGES = (
    "UPDATE event SET kind = 'x' WHERE id = 1",
    "UPDATE event SET detail = detail",
    "DELETE FROM event WHERE id = (SELECT MAX(id) FROM event)",
    "DELETE FROM event",
    "INSERT INTO event SELECT * FROM event WHERE id = 1 ON CONFLICT (id) DO UPDATE SET kind = 'x'",
)
ON_FILES = (
    "INSERT OR REPLACE INTO event SELECT * FROM event WHERE id = 1",
    "REPLACE INTO event SELECT * FROM event WHERE id = 1",
    "UPDATE OR REPLACE event SET id = 1 WHERE id = 2",
    "UPDATE OR IGNORE event SET kind = 'x'",
)
ON_SERVERS = ("TRUNCATE event", "TRUNCATE event CASCADE", "TRUNCATE run, event CASCADE")


def refused(own: OwnStore, act: str) -> None:
    before = own.rows("event")
    with pytest.raises(driver_errors(address_of(own.url)), match="only be added"):
        own.execute(act.replace("SELECT * FROM event WHERE", "SELECT * FROM event WHERE true AND"))
    assert own.rows("event") == before


@pytest.mark.parametrize("act", CHANGES)
def test_the_database_itself_refuses_to_change_or_delete_an_event(
    lasting: OwnStore, act: str
) -> None:
    refused(lasting, act)


@ON_SQLITE
@pytest.mark.parametrize("act", ON_FILES)
def test_a_file_refuses_to_replace_an_event(lasting: OwnStore, act: str) -> None:
    refused(lasting, act)


@ON_POSTGRESQL
@pytest.mark.parametrize("act", CHANGES)
def test_a_server_refuses_changes_even_to_who_leaves_references_unchecked(
    lasting: OwnStore, act: str
) -> None:
    with lasting.opened() as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.Error, match="only be added"):
            connection.execute(act)


@ON_POSTGRESQL
@pytest.mark.parametrize("act", ON_SERVERS)
def test_a_server_refuses_to_empty_the_trail(lasting: OwnStore, act: str) -> None:
    refused(lasting, act)


def test_the_guards_are_back_after_a_night_of_thousands_of_events(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, rows(2_100))
    assert last_event(store) > 2_000
    for act in (*CHANGES, *(ON_FILES if store.kind == "sqlite" else ON_SERVERS)):
        refused(store, act)
    assert door.verify_trail(store.url).damage == ""


def test_the_commands_say_whether_the_trail_is_whole(worked: OwnStore, triage: Triage) -> None:
    last = last_event(worked)
    code, out, err = triage("audit", "verify")
    assert (code, err) == (0, "")
    assert out.startswith(f"The trail is whole: {last} events, up to event {last} with hash ")
    assert triage("audit", "head", "--output", "head.json")[0] == 0
    kept = json.loads(Path("head.json").read_text("utf-8"))
    assert kept == json.loads(triage("audit", "head")[1])
    assert kept["hash"] in out
    code, out, _ = triage("audit", "verify", "--head", "head.json", "--format", "json")
    assert (code, json.loads(out)) == (
        0, {"whole": True, "events": last, "head": kept, "damage": None}
    )  # fmt: skip


def damage(own: OwnStore, *statements: str) -> None:
    lifted = (
        [f"DROP TRIGGER event_no_{name}" for name in ("update", "delete", "replace")]
        if own.kind == "sqlite"
        else ["DROP TRIGGER event_no_change ON event"]
    )
    own.execute(*lifted, *statements)


def test_a_damaged_trail_ends_with_1_and_the_first_damage(worked: OwnStore, triage: Triage) -> None:
    damage(worked, "UPDATE event SET actor = 'somebody' WHERE id IN (7, 9)")
    code, out, err = triage("audit", "verify")
    assert (code, err) == (1, "")
    assert out.startswith("The trail is damaged: event 7 (")
    assert out.endswith("it does not fit the one before it. Up to there it is whole.\n")
    code, out, _ = triage("audit", "verify", "--format", "json")
    told = json.loads(out)
    assert (code, told["whole"], told["events"], told["head"]["event"]) == (1, False, 6, 6)


def test_a_tail_that_was_cut_is_found_with_the_head_that_was_kept(
    worked: OwnStore, triage: Triage
) -> None:
    last = last_event(worked)
    triage("audit", "head", "--output", "head.json")
    damage(worked, f"DELETE FROM event WHERE id > {last - 3}")
    assert triage("audit", "verify")[0] == 0
    code, out, _ = triage("audit", "verify", "--head", "head.json")
    assert code == 1
    assert f"event {last - 2} is missing: the trail was kept up to event {last}" in out


@ON_SQLITE
def test_a_command_to_the_terminal_in_a_damaged_event_is_not_sent(
    worked: OwnStore, triage: Triage
) -> None:
    damage(worked, "UPDATE event SET kind = CAST(X'1B5B324AFF0A' AS TEXT) WHERE id = 5")
    for form in ("table", "json"):
        code, out, _ = triage("audit", "verify", "--format", form)
        assert code == 1
        assert "event 5 (" in out
        assert "\x1b" not in out
        assert "\udcff" not in out


WRONG_HEADS = {
    "empty": "", "no JSON": "event 5", "a list": "[]", "another object": "{}",
    "no hash": '{"event": 5}', "a hash that is none": '{"event": 5, "hash": "xyz"}',
    "half a hash": '{"event": 5, "hash": "00ff"}', "a number for a hash": '{"event": 5, "hash": 7}',
    "no number": '{"event": null, "hash": "%s"}', "half a number": '{"event": 5.5, "hash": "%s"}',
    "no end": '{"event": Infinity, "hash": "%s"}', "less than none": '{"event": -1, "hash": "%s"}',
    "yes": '{"event": true, "hash": "%s"}', "a text": '{"event": "5", "hash": "%s"}',
    "deep": "[" * 100_000,
}  # fmt: skip


def test_a_head_that_is_none_is_refused_by_name(worked: OwnStore, triage: Triage) -> None:
    for text in WRONG_HEADS.values():
        Path("head.json").write_text(text.replace("%s", "00" * 32))
        code, out, err = triage("audit", "verify", "--head", "head.json")
        assert (code, out) == (2, "")
        assert err == (
            "triage: head.json: is no head of a trail; `triage audit head --output head.json` "
            "writes one.\n"
        )
    Path("head.json").write_bytes(b"\xff\xfe")
    assert triage("audit", "verify", "--head", "head.json")[0] == 2
    code, _, err = triage("audit", "verify", "--head", "gone.json")
    assert (code, err) == (2, "triage: gone.json: cannot be read (No such file or directory).\n")
    Path("head.json").write_text(json.dumps({"event": 5, "hash": "00" * 32}))
    code, out, _ = triage("audit", "verify", "--head", "head.json")
    assert code == 1
    assert "event 5 (" in out
    assert "is another than when the head was kept" in out


@ON_SQLITE
def test_the_head_is_not_written_over_the_store(worked: OwnStore, triage: Triage) -> None:
    code, _, err = triage("audit", "head", "--output", "triage.db")
    assert (code, "is an input or the store itself" in err) == (2, True)
    assert triage("audit", "verify")[0] == 0


def test_without_a_store_there_is_nothing_to_verify(store: OwnStore, triage: Triage) -> None:
    for command in ("verify", "head", "log"):
        code, out, err = triage("audit", command)
        assert (code, out) == (4, "")
        assert "there is no store yet" in err


@ON_SQLITE
@pytest.mark.parametrize(
    "content", [b"no database", b"\0" * 4096, b"SQLite format 3\0" + b"\7" * 984]
)
def test_a_file_that_is_no_store_ends_with_4_and_a_sentence(
    store: OwnStore, triage: Triage, content: bytes
) -> None:
    Path("triage.db").write_bytes(content)
    code, out, err = triage("audit", "verify")
    assert (code, out) == (4, "")
    assert err.startswith("triage: ")
    assert err.count("\n") == 1


@ON_SQLITE
def test_a_file_with_a_page_of_noise_ends_with_4_or_1_or_was_not_touched_in_its_trail(
    worked: OwnStore, triage: Triage
) -> None:
    whole, page = Path("triage.db").read_bytes(), 16_384
    codes = Counter[int]()
    for seed in range(60):
        chance = Random(seed)
        noisy = bytearray(whole)
        first = chance.randrange(len(whole) // page) * page
        noisy[first : first + page] = chance.randbytes(page)
        Path("triage.db").write_bytes(noisy)
        code, out, err = triage("audit", "verify")
        codes[code] += 1
        assert "Please report it" not in err
        assert (out == "") == (code == 4)
    assert set(codes) <= {0, 1, 4}
    assert codes[4]
    Path("triage.db").write_bytes(whole[: len(whole) // 2])
    assert triage("audit", "verify")[0] == 4


LOGGED: dict[str, tuple[dict[str, Any], str]] = {
    "all": ({}, "true"),
    "of a person": ({"actor": "m.manager"}, "actor = 'm.manager'"),
    "of the nights": ({"actor": "system:nightly"}, "actor = 'system:nightly'"),
    "of a kind": ({"kind": "case claimed"}, "kind = 'case claimed'"),
    "of a case": ({"case_id": 1}, "case_id = 1"),
    "from a day on": ({"since": "2023-07-03"}, "at >= '2023-07-03'"),
    "up to a day, with it": ({"until": "2023-06-30"}, "at < '2023-07-01'"),
    "of one moment": (
        {"since": "2023-06-30T12:00", "until": "2023-06-30 12:00:00"},
        "at = '2023-06-30T12:00:00+00:00'"),
    "by another clock": (
        {"since": "2023-06-30T13:01:00+01:00", "until": "2023-06-30T12:01Z"},
        "at = '2023-06-30T12:01:00+00:00'"),
    "of a person on a case": (
        {"actor": "m.manager", "case_id": 3}, "actor = 'm.manager' AND case_id = 3"),
    "of nobody": ({"actor": "n.nobody"}, "false"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "where"), LOGGED.values(), ids=LOGGED)
def test_the_log_gives_what_was_asked_for_the_latest_last(
    lasting: OwnStore, asked: dict[str, Any], where: str
) -> None:
    expected = lasting.query(f"SELECT id, kind FROM event WHERE {where} ORDER BY id")
    auditor = asker("a.auditor", minutes=60 * 24 * 9)
    found = door.audit_log(lasting.url, auditor, **asked)
    few = door.audit_log(lasting.url, auditor, **asked, limit=2)
    assert [(one.id, one.kind) for one in found] == expected
    assert bool(expected) == (asked != {"actor": "n.nobody"})
    assert len(few) == min(2, len(expected))
    assert lasting.query("SELECT actor, kind FROM event ORDER BY id DESC LIMIT 1") == [
        ("a.auditor", "trail read")
    ]


def test_what_is_no_day_or_moment_is_refused_by_name(worked: OwnStore, triage: Triage) -> None:
    for text in ("yesterday", "2023-02-30", "30/06/2023", "0001-01-01T00:00+09:00"):
        for option in ("--since", "--until"):
            code, out, err = triage("audit", "log", option, text, "--as", "a.auditor")
            assert (code, out) == (2, "")
            assert err.startswith(f"triage: {option} '{text}': is neither a day nor a moment; ")
