"""The pages of runs: what came in, what became of each row, and one run beside another."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import NewStore, OwnStore
from web_helpers import READER, ROLES, Browser, peopled, told
from work_helpers import AS_OF, DECIDED, asker, night, row

from triage import store as door
from triage.store.connection import writing
from triage.web import runs as pages
from triage.web.site import Site

UNREADABLE = row("R9", team="South", nfa="perhaps", decision_at="2023-02-31")
REJECTED = row("R8", referral_date="31/02/2023")


def nights(own: OwnStore, folder: Path) -> None:
    """Store two nights: one child is decided on, two come in, one of them restricted."""
    north, south = row("R1"), row("R3", team="South")
    night(own, folder, [north, row("R2"), south, UNREADABLE, REJECTED])
    decided = {**north, **DECIDED}
    more = [row("R4"), row("R5", team="South"), row("R6", team="South", restricted="true")]
    night(own, folder, [decided, row("R2"), {**south, **DECIDED}, *more],
          AS_OF + dt.timedelta(days=3))  # fmt: skip


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("runs")
    with new_store(folder) as own:
        nights(own, folder)
        with peopled(own, folder) as served:
            yield served


def cells(text: str, caption: str) -> list[list[str]]:
    """Return the rows of a table by its caption, as words."""
    table = text.partition(caption)[2].partition("</table>")[0].partition("<tbody")[2]
    found = []
    for line in re.findall(r"<tr.*?</tr>", table, re.DOTALL):
        parts = re.findall(r"<t[hd].*?</t[hd]>", line, re.DOTALL)
        found.append([" ".join(re.sub(r"<[^>]+>", " ", part).split()) for part in parts])
    return found


def test_each_run_is_listed_with_what_came_in_and_what_it_changed(lasting: Site) -> None:
    text = Browser(lasting, "r.reviewer").get("/runs").text
    first, second = cells(text, "2 runs, the latest first")[::-1]
    stored = {one["id"]: one for one in door.runs(lasting.url)}
    for number, line in ((1, first), (2, second)):
        run = stored[number]
        rows, queue = run["rows"], run["queue"]
        assert line[0].replace("&nbsp;", " ") == f"Run {number}"
        assert line[2:9] == [
            str(one) for one in (rows["read"], rows["judged"], rows["rejected"], queue["new"],
                                 queue["cleared"], queue["changed"], queue["reopened"])
        ]  # fmt: skip
        assert f"referrals.csv {run['inputs'][0]['sha256'][:12]}" in line[9]
        assert run["ruleset_hash"][:12] in line[10]
    assert (first[4], second[4]) == ("1", "0")


def test_the_rows_of_a_run_add_up_to_what_was_read(lasting: Site) -> None:
    for number in (1, 2):
        answer = Browser(lasting, "a.auditor").get(f"/runs/{number}")
        *fates, whole = cells(answer.text, "What became of each row")
        assert sum(int(line[1]) for line in fates) == int(whole[1]) > 0
        assert f"Run {3 - number}, the one" in told(answer)


def test_a_run_tells_rules_problems_and_settings_and_where_the_store_is_not(
    lasting: Site,
) -> None:
    answer = Browser(lasting, "r.reviewer").get("/runs/1")
    text = told(answer)
    rules = {line[0]: line[2:5] for line in cells(answer.text, "How each rule ended")}
    for one in door.runs(lasting.url)[-1]["rules"]:
        assert rules[one["id"]] == [str(one[name]) for name in ("flag", "clear", "cannot_tell")]
    problems = {tuple(line) for line in cells(answer.text, "By kind and column")}
    assert ("referral_date", "rejected: the row could not be read", "1") in problems
    assert ("decision_at", "unreadable: the cell could not be read", "1") in problems
    assert "History from" in text
    assert "2023-02-31" not in text
    assert lasting.url not in answer.text


def test_what_a_store_address_or_a_list_in_the_settings_holds_is_told_or_not() -> None:
    told_of = dict(
        pages._settings({"db": "postgresql://u:secret@h/x", "window": "3", "switch_off": [],
                         "review_days": {"high": 5}, "mapping": None})
    )  # fmt: skip
    assert told_of == {"window": "3", "review days": '{"high": 5}'}


@pytest.mark.parametrize("number", ["99", "0", "-1", "x", str(2**31), str(2**70)])
def test_a_run_that_is_not_there_is_not_found(lasting: Site, number: str) -> None:
    browser = Browser(lasting, "a.auditor")
    for address in (f"/runs/{number}", f"/runs/{number}/rejects", f"/runs/1/beside/{number}",
                    f"/runs/{number}/beside/1"):  # fmt: skip
        status = browser.get(address).status_code
        assert status == 404, address


@pytest.mark.parametrize("name", [*ROLES, READER])
def test_rows_are_given_to_who_makes_reports_of_all_teams_and_that_is_kept(
    lasting: Site, name: str
) -> None:
    browser = Browser(lasting, name)
    role, teams = ROLES.get(name, ("team manager", []))
    before = downloads(lasting)
    answer = browser.get("/runs/1/rejects")
    may = role in ("team manager", "auditor") and not teams
    assert answer.status_code == (200 if may else 403)
    assert downloads(lasting) == before + may
    if not may:
        assert "2023-02-31" not in answer.text
        return
    assert answer.headers["content-disposition"] == 'attachment; filename="run-1-rows.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows == [
        {key: str(value) for key, value in one.items()} for one in door.rejections(lasting.url, 1)
    ]
    assert len(rows) >= 2


def downloads(site: Site) -> int:
    found = door.audit_log(site.url, asker("a.auditor"), kind="rejected rows read")
    assert all(one.detail.keys() == {"run", "rows"} for one in found)
    return len(found)


@pytest.mark.parametrize("name", ROLES)
def test_runs_are_for_who_sees_cases(lasting: Site, name: str) -> None:
    browser = Browser(lasting, name)
    may = ROLES[name][0] != "administrator"
    for address in ("/runs", "/runs/1", "/runs/1/beside/2", "/runs/beside?first=1&second=2"):
        assert (browser.get(address).status_code == 403) == (not may)
    if name in ("r.reviewer", "x.north"):
        assert "/rejects" not in browser.get("/runs/1").text


def test_one_run_beside_another_names_what_changed_of_the_cases_somebody_sees(
    lasting: Site,
) -> None:
    for name in (READER, "r.reviewer", "n.north", "a.auditor"):
        answer = Browser(lasting, name).get("/runs/1/beside/2")
        found = door.runs_beside(lasting.url, lasting.asker(name), 1, 2)
        for what, words in (("appeared", "Flags that appeared"), ("cleared", "Flags that were")):
            moves: list[Any] = getattr(found, what)
            table = cells(answer.text.partition(words)[2], "in all")
            assert len(table) == len(moves)
            assert [line[0].split(",")[0].strip() for line in table] == [
                f"Case {one.case}" for one in moves
            ]
        assert len(cells(answer.text.partition("Records that changed")[2], "in all")) == len(
            found.records
        )
        assert all(f'href="/cases/{one.case}"' in answer.text for one in found.records)
    text = Browser(lasting, "n.north").get("/runs/1/beside/2").text
    assert "South" not in text
    assert not {"R3", "R5", "R6"} & set(re.findall(r"R\d", text))
    assert "R6" not in Browser(lasting, "a.auditor").get("/runs/1/beside/2").text
    assert "R6" in Browser(lasting, READER).get("/runs/1/beside/2").text


def test_long_lists_are_cut_and_say_how_many_there_are(
    lasting: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_MOST_MOVES", 1)
    answer = Browser(lasting, READER).get("/runs/1/beside/2")
    n = len(door.runs_beside(lasting.url, lasting.asker(READER), 1, 2).appeared)
    assert n > 1
    assert f"{n} in all; the first 1 are shown" in told(answer)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [("", "", "Choose a run"), ("1", "x", "Choose a run"), ("1", "1", "two different runs"),
     ("1", str(2**70), "Choose a run")],
)  # fmt: skip
def test_two_runs_are_chosen_in_either_order(
    lasting: Site, first: str, second: str, said: str
) -> None:
    browser = Browser(lasting, "r.reviewer")
    answer = browser.get("/runs/beside", params={"first": first, "second": second})
    assert answer.status_code == 422
    assert said in told(answer)
    answer = browser.get("/runs/beside", params={"first": "2", "second": "1"})
    assert answer.headers["location"] == "/runs/1/beside/2"
    assert browser.get("/runs/2/beside/1").status_code == 422


def test_runs_are_listed_a_page_at_a_time(lasting: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_ON_A_PAGE", 1)
    browser = Browser(lasting, "r.reviewer")
    text = browser.get("/runs").text
    assert 'href="/runs?page=2"' in text
    assert 'href="/runs/1">' not in text
    text = browser.get("/runs?page=2").text
    assert 'href="/runs/1">' in text
    assert 'href="/runs?page=1"' in text
    assert "page=3" not in text
    for number in ("3", "0", "-5", str(2**70)):
        assert browser.get(f"/runs?page={number}").status_code == 200
    assert browser.get("/runs?page=x").status_code == 404


def test_without_a_run_the_page_says_so(store: OwnStore, workplace: Path) -> None:
    with writing(store.url):
        pass
    with peopled(store, workplace) as served:
        answer = Browser(served, "r.reviewer").get("/runs")
        assert answer.status_code == 200
        assert "No night has been stored yet" in told(answer)


def test_rows_that_were_let_go_of_are_said_to_be_gone(site_let_go: Site) -> None:
    browser = Browser(site_let_go, "a.auditor")
    assert "let go of, since it was past its time" in told(browser.get("/runs/1"))
    assert browser.get("/runs/1/rejects").status_code == 404


@pytest.fixture
def site_let_go(store: OwnStore, workplace: Path) -> Iterator[Site]:
    from triage.letting_go import Times

    nights(store, workplace)
    with peopled(store, workplace) as served:
        door.let_go(store.url, served.asker("a.admin"), Times())
        yield served
