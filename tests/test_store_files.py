"""Stores in files that are no stores, are damaged, or lie where nothing can be written."""

from __future__ import annotations

from pathlib import Path

from conftest import AS_OF, Triage
from stores import ON_SQLITE, OwnStore

pytestmark = ON_SQLITE
ONE_SENTENCE_END = "Nothing was stored.\n"


def test_a_file_that_is_no_database_is_refused_and_left_alone(
    triage: Triage, records: Path, workplace: Path, store: OwnStore
) -> None:
    (workplace / "triage.db").write_bytes(b"these are not the records you look for" * 100)
    before = (workplace / "triage.db").read_bytes()
    for arguments in (("nightly", records, "--as-of", AS_OF), ("queue", "list")):
        code, _, err = triage(*arguments)
        assert code == 4
        assert "damaged" in err
    assert (workplace / "triage.db").read_bytes() == before


def test_a_damaged_store_is_refused(
    triage: Triage, records: Path, workplace: Path, store: OwnStore
) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    path = workplace / "triage.db"
    path.write_bytes(path.read_bytes()[:5000] + b"\x00" * 3000)
    code, _, err = triage("nightly", records, "--as-of", AS_OF)
    assert code == 4
    assert err.endswith(ONE_SENTENCE_END)


def test_a_database_of_something_else_keeps_every_byte(
    triage: Triage, records: Path, workplace: Path, store: OwnStore
) -> None:
    store.execute("CREATE TABLE recipe (name TEXT)")
    before = (workplace / "triage.db").read_bytes()
    for arguments in (("nightly", records, "--as-of", AS_OF), ("queue", "list")):
        assert triage(*arguments)[0] == 4
    assert (workplace / "triage.db").read_bytes() == before


def test_a_folder_that_is_not_there_is_out_of_reach(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    code, _, err = triage("nightly", records, "--db", "sqlite:///nowhere/at/all/triage.db")
    assert code == 4
    assert err.endswith(ONE_SENTENCE_END)


def test_asking_for_a_store_that_is_not_there_makes_no_file(
    triage: Triage, workplace: Path, store: OwnStore
) -> None:
    for arguments in (("queue", "list"), ("runs",), ("audit", "verify"), ("people", "list")):
        assert triage(*arguments)[0] == 4
    assert not list(workplace.iterdir())
