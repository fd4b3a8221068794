"""Reports by the command: their files, on what they stand, who may make them, and refusals."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from conftest import Triage
from quarter import LAST, REPORTS, TABLE, Quarter, asker
from report_files import files_of, texts_of
from stores import OwnStore, on_a_server

from triage import reporting, store

PEOPLE = ("r.one", "r.two", "r.three", "w.worker", "m.manager", "a.admin")
TABLES = {
    "review": {"population", "second-reviews", "result-grade", "reasons", "previous-closed",
               "decisions", "allocations", "actions", "agreement", "by-team", "cases"},
    "weekly": {"week-all", "waits-all", "all-referrals", "all-conferences", "week-team-9"},
    "causes": {"reasons-by-month", "returns-closure-need", "endings", "comparison"},
    "rules": {"rules-last-run", "rules-useful"},
}  # fmt: skip


@pytest.fixture
def own(quarter: Quarter, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> OwnStore:
    """The quarter in a store that may be written to."""
    shutil.copy(quarter.url.removeprefix("sqlite:///"), workplace / "triage.db")
    url = f"sqlite:///{workplace / 'triage.db'}"
    monkeypatch.setenv("TRIAGE_DB", url)
    return OwnStore("sqlite", url)


def make(triage: Triage, name: str, out: str, *more: str, who: str = "m.manager") -> str:
    """Make a report; return what was said."""
    code, said, told = triage("report", name, "--out", out, "--no-pdf", "--as", who, *more)
    assert code == 0, told
    return said


def made_events(own: OwnStore) -> list[tuple[str, dict[str, Any]]]:
    """Return who made reports, and what is kept of each, the earliest first."""
    rows = own.query("SELECT actor, detail FROM event WHERE kind = 'report made' ORDER BY id")
    return [(actor, json.loads(detail)) for actor, detail in rows]


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("kind", ["within", "published"])
def test_a_report_is_a_page_a_workbook_minutes_and_a_file_for_each_table(
    reported: Path, name: str, kind: str
) -> None:
    written = set(files_of(reported / kind / name))
    tables = {path for path in written if path.startswith("tables/")}
    assert written - tables == {f"{name}.{ending}" for ending in ("html", "md", "xlsx")}
    expected = {f"tables/{table}.csv" for table in TABLES[name]}
    assert expected - {"tables/cases.csv"} <= tables
    assert ("tables/cases.csv" in tables) == (name == "review" and kind == "within")


@pytest.mark.parametrize("name", REPORTS)
def test_made_again_it_is_the_same_to_the_byte_though_the_trail_has_grown(
    triage: Triage, own: OwnStore, reported: Path, workplace: Path, name: str
) -> None:
    """Each of the reports made before, and a case that was read, added an event."""
    n_events = own.value("SELECT COUNT(*) FROM event")
    make(triage, "rules", "before")
    assert own.value("SELECT COUNT(*) FROM event") == n_events + 1
    assert triage("queue", "show", "1", "--as", "m.manager")[0] == 0
    make(triage, name, "again", who="somebody.else")
    assert files_of(workplace / "again") == files_of(reported / "within" / name)


@pytest.fixture
def moved(triage: Triage, own: OwnStore, council_url: str) -> Iterator[OwnStore]:
    """The same quarter on a server; the move stands in the trail of both."""
    with on_a_server(council_url) as other:
        assert triage("db", "move", own.url, other.url, "--quiet", "--as", "m.manager")[0] == 0
        yield other


def test_the_same_store_on_a_server_gives_the_same_reports_to_the_byte(
    triage: Triage, own: OwnStore, moved: OwnStore, workplace: Path
) -> None:
    """Of the weekly pack, whose charts take long, the document: its forms follow from that."""
    for name in ("review", "causes", "rules"):
        make(triage, name, f"file/{name}")
        make(triage, name, f"server/{name}", "--db", moved.url)
    assert files_of(workplace / "file") == files_of(workplace / "server")
    here, there = (store.records_of(url, asker("m.manager", LAST)) for url in (own.url, moved.url))
    one, other = (reporting.document_of("weekly", of, reporting.Asked()) for of in (here, there))
    assert one == other


@pytest.mark.parametrize("kind", ["within", "published"])
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_says_on_what_it_stands_and_its_head_is_in_the_chain(
    triage: Triage, reported: Path, name: str, kind: str
) -> None:
    kept = OwnStore("sqlite", f"sqlite:///{reported / 'triage.db'}")
    ((number, ruleset),) = kept.query("SELECT id, ruleset_hash FROM run ORDER BY id DESC LIMIT 1")
    first = {"review": "30 June 2026", "weekly": "24 September 2026", "causes": "1 April 2025",
             "rules": "30 September 2026"}[name]  # fmt: skip
    for ending in ("html", "md"):
        text = (reported / kind / name / f"{name}.{ending}").read_text("utf-8")
        words = " ".join(re.sub(r"<[^>]*>", " ", text).replace("\\", "").split())
        assert f"{TABLE.name}: {sha256(TABLE.read_bytes()).hexdigest()}" in words
        assert ruleset in words
        assert re.search(rf"\b[Rr]un {number}\b", words)
        assert re.search(r"\b[Aa]s of 30 September 2026", words)
        assert re.search(rf"\b[Pp]eriod {first} to 30 September 2026", words)
        found = re.search(r"(\d+), (?:with the hash|head) ([0-9a-f]{64})", words)
        assert found is not None
        event, head = found.groups()
        assert kept.value(f"SELECT hash FROM event WHERE id = {event}").hex() == head
    assert triage("audit", "verify", "--db", kept.url)[0] == 0


def test_that_a_report_was_made_stands_in_the_trail_with_who_and_its_files(
    triage: Triage, own: OwnStore, workplace: Path
) -> None:
    make(triage, "review", "out", "--to", "2026-08-31")
    make(triage, "rules", "more", "--publish", who="a.auditor")
    (one, first), (other, second) = made_events(own)
    assert (one, first["report"], first["to"]) == ("m.manager", "review", "2026-08-31")
    assert (other, second["report"], second["to"]) == ("a.auditor", "rules", "2026-09-30")
    assert (first["publish"], second["publish"]) == (False, True)
    for folder, told in (("out", first), ("more", second)):
        files = files_of(workplace / folder)
        assert told["files"] == {name: sha256(data).hexdigest() for name, data in files.items()}
    assert triage("audit", "verify")[0] == 0


def test_what_changes_the_store_changes_the_head_a_report_stands_on(
    triage: Triage, own: OwnStore, workplace: Path
) -> None:
    make(triage, "rules", "one")
    number = own.value("SELECT MIN(id) FROM \"case\" WHERE status = 'new'")
    assert triage("queue", "note", number, "rang the school", "--as", "m.manager")[0] == 0
    make(triage, "rules", "two")
    one, two = files_of(workplace / "one"), files_of(workplace / "two")
    assert one["rules.md"] != two["rules.md"]
    assert one["tables/rules-useful.csv"] == two["tables/rules-useful.csv"]


@pytest.mark.parametrize("kind", ["within", "published"])
def test_no_report_names_a_worker_a_reviewer_a_manager_or_a_child(
    reported: Path, kind: str
) -> None:
    for name, text in texts_of(reported / kind).items():
        for person in PEOPLE:
            assert person not in text, name
        assert not re.search(r"\b(W\d{4}|[CHR]\d{7})\b", text), name


@pytest.fixture
def staffed(triage: Triage, own: OwnStore) -> OwnStore:
    """The store with people registered."""
    for name, role, *teams in (
        ("a.admin", "administrator"), ("r.one", "reviewer"), ("a.auditor", "auditor"),
        ("m.manager", "team manager"), ("m.central", "team manager", "Assessment Central"),
    ):  # fmt: skip
        named = [word for team in teams for word in ("--team", team)]
        assert triage("people", "add", name, "--role", role, *named, "--as", "a.admin")[0] == 0
    return own


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("who", ["r.one", "a.admin", "n.nobody"])
def test_only_managers_and_auditors_may_make_reports(
    triage: Triage, staffed: OwnStore, workplace: Path, name: str, who: str
) -> None:
    code, said, told = triage("report", name, "--out", "out", "--no-pdf", "--as", who)
    assert (code, said) == (2, "")
    assert who in told
    assert not (workplace / "out").exists()
    assert made_events(staffed) == []


@pytest.mark.parametrize("who", ["a.auditor", "m.manager", "m.central"])
def test_auditors_and_managers_may(triage: Triage, staffed: OwnStore, who: str) -> None:
    make(triage, "rules", "out", who=who)
    assert [actor for actor, _ in made_events(staffed)] == [who]


@pytest.mark.parametrize("name", ["review", "weekly", "causes"])
def test_a_day_after_the_last_run_is_refused_in_one_sentence(
    triage: Triage, own: OwnStore, workplace: Path, name: str
) -> None:
    call = ("report", name, "--to", "2026-10-01", "--out", "out", "--as", "m.manager")
    code, said, told = triage(*call)
    assert (code, said) == (2, "")
    assert len(told.strip().splitlines()) == 1
    assert "2026-10-01" in told
    assert "2026-09-30" in told
    assert not (workplace / "out").exists()
    assert made_events(own) == []


def test_a_file_of_councils_that_cannot_be_read_has_every_bad_cell_named(
    triage: Triage, own: OwnStore, workplace: Path
) -> None:
    path = workplace / "councils.csv"
    path.write_text(
        "council,year,referrals,re_referrals\n"
        "West,2025,4000,900\n,2025,100,20\nEast,last,10,20\nNorth,2024,-5,many\nSouth,2024,10,11\n",
        "utf-8",
    )
    call = ("report", "causes", "--councils", "councils.csv", "--out", "out", "--as", "m.manager")
    code, _, told = triage(*call)
    assert code == 2
    for words in ("row 3, council", "row 4, year: 'last'", "row 5, referrals: '-5'",
                  "row 5, re_referrals: 'many'", "row 6"):  # fmt: skip
        assert words in told
    assert "row 2" not in told
    path.write_text("council,year\nWest,2025\n", "utf-8")
    code, _, told = triage(*call)
    assert code == 2
    assert "referrals or re_referrals" in told
    assert triage(*call[:3], "nowhere.csv", *call[4:])[0] == 2
    assert not (workplace / "out").exists()


@pytest.mark.parametrize("name", REPORTS)
def test_without_a_store_nothing_is_made(triage: Triage, workplace: Path, name: str) -> None:
    code, said, told = triage("report", name, "--out", "out", "--as", "m.manager")
    assert (code, said) == (4, "")
    assert told.strip()
    assert [path.name for path in workplace.iterdir()] == []


@pytest.mark.parametrize("name", REPORTS)
def test_a_folder_that_is_a_file_is_refused(
    triage: Triage, own: OwnStore, workplace: Path, name: str
) -> None:
    (workplace / "out").write_text("mine", "utf-8")
    code, said, told = triage("report", name, "--out", "out", "--no-pdf", "--as", "m.manager")
    assert (code, said) == (2, "")
    assert "out" in told
    assert (workplace / "out").read_text("utf-8") == "mine"
    assert made_events(own) == []


def test_a_script_is_told_the_files_with_their_hashes(
    triage: Triage, own: OwnStore, workplace: Path
) -> None:
    told = json.loads(make(triage, "review", "out", "--format", "json"))
    assert told["report"] == "review"
    assert told["suppressed"] is None
    files = files_of(workplace / "out")
    assert told["files"] == {name: sha256(data).hexdigest() for name, data in files.items()}
    assert json.loads(make(triage, "review", "more", "--publish", "--format", "json"))["suppressed"]


def test_the_default_day_is_that_of_the_last_run(
    triage: Triage, own: OwnStore, workplace: Path
) -> None:
    make(triage, "review", "one")
    make(triage, "review", "two", "--to", LAST.isoformat())
    make(triage, "review", "earlier", "--to", (LAST - dt.timedelta(1)).isoformat())
    one, two, earlier = (files_of(workplace / name) for name in ("one", "two", "earlier"))
    assert one == two
    assert one["review.md"] != earlier["review.md"]
