"""Claims: each case given to one person, held until an hour of quiet, and to nobody else."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from processes import at_once
from stores import OwnStore
from work_helpers import (
    ANSWERS,
    AS_OF,
    asker,
    case_of,
    kinds,
    last_event,
    listed,
    night,
    row,
    rows,
)

from triage import store as door
from triage.errors import CallError
from triage.store import Asker, Wanted

N_CASES = 2_000
N_PEOPLE = 16
ANY = Wanted()


def claim_all(url: str, name: str) -> tuple[int, list[int]]:
    """Claim one case after another until there is none; return who did so, and which they were.

    Connections are kept, as a server keeps them.
    """
    found = []
    door.keep_connections(1)
    while (case := door.claim_next(url, asker(name), ANY)) is not None:
        found.append(case.id)
    return os.getpid(), found


def test_sixteen_processes_claim_two_thousand_cases_each_once_and_none_is_lost(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, rows(N_CASES))
    before = last_event(store)
    names = [f"r.reviewer{number}" for number in range(N_PEOPLE)]
    found = at_once(claim_all, [(store.url, name) for name in names])
    claimed = dict(zip(names, found, strict=True))
    given = [number for _, some in claimed.values() for number in some]
    assert sorted(given) == list(range(1, N_CASES + 1))
    assert len({process for process, _ in claimed.values()}) == N_PEOPLE
    assert all(some for _, some in claimed.values())
    holders = dict(store.query("SELECT id, held_by FROM \"case\" WHERE status = 'claimed'"))
    assert holders == {number: name for name, (_, some) in claimed.items() for number in some}
    told = store.query(f"SELECT case_id, actor FROM event WHERE id > {before}")
    assert len(told) == N_CASES
    assert dict(told) == holders
    assert door.verify_trail(store.url).damage == ""
    store.check()


@pytest.fixture
def three(store: OwnStore, workplace: Path) -> OwnStore:
    """A store of three cases."""
    night(store, workplace, rows(3))
    return store


def next_of(own: OwnStore, who: Asker, wanted: Wanted = ANY) -> int | None:
    found = door.claim_next(own.url, who, wanted)
    return None if found is None else found.id


def test_a_case_that_was_claimed_tells_until_when_and_is_given_to_nobody_else(
    three: OwnStore,
) -> None:
    found = door.claim_next(three.url, asker("r.one"), ANY)
    assert found is not None
    assert (found.id, found.status, found.held_by) == (1, "claimed", "r.one")
    assert found.held_until == "2023-06-30T13:00:00+00:00"
    assert found.rules == ("DEC-01",)
    assert listed(three)[0] == found
    assert next_of(three, asker("r.two", minutes=59)) == 2
    with pytest.raises(CallError, match=r"case 1 is held by r\.one until 2023-06-30T13:00:00"):
        door.claim(three.url, asker("r.two", minutes=59), 1)


def test_after_sixty_minutes_of_quiet_a_case_is_given_to_somebody_else(three: OwnStore) -> None:
    assert [next_of(three, asker("r.one")) for _ in range(4)] == [1, 2, 3, None]
    assert next_of(three, asker("r.two", minutes=59)) is None
    assert next_of(three, asker("r.two", minutes=60)) == 1
    assert case_of(three, 1)["held_by"] == "r.two"
    door.claim(three.url, asker("r.three", minutes=60), 2)
    assert case_of(three, 2)["held_by"] == "r.three"


@pytest.mark.parametrize("act", ["note", "claim", "form", "draft"])
def test_what_its_holder_does_on_a_case_renews_the_hold(three: OwnStore, act: str) -> None:
    next_of(three, asker("r.one"))
    later = asker("r.one", minutes=45)
    if act == "note":
        door.add_note(three.url, later, 1, "rang the school")
    elif act == "claim":
        door.claim(three.url, later, 1)
    elif act == "form":
        door.begin_review(three.url, later, 1)
    else:
        door.save_draft(three.url, later, 1, {"grade": "good"})
    assert case_of(three, 1)["held_until"] == "2023-06-30T13:45:00+00:00"
    with pytest.raises(CallError, match=r"held by r\.one"):
        door.claim(three.url, asker("r.two", minutes=104), 1)
    door.claim(three.url, asker("r.two", minutes=105), 1)


def test_a_note_of_somebody_else_does_not_renew_the_hold_nor_take_it(three: OwnStore) -> None:
    next_of(three, asker("r.one"))
    door.add_note(three.url, asker("r.two", minutes=45), 1, "seen at school")
    assert case_of(three, 1)["held_until"] == "2023-06-30T13:00:00+00:00"
    assert case_of(three, 1)["held_by"] == "r.one"


def test_a_case_in_review_whose_hold_ran_out_goes_on_as_somebody_elses(three: OwnStore) -> None:
    door.save_draft(three.url, asker("r.one"), 1, {"grade": "good"})
    assert next_of(three, asker("r.two", minutes=61)) == 1
    assert case_of(three, 1)["status"] == "in review"
    with pytest.raises(CallError, match=r"held by r\.two"):
        door.save_draft(three.url, asker("r.one", minutes=62), 1, {"grade": "good"})
    assert door.begin_review(three.url, asker("r.two", minutes=62), 1).answers == {}


def test_a_released_case_waits_for_anybody_and_only_its_holder_or_a_manager_releases_it(
    three: OwnStore,
) -> None:
    door.register(three.url, asker("a.admin"), "a.admin", "administrator", [])
    for name, role in {"r.one": "reviewer", "r.two": "reviewer", "m.m": "team manager"}.items():
        door.register(three.url, asker("a.admin"), name, role, [])
    next_of(three, asker("r.one"))
    with pytest.raises(CallError, match=r"case 1 is held by r\.one, not by r\.two"):
        door.release(three.url, asker("r.two"), 1)
    door.release(three.url, asker("r.one"), 1)
    assert case_of(three, 1)["status"] == "new"
    with pytest.raises(CallError, match="case 1 is new: to release it has to be claimed or in rev"):
        door.release(three.url, asker("r.one"), 1)
    assert next_of(three, asker("r.two")) == 1
    door.release(three.url, asker("m.m"), 1)
    assert case_of(three, 1)["held_by"] is None


def test_an_assigned_case_goes_first_to_its_person_and_to_nobody_else(three: OwnStore) -> None:
    assert door.assign(three.url, asker("m.manager"), [2], "r.one") == 1
    assert next_of(three, asker("r.two")) == 1
    assert next_of(three, asker("r.one")) == 2
    assert next_of(three, asker("r.one")) == 3
    assert next_of(three, asker("r.two")) is None
    assert next_of(three, asker("r.three", minutes=61)) == 1
    assert next_of(three, asker("r.three", minutes=61)) == 3
    assert next_of(three, asker("r.three", minutes=61)) is None
    assert next_of(three, asker("r.one", minutes=61)) == 2


def test_assigned_to_somebody_else_a_held_case_leaves_its_holder(three: OwnStore) -> None:
    next_of(three, asker("r.one"))
    door.assign(three.url, asker("m.manager"), [1], "r.two")
    told = case_of(three, 1)
    assert (told["status"], told["held_by"], told["assigned_to"]) == ("new", None, "r.two")
    assert next_of(three, asker("r.one")) == 2
    assert next_of(three, asker("r.two")) == 1


def test_a_case_that_waits_for_somebody_cannot_be_taken_by_its_number(three: OwnStore) -> None:
    door.register(three.url, asker("a.admin"), "a.admin", "administrator", [])
    for name, role in {"r.one": "reviewer", "r.two": "reviewer", "m.m": "team manager"}.items():
        door.register(three.url, asker("a.admin"), name, role, [])
    door.assign(three.url, asker("m.m"), [1], "r.one")
    for act in (door.claim, door.begin_review):
        with pytest.raises(CallError, match=r"case 1 waits for r\.one, to whom it was assigned"):
            act(three.url, asker("r.two"), 1)
    door.claim(three.url, asker("m.m"), 1)


def test_work_is_given_to_none_who_cannot_do_it(three: OwnStore, workplace: Path) -> None:
    night(three, workplace, [*rows(2), row("R00002", restricted="true", team="South")])
    door.register(three.url, asker("a.admin"), "a.admin", "administrator", [])
    door.register(three.url, asker("a.admin"), "m.m", "team manager", [])
    door.register(three.url, asker("a.admin"), "r.north", "reviewer", ["North"])
    door.register(three.url, asker("a.admin"), "r.gone", "reviewer", [])
    door.strike_off(three.url, asker("a.admin"), "r.gone")
    before = last_event(three)
    manager = asker("m.m", readers=["m.m"])
    for to, told in {
        "n.nobody": "nobody of that name is registered",
        "r.gone": "nobody of that name is registered",
        "a.admin": "may not work on cases",
        "r.north": r"case 3 may not be seen by r\.north",
        "": "a name is to be",
        "system:nightly": "is no name of a person",
    }.items():
        with pytest.raises(CallError, match=told):
            door.assign(three.url, manager, [1, 2, 3], to)
    assert last_event(three) == before
    assert all(case_of(three, number)["assigned_to"] is None for number in (1, 2, 3))
    assert door.assign(three.url, manager, [1, 2], "r.north") == 2


def test_of_several_cases_all_are_assigned_or_none(three: OwnStore) -> None:
    door.submit_review(three.url, asker("r.one"), 2, ANSWERS)
    with pytest.raises(CallError, match="case 2 is closed: to assign it has to be"):
        door.assign(three.url, asker("m.manager"), [1, 2, 3], "r.two")
    assert [case_of(three, number)["assigned_to"] for number in (1, 2, 3)] == [None] * 3
    assert "case assigned" not in kinds(three)


@pytest.fixture
def mixed(store: OwnStore, workplace: Path) -> OwnStore:
    """Cases of several teams and kinds: 1 to 3 of the North, 4 restricted, 5 and 6 of others."""
    late = {"decision_at": "2023-06-26", "risk_rating": "red", "threshold_level": "3"}
    referrals = [
        row("R00"), row("R01", **late), row("R02"), row("R03", restricted="true"),
        row("R04", team="South"), row("R05", team=""),
    ]  # fmt: skip
    night(store, workplace, referrals)
    return store


def numbers(own: OwnStore) -> dict[str, int]:
    return {name: number for number, name in own.query('SELECT id, referral_id FROM "case"')}


FILTERS = {
    "team": (Wanted(teams=("South",)), ["R04"]),
    "two teams": (Wanted(teams=("South", "North")), ["R00", "R02", "R04", "R01"]),
    "severity": (Wanted(severities=("high", "medium", "low")), ["R01"]),
    "severity and team": (Wanted(severities=("critical",), teams=("North",)), ["R00", "R02"]),
    "rule": (Wanted(rule="DEC-02"), ["R01"]),
    "status": (Wanted(statuses=("claimed",)), []),
    "closed": (Wanted(statuses=("closed",)), []),
    "subject": (Wanted(subject="contact"), []),
    "overdue": (Wanted(is_overdue=True), []),
    "put off": (Wanted(snoozed=True), []),
    "of somebody else": (Wanted(assigned_to="r.other"), []),
    "held": (Wanted(held_by="r.other"), []),
    "any": (ANY, ["R00", "R02", "R04", "R05", "R01"]),
}


@pytest.mark.parametrize(("wanted", "expected"), FILTERS.values(), ids=FILTERS)
def test_only_what_the_filter_names_is_given_in_the_order_of_work(
    mixed: OwnStore, wanted: Wanted, expected: list[str]
) -> None:
    known = numbers(mixed)
    given = [next_of(mixed, asker("r.one"), wanted) for _ in range(len(expected) + 1)]
    assert given == [*(known[name] for name in expected), None]


def test_what_is_put_off_is_given_on_its_day_and_not_before(
    mixed: OwnStore, workplace: Path
) -> None:
    known, south = numbers(mixed), Wanted(teams=("South",))
    door.snooze(mixed.url, asker("m.m"), [known["R04"]], AS_OF + dt.timedelta(days=3), "court")
    assert next_of(mixed, asker("r.one"), south) is None
    night(mixed, workplace, [row("R04", team="South")], AS_OF + dt.timedelta(days=2))
    assert next_of(mixed, asker("r.one"), south) is None
    night(mixed, workplace, [row("R04", team="South")], AS_OF + dt.timedelta(days=3))
    assert next_of(mixed, asker("r.one"), south) == known["R04"]


def test_restricted_cases_and_those_of_other_teams_are_never_given(mixed: OwnStore) -> None:
    door.register(mixed.url, asker("a.admin"), "a.admin", "administrator", [])
    door.register(mixed.url, asker("a.admin"), "r.south", "reviewer", ["South", "East"])
    door.register(mixed.url, asker("a.admin"), "r.all", "reviewer", [])
    known = numbers(mixed)
    assert [next_of(mixed, asker("r.south")) for _ in range(2)] == [known["R04"], None]
    assert next_of(mixed, asker("r.south"), Wanted(teams=("North",))) is None
    rest = [next_of(mixed, asker("r.all")) for _ in range(5)]
    assert rest == [known["R00"], known["R02"], known["R05"], known["R01"], None]
    reader = asker("r.all", readers=["r.all"])
    assert [next_of(mixed, reader) for _ in range(2)] == [known["R03"], None]


def test_a_boosted_case_is_given_first(mixed: OwnStore) -> None:
    door.boost(mixed.url, asker("m.m"), numbers(mixed)["R01"], "complaint received")
    assert next_of(mixed, asker("r.one")) == numbers(mixed)["R01"]


def test_a_claim_adds_one_event_with_until_when(three: OwnStore) -> None:
    before = last_event(three)
    next_of(three, asker("r.one"))
    assert three.query(f"SELECT kind, actor, case_id, detail FROM event WHERE id > {before}") == [
        ("case claimed", "r.one", 1, '{"until":"2023-06-30T13:00:00+00:00"}')
    ]
    for _ in range(3):
        next_of(three, asker("r.two"), Wanted(teams=("Nowhere",)))
    assert last_event(three) == before + 1
