"""Tables for analysis elsewhere: pseudonyms by a key, and nothing that names anybody."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Triage
from kept_stores import everything
from killed import Killed
from parting import CHILD, NAMES, OWN, WORDS, holds, whole_of
from second_helpers import refused, said, told
from stores import ON_SQLITE, OwnStore
from test_keeping_interrupted import moments
from work_helpers import ANSWERS, asker, last_event, night, row

from triage import store as door
from triage.pseudonyms import make_key, read_key
from triage.store.exporting import HEADINGS, MANIFEST

FILES = {*(f"{name}.csv" for name in HEADINGS), MANIFEST}
EXPORT = ("data", "export", "out", "--key-file", "key")


@pytest.fixture
def key(workplace: Path) -> Path:
    """A file with a key."""
    path = workplace / "key"
    make_key(path)
    return path


@pytest.fixture
def cases(store: OwnStore, workplace: Path) -> dict[str, int]:
    """The cases, by referral, of a store with something of everything of a child."""
    return whole_of(store, workplace / "records")


def table(name: str, folder: str = "out") -> list[dict[str, str]]:
    with (Path(folder) / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bytes_in(folder: str = "out") -> bytes:
    return b"".join(path.read_bytes() for path in sorted(Path(folder).iterdir()))


def texts_of(own: OwnStore) -> set[str]:
    """Return every identifier, name and free text that a store holds."""
    columns = {
        "case": ("child_id", "referral_id", "held_by", "assigned_to", "boost"),
        "referral": ("child_id", "referral_id"),
        "known": ("child_id", "referral_id"),
        "flag": ("message",),
        "note": ("by", "text"),
        "review": ("reviewer", "salt", "reason"),
        "second_review": ("asked_by", "reason"),
        "remedial_action": ("owner", "evidence", "handed_to", "handed_why"),
        "rule_exception": ("child_id", "owner", "reason", "made_by"),
        "rejection": ("message", "source"),
        "event": ("actor",),
        "person": ("name",),
    }
    rows = everything(own)
    found = {one[name] for of, names in columns.items() for one in rows[of] for name in names}
    found |= {json.loads(one["answers"]).get("learning") for one in rows["review"]}
    return {text for text in found if text and len(text) > 1}


def test_no_identifier_name_or_free_text_is_in_any_byte(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    said(triage, *EXPORT, "--as", "a.auditor")
    assert {path.name for path in Path("out").iterdir()} == FILES
    texts = texts_of(store)
    assert texts >= {CHILD, *OWN, *NAMES, WORDS}
    assert holds(bytes_in(), sorted(texts)) == []
    assert key.read_bytes() not in bytes_in()
    assert key.read_bytes().hex().encode() not in bytes_in()


def test_the_same_is_named_the_same_in_every_table(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    said(triage, *EXPORT, "--as", "a.auditor")
    read = read_key(key)
    child, one = read.pseudonym("child", CHILD), read.pseudonym("case", cases[OWN[0]])
    for name in HEADINGS:
        assert child in {found["child"] for found in table(name)}
    for name in ("cases", "flags", "reviews", "actions"):
        assert {found["child"] for found in table(name) if found["case"] == one} == {child}
    (mine,) = (found for found in table("cases") if found["case"] == one)
    assert mine["referral"] in {found["referral"] for found in table("referrals")}
    reviews = [found for found in table("reviews") if found["case"] == one]
    assert {found["reviewer"] for found in reviews} == {
        read.pseudonym("person", name) for name in ("r.first", "r.second", "m.manager")
    }
    (action,) = (found for found in table("actions") if found["case"] == one)
    assert action["review"] in {found["review"] for found in reviews}
    assert action["owner"] == read.pseudonym("person", "w.worker")
    (held,) = (found for found in table("cases") if found["status"] == "claimed")
    assert held["held_by"] == read.pseudonym("person", "r.first")


def test_answers_dates_and_states_are_as_they_are_kept(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    said(triage, *EXPORT, "--as", "a.auditor")
    one = read_key(key).pseudonym("case", cases[OWN[0]])
    reviews = {found["kind"]: found for found in table("reviews") if found["case"] == one}
    assert set(reviews) == {"first", "second", "moderation"}
    assert {kind for kind, found in reviews.items() if found["is_final"] == "true"} == {
        "moderation"
    }
    for name in ("main_reason", "oversight", "avoidable", "grade"):
        assert reviews["first"][name] == ANSWERS[name]
    assert reviews["first"]["flags_useful"] == "DEC-01=yes"
    assert reviews["second"]["grade"] == "inadequate"
    (mine,) = (found for found in table("cases") if found["case"] == one)
    kept = store.queries(f'SELECT * FROM "case" WHERE id = {cases[OWN[0]]}')[0][0]
    for name in ("referral_date", "due_on", "severity", "status", "team"):
        assert mine[name] == kept[name]
    assert mine["closed_on"] == "2023-06-30"
    (flagged,) = (found for found in table("flags") if found["case"] == one)
    assert (flagged["rule"], flagged["state"]) == ("DEC-01", "open")
    assert flagged["first_flagged_on"] == "2023-06-29"


def test_the_manifest_and_the_trail_say_how_much_and_by_which_key_but_not_the_key(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    done = told(triage, *EXPORT, "--as", "a.auditor")
    manifest = json.loads((Path("out") / MANIFEST).read_text("utf-8"))
    fingerprint = hashlib.sha256(key.read_bytes()).hexdigest()[:16]
    assert manifest["key"] == done["key"] == fingerprint
    assert (manifest["as_of"], manifest["teams"]) == ("2023-06-30", None)
    for name in HEADINGS:
        content = (Path("out") / f"{name}.csv").read_bytes()
        assert manifest["tables"][f"{name}.csv"] == {
            "rows": len(table(name)), "sha256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
    names = "actor, kind, detail"
    ((actor, kind, detail),) = store.query(f"SELECT {names} FROM event ORDER BY id DESC LIMIT 1")
    assert (actor, kind) == ("a.auditor", "data exported")
    assert json.loads(detail) == {
        "key": fingerprint, "rows": {name: len(table(name)) for name in HEADINGS}, "teams": [],
        "restricted": False,
    }  # fmt: skip


def test_the_same_store_and_key_give_the_same_bytes_wherever_the_store_is(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    said(triage, *EXPORT, "--as", "a.auditor")
    other = "sqlite:///other.db"
    said(triage, "db", "move", store.url, other, "--quiet")
    Path("again").mkdir()
    said(triage, "data", "export", "again", "--key-file", key, "--as", "x.x", "--db", other)
    assert bytes_in("again") == bytes_in()


def test_another_key_names_everything_otherwise(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    said(triage, *EXPORT, "--as", "a.auditor")
    said(triage, "data", "key", "key2")
    said(triage, "data", "export", "out2", "--key-file", "key2", "--as", "a.auditor")
    for name, heading in HEADINGS.items():
        one, other = table(name), table(name, "out2")
        assert len(one) == len(other) > 0
        for column in heading:
            values = {found[column] for found in one if "-" in found[column]}
            if column in ("case", "child", "referral", "review", "action", "reviewer", "owner"):
                assert values.isdisjoint(found[column] for found in other)


def test_only_cases_that_whoever_asks_sees_are_in_it(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path, workplace: Path
) -> None:
    restricted = read_key(key).pseudonym("case", cases["BEZUG-99003"])
    said(triage, *EXPORT, "--as", "a.auditor")
    assert restricted not in {one["case"] for one in table("cases")}
    assert {one["restricted"] for one in (*table("cases"), *table("referrals"))} == {"false"}
    (workplace / "triage.toml").write_text('[restricted]\nreaders = ["a.auditor"]\n', "utf-8")
    call = ("data", "export", "south", "--key-file", key, "--team", "South", "--as", "a.auditor")
    assert told(triage, *call)["restricted"] is True
    assert {one["case"] for one in table("cases", "south")} == {restricted}
    assert [one["team"] for one in table("referrals", "south")] == ["South"]
    message = refused(triage, "data", "export", "x", "--key-file", key, "--team", "Nowhere",
                      "--as", "a.auditor")  # fmt: skip
    assert "there is no case of team Nowhere" in message
    assert not Path("x").exists()


@pytest.mark.parametrize("role", ["reviewer", "team manager", "administrator"])
def test_only_an_auditor_hands_data_on(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path, role: str
) -> None:
    door.register(store.url, asker("a.admin"), "a.admin", "administrator", ())
    door.register(store.url, asker("a.admin"), "somebody", role, ())
    door.register(store.url, asker("a.admin"), "a.auditor", "auditor", ())
    last = last_event(store)
    assert "may not export; that is for an auditor" in refused(triage, *EXPORT, "--as", "somebody")
    assert "say who does this" in refused(triage, *EXPORT)
    assert (last_event(store), Path("out").exists()) == (last, False)
    assert sorted(path.name for path in Path().glob("out*")) == []
    said(triage, *EXPORT, "--as", "a.auditor")


def test_what_is_hidden_from_whoever_may_be_the_second_reviewer_is_not_in_it(
    triage: Triage, store: OwnStore, workplace: Path, key: Path
) -> None:
    night(store, workplace, [row("R0")])
    to_do = {"kind": "visit", "owner": "w.worker", "due_on": "2050-01-04"}
    door.submit_review(store.url, asker("r.first"), 1, ANSWERS | {"actions": [to_do]})
    door.ask_for_second(store.url, asker("m.manager"), 1, WORDS)
    said(triage, *EXPORT, "--as", "r.second")
    assert (table("reviews"), table("actions")) == ([], [])
    said(triage, "data", "export", "first", "--key-file", key, "--as", "r.first")
    assert len(table("reviews", "first")) == len(table("actions", "first")) == 1


def test_drafts_and_erased_cases_are_not_in_it(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    door.begin_review(store.url, asker("r.first"), cases[OWN[2]])
    store.execute("UPDATE review SET answers = '{\"grade\": \"good\"}' WHERE state = 'draft'")
    call = ("data", "erase", CHILD, "--reason", "asked", "--open-too", "--yes", "--as", "a.admin")
    said(triage, *call)
    said(triage, *EXPORT, "--as", "a.auditor")
    assert read_key(key).pseudonym("child", CHILD).encode() not in bytes_in()
    assert read_key(key).pseudonym("child", "").encode() not in bytes_in()
    assert {one["state"] for one in table("reviews")} == {"submitted"}


def test_what_somebody_wrote_into_a_coded_answer_is_left_out(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    odd: dict[str, Any] = {**ANSWERS, "grade": WORDS, "further_reasons": [WORDS],
                           "flags_useful": {WORDS: "yes", "DEC-01": WORDS}}  # fmt: skip
    text = json.dumps(odd).replace("'", "''")
    store.execute(f"UPDATE review SET answers = '{text}'")
    store.execute(f"UPDATE remedial_action SET kind = '{WORDS}'")
    said(triage, *EXPORT, "--as", "a.auditor")
    assert holds(bytes_in(), [WORDS]) == []


def test_a_team_that_is_a_formula_is_safe_in_a_spreadsheet(
    triage: Triage, store: OwnStore, workplace: Path, key: Path
) -> None:
    night(store, workplace, [row("R0", team="=1+1")])
    said(triage, *EXPORT, "--as", "a.auditor")
    for name in ("cases", "referrals"):
        assert [one["team"] for one in table(name)] == ["'=1+1"]


def test_a_folder_that_holds_something_is_left_as_it_is(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    Path("out").mkdir()
    (Path("out") / "mine.txt").write_text("mine", "utf-8")
    assert "is there already" in refused(triage, *EXPORT, "--as", "a.auditor")
    assert [path.name for path in Path("out").iterdir()] == ["mine.txt"]
    for name, expected in (("key", "is there already"), ("no/where", "cannot be written")):
        call = ("data", "export", name, "--key-file", "key", "--as", "a.auditor")
        message = refused(triage, *call)
        assert expected in message or "lies in the folder" in message
    (Path("new.unfinished")).mkdir()
    call = ("data", "export", "new", "--key-file", "key", "--as", "a.auditor")
    assert "delete it" in refused(triage, *call)


def test_what_is_written_is_for_its_owner_only(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    said(triage, *EXPORT, "--as", "a.auditor")
    assert Path("out").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in Path("out").iterdir()} == {0o600}


def test_a_pseudonym_is_looked_behind_for_a_reason_that_stands_in_the_trail(
    triage: Triage, store: OwnStore, cases: dict[str, int], key: Path
) -> None:
    read = read_key(key)
    child = read.pseudonym("child", CHILD)
    call = ("data", "whose", child, "--key-file", key, "--as", "a.auditor")
    mine = sorted(number for name, number in cases.items()
                  if name.startswith(("BEZUG-88", CHILD)))  # fmt: skip
    assert "give a reason" in refused(triage, *call)
    assert "names the child" in refused(triage, *call, "--reason", f"is it {CHILD}?")
    out = said(triage, *call, "--reason", "an outlier")
    assert out.startswith(f"It is cases {', '.join(map(str, mine))};")
    events = store.query("SELECT case_id, detail FROM event WHERE kind = 'pseudonym looked behind'")
    assert [number for number, _ in events] == mine
    assert {json.loads(detail)["reason"] for _, detail in events} == {"an outlier"}
    for unknown in ("child-00000000000000000000", CHILD, read.pseudonym("person", "r.first")):
        message = refused(triage, "data", "whose", unknown, "--key-file", key, "--reason", "x",
                          "--as", "a.auditor")  # fmt: skip
        assert "no case that you see bears this pseudonym" in message
        assert CHILD not in message
    one = read.pseudonym("case", cases[OWN[0]])
    out = said(triage, "data", "whose", one, "--key-file", key, "--reason", "x", "--as", "a.a")
    assert out.startswith(f"It is case {cases[OWN[0]]};")


@pytest.fixture
def killing(workplace: Path) -> Iterator[Killed]:
    """A process that runs commands in the work folder, and kills them."""
    process = Killed(workplace)
    yield process
    process.close()


def test_killed_at_any_moment_the_folder_is_whole_or_not_there(
    triage: Triage, store: OwnStore, workplace: Path, key: Path, killing: Killed
) -> None:
    night(store, workplace, [row(f"R{number}") for number in range(5)])
    call = ("--key-file", key, "--as", "a.auditor")
    n_calls = killing.calls("data", "export", "whole", *call)
    n_there = 0
    for number, moment in enumerate(moments(n_calls)):
        assert killing.at(moment, "data", "export", f"out{number}", *call)
        store.settle()
        if Path(f"out{number}").exists():
            assert bytes_in(f"out{number}") == bytes_in("whole")
            n_there += 1
    n_told = store.value("SELECT COUNT(*) FROM event WHERE kind = 'data exported'") - 1
    # No folder is there of which the trail does not tell.
    assert n_there <= n_told
    said(triage, "db", "check")


@ON_SQLITE
@pytest.mark.parametrize("inside", ["out/key", "out/deep/key", "./out/../out/key", "link"])
def test_a_key_that_lies_in_the_folder_is_refused(
    triage: Triage, store: OwnStore, cases: dict[str, int], inside: str
) -> None:
    (Path("out") / "deep").mkdir(parents=True)
    make_key(Path("out") / "key")
    make_key(Path("out") / "deep" / "key")
    Path("link").symlink_to("out/key")
    last = last_event(store)
    call = ("data", "export", "out", "--key-file", inside, "--as", "a.auditor")
    assert "lies in the folder that is handed on" in refused(triage, *call)
    assert last_event(store) == last


def test_dates_are_not_shifted(triage: Triage, store: OwnStore, workplace: Path, key: Path) -> None:
    night(store, workplace, [row(f"R{n}", referral_date=f"2023-06-{n + 10}") for n in range(5)])
    said(triage, *EXPORT, "--as", "a.auditor")
    found = sorted(dt.date.fromisoformat(one["referral_date"]) for one in table("cases"))
    assert found == [dt.date(2023, 6, n + 10) for n in range(5)]
