"""Every figure of a report is of what whoever asks may see: their teams, no restricted record."""

from __future__ import annotations

import shutil
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from oracle import judge, load
from oracle_cells import elapsed, months_before
from oracle_reports import (
    MEASURES,
    Reading,
    action_state,
    banded,
    case_of,
    counted,
    days_since,
    ends_of,
    final_answers,
    followed,
    text,
    waiting,
    weekly,
)
from quarter import LAST, NIGHTS, TABLE, Quarter, asker
from report_reading import Told, nonzero, reading

from triage import reporting, store
from triage.store import Asker

VIEWERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "m.central": (("Assessment Central",), False),
    "m.coast": (("Assessment Coast", "Initial Contact and Referral"), True),
    "m.all": ((), True),
}
"""The teams that each sees (none: all), and whether restricted records too."""


class Seen:
    """The reports that somebody is given, and the records as they may see them."""

    def __init__(self, url: str, quarter: Quarter, name: str) -> None:
        teams, reader = VIEWERS[name]
        self.asker = Asker(name, (name,) if reader else (), asker(name, LAST, 900).at)
        self.url = url
        self.quarter = quarter
        self.teams = teams
        self.reading = reading(teams or None, reader=reader)
        self.referrals = {one.referral_id for one in self.reading.seen}
        self.cases = {
            number: one for number, one in quarter.queue.items()
            if (reader or not one.restricted) and (not teams or one.team in teams)
        }  # fmt: skip

    @cached_property
    def records(self) -> Any:
        return store.records_of(self.url, self.asker)

    def told(self, name: Any) -> Told:
        return Told(reporting.document_of(name, self.records, reporting.Asked()))


@pytest.fixture(scope="module")
def staffed(quarter: Quarter, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("staffed") / "triage.db"
    shutil.copy(quarter.url.removeprefix("sqlite:///"), path)
    url = f"sqlite:///{path}"
    store.register(url, asker("a.admin", LAST), "a.admin", "administrator", [])
    for name, (teams, _) in VIEWERS.items():
        store.register(url, asker("a.admin", LAST), name, "team manager", teams)
    return url


@pytest.fixture(scope="module", params=VIEWERS)
def seen(request: pytest.FixtureRequest, staffed: str, quarter: Quarter) -> Seen:
    return Seen(staffed, quarter, request.param)


def test_the_invented_council_has_restricted_records_that_count(quarter: Quarter) -> None:
    """One of them is a re-referral of the quarter, so that to leave it out makes a difference."""
    everything, usual = reading(reader=True), reading()
    assert len(everything.seen) - len(usual.seen) == 12
    assert any(one.restricted for one in quarter.queue.values())


def test_the_review_has_their_referrals_re_referrals_reviews_and_actions(seen: Seen) -> None:
    review = seen.told("review")
    records = seen.reading
    referrals = records.between(months_before(LAST, 3), LAST)
    found = [one for one in referrals if records.came_back(one) is True]
    assert review.numbers("At a glance")[:2] == [len(referrals), len(found)]
    assert review.by_text("population", 1)["All"] == len(found)
    assert {row[2] for row in review.rows("cases")} == {text(one, "team") for one in found}
    assert len(review.rows("cases")) == len(found)
    by_team = counted(text(one, "team") for one in referrals)
    assert nonzero(review.by_text("by-team", 1)) == by_team
    assert nonzero(review.by_text("decisions", 1)) == counted(map(records.decision, found))
    before = counted(days_since(records.previous[one.referral_id], one.day) for one in found)
    assert nonzero(review.by_text("previous-closed", 1)) == before
    case = case_of(seen.quarter)
    mine = {case[one.referral_id] for one in found if one.referral_id in case}
    final = final_answers(seen.quarter)
    grades = counted(
        str(final[one.referral_id]["grade"]) for one in found if one.referral_id in final
    )
    assert nonzero(review.by_text("result-grade", 1)) == grades
    actions = [one for one in seen.quarter.actions if one["case"] in mine]
    assert review.numbers("Remedial actions")[0] == len(actions)
    seconds = [case for case in seen.quarter.second if case in mine]
    assert review.rows("second-reviews")[0][1] == len(seconds)


def test_the_pack_has_their_work_and_what_waits_of_it(seen: Seen) -> None:
    pack = seen.told("weekly")
    ends = ends_of(LAST)
    for row, measure in zip(pack.rows("week-all"), MEASURES, strict=True):
        part, whole = weekly(seen.reading, measure, ends[-1], lambda _: True)
        assert row[1:3] == ([whole, ""] if part is None else [part, whole])
    in_queue = [one for one in seen.cases.values() if one.status != "closed"]
    overdue = [
        one["due_on"] for one in seen.quarter.actions
        if one["case"] in seen.cases and action_state(one, LAST) == "Open, overdue"
    ]  # fmt: skip
    rows = [row[1:] for row in pack.rows("waits-all")]
    assert tuple(rows[:2]) == waiting(seen.reading, lambda _: True)
    assert rows[2] == banded(elapsed(one.opened_on or LAST, LAST) for one in in_queue)
    assert rows[4] == banded(elapsed(due_on, LAST) for due_on in overdue)
    titles = {section.title for section in pack.document.sections}
    if seen.teams:
        assert titles == {"At a glance", "All teams", "How to read the charts", *seen.teams}


def test_causes_have_their_reviews_returns_endings_and_years(seen: Seen) -> None:
    causes = seen.told("causes")
    for name in ("referral", "closure"):
        lasted = followed(seen.reading, LAST, from_closure=name == "closure")
        back = sum(is_back for _, _, is_back in lasted)
        told = causes.numbers(f"Time from the {name} to the next referral")
        assert told == [len(lasted), back]
    case = case_of(seen.quarter)
    reasons = Counter(
        str(answers["main_reason"])
        for referral, answers in final_answers(seen.quarter).items()
        if answers["main_reason"] != "none" and case[referral] in seen.cases
    )
    assert nonzero(causes.by_code("reasons-by-month", 13)) == dict(reasons)
    year = seen.reading.between(months_before(LAST, 18), LAST.replace(month=3, day=31))
    assert causes.by_text("comparison")["2026"][0] == len(year)


def test_the_use_of_rules_has_the_flags_of_their_cases(seen: Seen) -> None:
    """What the last run judged is told of all that it judged, and says so."""
    rules = seen.told("rules")
    ever: dict[str, set[str]] = {}
    for night in NIGHTS:
        for (name, referral), outcome in judge([load(TABLE)], night, 3).outcomes.items():
            if outcome == "flag" and referral in seen.referrals:
                ever.setdefault(name, set()).add(referral)
    shown = {row[0]: row[2] for row in rules.rows("rules-useful")}
    for name, referrals in ever.items():
        assert shown[name] == len(referrals), name
    case = case_of(seen.quarter)
    said = Counter(
        answer
        for referral, answers in final_answers(seen.quarter).items()
        for answer in answers["flags_useful"].values()
        if case[referral] in seen.cases
    )
    useful = [sum(row[place] for row in rules.rows("rules-useful")) for place in (4, 5, 6)]
    assert useful == [said[answer] for answer in ("yes", "partly", "no")]
    (last_run,) = (one for one in rules.document.tables() if one.name == "rules-last-run")
    assert "of every team, restricted records among them" in last_run.notes[0]


def test_a_restricted_referral_that_is_in_no_figure_still_tells_that_the_child_came_back(
    tmp_path: Path,
) -> None:
    """Referred in May under restriction, and in July without: the second is a re-referral."""
    path = tmp_path / "records.csv"
    rows = ["child_id,referral_date,referral_id,team,restricted", "X,2024-01-05,R0,North,no",
            "A,2026-05-04,R1,North,yes", "A,2026-07-06,R2,North,no"]  # fmt: skip
    path.write_text("\n".join(rows) + "\n", "utf-8")
    from quarter import night

    url = f"sqlite:///{tmp_path / 'triage.db'}"
    night(url, LAST, path)
    records = store.records_of(url, asker("m.manager", LAST))
    review = Told(reporting.document_of("review", records, reporting.Asked()))
    assert review.numbers("At a glance")[:2] == [1, 1]
    causes = Told(reporting.document_of("causes", records, reporting.Asked()))
    assert causes.numbers("Time from the referral to the next referral") == [2, 0]
    assert Reading(path, LAST).came_back(Reading(path, LAST).seen[0]) is True


def test_who_sees_what_is_said_in_the_document(seen: Seen) -> None:
    words = seen.told("rules").document.standing.seen_by
    assert all(team in words for team in seen.teams or ("all teams",))
    assert ("no restricted ones" in words) == (not VIEWERS[seen.asker.name or ""][1])
