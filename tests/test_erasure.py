"""Erasing a child's data: all of it goes, nobody else's, and the trail stays whole."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Triage
from kept_stores import everything
from killed import Killed
from parting import (
    CHILD,
    OWN,
    SIBLING,
    WORDS,
    bytes_in_backup,
    bytes_of,
    gone,
    holds,
    records,
    whole_of,
    without_child,
)
from second_helpers import refused, said, told
from stores import ON_SQLITE, OwnStore, in_a_file
from test_keeping_interrupted import moments
from work_helpers import EVERY, asker, last_event, listed, night, rows

from triage import store as door
from triage.errors import CallError
from triage.letting_go import names_any
from triage.store import wiping

NEXT = dt.date(2023, 7, 3)
WHY = "request 17/26"
ADMIN = ("--as", "a.admin", "--yes")
ERASE = ("data", "erase", CHILD, "--reason", WHY, "--open-too", *ADMIN)


@pytest.fixture
def cases(store: OwnStore, workplace: Path) -> dict[str, int]:
    """The cases, by referral, of a store with something of everything of a child."""
    return whole_of(store, workplace / "records")


def own(cases: dict[str, int]) -> set[int]:
    return {number for name, number in cases.items() if name.startswith("BEZUG-88")} | {
        number for name, number in cases.items() if name.startswith(CHILD)
    }


def test_nothing_of_the_child_is_left_in_the_store_its_file_or_a_backup(
    triage: Triage, store: OwnStore, cases: dict[str, int]
) -> None:
    texts = [CHILD, *OWN]
    assert holds(bytes_of(store), texts) == texts
    said(triage, *ERASE)
    assert holds(bytes_of(store), texts) == []
    said(triage, "db", "backup", "after.backup", "--quiet")
    assert holds(bytes_in_backup(Path("after.backup")), texts) == []
    assert holds(bytes_of(store), [SIBLING, "BEZUG-99001", WORDS]) != []


def test_everybody_elses_rows_are_as_they_were(
    triage: Triage, store: OwnStore, cases: dict[str, int]
) -> None:
    before, last = everything(store), last_event(store)
    said(triage, *ERASE)
    after = everything(store)
    events = after["event"][last:]
    after["event"] = after["event"][:last]
    assert without_child(after, own(cases)) == without_child(before, own(cases))
    assert {one["kind"] for one in events} == {"case erased", "child erased"}


def test_the_trail_stays_whole_and_says_why_but_not_who(
    triage: Triage, store: OwnStore, cases: dict[str, int]
) -> None:
    last = last_event(store)
    said(triage, *ERASE)
    for command in (("audit", "verify"), ("db", "check")):
        said(triage, *command)
    found = store.queries(f"SELECT * FROM event WHERE id > {last} ORDER BY id")[0]
    assert [one["case_id"] for one in found] == [*sorted(own(cases)), None]
    assert {one["actor"] for one in found} == {"a.admin"}
    detail = json.loads(found[-1]["detail"])
    assert (detail["reason"], detail["cases"]) == (WHY, sorted(own(cases)))
    assert detail["open"] == sorted(own(cases) - {cases[OWN[0]], cases[OWN[1]]})
    assert detail["rows"]["review"] == 3
    assert holds(repr(found).encode(), [CHILD, *OWN]) == []


def test_what_is_left_of_each_case_tells_nothing_and_is_shown_to_nobody(
    triage: Triage, store: OwnStore, cases: dict[str, int]
) -> None:
    said(triage, *ERASE)
    husks = store.queries("SELECT * FROM \"case\" WHERE child_id = ''")[0]
    assert {one["id"] for one in husks} == own(cases)
    assert all(one["referral_id"] == str(one["id"]) for one in husks)
    assert len({repr(sorted((one | {"id": 0, "referral_id": ""}).items())) for one in husks}) == 1
    reader = asker("r.reader", readers=["r.reader"])
    assert own(cases).isdisjoint(one.id for one in listed(store, reader, EVERY))
    for command in (("queue", "show", 1), ("review", "show", 1), ("queue", "note", 1, "x")):
        assert "case 1 was erased" in refused(triage, *command, "--as", "r.reader")
    assert "case erased" in said(triage, "audit", "log", "--case", "1", "--as", "a.auditor")
    diff = told(triage, "runs", "diff", "1", "2")
    assert holds(json.dumps(diff).encode(), [CHILD, *OWN]) == []


def test_the_next_night_leaves_the_child_alone_once_the_records_are_gone(
    triage: Triage, store: OwnStore, cases: dict[str, int], workplace: Path
) -> None:
    said(triage, *ERASE)
    night(store, workplace, gone(store), NEXT)
    assert holds(bytes_of(store), [CHILD, *OWN]) == []
    said(triage, "db", "check")


def test_the_next_night_makes_anew_what_is_in_the_records_still(
    triage: Triage, store: OwnStore, cases: dict[str, int], workplace: Path
) -> None:
    same = [one for one in records() if one["referral_id"] != OWN[3]]
    assert "makes anew" in said(triage, *ERASE)
    night(store, workplace / "records", same)
    found = {one.id for one in listed(store) if one.child_id == CHILD}
    assert len(found) == 3
    assert min(found) > max(cases.values())
    said(triage, "db", "check")


def test_open_cases_are_named_and_nothing_is_erased_unless_they_are_to_be(
    triage: Triage, store: OwnStore, cases: dict[str, int]
) -> None:
    before = everything(store)
    message = refused(triage, "data", "erase", CHILD, "--reason", WHY, *ADMIN)
    assert f"case {cases[OWN[2]]} is claimed" in message
    assert "--open-too" in message
    assert f"case {cases[OWN[1]]} " not in message
    assert everything(store) == before


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("", "give a reason"),
        (f"request about {CHILD.lower()}", "names the child"),
        (f"see {OWN[1]}", "names the child"),
    ],
)
def test_a_reason_is_needed_that_does_not_name_the_child(
    triage: Triage, store: OwnStore, cases: dict[str, int], reason: str, expected: str
) -> None:
    before = everything(store)
    call = ("data", "erase", CHILD, "--open-too", "--reason", reason)
    assert expected in refused(triage, *call, *ADMIN)
    with pytest.raises(CallError, match=expected):
        door.erase_child(store.url, asker(), CHILD, reason, open_too=True)
    assert everything(store) == before


@pytest.mark.parametrize("child", ["", " ", "KIND-4711", CHILD.lower(), "%", OWN[0]])
def test_of_a_child_of_whom_nothing_is_kept_nothing_is_erased(
    triage: Triage, store: OwnStore, cases: dict[str, int], child: str
) -> None:
    before = everything(store)
    message = refused(triage, "data", "erase", child, "--reason", WHY, *ADMIN)
    assert message.startswith("triage: nothing is kept of a child of this identifier")
    assert everything(store) == before


def test_a_dry_run_counts_what_would_go_and_changes_nothing(
    triage: Triage, store: OwnStore, cases: dict[str, int]
) -> None:
    before = everything(store)
    found = told(triage, "data", "erase", CHILD, "--dry-run", "--as", "a.admin")
    assert everything(store) == before
    done = told(triage, *ERASE)
    assert done == found | {"dry_run": False}
    assert all(done["rows"][name] for name in (
        "flag", "note", "review", "second_review", "remedial_action", "referral", "due_item",
        "known", "known_now", "rejection", "rule_exception",
    ))  # fmt: skip


def test_it_asks_before_it_erases(
    triage: Triage, store: OwnStore, cases: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(store)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    code, out, err = triage(*[word for word in ERASE if word != "--yes"])
    assert (code, everything(store)) == (130, before)
    assert "in review" not in err
    assert out.startswith("Of this child there is: cases ")


@pytest.mark.parametrize("role", ["reviewer", "team manager", "auditor"])
def test_whoever_works_on_cases_or_looks_at_them_cannot_erase(
    triage: Triage, store: OwnStore, cases: dict[str, int], role: str
) -> None:
    door.register(store.url, asker("a.admin"), "a.admin", "administrator", ())
    door.register(store.url, asker("a.admin"), "somebody", role, ())
    before = everything(store)
    call = ("data", "erase", CHILD, "--reason", WHY, "--open-too", "--yes", "--as", "somebody")
    assert "may not let go of data; that is for an administrator." in refused(triage, *call)
    assert everything(store) == before
    said(triage, *ERASE)


def test_the_words_of_others_that_name_the_child_are_told_and_left(
    triage: Triage, store: OwnStore, cases: dict[str, int]
) -> None:
    other = cases["BEZUG-99001"]
    door.add_note(store.url, asker(), other, f"see {CHILD}, too")
    door.add_note(store.url, asker(), cases["BEZUG-99005"], f"not {CHILD}4, nor X{OWN[0]}")
    found = told(triage, *ERASE)
    assert found["named_in"] == {"cases": [other]}
    assert (1,) in store.query(f"SELECT COUNT(*) FROM note WHERE text LIKE '%{CHILD}, too'")


def test_a_child_without_a_case_is_erased_too(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    decided = {"decision_at": "2023-06-20", "risk_rating": "red", "threshold_level": "3"}
    night(store, workplace, [*rows(2), *rows(3, **decided)[2:]])
    found = told(triage, "data", "erase", "PR00002", "--reason", WHY, *ADMIN)
    assert (found["cases"], found["rows"]) == ([], {"known": 1, "known_now": 1, "referral": 1})
    assert holds(bytes_of(store), ["PR00002"]) == []
    said(triage, "db", "check")


def test_an_erased_store_is_backed_up_restored_and_moved_as_any_other(
    triage: Triage, store: OwnStore, cases: dict[str, int], workplace: Path
) -> None:
    said(triage, *ERASE)
    said(triage, "db", "backup", "a.backup", "--quiet")
    (workplace / "there").mkdir()
    with in_a_file(workplace / "there") as there:
        said(triage, "db", "restore", "a.backup", "--db", there.url, "--quiet")
        said(triage, "db", "check", "--db", there.url)
    said(triage, "db", "move", store.url, "sqlite:///moved.db", "--quiet")
    said(triage, "db", "check", "--db", "sqlite:///moved.db")
    moved = OwnStore("sqlite", "sqlite:///moved.db")
    assert holds(bytes_of(moved), [CHILD, *OWN]) == []


def test_a_sample_of_which_a_case_was_erased_is_shown_as_before(
    triage: Triage, store: OwnStore, cases: dict[str, int]
) -> None:
    store.execute(
        "INSERT INTO second_sample (drawn_at, drawn_by, seed, number, frame, strata) VALUES "
        f"('2023-06-30', 'm.manager', 's', 1, '{{\"all\": [{cases[OWN[0]]}]}}', '{{}}')"
    )
    door.register(store.url, asker("a.admin"), "a.admin", "administrator", ())
    door.register(store.url, asker("a.admin"), "a.auditor", "auditor", ())
    assert len(door.samples(store.url, asker("a.auditor"))) == 1
    said(triage, *ERASE)
    (sample,) = door.samples(store.url, asker("a.auditor"))
    assert (sample.frame, sample.cases) == ((cases[OWN[0]],), ())


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        ("UPDATE \"case\" SET team = 'North', boost = 'x' WHERE id = 1",
         "Case 1 was erased, but its team and boost tell of it still."),
        ("UPDATE \"case\" SET child_id = 'somebody' WHERE id = 1",
         "Case 1 was erased by what the trail says, but tells of a child still."),
        ("INSERT INTO note (case_id, at, \"by\", text) VALUES (1, '', 'x', 'y')",
         "Case 1 was erased, but 1 row of note is still there."),
        ("UPDATE \"case\" SET child_id = '', referral_id = '9' WHERE referral_id = 'BEZUG-99005'",
         "by the trail it was never erased."),
    ],
)  # fmt: skip
def test_what_is_erased_by_half_is_found(
    triage: Triage, store: OwnStore, cases: dict[str, int], harm: str, expected: str
) -> None:
    said(triage, *ERASE)
    store.execute(harm)
    code, out, _ = triage("db", "check", "--format", "json")
    found = json.loads(out)["damages"]
    assert code == 1
    assert any(expected in one for one in found), found


def test_a_review_that_is_gone_without_its_case_is_found_still(
    triage: Triage, store: OwnStore, cases: dict[str, int]
) -> None:
    said(triage, *ERASE)
    of_sibling = cases["BEZUG-99001"]
    store.execute(
        f"DELETE FROM second_review WHERE case_id = {of_sibling}",
        f"DELETE FROM remedial_action WHERE case_id = {of_sibling}",
        f"DELETE FROM review WHERE case_id = {of_sibling}",
    )
    code, out, _ = triage("db", "check")
    assert (code, out.count("was submitted, but is not there any more")) == (1, 3)


@pytest.fixture
def killing(workplace: Path) -> Iterator[Killed]:
    """A process that runs commands in the work folder, and kills them."""
    process = Killed(workplace)
    yield process
    process.close()


def test_killed_at_any_moment_all_of_the_child_is_there_or_nothing(
    triage: Triage, store: OwnStore, workplace: Path, killing: Killed
) -> None:
    night(store, workplace, rows(12))
    call = ("--reason", WHY, "--open-too", *ADMIN)
    chosen = moments(killing.calls("data", "erase", "PR00011", *call))
    n_left = []
    for number, moment in enumerate(chosen):
        child = f"PR{number:05}"
        assert killing.at(moment, "data", "erase", child, *call)
        store.settle()
        tables = ('"case"', "referral", "known", "known_now")
        counts = [store.value(f"SELECT COUNT(*) FROM {name} WHERE child_id = '{child}'")
                  for name in tables]  # fmt: skip
        assert counts in ([0] * 4, [1] * 4)
        n_left.append(counts[0])
        said(triage, "db", "check")
    assert n_left == sorted(n_left, reverse=True)
    assert n_left[0] == 1
    assert n_left[-1] == 0


@ON_SQLITE
def test_while_somebody_reads_it_says_that_the_file_is_to_be_written_anew_later(
    triage: Triage, store: OwnStore, cases: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiping, "ACT_SECONDS", 0.1)
    with closing(sqlite3.connect("triage.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM event").fetchone()
        code, out, err = triage(*ERASE)
        assert (code, out) == (4, "")
        assert "the rows are deleted, and the trail says so" in err
        assert err.count("\n") == 1
        assert holds(bytes_of(store), [CHILD]) == [CHILD]
    said(triage, "data", "retain", *ADMIN)
    assert holds(bytes_of(store), [CHILD, *OWN]) == []


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("C-17", True), ("see C-17.", True), ("(C-17)", True), ("C-17/2023-06-20/1", True),
        ("C-170", False), ("XC-17", False), ("C-1", False), ("", False), ("C-17_a", False),
    ],
)  # fmt: skip
def test_a_child_is_named_by_a_word_of_its_own(text: str, is_named: bool) -> None:
    assert names_any(text, ["C-17"]) is is_named


def test_a_child_is_found_in_json_and_where_a_message_cut_its_identifier_short() -> None:
    assert names_any(json.dumps({"said": 'about "Zoë\\1"'}), ['"Zoë\\1"'])
    assert names_any(f"'{'x' * 39}…' was used before", ["x" * 60])
