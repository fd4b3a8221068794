"""Samples of reviews as they are drawn, kept and shown, by the commands, on both stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import Triage
from second_helpers import (
    answers,
    asked,
    file_of,
    flagged,
    people,
    refused,
    reviewed,
    said,
    status_of,
    submitted,
    told,
)
from stores import OwnStore
from work_helpers import asker, night, row, rows

from triage import store as kept
from triage.sampling import drawn

MANAGER, SECOND, THIRD = ("--as", "m.manager"), ("--as", "r.second"), ("--as", "r.third")


def draw(triage: Triage, *more: str) -> Any:
    return told(triage, "second", "draw", "--seed", "2026-Q3", *MANAGER, *more)


def test_a_withdrawn_case_can_be_drawn_again_and_one_reviewed_twice_cannot(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    draw(triage, "--number", "1")
    said(triage, "second", "withdraw", "1", "--reason", "nobody is left", *MANAGER)
    assert "nobody is left" in said(triage, "queue", "show", "1", *MANAGER)
    assert draw(triage, "--number", "1")["cases"] == [1]
    said(triage, "second", "submit", "1", file_of(workplace), *SECOND)
    assert "nothing was drawn" in refused(
        triage, "second", "draw", "--seed", "1", "--number", "1", *MANAGER
    )
    assert "has had its second review" in refused(
        triage, "second", "ask", "1", "--reason", "again", *MANAGER
    )
    assert "it has to be awaiting second review" in refused(
        triage, "second", "withdraw", "1", "--reason", "too late", *MANAGER
    )


def test_a_sample_is_kept_with_all_that_it_takes_to_draw_it_again(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [*rows(8), *(row(f"S{n}", team="South") for n in range(4))])
    for case in range(1, 13):
        submitted(store, case)
    sample = draw(triage, "--share", "25%", "--by", "team")
    assert sample["strata"] == [
        {"stratum": "North", "size": 8, "drawn": 2}, {"stratum": "South", "size": 4, "drawn": 1},
    ]  # fmt: skip
    assert (sample["frame"], sample["size"]) == (list(range(1, 13)), 12)
    assert (sample["seed"], sample["share"], sample["drawn_by"]) == ("2026-Q3", "25%", "m.manager")
    frame = json.loads(store.value("SELECT frame FROM second_sample"))
    again = drawn(frame, 3, "2026-Q3")
    assert sorted(case for some in again.values() for case in some) == sample["cases"]
    assert told(triage, "second", "samples", *MANAGER) == [sample]
    shown = said(triage, "second", "samples", *MANAGER)
    assert "3 of 12 reviews drawn (25% asked, by team), seed 2026-Q3" in shown
    # Those that wait are not drawn a second time.
    rest = draw(triage, "--number", "99")
    assert set(rest["cases"]).isdisjoint(sample["cases"])
    assert rest["size"] == 9


def test_two_stores_with_the_same_cases_draw_the_same(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, 12)
    other = OwnStore("sqlite", f"sqlite:///{workplace / 'other.db'}")
    reviewed(other, workplace, 12)
    plan = kept.Plan("2026-Q3", number=4)
    one, two = (kept.draw_sample(own.url, asker("m.manager"), plan) for own in (store, other))
    assert one.cases == two.cases
    assert len(one.cases) == 4


def test_only_reviews_of_the_days_asked_for_are_drawn(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    flagged(store, workplace, 3)
    for case, days in ((1, 0), (2, 1), (3, 2)):
        kept.submit_review(store.url, asker("r.first", days * 24 * 60), case, answers())
    assert draw(triage, "--number", "9", "--from", "2023-07-01", "--to", "2023-07-01")["cases"] == [
        2
    ]
    assert draw(triage, "--number", "9", "--to", "2023-06-30")["cases"] == [1]
    assert draw(triage, "--number", "9", "--from", "2023-07-02")["cases"] == [3]


def test_what_a_draw_has_to_say(triage: Triage, store: OwnStore, workplace: Path) -> None:
    reviewed(store, workplace)
    assert "--share 10%, or --number 20" in refused(
        triage, "second", "draw", "--seed", "1", *MANAGER
    )
    both = ("--seed", "1", "--share", "10%", "--number", "2")
    assert "--share 10%, or --number 20" in refused(triage, "second", "draw", *both, *MANAGER)
    assert "--share '0%'" in refused(
        triage, "second", "draw", "--seed", "1", "--share", "0%", *MANAGER
    )
    assert "--as NAME" in refused(triage, "second", "draw", "--seed", "1", "--number", "1")
    assert status_of(store) == "closed"


def test_only_managers_draw_ask_and_withdraw(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, 2)
    people(triage)
    asked(store, 2)
    for name in ("r.second", "a.auditor", "a.administrator"):
        for call in (
            ("draw", "--seed", "1", "--number", "1"), ("ask", "1", "--reason", "so"),
            ("withdraw", "2", "--reason", "so"),
        ):  # fmt: skip
            assert "may not" in refused(triage, "second", *call, "--as", name)
    assert "may not" in refused(triage, "second", "samples", *SECOND)
    assert "may not" in refused(triage, "second", "form", "2", "--as", "a.auditor")
    assert told(triage, "second", "samples", "--as", "a.auditor") == []
    assert (status_of(store, 1), status_of(store, 2)) == ("closed", "awaiting second review")


def test_cases_of_other_teams_are_neither_drawn_nor_listed(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [*rows(2), row("S1", team="South"), row("T1", restricted="yes")])
    for case in (1, 2, 3, 4):
        kept.submit_review(store.url, asker("r.first", readers=["r.first"]), case, answers())
    people(triage)
    admin = ("--as", "a.administrator")
    said(triage, "people", "add", "m.manager", "--role", "team manager", "--team", "South", *admin)
    said(triage, "people", "add", "r.second", "--role", "reviewer", "--team", "North", *admin)
    south = store.value("SELECT id FROM \"case\" WHERE referral_id = 'S1'")
    sample = draw(triage, "--share", "100%")
    assert (sample["frame"], sample["cases"]) == ([south], [south])
    assert told(triage, "second", "list", *SECOND) == []
    assert "no case" in refused(triage, "second", "form", str(south), *SECOND)
    assert "no case" in refused(triage, "second", "differences", str(south), *SECOND)
    assert [one["case"] for one in told(triage, "second", "list", *THIRD)] == [south]
