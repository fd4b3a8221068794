"""The pages of reviews for whoever may not see a case, or not review; and words of mistakes."""

from __future__ import annotations

from typing import get_args

import pytest
from review_pages import seen_by_some as seen_by_some
from review_pages import send
from stores import OwnStore
from web_helpers import Browser, told
from work_helpers import AS_OF, last_event

from triage.errors import AnswersError, Wrong
from triage.review_form import QUESTIONS, complete
from triage.second import MEASURED
from triage.web import review_fields
from triage.web.review_fields import LABELS, SHORT
from triage.web.review_fields import told as told_problem
from triage.web.site import Site

GETS = ("/cases/{}/review", "/cases/{}/supersede", "/cases/{}/reviews", "/cases/{}/second-review",
        "/cases/{}/differences", "/cases/{}/moderation")  # fmt: skip
POSTS = ("/cases/{}/review", "/cases/{}/supersede", "/cases/{}/unblind", "/cases/{}/second-review",
         "/cases/{}/moderation", "/cases/{}/withdraw-second")  # fmt: skip


def test_a_case_that_somebody_may_not_see_is_not_there_on_any_page(
    site: Site, store: OwnStore
) -> None:
    north, manager = Browser(site, "n.north"), Browser(site, "x.north")
    before = last_event(store)
    for browser in (north, manager):
        gone: dict[str, set[str]] = {}
        for number in (4, 5, 999):
            for address in GETS:
                answer = browser.get(address.format(number))
                assert (address, answer.status_code) == (address, 404)
                gone.setdefault(address, set()).add(told(answer).replace(str(number), ""))
            for address in POSTS:
                for button in ("start", "draft", "submit", "add"):
                    answer = send(browser, address.format(number), button, reason="because")
                    wanted = (
                        403
                        if (browser is north and "un" in address)
                        or ("withdraw" in address and browser is north)
                        else 404
                    )
                    assert (address, answer.status_code) == (address, wanted)
        assert all(len(texts) == 1 for texts in gone.values())
    for number in ("0", "-1", "x", str(2**31)):
        assert north.get(f"/cases/{number}/review").status_code == 404
    assert last_event(store) == before
    assert Browser(site, "m.manager").get("/cases/5/review").status_code == 404
    assert Browser(site, "m.reader").get("/cases/5/review").status_code == 200


def test_whoever_may_not_review_is_told_so_and_changes_nothing(site: Site, store: OwnStore) -> None:
    browsers = {name: Browser(site, name) for name in ("a.auditor", "a.admin")}
    before = last_event(store)
    for name, browser in browsers.items():
        for address in GETS:
            is_read = address.endswith(("reviews", "differences")) and name == "a.auditor"
            if not is_read:
                assert browser.get(address.format(1)).status_code == 403
        for address in POSTS:
            assert send(browser, address.format(1), reason="because").status_code == 403
    assert last_event(store) == before
    page = Browser(site, "a.auditor").get("/cases/1/reviews")
    assert "No review of this case was submitted yet" in told(page)


def test_every_question_has_words_on_a_page_and_every_mistake_has_too() -> None:
    assert list(LABELS) == list(QUESTIONS)
    assert list(SHORT) == list(MEASURED)
    with pytest.raises(AnswersError) as refused:
        complete({"actions": [{}], "further_reasons": ["R1"]}, ["DEC-01"], AS_OF)
    said = [told_problem(one) for one in refused.value.problems]
    assert len(set(said)) == len(said)
    assert "Answer each question" not in said
    assert str(refused.value) == "\n".join(
        f"{one.field}: {one.said}" for one in refused.value.problems
    )
    assert set(review_fields._WRONG) | {"missing"} == set(get_args(Wrong))
