"""The pages of rules and exceptions: what a rule asks, how it fired, and who is excepted."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import NewStore, OwnStore
from web_helpers import READER, ROLES, Browser, peopled, shipped_rules, told
from work_helpers import ANSWERS, AS_OF, asker, night, row

from triage import store as door
from triage.calendar import spoken_date
from triage.rule_words import asks
from triage.store.connection import writing
from triage.web.site import Site

LATER = AS_OF + dt.timedelta(days=30)
FOR_TEAM = {"rule": "DEC-01", "whom": "team", "team": "North", "child": "", "owner": "",
            "until": LATER.isoformat(), "why": "kept in another system"}  # fmt: skip
FOR_CHILD = {**FOR_TEAM, "whom": "child", "team": "", "child": "PR1"}


def referrals() -> list[dict[str, str]]:
    """Return referrals of two teams, and one that is restricted, all without a decision."""
    return [
        row("R1"), row("R2"), row("R3", team="South"), row("R4", team="South", restricted="true"),
    ]  # fmt: skip


def two_nights(own: OwnStore, folder: Path) -> None:
    night(own, folder, referrals()[:1])
    night(own, folder, referrals(), AS_OF + dt.timedelta(days=1))


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two nights, and reviews that found the rule useful, partly useful and of no use."""
    folder = tmp_path_factory.mktemp("rules")
    with new_store(folder) as own:
        two_nights(own, folder)
        for number, useful in ((1, "yes"), (2, "partly"), (3, "no")):
            answers = ANSWERS | {"flags_useful": {"DEC-01": useful}}
            door.submit_review(own.url, asker("r.first"), number, answers)
        night(own, folder, [*referrals(), row("R5"), row("R6", team="South")],
              AS_OF + dt.timedelta(days=2))  # fmt: skip
        with peopled(own, folder) as served:
            yield served


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    two_nights(store, workplace)
    with peopled(store, workplace) as served:
        yield served


def figures(text: str, rule: str) -> list[str]:
    """Return the figures of a rule in the catalogue: open flags, and flagged in the last run."""
    (line,) = re.findall(rf"<tr[^>]*>\s*<th[^>]*><a[^>]*>{rule}<.*?</tr>", text, re.DOTALL)
    cells = re.findall(r"--numeric\">(.*?)</td>", line, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", cell).split()[0] for cell in cells]


@pytest.mark.parametrize("name", ["r.reviewer", READER, "n.north", "a.auditor"])
def test_open_flags_are_counted_of_the_cases_that_somebody_sees_as_the_queue_has_them(
    lasting: Site, name: str
) -> None:
    browser = Browser(lasting, name)
    queue = door.cases(lasting.url, lasting.asker(name), door.Wanted(rule="DEC-01"))
    text = browser.get("/rules").text
    assert figures(text, "DEC-01") == [str(queue.n), "6"]
    assert queue.n
    assert 'href="/queue?rule=DEC-01"' in text


def test_the_catalogue_names_every_rule_and_is_sorted_as_asked(lasting: Site) -> None:
    browser = Browser(lasting, "r.reviewer")

    def ids(address: str) -> list[str]:
        answer = browser.get(address)
        assert answer.status_code == 200
        return re.findall(r'href="/rules/([A-Z]+-\d+)">', answer.text)

    rules = shipped_rules().rules
    assert ids("/rules") == [one.id for one in rules] == ids("/rules?sort=nonsense")
    assert ids("/rules?sort=-id") == [one.id for one in rules][::-1]
    by_title = sorted(rules, key=lambda one: one.about.title.casefold())
    assert ids("/rules?sort=title") == [one.id for one in by_title]
    assert shipped_rules().by_id[ids("/rules?sort=severity")[0]].severity == "critical"
    assert ids("/rules?sort=-last")[0] in ("DEC-01", "DEC-02", "DEC-04")
    assert 'aria-sort="descending"' in browser.get("/rules?sort=-open").text


def test_a_rule_is_told_whole(lasting: Site) -> None:
    browser = Browser(lasting, "r.reviewer")
    answer = browser.get("/rules/DEC-01")
    text, about = told(answer), shipped_rules().by_id["DEC-01"].about
    pieces = (*about.references, *about.reviewer_checks, *about.benign_explanations)
    for piece in (*pieces, about.parameters["limit"].why, *(one.name for one in about.examples)):
        assert piece in text
    assert "more than 1 working day (the limit “limit”)" in text
    assert "‹working days since referral›" in text
    assert "{" not in text
    assert "Run 1" in text
    assert "<svg" in answer.text
    assert "style=" not in answer.text
    assert browser.get("/rules/dec-01").status_code == 200


@pytest.mark.parametrize(
    ("name", "useful"),
    [("r.reviewer", ["1", "1", "1", "3"]), ("n.north", ["1", "1", "0", "2"])],
)
def test_usefulness_is_told_with_n_of_the_cases_that_somebody_sees(
    lasting: Site, name: str, useful: list[str]
) -> None:
    answer = Browser(lasting, name).get("/rules/DEC-01")
    table = answer.text.partition("By text of the rule")[2].partition("</table>")[0]
    assert re.findall(r'--numeric">(\d+)</td>', table)[2:] == useful


def test_answers_that_wait_for_a_second_review_are_not_told(site: Site) -> None:
    answers = ANSWERS | {"flags_useful": {"DEC-01": "no"}}
    door.submit_review(site.url, site.asker("r.reviewer"), 1, answers)
    door.ask_for_second(site.url, site.asker("m.manager"), 1, "a complaint")
    answer = Browser(site, "s.second").get("/rules/DEC-01")
    table = answer.text.partition("By text of the rule")[2].partition("</table>")[0]
    assert re.findall(r'--numeric">(\d+)</td>', table)[2:] == ["0"] * 4


def test_every_condition_of_every_rule_is_in_words() -> None:
    for rule in shipped_rules().rules:
        found = [asks(rule.condition)]
        while found:
            one = found.pop()
            assert one.text
            assert "_" not in one.text.partition(":")[2].partition("(")[0] or one.rule
            found += one.parts


def test_a_rule_that_is_not_there_is_not_found(lasting: Site) -> None:
    browser = Browser(lasting, "r.reviewer")
    for name in ("DEC-99", "x", "%3Cb%3E"):
        answer = browser.get(f"/rules/{name}")
        assert answer.status_code == 404
        assert "<b>" not in answer.text


@pytest.mark.parametrize("name", ROLES)
def test_rules_and_exceptions_are_for_who_sees_cases_and_made_by_managers(
    lasting: Site, name: str
) -> None:
    browser, (role, _) = Browser(lasting, name), ROLES[name]
    sees, manages = role != "administrator", role == "team manager"
    for address in ("/rules", "/rules/DEC-01", "/exceptions"):
        assert browser.get(address).status_code == (200 if sees else 403)
    assert browser.get("/exceptions/new").status_code == (200 if manages else 403)
    assert ("Make an exception" in browser.get("/exceptions").text) == manages
    if not manages:
        assert browser.post("/exceptions", FOR_TEAM).status_code == 403
        assert browser.post("/exceptions/1/end").status_code == 403
        manager = lasting.asker("m.manager")
        assert not door.exceptions(lasting.url, manager, lasting_only=False)


def test_a_manager_makes_and_ends_an_exception(site: Site) -> None:
    browser = Browser(site, "m.manager")
    for fields, whom in ((FOR_TEAM, "team North"), (FOR_CHILD, "child PR1")):
        answer = browser.post("/exceptions", fields, shown_at="/exceptions/new?rule=DEC-01")
        assert "PR1" not in answer.headers["location"]
        text = told(browser.follow(answer))
        assert "The exception is made" in text
        assert whom in text
        assert spoken_date(LATER) in text
    assert "exception 1" in told(browser.get("/rules/DEC-01"))
    text = told(browser.follow(browser.post("/exceptions/1/end", shown_at="/exceptions")))
    assert "The exception is ended" in text
    assert "team North" not in text
    assert "team North" in told(browser.get("/exceptions?all=yes"))
    assert browser.post("/exceptions/1/end", shown_at="/exceptions").status_code == 404
    assert browser.post("/exceptions/99/end", shown_at="/exceptions").status_code == 404
    assert browser.post(f"/exceptions/{2**70}/end", shown_at="/exceptions").status_code == 404
    kinds = [one.kind for one in door.audit_log(site.url, site.asker("a.auditor"))]
    assert kinds.count("exception made") == 2
    assert kinds.count("exception ended") == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rule": ""}, "Choose the rule"),
        ({"whom": ""}, "Choose whether a child or a team is excepted"),
        ({"whom": "both"}, "Choose whether a child or a team is excepted"),
        ({"team": " "}, "Enter the team"),
        ({"whom": "child"}, "Enter the child’s identifier"),
        ({"until": ""}, "Enter the last day"),
        ({"until": "soon"}, "Enter a day, such as"),
        ({"until": "2020-01-01"}, "Enter a day that is not past"),
        ({"why": ""}, "Enter the reason"),
        ({"team": "Nowhere"}, "There is no case of team Nowhere"),
        ({"rule": "XX-99"}, "No run knew a rule XX-99"),
    ],
)
def test_what_is_wrong_with_an_exception_is_said_with_all_that_was_typed(
    lasting: Site, changed: dict[str, str], said: str
) -> None:
    browser = Browser(lasting, "m.manager")
    fields = {**FOR_TEAM, "why": "a reason of its own", **changed}
    answer = browser.post("/exceptions", fields, shown_at="/exceptions/new")
    assert answer.status_code == 422
    text = told(answer)
    assert said in text
    assert "There is a problem" in text
    assert "--" not in text
    assert fields["why"] in text
    assert not door.exceptions(lasting.url, lasting.asker("m.manager"), lasting_only=False)


def test_exceptions_of_others_are_not_told_to_who_does_not_see_their_cases(site: Site) -> None:
    reader = site.asker(READER)
    for child, team in (("PR4", None), ("PR3", None), (None, "South")):
        door.add_exception(
            site.url, reader, "DEC-01", child_id=child, team=team, owner=None, until=LATER,
            why="a reason",
        )  # fmt: skip
    seen = {
        READER: {"child PR4", "child PR3", "team South"},
        "m.manager": {"child PR3", "team South"},
        "n.north": set(),
    }
    for name, whom in seen.items():
        browser = Browser(site, name)
        for address in ("/exceptions", "/rules/DEC-01"):
            text = told(browser.get(address)).casefold()
            for one in seen[READER]:
                assert (one.casefold() in text) == (one in whom), (name, address, one)


def test_a_manager_of_one_team_excepts_no_other_team_and_learns_nothing_of_it(site: Site) -> None:
    browser = Browser(site, "x.north")
    said = set()
    for fields in ({**FOR_TEAM, "team": "South"}, {**FOR_TEAM, "team": "Nowhere"}):
        answer = browser.post("/exceptions", fields, shown_at="/exceptions/new")
        assert answer.status_code == 422
        said.add(told(answer).replace(fields["team"], "X"))
    assert len(said) == 1


def test_before_the_first_night_there_is_nothing_to_count(store: OwnStore, workplace: Path) -> None:
    with writing(store.url):
        pass
    with peopled(store, workplace) as served:
        browser = Browser(served, "m.manager")
        assert browser.get("/rules").status_code == 200
        assert "No flag of it is open" in told(browser.get("/rules/DEC-01"))
        assert "There is none" in told(browser.get("/exceptions"))
