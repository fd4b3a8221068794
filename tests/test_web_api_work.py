"""Work on cases by programs: a case from claim to moderation, pages, and acts done once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_helpers import Program, add_tokens, all_of, fill, problem
from limits import parse
from stores import OwnStore
from web_helpers import READER, ROLES, add_people, site_of
from work_helpers import ANSWERS, last_event, night, row, rows, to_do

from triage import store as door
from triage.errors import StoreError
from triage.web import limits
from triage.web.site import Site

FAR = "2050-01-04"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests ask as often as they like."""
    monkeypatch.setitem(limits.MOST, "program", parse("1000000/minute"))


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Site:
    return fill(store, workplace)


def test_pages_are_complete_and_without_repeats_while_cases_are_claimed_moved_and_closed(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, rows(24))
    add_people(store)
    add_tokens(store)
    site = site_of(store)
    program, manager = Program(site, "r.reviewer"), Program(site, "m.manager")
    found: list[int] = []
    page = program.told("/cases", limit=5)
    while True:
        found += [one["case"] for one in page["items"]]
        if page["next"] is None:
            break
        last = found[-1]
        program.done("/cases/claim-next")
        # The last one of the page moves to the front, and the first one is closed.
        manager.done(f"/cases/{last}/boost", {"reason": "a complaint"})
        if len(found) == 5:
            manager.done(f"/cases/{found[0]}/close", {"reason": "a duplicate"})
        page = program.told("/cases", limit=5, after=page["next"])
    assert found == list(range(1, 25))
    places = program.told("/cases", limit=1)
    assert places["items"][0]["reason"].startswith("a complaint, critical, review due 3 July 2023")


def test_filters_are_those_of_the_queue(site: Site) -> None:
    program, manager = Program(site, "r.reviewer"), Program(site, "m.manager")
    program.done("/cases/1/claim")
    manager.done("/cases/2/assign", {"to": "n.north"})
    manager.done("/cases/3/snooze", {"until": FAR, "reason": "court"})

    def cases(**asked: Any) -> list[int]:
        return [one["case"] for one in program.told("/cases", **asked)["items"]]

    assert cases() == [1, 2, 4]
    assert cases(status=["new", "new"]) == [2, 4]
    assert cases(status=["claimed", "new"], team=["North", "North"]) == [1, 2]
    assert cases(held_by="r.reviewer") == [1]
    assert cases(assigned_to="n.north") == [2]
    assert cases(snoozed=True) == [3]
    assert cases(rule="DEC-02") == []
    assert cases(rule="DEC-01", severity="critical", subject="referral", overdue=False) == [1, 2, 4]
    assert cases(overdue=True) == []
    assert cases(team="South; DROP TABLE") == []


def test_the_life_of_a_case_from_claim_to_moderation(site: Site, store: OwnStore) -> None:
    first, second = Program(site, "r.reviewer"), Program(site, "s.second")
    manager, north = Program(site, "m.manager"), Program(site, "n.north")
    claimed = first.done("/cases/claim-next", {"team": ["North"]})["claimed"]
    assert claimed["case"] == 1
    assert "child_id" not in claimed
    problem(second.post("/cases/1/claim"), 409)
    first.done("/cases/1/notes", {"text": "rang the school"})
    assert first.done("/cases/1/review/start")["rules"] == ["DEC-01"]
    draft = {"answers": {"grade": "good", "learning": None}}
    assert first.ask("PUT", "/cases/1/review", draft).status_code == 200
    (own,) = first.told("/cases/1/reviews")["items"]
    assert (own["state"], own["answers"]) == ("draft", {"grade": "good"})
    assert second.told("/cases/1/reviews")["items"] == []
    problem(first.post("/cases/1/review", {}), 422)
    answers = ANSWERS | {"actions": [to_do(due_on=FAR)]}
    assert first.done("/cases/1/review", {"answers": answers}) == {"case": 1, "review": 1}
    (action,) = first.told("/cases/1/actions")["items"]
    done = f"/actions/{action['id']}/done"
    first.done(done, {"evidence": "visit recorded"})
    problem(first.post(done, {"evidence": "visit recorded"}), 409)
    assert first.told("/cases/1")["status"] == "closed"
    manager.done("/cases/1/second-review/ask", {"reason": "a complaint"})
    (waiting,) = second.told("/second-reviews")["items"]
    assert (waiting["case"], waiting["why_not"], waiting["reason"]) == (1, None, None)
    assert second.told("/cases/1/reviews") == {"is_first_hidden": True, "items": []}
    problem(first.post("/cases/1/second-review/start"), 403)
    assert second.done("/cases/1/second-review/start")["step"] == "second review"
    assert second.ask("PUT", "/cases/1/second-review", draft).status_code == 200
    other = ANSWERS | {"grade": "outstanding"}
    found = second.done("/cases/1/second-review", {"answers": other})
    assert (found["differs"], found["status"]) == (["grade"], "awaiting second review")
    sides = manager.told("/cases/1/differences")
    assert sides["answers"]["grade"] == {"first": "good", "second": "outstanding", "settled": None}
    assert north.done("/cases/1/second-review/start")["differs"] == ["grade"]
    settled = {"answers": other, "reason": "talked to both"}
    problem(second.post("/cases/1/moderation", settled), 403)
    assert north.done("/cases/1/moderation", settled)["status"] == "closed"
    agreement = manager.told("/agreement")
    assert agreement["cases"] == 1
    manager.done("/cases/1/review/supersede", {"answers": ANSWERS, "reason": "more came in"})
    manager.done("/cases/1/reopen", {"reason": "new information"})
    kept = [one["kind"] for one in Program(site, "a.auditor").told("/trail", case=1)["items"]]
    assert {"case read", "reviews read", "review submitted", "case reopened"} <= set(kept)


def test_one_deed_is_done_to_as_many_cases_as_are_expected_or_to_none(site: Site) -> None:
    manager = Program(site, "m.manager")
    deed = {"do": "close", "reason": "duplicates"}
    asked = {"filter": {"team": ["North"]}, "deed": deed}
    told = problem(manager.post("/cases/bulk", {**asked, "expected": 4}), 409)
    assert told["detail"] == "3 cases are of this kind, and not 4; nothing was changed."
    later = {"do": "snooze", "until": FAR, "reason": "court"}
    one = {"filter": {"team": ["South"]}, "expected": 1}
    assert manager.done("/cases/bulk", {**one, "deed": later}) == {"cases": 1}
    given = {"do": "assign", "to": "n.north"}
    assert manager.done("/cases/bulk", {**asked, "deed": given, "expected": 3}) == {"cases": 3}
    assert manager.done("/cases/bulk", {**asked, "expected": 3}) == {"cases": 3}
    assert manager.told("/cases")["items"] == []


def test_samples_exceptions_and_people_are_made_changed_and_ended(site: Site) -> None:
    reviewer, manager = Program(site, "r.reviewer"), Program(site, "m.manager")
    for number in (1, 2, 4):
        reviewer.done(f"/cases/{number}/review", {"answers": ANSWERS})
    plan = {"seed": "2026-Q3", "number": 2, "by": "team"}
    drawn = manager.done("/samples", plan)
    assert (drawn["size"], len(drawn["cases"])) == (3, 2)
    (sample,) = manager.told("/samples")["items"]
    assert sample["states"] == {"waits": 2}
    assert manager.told(f"/samples/{sample['id']}")["frame"] == [1, 2, 4]
    problem(Program(site, "x.north").get(f"/samples/{sample['id']}"), 404)
    problem(manager.post("/samples", {"seed": "x", "number": 1, "share": "10%"}), 422)
    manager.done("/cases/" + str(drawn["cases"][0]) + "/second-review/withdraw", {"reason": "seen"})
    body = {"rule": "DEC-01", "team": "South", "until": FAR, "reason": "kept elsewhere"}
    number = manager.done("/exceptions", body)["exception"]
    assert [one["owner"] for one in manager.told("/exceptions")["items"]] == ["m.manager"]
    assert manager.ask("DELETE", f"/exceptions/{number}").status_code == 200
    problem(manager.ask("DELETE", f"/exceptions/{number}"), 404)
    assert manager.told("/exceptions")["items"] == []
    assert len(manager.told("/exceptions", all=True)["items"]) == 1
    admin = Program(site, "a.admin")
    new = {"name": "Sévérine O'Neil/2", "role": "reviewer", "teams": ["North"]}
    admin.done("/people", new)
    problem(admin.post("/people", new), 409)
    address = "/people/S%C3%A9v%C3%A9rine%20O'Neil%2F2"
    changed = admin.ask("PUT", address, {"role": "auditor"})
    assert changed.json() == {"name": new["name"]}
    problem(admin.ask("PUT", "/people/n.nobody", {"role": "auditor"}), 404)
    people = {one["name"]: one for one in all_of(admin, "/people", limit=2)}
    assert people[new["name"]] == {**new, "role": "auditor", "teams": [], "is_active": True}
    assert set(people) == {*ROLES, READER, new["name"]}
    assert admin.ask("DELETE", address).status_code == 200
    problem(admin.ask("DELETE", address), 404)
    problem(admin.ask("DELETE", "/people/a.admin"), 409)
    problem(admin.post("/people", {**new, "name": "system:nightly"}), 422)


def test_runs_rules_what_falls_due_and_the_trail_are_told_by_page(
    site: Site, store: OwnStore, workplace: Path
) -> None:
    due = [row(f"D{n}", referral_date="2023-07-03") for n in range(3)]
    late = [*rows(2, team="South"), row("N1"), *due, row("BAD", referral_date="31/31/2023")]
    night(store, workplace, late, dt.date(2023, 7, 3))
    manager, auditor = Program(site, "m.manager"), Program(site, "a.auditor")
    assert [one["id"] for one in all_of(manager, "/runs", limit=1)] == [2, 1]
    assert "settings" not in manager.told("/runs/2")
    rejects = all_of(manager, "/runs/2/rejects", limit=1)
    assert len(rejects) == len(door.rejections(site.url, 2)) > 0
    beside = manager.told("/runs/1/diff/2", limit=1)
    assert (beside["counts"]["appeared"], len(beside["appeared"])) == (1, 1)
    pages, after = [beside], beside["next"]
    while after is not None:
        pages.append(manager.told("/runs/1/diff/2", limit=1, after=after))
        after = pages[-1]["next"]
    for name, n in beside["counts"].items():
        assert sum(len(one[name]) for one in pages) == n
    assert len(all_of(manager, "/due", limit=2)) == len(manager.told("/due")["items"]) == 3
    assert manager.told("/rules/DEC-01")["severity"] == "critical"
    assert len(manager.told("/rules")["items"]) == len(site.rules.rules)
    before = last_event(store)
    events = all_of(auditor, "/trail", limit=7, kind="case opened")
    assert [one["case"] for one in events] == list(range(1, 7))
    assert [one["id"] for one in auditor.told("/trail", limit=3)["items"]] == [1, 2, 3]
    (read, *_) = auditor.told("/trail", after=before)["items"]
    assert (read["kind"], read["actor"]) == ("trail read", "a.auditor")
    assert auditor.told("/trail", case=999)["items"] == []
    problem(auditor.get("/trail", since="yesterday"), 422)
    verdict = auditor.told("/trail/verification")
    assert verdict["whole"] is True
    head = verdict["head"]
    assert auditor.told("/trail/verification", **head)["whole"] is True
    other = {**head, "hash": "0" * 64}
    assert (
        "another than when the head was kept"
        in (auditor.told("/trail/verification", **other)["damage"])
    )
    problem(auditor.get("/trail/verification", event=1), 422)


def test_the_same_request_with_the_same_key_is_done_once_and_answered_alike(
    site: Site, store: OwnStore
) -> None:
    program = Program(site, "r.reviewer")
    note = {"text": "rang the school"}
    first = program.post("/cases/1/notes", note, key="note 1")
    before = last_event(store)
    again = program.post("/cases/1/notes", note, key="note 1")
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert last_event(store) == before
    assert store.value("SELECT COUNT(*) FROM note") == 1
    told = problem(program.post("/cases/1/notes", {"text": "other"}, key="note 1"), 422)
    assert told["errors"][0]["parameter"] == "Idempotency-Key"
    problem(program.post("/cases/2/notes", note, key="note 1"), 422)
    assert Program(site, "s.second").post("/cases/2/notes", note, key="note 1").status_code == 201
    program.done("/cases/1/notes", note, key="note 2")
    program.done("/cases/1/notes", note)
    assert store.value("SELECT COUNT(*) FROM note") == 4
    assert "rang" not in repr(store.query("SELECT * FROM answered"))


def test_what_was_refused_is_refused_alike_and_what_failed_here_may_be_asked_anew(
    site: Site, store: OwnStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(site, "r.reviewer")
    refused = program.post("/cases/999/claim", key="a")
    again = program.post("/cases/999/claim", key="a")
    assert problem(refused, 404)
    assert (again.status_code, again.text) == (404, refused.text)
    assert again.headers["content-type"] == refused.headers["content-type"]

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(door, "claim", broken)
        problem(program.post("/cases/1/claim", key="b"), 500)
    assert program.post("/cases/1/claim", key="b").status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr(door, "keep_answer", lambda *_: (_ for _ in ()).throw(StoreError("busy")))
        assert program.post("/cases/2/claim", key="c").status_code == 200
    before = last_event(store)
    problem(program.post("/cases/2/claim", key="c"), 409)
    assert last_event(store) == before


def test_a_key_whose_request_is_still_being_answered_waits_and_is_forgotten_after_a_day(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(site, "r.reviewer")
    claim, told = door.claim, []

    def slow(*given: Any, **named: Any) -> Any:
        told.append(Program(site, "r.reviewer").post("/cases/1/claim", key="a"))
        return claim(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(door, "claim", slow)
        assert program.post("/cases/1/claim", key="a").status_code == 200
    assert "still being answered" in problem(told[0], 409)["detail"]
    later = replace(site, now=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=25))
    answer = Program(later, "r.reviewer").post("/cases/2/notes", {"text": "x"}, key="a")
    assert answer.status_code == 201
