"""The interface for programs: who is let in, what is not there for them, and acts done once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_helpers import V1, Program, add_tokens, all_of, fill, problem, token_of
from limits import parse
from stores import ON_SQLITE, NewStore, OwnStore
from web_helpers import READER, ROLES, Browser, add_people, site_of
from work_helpers import ANSWERS, asker, night, row, rows, to_do

from triage import store as door
from triage.errors import StoreError
from triage.rights import Viewer
from triage.store import Asker
from triage.web import limits
from triage.web.access import NEEDS, may_come
from triage.web.api.door import routes
from triage.web.app import ROUTERS, make_app
from triage.web.site import Site

SAFE = {"GET", "HEAD"}
FAR = "2050-01-04"
NUMBERS = {"case_id": "1", "number": "1", "first": "1", "second": "2", "name": "n.north",
           "rule_id": "DEC-01"}  # fmt: skip
NAMES = sorted(one.name for one in routes())


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests ask as often as they like."""
    monkeypatch.setitem(limits.MOST, "program", parse("1000000/minute"))


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Site:
    return fill(store, workplace)


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site for tests that change nothing in it."""
    folder = tmp_path_factory.mktemp("lasting")
    with new_store(folder) as own:
        yield fill(own, folder)


def asked(name: str) -> tuple[str, str]:
    """Return the method and the address of a route."""
    found = next(one for one in routes() if one.name == name)
    address = re.sub(r"\{([^}]+)\}", lambda part: NUMBERS[part[1]], found.path_format)
    return next(iter(found.methods or ())), address.removeprefix(V1)


@ON_SQLITE
def test_nobody_is_let_in_without_a_token_that_counts(lasting: Site) -> None:
    program = Program(lasting)
    for name in NAMES:
        method, path = asked(name)
        for sent in ("", "Bearer", "Bearer wrong", f"Basic {token_of('a.admin')}"):
            headers = {"authorization": sent} if sent else {}
            answer = program.ask(method, path, headers=headers, content=b"{")
            problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")


@ON_SQLITE
def test_each_route_refuses_every_role_that_may_not_before_it_reads_what_is_sent(
    site: Site,
) -> None:
    nobody = Program(site)
    for who in ("a.admin", "a.auditor", "m.manager", "r.reviewer"):
        program = Program(site, who, nobody)
        for name in NAMES:
            method, path = asked(name)
            answer = program.ask(method, path, content=b"{")
            if may_come(NEEDS[name], Viewer(who, ROLES[who][0])):  # type: ignore[arg-type]
                assert answer.status_code not in (401, 403), (who, answer.text)
            else:
                assert f" {who} may not " in problem(answer, 403)["detail"]


def test_a_token_ends_by_its_day_when_it_is_ended_and_with_whoever_it_is_of(
    site: Site, store: OwnStore
) -> None:
    admin = Asker("a.admin", (), dt.datetime.now(dt.UTC))
    program = Program(site, "r.reviewer")
    assert program.told("/me")["name"] == "r.reviewer"
    late = replace(site, now=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(days=32))
    problem(Program(late, "r.reviewer").get("/me"), 401)
    number = next(one.id for one in door.tokens(store.url, admin) if one.name == "r.reviewer")
    door.revoke_token(store.url, admin, number)
    problem(program.get("/me"), 401)
    other = Program(site, "m.manager")
    assert other.told("/me")["role"] == "team manager"
    door.strike_off(store.url, admin, "m.manager")
    problem(other.get("/me"), 401)


def test_a_cookie_lets_no_program_in_and_no_word_of_a_form_is_asked(lasting: Site) -> None:
    browser = Browser(lasting, "r.reviewer")
    problem(browser.get(f"{V1}/me"), 401)


def test_whoever_asks_is_told_who_they_are_and_what_they_may(lasting: Site) -> None:
    assert Program(lasting, "n.north").told("/me") == {
        "name": "n.north", "role": "reviewer", "teams": ["North"], "sees_restricted": False,
        "may": ["see cases", "work on cases", "review"],
    }  # fmt: skip
    assert Program(lasting, READER).told("/me")["sees_restricted"] is True
    assert Program(lasting, "a.admin").told("/openapi.json")["openapi"] == "3.1.0"


def test_errors_of_addresses_methods_and_bodies_are_problems_too(lasting: Site) -> None:
    program = Program(lasting, "m.manager")
    problem(program.get("/nowhere"), 404)
    problem(program.client.get(V1), 404)
    problem(program.get("/cases/999"), 404)
    answer = program.ask("PATCH", "/people/n.north")
    problem(answer, 405)
    assert answer.headers["allow"] == "DELETE, PUT"
    notes = f"{V1}/cases/1/notes"
    answer = program.client.post(notes, content=b'{"text": "x"}')
    problem(answer, 415)
    for wrong in (b"{", b'"\xff"', b'{"text": NaN}', b"[" * 100_000, b'{"text": ' + b"1" * 5_000):
        answer = program.client.post(
            notes, content=wrong, headers={"content-type": "application/json"}
        )
        assert problem(answer, 422)["errors"] == [{"detail": "The body is no JSON.", "pointer": ""}]
    problem(program.client.post(notes, content=b" " * (1 << 21)), 413)
    parts = (b" " * (1 << 19) for _ in range(4))
    problem(program.client.post(notes, content=parts), 413)


def test_what_is_wrong_is_told_by_its_place_and_never_what_was_sent(site: Site) -> None:
    program = Program(site, "m.manager")

    def wrong(answer: Any) -> set[str]:
        assert "PR0000" not in answer.text
        return {one.get("pointer") or one["parameter"] for one in problem(answer, 422)["errors"]}

    assert wrong(program.get("/cases", limit=201, status="gone")) == {"limit", "status.0"}
    assert wrong(program.get("/cases", staus="new")) == {"staus"}
    assert wrong(program.get("/cases", after="PR00001")) == {"after"}
    assert wrong(program.get("/cases/0")) == {"case_id"}
    assert wrong(program.get(f"/cases/{2**31}")) == {"case_id"}
    assert wrong(program.get("/cases/1/history", on="1e9")) == {"on"}
    assert wrong(program.post("/cases/1/notes", {"text": " ", "more": 1})) == {"/text", "/more"}
    assert wrong(program.post("/cases/1/notes", {"text": "PR00001\0"})) == {"/text"}
    assert wrong(program.post("/cases/1/snooze", {"until": 86_400, "reason": "x"})) == {"/until"}
    answers = ANSWERS | {"grade": "inadequate", "flags_useful": {"X/Y": "yes"}}
    assert wrong(program.post("/cases/1/review", {"answers": answers})) == {
        "/answers/flags_useful/DEC-01", "/answers/flags_useful/X~1Y", "/answers/learning",
    }  # fmt: skip
    said = problem(program.post("/cases/1/snooze", {"until": "2023-06-01", "reason": "x"}), 422)
    assert said["detail"].startswith("2023-06-01: is not after the day of the last run")
    both = {"rule": "DEC-01", "child_id": "PR00001", "team": "North", "until": FAR, "reason": "x"}
    assert "PR00001" not in program.post("/exceptions", both).text


def test_while_the_store_is_busy_a_program_is_told_when_to_come_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(site, "r.reviewer")

    def busy(*_: Any, **__: Any) -> None:
        raise StoreError("the store is busy.")

    monkeypatch.setattr(door, "claim", busy)
    answer = program.post("/cases/1/claim", key="once")
    problem(answer, 503)
    assert answer.headers["retry-after"] == "60"
    monkeypatch.undo()
    monkeypatch.setitem(limits.MOST, "program", parse("1000000/minute"))
    answer = program.post("/cases/1/claim", key="once")
    assert (answer.status_code, answer.json()["held_by"]) == (200, "r.reviewer")
    assert "idempotency-replayed" not in answer.headers


def test_whoever_asks_too_often_is_told_when_to_come_again(
    lasting: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.MOST, "program", parse("2/minute"))
    program = Program(lasting, "r.reviewer")
    assert [program.get("/me").status_code for _ in range(2)] == [200, 200]
    answer = program.get("/me")
    problem(answer, 429)
    assert answer.headers["retry-after"] == "60"


SEEN = {
    "r.reviewer": {1, 2, 3, 4}, "n.north": {1, 2, 3}, "x.north": {1, 2, 3},
    "a.auditor": {1, 2, 3, 4}, READER: {1, 2, 3, 4, 5},
}  # fmt: skip


@pytest.fixture(scope="module")
def reviewed(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where every case was reviewed, and an action is to be done on each."""
    folder = tmp_path_factory.mktemp("reviewed")
    with new_store(folder) as own:
        night(own, folder, [
            *rows(3), row("S1", team="South"),
            row("S2", team="South", restricted="true"),
        ])  # fmt: skip
        for number in range(1, 6):
            who = asker("w.worker", readers=["w.worker"])
            door.submit_review(own.url, who, number, ANSWERS | {"actions": [to_do()]})
        for which in ({"team": "South", "child_id": None}, {"team": None, "child_id": "PS2"}):
            who = asker("w.worker", readers=["w.worker"])
            door.add_exception(
                own.url, who, "DEC-01", **which, owner=None, until=dt.date(2050, 1, 4), why="kept"
            )
        add_people(own)
        add_tokens(own)
        yield site_of(own)


@pytest.mark.parametrize("name", SEEN)
def test_what_is_of_another_team_or_restricted_is_in_no_list_count_or_page(
    reviewed: Site, name: str
) -> None:
    program, seen = Program(reviewed, name), SEEN[name]
    for limit in (1, 2, 200):
        page = program.told("/cases", limit=limit, count=True)
        assert page["total"] == len(seen)
        assert {one["case"] for one in all_of(program, "/cases", limit=limit)} == seen
    south = {4, 5} & seen
    assert {one["case"] for one in all_of(program, "/cases", team="South")} == south
    assert {one["case"] for one in all_of(program, "/actions", limit=2)} == seen
    excepted = [one["child_id"] for one in all_of(program, "/exceptions", limit=1)]
    assert sorted(map(str, excepted)) == [*["None"] * (4 in seen), *["PS2"] * (5 in seen)]
    missing = program.get("/cases/999")
    for number in set(range(1, 6)) - seen:
        for rest in ("", "/history", "/reviews", "/actions", "/differences"):
            answer = program.get(f"/cases/{number}{rest}")
            told, other = problem(answer, 404), problem(missing, 404)
            assert told | {"instance": ""} == other | {"instance": ""}
    problem(program.get("/cases/1/differences"), 404)


def test_nothing_is_done_to_what_is_not_there_for_whoever_asks(reviewed: Site) -> None:
    program = Program(reviewed, "x.north")
    before = door.trail_head(reviewed.url)
    why, answers = {"reason": "x"}, {"answers": ANSWERS}
    acts = [
        ("claim", None), ("release", None), ("notes", {"text": "x"}), ("assign", {"to": "n.north"}),
        ("snooze", {"until": FAR, **why}), ("boost", why), ("close", why), ("reopen", why),
        ("review/start", None), ("review", answers), ("review/supersede", {**answers, **why}),
        ("reviews/unblind", None), ("second-review/ask", why), ("second-review/withdraw", why),
        ("second-review/start", None), ("second-review", answers),
        ("moderation", {**answers, **why}),
    ]  # fmt: skip
    for act, body in acts:
        for number in (4, 5, 999):
            problem(program.post(f"/cases/{number}/{act}", body), 404)
    for number in (4, 5, 999):
        problem(program.post(f"/actions/{number}/done", {"evidence": "seen"}), 404)
        problem(program.ask("DELETE", f"/exceptions/{number - 3}"), 404)
    for which in ({"team": "South"}, {"child_id": "PS2"}, {"child_id": "nobody"}):
        body = {"rule": "DEC-01", "until": FAR, "reason": "x", **which}
        problem(program.post("/exceptions", body), 404)
    assert door.trail_head(reviewed.url) == before


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "clé"])
def test_a_key_is_of_a_few_letters_that_can_be_printed(lasting: Site, key: str) -> None:
    program = Program(lasting, "r.reviewer")
    answer = program.ask(
        "POST", "/cases/1/claim", headers={"Idempotency-Key": key.encode("latin-1")}
    )
    told = problem(answer, 422)
    assert told["errors"][0]["parameter"] == "Idempotency-Key"


def test_a_key_is_asked_of_no_role_that_may_not(lasting: Site) -> None:
    problem(Program(lasting, "a.auditor").post("/cases/1/claim", key="a"), 403)


SAME_ACTS = {
    "claim_next": "api_claim_next", "bulk_now": "api_bulk", "claim": "api_claim",
    "release": "api_release", "add_note": "api_add_note", "deed_now": "api_assign",
    "keep_review": "api_submit_review", "supersede_now": "api_supersede",
    "unblind": "api_unblind", "keep_second": "api_submit_second",
    "withdraw_second": "api_withdraw_second", "keep_moderation": "api_moderate",
    "action_done_now": "api_action_done", "hand_over_now": "api_hand_over",
    "draw_sample": "api_draw_sample", "make_exception": "api_make_exception",
    "end_exception": "api_end_exception", "verify_trail": "api_verify_trail",
    "add_person": "api_add_person", "keep_person": "api_keep_person",
    "strike_off": "api_strike_off",
}  # fmt: skip
"""What changes something on the pages, and how a program does it."""
PAGES_ONLY = {
    "sign_in_now": "a program shows a token with each request",
    "sign_out": "a program has no session",
    "keep_password": "a program has no password",
    "end_sessions": "a program has no session",
    "save_filter": "a program keeps its filters itself",
    "drop_filter": "a program keeps its filters itself",
    "search_now": "a search by child is a person's; lists name each case's child",
    "export_queue": "lists go on page by page, to their end",
    "export_trail": "the trail goes on page by page, to its end",
    "make_report": "reports are made by the command, or on the pages",
    "give_password": "secrets of people are given by people",
    "end_their_sessions": "sessions are ended by people",
    "make_token": "a token makes no other tokens",
    "end_token": "a token ends no other tokens",
}
"""What is done on the pages only, and why."""


def test_what_the_pages_change_a_program_can_change_or_it_is_written_down_why_not(
    lasting: Site,
) -> None:
    assert not set(SAME_ACTS) & set(PAGES_ONLY)
    for page, same in SAME_ACTS.items():
        assert NEEDS[page] == NEEDS[same]
    assert set(PAGES_ONLY) <= set(NEEDS)
    writes = {
        one.name
        for router in ROUTERS
        for one in router.routes
        if not set(getattr(one, "methods", None) or SAFE) <= SAFE
    }
    on_pages = {name for name in writes if not name.startswith("api_")}
    assert on_pages <= set(SAME_ACTS) | set(PAGES_ONLY)
    assert make_app(lasting).openapi_url is None
