"""Backups: the same file from both stores, whole or not there, and restored to the last row."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import Triage
from kept_stores import ADMINISTRATOR, ODD, back_to, events, everything, fill
from stores import KINDS, OwnStore, in_a_file, on_a_server
from work_helpers import asker

from triage import store
from triage.store.tables import HEAD_REVISION

PAIRS = [(here, there) for here in KINDS for there in KINDS]


@pytest.fixture(params=PAIRS, ids=[" to ".join(pair) for pair in PAIRS])
def two(
    request: pytest.FixtureRequest, workplace: Path, postgresql_url: str
) -> Iterator[tuple[OwnStore, OwnStore]]:
    """Two empty places, each on one of the two databases."""
    here, there = (
        in_a_file(workplace / name) if kind == "sqlite" else on_a_server(postgresql_url)
        for name, kind in zip(("here", "there"), request.param, strict=True)
    )
    for name in ("here", "there"):
        (workplace / name).mkdir()
    with here as source, there as target:
        yield source, target


@pytest.fixture
def filled(store: OwnStore, workplace: Path) -> OwnStore:
    """A store with something of everything."""
    fill(store, workplace / "records")
    return store


def test_a_backup_of_either_store_is_restored_into_either_to_the_last_row(
    triage: Triage, two: tuple[OwnStore, OwnStore], workplace: Path
) -> None:
    source, target = two
    fill(source, workplace / "records")
    before = everything(source)
    assert any(one["text"] == ODD for one in before["note"])

    code, out, err = triage("db", "backup", "a.backup", "--db", source.url, "--as", ADMINISTRATOR)
    assert (code, err) == (0, "")
    assert "Backed up" in out
    code, out, err = triage("db", "restore", "a.backup", "--db", target.url)
    assert (code, err) == (0, "")

    after = everything(target)
    assert after["event"][:-1] == before["event"]
    assert {name: rows for name, rows in after.items() if name != "event"} == {
        name: rows for name, rows in before.items() if name != "event"
    }
    assert events(target)[-1] == "store restored"
    assert events(source)[-1] == "store backed up"
    for url in (source.url, target.url):
        assert triage("db", "check", "--db", url)[0] == 0
        assert triage("audit", "verify", "--db", url)[0] == 0


def test_a_restored_store_goes_on_as_the_first_would_have(
    triage: Triage, two: tuple[OwnStore, OwnStore], workplace: Path
) -> None:
    source, target = two
    fill(source, workplace / "records")
    assert triage("db", "backup", "a.backup", "--db", source.url)[0] == 0
    assert triage("db", "restore", "a.backup", "--db", target.url)[0] == 0
    last = source.value("SELECT MAX(id) FROM note")
    for own in two:
        store.add_note(own.url, asker(), 3, "after")
        assert own.value("SELECT MAX(id) FROM note WHERE text = 'after'") == max(last, 2) + 1
        with own.opened() as connection, pytest.raises(Exception, match=r"only be added|denied"):
            connection.execute("UPDATE event SET kind = 'x'")
        with own.opened() as connection, pytest.raises(Exception, match=r"only be added|denied"):
            connection.execute("DELETE FROM event")
    if target.kind == "sqlite":
        assert target.value("PRAGMA journal_mode") == "wal"
        file = Path(target.url.removeprefix("sqlite:///"))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_backup_says_what_it_holds_in_a_form_that_any_program_reads(
    triage: Triage, filled: OwnStore, workplace: Path
) -> None:
    before = everything(filled)
    assert triage("db", "backup", "a.backup")[0] == 0
    assert stat.S_IMODE((workplace / "a.backup").stat().st_mode) == 0o600
    with zipfile.ZipFile("a.backup") as held:
        manifest = json.loads(held.read("manifest.json"))
        members = {name: held.read(f"{name}.jsonl") for name in manifest["tables"]}
        comment = held.comment.decode()
    whole = (workplace / "a.backup").read_bytes()
    assert comment == f"sha256:{sha256(whole[:-64]).hexdigest()}"
    assert manifest["revision"] == HEAD_REVISION
    assert manifest["trail"] == {
        "event": len(before["event"]), "hash": before["event"][-1]["hash"].hex(),
    }  # fmt: skip
    assert set(members) == set(before)
    for name, told in manifest["tables"].items():
        rows = [row for line in members[name].splitlines() for row in json.loads(line)]
        assert told["rows"] == len(rows) == len(before[name])
        assert told["sha256"] == sha256(members[name]).hexdigest()
        for row, kept in zip(rows, before[name], strict=True) if "id" in told["columns"] else ():
            plain = {k: v.hex() if isinstance(v, bytes) else v for k, v in kept.items()}
            cells = dict(zip(told["columns"], row, strict=True))
            assert {k: v["hex"] if isinstance(v, dict) else v for k, v in cells.items()} == plain


def test_the_trail_says_who_took_a_backup_and_which(triage: Triage, filled: OwnStore) -> None:
    assert triage("db", "backup", "a.backup", "--as", ADMINISTRATOR)[0] == 0
    assert triage("db", "backup", "b.backup")[0] == 0
    (first, detail), (second, _) = filled.query(
        "SELECT actor, detail FROM event WHERE kind = 'store backed up' ORDER BY id"
    )
    assert first == ADMINISTRATOR
    assert second.startswith("account:")
    assert json.loads(detail)["sha256"] == sha256(Path("a.backup").read_bytes()[:-64]).hexdigest()


def test_a_stranger_takes_no_backup(triage: Triage, filled: OwnStore, workplace: Path) -> None:
    before = events(filled)
    code, _, err = triage("db", "backup", "a.backup", "--as", "nobody")
    assert (code, "nobody of that name is registered" in err) == (2, True)
    assert not (workplace / "a.backup").exists()
    assert events(filled) == before


def test_a_file_that_is_there_is_never_written_over(
    triage: Triage, filled: OwnStore, workplace: Path
) -> None:
    before = events(filled)
    (workplace / "a.backup").write_text("mine")
    os.symlink("nowhere", workplace / "b.backup")
    for name in ("a.backup", "b.backup"):
        code, _, err = triage("db", "backup", name)
        assert (code, "is there already" in err) == (2, True)
    assert (workplace / "a.backup").read_text() == "mine"
    assert not (workplace / "nowhere").exists()
    assert events(filled) == before


@pytest.mark.parametrize("name", ["nowhere/a.backup", ".", "records"])
def test_a_backup_that_cannot_be_written_is_refused(
    triage: Triage, filled: OwnStore, name: str
) -> None:
    assert triage("db", "backup", name)[0] == 2
    assert "store backed up" not in events(filled)


def test_a_file_that_appears_meanwhile_is_left_and_the_trail_says_nothing(
    triage: Triage, filled: OwnStore, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from triage.store import upkeep

    def appears(*_: object) -> list[object]:
        (workplace / "a.backup").write_text("mine")
        return []

    monkeypatch.setattr(upkeep, "add_events", appears)
    code, _, err = triage("db", "backup", "a.backup")
    assert (code, "cannot be written" in err) == (2, True)
    assert (workplace / "a.backup").read_text() == "mine"
    assert "store backed up" not in events(filled)


@pytest.mark.parametrize("has_links", [True, False])
def test_where_files_have_to_have_names_a_backup_is_whole_all_the_same(
    triage: Triage, filled: OwnStore, workplace: Path, monkeypatch: pytest.MonkeyPatch,
    has_links: bool,
) -> None:  # fmt: skip
    from triage.store import newfile

    monkeypatch.setattr(newfile, "_OPEN", Path("nowhere"))
    (workplace / "b.backup.unfinished").write_text("left")
    assert triage("db", "backup", "a.backup")[0] == 0
    assert stat.S_IMODE((workplace / "a.backup").stat().st_mode) == 0o600
    code, _, err = triage("db", "backup", "b.backup")
    assert (code, "b.backup.unfinished: is being written" in err) == (2, True)
    assert sorted(one.name for one in workplace.glob("*backup*")) == [
        "a.backup", "b.backup.unfinished",
    ]  # fmt: skip
    assert triage("db", "restore", "a.backup", "--db", "sqlite:///there.db")[0] == 0


def test_a_store_that_holds_anything_is_not_restored_into(triage: Triage, filled: OwnStore) -> None:
    assert triage("db", "backup", "a.backup")[0] == 0
    before = everything(filled)
    code, _, err = triage("db", "restore", "a.backup")
    assert (code, "holds something already" in err) == (2, True)
    assert everything(filled) == before


def test_a_database_of_something_else_is_not_restored_into(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    with in_a_file(workplace / "records") as other:
        fill(other, workplace / "records")
        assert triage("db", "backup", "a.backup", "--db", other.url)[0] == 0
    store.execute("CREATE TABLE recipe (name TEXT)")
    code, _, err = triage("db", "restore", "a.backup")
    assert (code, "database of something else" in err) == (4, True)
    assert store.tables() == {"recipe"}


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004"])
def test_a_backup_of_an_older_revision_is_restored_and_upgraded(
    triage: Triage, filled: OwnStore, workplace: Path, revision: str
) -> None:
    before = everything(filled)
    back_to(filled, revision)
    code, out, _ = triage("db", "backup", "a.backup")
    assert (code, f"revision {revision}" in out) == (0, True)
    is_chained = revision >= "0004"
    assert ("does not take note" in out) is not is_chained
    code, out, err = triage("db", "restore", "a.backup", "--db", "sqlite:///there.db")
    assert (code, err) == (0, "")
    assert f"upgraded from {revision}" in out
    there = OwnStore("sqlite", "sqlite:///there.db")
    after = everything(there)
    told = [(one["id"], one["at"], one["actor"], one["kind"]) for one in before["event"]]
    assert [(one["id"], one["at"], one["actor"], one["kind"]) for one in after["event"]][
        :-1
    ] == told
    assert [one["message"] for one in after["flag"]] == [one["message"] for one in before["flag"]]
    assert triage("audit", "verify", "--db", there.url)[0] == 0


def test_a_backup_of_a_newer_revision_is_refused(
    triage: Triage, filled: OwnStore, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from triage.store import copying

    assert triage("db", "backup", "a.backup")[0] == 0
    monkeypatch.setattr(copying, "HEAD_REVISION", "0001")
    code, _, err = triage("db", "restore", "a.backup", "--db", "sqlite:///there.db")
    assert (code, "a newer version made" in err) == (3, True)
    assert not (workplace / "there.db").exists()


def test_a_store_whose_trail_is_damaged_is_not_backed_up(
    triage: Triage, filled: OwnStore, workplace: Path
) -> None:
    guard = (
        "TRIGGER event_no_update" if filled.kind == "sqlite" else "TRIGGER event_no_change ON event"
    )
    filled.execute(f"DROP {guard}", "UPDATE event SET actor = 'x' WHERE id = 3")
    code, _, err = triage("db", "backup", "a.backup")
    assert (code, "event 3" in err) == (4, True)
    assert not (workplace / "a.backup").exists()
