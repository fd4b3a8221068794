"""Backups that are not what was written: each is refused in a sentence, and nothing is stored."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st
from kept_stores import Members, fill, forged, rewritten
from stores import KINDS, OwnStore, in_a_file, on_a_server

from triage.errors import InputError
from triage.store import archive

Rows = list[list[Any]]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a whole backup."""
    folder = tmp_path_factory.mktemp("good")
    with in_a_file(folder) as own:
        fill(own, folder / "records")
        from triage.__main__ import run

        assert run(["db", "backup", str(folder / "a.backup"), "--db", own.url, "--quiet"]) == 0
    return (folder / "a.backup").read_bytes()


@pytest.fixture(params=KINDS)
def target(
    request: pytest.FixtureRequest, workplace: Path, postgresql_url: str
) -> Iterator[OwnStore]:
    """An empty place on one of the two databases."""
    place = in_a_file(workplace) if request.param == "sqlite" else on_a_server(postgresql_url)
    with place as own:
        yield own


def refused(triage: Triage, target: OwnStore, path: Path) -> str:
    """Return why a backup is refused, once it was seen that nothing is stored of it."""
    code, out, err = triage("db", "restore", path, "--db", target.url)
    assert (code, out) == (3, "")
    assert err.startswith(f"triage: {path}: ")
    assert err.endswith("Nothing was stored.\n")
    assert err.count("\n") == 1
    if target.kind == "sqlite":
        assert not Path(target.url.removeprefix("sqlite:///")).exists()
    else:
        assert target.tables() == set()
    return err


def is_whole(path: Path) -> bool:
    """Return whether a backup is as it was written."""
    try:
        with archive.opened(path):
            return True
    except InputError:
        return False


def test_a_byte_that_changed_anywhere_is_found(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.backup"
    path.write_bytes(good)
    assert is_whole(path)
    chance = random.Random(20170714)
    places = [*range(40), *range(len(good) - 120, len(good))]
    for place in [*places, *chance.sample(range(len(good)), 400)]:
        damaged = bytearray(good)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        assert not is_whole(path), place


@given(data=st.data())
def test_bytes_cut_off_put_in_or_moved_are_found(
    good: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(good) - 1))
    last = data.draw(st.integers(first, len(good)))
    put = data.draw(st.binary(max_size=200) | st.just(good[: last - first]))
    changed = good[:first] + put + good[last:]
    path = tmp_path_factory.mktemp("changed") / "a.backup"
    path.write_bytes(changed)
    assert is_whole(path) is (changed == good)


def test_a_damaged_or_shortened_backup_is_refused_and_nothing_is_stored(
    triage: Triage, target: OwnStore, good: bytes, workplace: Path
) -> None:
    path = workplace / "a.backup"
    for content in (good[:-1], good[: len(good) // 2], b"", b"no backup", good + b"\n"):
        path.write_bytes(content)
        assert "no backup" in refused(triage, target, path)
    path.write_bytes(good[:1000] + b"\0" + good[1001:])
    assert "its bytes are not those that were written" in refused(triage, target, path)
    path.write_bytes(good)
    assert triage("db", "restore", path, "--db", target.url)[0] == 0
    target.check()


@pytest.mark.parametrize("name", ["nowhere.backup", "."])
def test_what_is_no_file_is_refused(triage: Triage, workplace: Path, name: str) -> None:
    code, _, err = triage("db", "restore", name, "--db", "sqlite:///there.db")
    assert code in (2, 3)
    assert name in err
    assert not (workplace / "there.db").exists()


def of(table: str, change: Callable[[Rows], None]) -> Callable[[Members], None]:
    """Return a change of a table's rows of which the manifest knows."""
    return lambda members: rewritten(members, table, change)


def manifest(change: Callable[[dict[str, Any]], Any]) -> Callable[[Members], None]:
    """Return a change of the manifest."""

    def changed(members: Members) -> None:
        told = json.loads(members["manifest.json"])
        change(told)
        members["manifest.json"] = json.dumps(told).encode()

    return changed


def set_cell(row: int, cell: int, value: Any) -> Callable[[Rows], None]:
    """Return a change of one cell."""
    return lambda rows: rows[row].__setitem__(cell, value)


FORGERIES: dict[str, tuple[Callable[[Members], None], str]] = {
    "a row of which the manifest does not know": (
        lambda members: members.update({"note.jsonl": b"[[9,\"x\",\"x\",2,\"x\"]]\n"}),
        "note is not what its manifest says",
    ),
    "a count that is not that of the rows": (
        manifest(lambda told: told["tables"]["flag"].update(rows=3)), "by its manifest 3",
    ),
    "an event changed": (of("event", set_cell(3, 1, "x.other")), "the trail is damaged: event 4"),
    "an event taken out": (of("event", lambda rows: rows.pop(5)), "event 6 is missing"),
    "the last event taken out": (of("event", lambda rows: rows.pop()), "is missing"),
    "the trail said to end before its end": (
        manifest(lambda told: told["trail"].update(event=0, hash="00" * 32)), "past event 0",
    ),
    "a case taken out that flags refer to": (of("case", lambda rows: rows.pop(1)), ""),
    "a row of too few cells": (of("flag", lambda rows: rows[0].pop()), "no row of a store"),
    "a row that is none": (of("person", lambda rows: rows.append(17)), "no row of a store"),
    "a cell that is no cell": (of("note", set_cell(0, 0, {"hex": "0g"})), "no row of a store"),
    "a list for a text": (of("note", set_cell(0, 1, ["x"])), ""),
    "half a character": (of("note", set_cell(0, 4, "\ud83d")), ""),
    "a number past all numbers": (of("note", set_cell(0, 0, 1 << 70)), ""),
    "a table taken out": (lambda members: members.pop("flag.jsonl") and None, "flag"),
    "a table of which the manifest does not know": (
        manifest(lambda told: told["tables"].pop("note")), "table note is not that of revision",
    ),
    "a table of something else": (
        manifest(lambda told: told["tables"].update(recipe=told["tables"]["note"])), "recipe",
    ),
    "a column of something else": (
        manifest(lambda told: told["tables"]["note"]["columns"].__setitem__(0, "recipe")), "note",
    ),
    "no such revision": (manifest(lambda told: told.update(revision="0000x")), "no revision"),
    "a newer form": (manifest(lambda told: told.update(form=2)), "newer version"),
    "no revision": (manifest(lambda told: told.pop("revision")), "no backup"),
    "no manifest": (lambda members: members.pop("manifest.json") and None, "no backup"),
    "a manifest that is none": (lambda members: members.update({"manifest.json": b"[]"}), "no b"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_backup_that_somebody_changed_is_refused_even_with_a_right_digest(
    triage: Triage, target: OwnStore, good: bytes, workplace: Path, name: str
) -> None:
    change, said = FORGERIES[name]
    path = workplace / "a.backup"
    path.write_bytes(good)
    forged(path, lambda members: None)
    assert is_whole(path)
    forged(path, change)
    assert said in refused(triage, target, path)
