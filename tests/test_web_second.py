"""Second reviews on pages: blind, side by side, moderated by a third, withdrawn, compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from review_pages import FILLED, mistakes, row, send, start, typed
from second_helpers import asked, status_of
from stores import OwnStore
from web_helpers import Browser, peopled, told
from work_helpers import ANSWERS, asker, last_event, night, rows

from triage import store as door
from triage.errors import StoreError
from triage.web.site import Site

FIRST, SECOND = "/cases/1/review", "/cases/1/second-review"
MODERATION, DIFFERENCES = "/cases/1/moderation", "/cases/1/differences"
SECRET = "What only the first reviewer wrote"
OWNER = "o.owner"
PAGES = (FIRST, SECOND, "/cases/1/reviews", DIFFERENCES, MODERATION, "/cases/1/supersede",
         "/second", "/second/agreement", "/actions", "/actions?all=yes", "/samples",
         "/actions/1/done", "/actions/1/hand-over")  # fmt: skip
"""Every page of reviews and of what follows from them."""


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    """Two cases, the first of which was reviewed by r.reviewer and waits for a second review."""
    night(store, workplace, rows(3))
    with peopled(store, workplace) as served:
        first = Browser(served, "r.reviewer")
        for number, words, owner in ((1, SECRET, OWNER), (2, "Nothing new", "w.worker")):
            at = f"/cases/{number}/review"
            start(first, at)
            answer = send(first, at, learning=words, grade="inadequate", **row(owner=owner))
            assert answer.status_code == 303
        asked(store, 1)
        yield served


def test_the_second_reviewer_sees_nothing_of_the_first_answers_on_any_page(
    site: Site, store: OwnStore
) -> None:
    second = Browser(site, "s.second")

    def look() -> None:
        for address in PAGES:
            text = second.get(address).text
            for secret in (SECRET, OWNER, "/actions/1/"):
                assert secret not in text
            if address not in (FIRST, SECOND):
                assert "nadequate" not in text
        assert "The first review is not shown" in told(second.get("/cases/1/reviews"))
        hidden = "What the first review of 1 case asks for is not listed"
        assert hidden in told(second.get("/actions"))

    look()
    start(second, SECOND)
    shown = typed(second.get(SECOND))
    assert (shown["main_reason"], shown["learning"]) == ("", "")
    assert not {"grade", "flags_useful.DEC-01", "actions.0.kind"} & set(shown)
    look()
    send(second, SECOND, "draft", grade="good")
    look()
    answer = send(second, SECOND, main_reason=None)
    assert answer.status_code == 422
    assert SECRET not in answer.text
    assert second.post("/actions/1/done", {"on": "1/1/2026", "evidence": "x"}).status_code == 404
    assert second.post("/actions/1/hand-over", {"to": "x", "reason": "x"}).status_code == 404
    assert SECRET in Browser(site, "r.reviewer").get("/cases/1/reviews").text
    assert SECRET in Browser(site, "a.auditor").get("/cases/1/reviews").text


def test_a_second_review_that_differs_is_settled_by_a_third_and_the_case_goes_on(
    site: Site, store: OwnStore
) -> None:
    first, second, third = (Browser(site, one) for one in ("r.reviewer", "s.second", "n.north"))
    assert "Do the second review of case 1" in told(second.get("/second"))
    assert "No: the first review is theirs" in told(first.get("/second"))
    assert "You cannot begin it now: you cannot be its second reviewer" in told(first.get(SECOND))
    assert first.post(SECOND, {"button": "start"}).status_code == 403
    page = second.get(SECOND)
    assert "without seeing their answers" in told(page)
    start(second, SECOND)
    answer = second.post(SECOND, {"button": "submit"})
    assert answer.status_code == 422
    assert len(mistakes(answer)) == 9
    page = second.follow(send(second, SECOND, "draft", grade=None, learning="mine"))
    assert typed(page)["learning"] == "mine"
    assert "Go on with the second review of case 1" in told(second.get("/second"))
    assert "begun by s.second" in told(first.get("/second"))
    answer = send(second, SECOND, grade="good", learning="mine", oversight="missing")
    assert answer.headers["location"] == f"{DIFFERENCES}?done=second_differs"
    text = told(second.follow(answer))
    for said in ("They differ on 2 of the 8 questions", SECRET, "mine", "First review, r.reviewer"):
        assert said in text
    assert "Settle the two reviews" not in text
    for browser in (first, second):
        assert "No: one of the reviews is theirs" in told(browser.get("/second"))
        assert browser.get(MODERATION).status_code == 403
        assert send(browser, MODERATION, reason="mine").status_code == 403
        assert send(browser, SECOND, learning="again").status_code == 409
    assert "Settle the two reviews" in told(third.get(DIFFERENCES))
    page = third.get(MODERATION)
    text, shown = told(page), typed(page)
    assert "The two differ. First review: Inadequate. Second review: Good." in text
    assert (shown["main_reason"], shown.get("grade"), shown.get("oversight")) == ("R02", None, None)
    answer = third.post(MODERATION, {**shown, "button": "submit"})
    assert list(mistakes(answer)) == ["oversight", "grade", "reason"]
    added = third.post(MODERATION, {**shown, "learning": "typed", "button": "add"})
    assert (added.status_code, mistakes(added)) == (200, {})
    assert typed(added)["learning"] == "typed"
    settled = {**shown, "grade": "good", "oversight": "weak", "reason": "talked to both"}
    answer = third.post(MODERATION, {**settled, "button": "submit"})
    text = told(third.follow(answer))
    assert "n.north settled them" in text
    assert "because: talked to both" in text
    assert status_of(store) == "actions open"
    text = told(third.get("/cases/1/reviews"))
    assert "Moderation 4 Final" in text
    assert "Settled so because: talked to both" in text
    assert "No case waits for a second review" in told(third.get("/second"))
    late = third.post(MODERATION, {**settled, "button": "submit"})
    assert late.status_code == 409
    assert typed(late)["reason"] == "talked to both"
    answer = first.post("/actions/1/done", {"on": "1/1/2026", "evidence": "rung the school"})
    assert answer.status_code == 303
    assert status_of(store) == "closed"


def test_a_second_review_that_agrees_lets_the_case_go_on(site: Site, store: OwnStore) -> None:
    second = Browser(site, "s.second")
    start(second, SECOND)
    answer = send(second, SECOND, learning="other words", grade="inadequate")
    assert answer.headers["location"] == f"{DIFFERENCES}?done=second_agreed"
    text = told(second.follow(answer))
    assert "They agree on all 8 questions that are compared" in text
    assert status_of(store) == "actions open"
    assert second.get(SECOND).status_code == 409


def test_nothing_typed_is_lost_where_a_second_review_is_taken_away_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = Browser(site, "s.second")
    start(second, SECOND)
    late = replace(site, now=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(minutes=90))
    start(Browser(late, "n.north"), SECOND)
    answer = send(second, SECOND, learning="typed since")
    assert answer.status_code == 409
    assert mistakes(answer)[""].startswith("Case 1 is held by n.north")
    assert typed(answer)["learning"] == "typed since"
    assert "You cannot go on with it now" in told(second.get(SECOND))
    door.withdraw_second(site.url, asker("m.manager"), 1, "not needed")
    answer = send(second, SECOND, "draft", learning="typed since", **row())
    assert answer.status_code == 409
    assert typed(answer)["actions.0.owner"] == "w.worker"

    def busy(*_: Any, **__: Any) -> None:
        raise StoreError("a run is being stored.")

    for name in ("second_desk", "submit_second"):
        monkeypatch.setattr(f"triage.store.{name}", busy)
    answer = send(second, SECOND, learning="typed since")
    assert (answer.status_code, typed(answer)["learning"]) == (503, "typed since")


def test_a_manager_sees_the_first_review_and_gives_up_the_second(
    site: Site, store: OwnStore
) -> None:
    manager = Browser(site, "m.reader")
    page = manager.get("/cases/1/reviews")
    assert "You cannot be the second reviewer of this case then" in told(page)
    assert SECRET not in page.text
    page = manager.follow(manager.post("/cases/1/unblind", shown_at="/cases/1/reviews"))
    assert "You see the first review now" in told(page)
    assert SECRET in page.text
    assert "No: they have read it" in told(manager.get("/second"))
    assert manager.post(SECOND, {"button": "start"}).status_code == 403
    assert manager.post("/cases/2/unblind").status_code == 409
    for name in ("s.second", "a.auditor", "a.admin"):
        assert Browser(site, name).post("/cases/1/unblind").status_code == 403


def test_a_second_review_is_withdrawn_for_a_reason(site: Site, store: OwnStore) -> None:
    manager, at = Browser(site, "m.manager"), "/cases/1/withdraw-second"
    assert "/cases/1/reviews#withdraw" in manager.get("/second").text
    assert 'id="withdraw"' in manager.get("/cases/1/reviews").text
    before = status_of(store)
    answer = manager.post(at, {"reason": "  "})
    assert (answer.status_code, mistakes(answer)) == (
        422, {"reason": "Enter why the second review is withdrawn"},
    )  # fmt: skip
    assert status_of(store) == before
    answer = manager.post(at, {"reason": "everybody has seen it"})
    assert "The case goes on without a second review" in told(manager.follow(answer))
    assert status_of(store) == "actions open"
    assert manager.post(at, {"reason": "again"}).status_code == 409
    assert Browser(site, "s.second").post(at, {"reason": "x"}).status_code == 403


def test_a_review_of_a_grade_that_the_settings_name_waits_for_a_second_one(
    site: Site, store: OwnStore
) -> None:
    strict = site.settings.model_validate(
        {"db": site.url, "second_review": {"grades": ["inadequate"], "working_days": 5}}
    )
    first = Browser(replace(site, settings=strict), "r.reviewer")
    start(first, "/cases/3/review")
    send(first, "/cases/3/review", grade="inadequate", learning="much")
    assert status_of(store, 3) == "awaiting second review"
    assert "For its grade" in told(first.get("/second"))
    assert "Case 3" in told(Browser(site, "s.second").get("/second"))
    assert "For its grade" not in told(Browser(site, "s.second").get("/second"))
    again = first.get("/cases/3/review")
    assert "case 3 is awaiting second review" in told(again)
    assert "See what waits for a second review" in told(again)


def test_agreement_is_told_with_n_and_a_warning_where_there_is_little(
    site: Site, store: OwnStore
) -> None:
    manager = Browser(site, "m.manager")
    assert "nothing to compare until a second review is in" in told(
        manager.get("/second/agreement")
    )
    second = Browser(site, "s.second")
    start(second, SECOND)
    send(second, SECOND, grade="good", learning="mine")
    page = manager.get("/second/agreement")
    text = told(page)
    for said in (
        "Two reviews of 1 case", "1 asked for", "With n below 30 a kappa says little",
        "r.reviewer and s.second, 1 case", "Nothing here ranks anybody", "1 (100 %)", "0 (0 %)",
        "n below 30", "Linear weights", "Quadratic weights",
    ):  # fmt: skip
        assert said in text
    future = manager.get("/second/agreement?from=1/1/2050")
    assert "nothing to compare" in told(future)
    wrong = manager.get("/second/agreement?from=soon&to=1/1/2020&sample=x")
    assert wrong.status_code == 422
    assert mistakes(wrong) == {
        "from": "Enter a day, such as 9/10/2026",
        "sample": "Enter the number of a sample, such as 3",
    }  # fmt: skip
    assert list(mistakes(manager.get("/second/agreement?from=2/1/2026&to=1/1/2026"))) == ["to"]
    assert "nothing to compare" in told(manager.get("/second/agreement?sample=7"))
    for name, status in (("r.reviewer", 403), ("a.admin", 403), ("a.auditor", 200)):
        assert Browser(site, name).get("/second/agreement").status_code == status


def test_what_waits_is_listed_of_the_cases_that_somebody_sees(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [*rows(1, team="South"), *rows(2, restricted="true")[1:]])
    with peopled(store, workplace) as served:
        for number in (1, 2):
            who = asker("m.reader", readers=["m.reader"])
            door.submit_review(served.url, who, number, ANSWERS)
            door.ask_for_second(served.url, who, number, "a complaint")
        before = last_event(store)
        for name, cases in (
            ("n.north", set()), ("s.second", {1}), ("a.auditor", {1}), ("m.reader", {1, 2}),
        ):  # fmt: skip
            text = told(Browser(served, name).get("/second"))
            assert {n for n in (1, 2) if f"Case {n}" in text} == cases
        north = Browser(served, "n.north")
        for number in (1, 2, 9):
            assert north.get(f"/cases/{number}/second-review").status_code == 404
            answer = send(north, f"/cases/{number}/second-review", **FILLED)
            assert answer.status_code == 404
        assert (
            store.value(f"SELECT COUNT(*) FROM event WHERE id > {before} AND kind LIKE 'second%'")
            == 0
        )
        assert Browser(served, "a.admin").get("/second").status_code == 403
