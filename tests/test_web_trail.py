"""The pages of the trail: who may read it, how it is paged and filtered, checked and exported."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import NewStore, OwnStore
from web_helpers import READER, ROLES, Browser, peopled, told
from work_helpers import ANSWERS, night, row, rows

from triage import store as door
from triage.store import TrailAsked, trail_pages
from triage.trail_words import KINDS, details, in_words
from triage.web import trail as pages
from triage.web.site import Site

WORK = ("case read", "case claimed", "note added", "review started", "review submitted")


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("trail")
    with new_store(folder) as own:
        night(own, folder, [*rows(8), row("R9", restricted="true")])
        with peopled(own, folder) as served:
            worked_on(served)
            yield served


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    night(store, workplace, rows(3))
    with peopled(store, workplace) as served:
        yield served


def worked_on(site: Site) -> None:
    """Let a reviewer do something of every kind on some cases."""
    reviewer = site.asker("r.reviewer")
    for number in (1, 2, 3):
        door.one_case(site.url, reviewer, number)
        door.claim(site.url, reviewer, case_id=number)
        door.add_note(site.url, reviewer, number, "the school was rung about Jo Bloggs")
        door.submit_review(site.url, reviewer, number, ANSWERS)


def events(text: str) -> list[int]:
    """Return the numbers of the events on a page, as they stand there."""
    return [int(one) for one in re.findall(r'--numeric">(\d+)</td>', text)]


def last_of(site: Site) -> int:
    return door.trail_head(site.url).id


@pytest.mark.parametrize("name", [*ROLES, READER])
def test_the_trail_is_for_auditors(lasting: Site, name: str) -> None:
    browser, may = Browser(lasting, name), ROLES.get(name, ("",))[0] == "auditor"
    before = last_of(lasting)
    assert browser.get("/trail").status_code == (200 if may else 403)
    for address in ("/trail/verify", "/trail/export"):
        answer = browser.post(address, {"form": "csv"})
        assert answer.status_code == (200 if may else 403)
    assert may or last_of(lasting) == before
    assert ('href="/trail"' in browser.get("/").text) == may


def test_each_event_is_in_words_and_reading_it_is_one(site: Site) -> None:
    worked_on(site)
    browser = Browser(site, "a.auditor")
    before = last_of(site)
    answer = browser.get("/trail")
    text = told(answer)
    assert last_of(site) == before + 1
    assert events(answer.text)[0] == before
    for words in ("Claimed the case", "Added a note", "Submitted a review", "Stored a run"):
        assert words in text
    assert "Jo Bloggs" not in answer.text
    assert 'href="/cases/1"' in answer.text
    assert 'href="/runs/1"' in answer.text
    found = door.audit_log(site.url, site.asker("a.auditor"))
    assert {one.kind for one in found} <= set(KINDS)
    assert f"The last event is {before + 1}" not in text
    assert f"The last event is {before}, with hash" in text


def test_every_page_follows_the_one_before_while_events_are_added(
    lasting: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_ON_A_PAGE", 7)
    browser, last = Browser(lasting, "a.auditor"), last_of(lasting)
    address, found, forth = "/trail", [], []
    while address:
        text = browser.get(address).text
        found.append(events(text))
        (later,) = re.findall(r'href="(/trail\?after=\d+)"', text) or [""]
        forth.append(later)
        (address,) = re.findall(r'href="(/trail\?before=\d+)"', text) or [""]
    assert [number for page in found for number in page] == list(range(last, 0, -1))
    assert [len(page) for page in found[:-1]] == [7] * (len(found) - 1)
    assert not forth[0]
    assert events(browser.get(forth[2]).text) == found[1]
    least = found[-1][0]
    assert events(browser.get(forth[-1]).text) == list(range(least + 7, least, -1))


@pytest.mark.parametrize(
    "asked",
    [{"who": "r.reviewer"}, {"kind": "case claimed"}, {"case": "2"},
     {"who": "r.reviewer", "kind": "note added", "case": "3"}, {"kind": "nothing of the kind"},
     {"who": "r.review"}, {"until": "2023-07-01"}, {"since": "1/1/2024", "until": "2/1/2024"},
     {"since": "2023-06-30", "who": "system:nightly"}],
)  # fmt: skip
def test_the_trail_is_filtered_and_exported_as_the_log_has_it(
    lasting: Site, asked: dict[str, str]
) -> None:
    browser = Browser(lasting, "a.auditor")
    days = {name: day_of(asked[name]) for name in ("since", "until") if name in asked}
    last = last_of(lasting)
    expected = door.audit_log(
        lasting.url, lasting.asker("a.auditor"), actor=asked.get("who", ""),
        kind=asked.get("kind", ""), case_id=int(asked["case"]) if "case" in asked else None,
        **days,
    )  # fmt: skip
    answer = browser.get("/trail", params=asked)
    # That the trail of a case was read is an event of the case, and so stands in what follows.
    shown = [number for number in events(answer.text) if number <= last]
    assert shown == [one.id for one in expected][::-1][: len(shown)]
    assert len(shown) >= min(len(expected), 40)
    for form in ("csv", "jsonl"):
        exported = browser.post("/trail/export", {**asked, "form": form})
        assert exported.status_code == 200
        found = [number for number in read(exported.text, form) if number <= last]
        assert found == [one.id for one in expected]
        assert exported.headers["content-disposition"].endswith(f'.{form}"')


def day_of(typed: str) -> str:
    day, month, year = typed.split("/") if "/" in typed else typed.split("-")[::-1]
    return f"{year}-{int(month):02}-{int(day):02}"


def read(text: str, form: str) -> list[int]:
    if form == "csv":
        return [int(one["event"]) for one in csv.DictReader(io.StringIO(text))]
    return [json.loads(line)["id"] for line in text.splitlines()]


def test_an_export_is_an_event_and_holds_what_was_there_before_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail_pages, "_AT_ONCE", 3)
    worked_on(site)
    browser = Browser(site, "a.auditor")
    before = last_of(site)
    answer = browser.post("/trail/export", {"form": "jsonl", "who": "r.reviewer"})
    last = door.audit_log(site.url, site.asker("a.auditor"))[-1]
    assert (last.kind, last.actor) == ("trail exported", "a.auditor")
    assert last.detail == {"form": "jsonl", "up_to": before, "actor": "r.reviewer"}
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["id"] for one in lines] == [
        one.id for one in door.audit_log(site.url, site.asker("a.auditor"), actor="r.reviewer")
    ]
    assert lines[0].keys() == {"id", "at", "actor", "kind", "run", "case", "rule", "detail"}
    assert door.verify_trail(site.url).damage == ""


def test_a_spreadsheet_runs_nothing_of_an_export(site: Site) -> None:
    door.register(site.url, site.asker("a.admin"), "=1+1", "reviewer", [])
    door.claim(site.url, site.asker("=1+1"), case_id=1)
    answer = Browser(site, "a.auditor").post("/trail/export", {"form": "csv", "who": "=1+1"})
    (found,) = csv.DictReader(io.StringIO(answer.text))
    assert found["actor"] == "'=1+1"


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"case": "x"}, "Enter the number of a case"), ({"case": "0"}, "Enter the number of a case"),
     ({"case": str(2**40)}, "Enter the number of a case"),
     ({"since": "soon"}, "Enter a day, such as"), ({"until": "31/2/2023"}, "Enter a day, such as"),
     ({"since": "2/1/2024", "until": "1/1/2024"}, "Enter a day that is not before the first")],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_is_said_to_be_wrong(
    lasting: Site, asked: dict[str, str], said: str
) -> None:
    browser, before = Browser(lasting, "a.auditor"), last_of(lasting)
    answer = browser.get("/trail", params=asked)
    assert answer.status_code == 422
    assert said in told(answer)
    assert all(f'value="{value}"' in answer.text for value in asked.values())
    answer = browser.post("/trail/export", {**asked, "form": "csv"})
    assert answer.status_code == 422
    assert said in told(answer)
    assert "trail exported" not in {
        one.kind for one in door.audit_log(lasting.url, lasting.asker("a.auditor"))
        if one.id > before
    }  # fmt: skip


def test_an_export_needs_a_form(lasting: Site) -> None:
    browser = Browser(lasting, "a.auditor")
    for form in ("", "exe"):
        answer = browser.post("/trail/export", {"form": form})
        assert answer.status_code == 422
        assert "Choose the form of the file" in told(answer)
    assert browser.get("/trail?before=x").status_code == 404
    assert browser.get(f"/trail?before={2**70}").status_code == 404
    assert "Nothing of the kind" in told(browser.get("/trail?before=0"))


def test_a_head_that_was_kept_is_held_against_the_trail(site: Site) -> None:
    head = door.trail_head(site.url)
    browser = Browser(site, "a.auditor")

    def said(event: object, digest: str, status: int = 200) -> str:
        fields = {"event": str(event), "hash": digest}
        answer = browser.post("/trail/verify", fields)
        assert answer.status_code == status
        return told(answer)

    assert "The trail is whole" in said("", "")
    assert "The trail is whole" in said(head.id, head.hash.hex().upper())
    assert f"event {head.id}" in said(head.id, "0" * 64)
    assert "The trail is damaged" in said(head.id, "0" * 64)
    assert "The trail is damaged" in said(10_000, head.hash.hex())
    assert "Enter the number of the event" in said("", "0" * 64, 422)
    assert "Enter the number of the event" in said("x", "0" * 64, 422)
    for digest in ("", "0", "z" * 64, "0" * 63, "0" * 66):
        assert "Enter the hash as it was kept" in said(1, digest, 422)


def test_the_first_damage_is_named(site: Site, store: OwnStore) -> None:
    worked_on(site)
    if store.kind == "sqlite":
        store.execute("DROP TRIGGER event_no_update")
    else:
        store.execute("ALTER TABLE event DISABLE TRIGGER USER")
    store.execute("UPDATE event SET actor = 'n.nobody' WHERE id = 5")
    text = told(Browser(site, "a.auditor").post("/trail/verify"))
    assert "The trail is damaged: event 5" in text


def test_what_is_withheld_from_a_second_reviewer_stays_so_where_nobody_is_registered(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, rows(1))
    now = dt.datetime.now(dt.UTC)
    first, other = (door.Asker(name, (), now) for name in ("r.first", "o.other"))
    door.submit_review(store.url, first, 1, ANSWERS)
    door.ask_for_second(store.url, door.Asker("m.m", (), now), 1, "a complaint")
    asked = TrailAsked(case_id=1)
    found = door.trail_page(store.url, other, asked, 50).events
    assert "review submitted" not in {one.kind for one in found}
    assert "withheld until the second review is in" in {one.kind for one in found}
    by_kind = TrailAsked(kind="review submitted")
    assert not door.trail_page(store.url, other, by_kind, 50).events
    assert not [one for some in door.exported_events(store.url, other, by_kind, 99) for one in some]
    assert door.trail_page(store.url, first, by_kind, 50).events


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ({"publish": True, "nothing": None}, [("nothing", "none"), ("publish", "yes")]),
        ({"until": "2026-10-09"}, [("until", "9 October 2026")]),
        ({"sha256": "a" * 64}, [("sha256", "aaaaaaaaaaaa…")]),
        ({"reviews": list(range(8))}, [("reviews", "0, 1, 2, 3, 4, 5 and 2 others")]),
        ({"rows": {"b": 1, "a": []}}, [("rows", "a none, b 1")]),
    ],
)
def test_a_detail_is_in_words(detail: dict[str, Any], said: list[tuple[str, str]]) -> None:
    assert details(detail) == said
    assert in_words("something new") == "Something new"


def test_the_trail_of_a_case_that_there_is_not_is_empty(site: Site) -> None:
    answer = Browser(site, "a.auditor").get("/trail?case=99999")
    assert answer.status_code == 200
    assert not events(answer.text)
