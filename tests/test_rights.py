"""Who may do what, and see which cases: every act by every role, at every door of the store."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from stores import NewStore, OwnStore
from work_helpers import ANSWERS, AS_OF, EVERY, asker, last_event, listed, night, row, to_do

from triage import rights
from triage import store as door
from triage.errors import CallError
from triage.letting_go import Times
from triage.pseudonyms import Key
from triage.rights import ROLES, Viewer
from triage.store import TrailAsked, Wanted

RIGHTS: dict[str, set[str]] = {
    "see cases": {"reviewer", "team manager", "auditor"},
    "work on cases": {"reviewer", "team manager"},
    "review": {"reviewer", "team manager"},
    "manage cases": {"team manager"},
    "see the trail": {"auditor"},
    "export": {"auditor"},
    "make reports": {"team manager", "auditor"},
    "manage people": {"administrator"},
    "see samples": {"team manager", "auditor"},
    "compare reviewers": {"team manager", "auditor"},
    "let go of data": {"administrator"},
}
"""Who may do each thing, once anybody is registered."""
NEXT_WEEK = AS_OF + dt.timedelta(days=7)
WORDS = {"why": "because"}
ONE, SOME = {"case_id": 1}, {"cases": [1]}

DOORS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "cases": (None, {"wanted": EVERY}),
    "check_seen": (None, ONE),
    "cases_after": (None, {"wanted": EVERY, "limit": 5}),
    "matching": (None, {"wanted": EVERY}),
    "due_items": (None, {}),
    "one_case": (None, ONE),
    "listed_case": (None, ONE),
    "cases_named": (None, {"name": "R0"}),
    "case_numbers": (None, {"referrals": [("PR0", "R0")]}),
    "teams_seen": (None, {}),
    "workers": ("manage cases", {}),
    "export_queue": ("export", {"wanted": EVERY}),
    "reviews_of": (None, ONE),
    "actions_of": (None, {}),
    "one_action": (None, {"number": 1}),
    "claim_next": ("work on cases", {"wanted": Wanted()}),
    "claim": ("work on cases", ONE),
    "release": ("work on cases", ONE),
    "add_note": ("work on cases", ONE | {"text": "rang the school"}),
    "finish_action": ("work on cases", {"number": 1, "done_on": AS_OF, "evidence": "seen"}),
    "hand_over_action": ("work on cases", {"number": 1, "to": "Early Help"} | WORDS),
    "begin_review": ("review", ONE),
    "review_desk": ("review", ONE),
    "standing_review": ("review", ONE),
    "save_draft": ("review", ONE | {"answers": {}}),
    "submit_review": ("review", ONE | {"answers": ANSWERS}),
    "supersede_review": ("review", ONE | {"answers": ANSWERS} | WORDS),
    "assign": ("manage cases", SOME | {"to": "reviewer"}),
    "close": ("manage cases", SOME | WORDS),
    "reopen": ("manage cases", ONE | WORDS),
    "snooze": ("manage cases", SOME | {"until": NEXT_WEEK} | WORDS),
    "boost": ("manage cases", ONE | WORDS),
    "audit_log": ("see the trail", {}),
    "trail_page": ("see the trail", {"asked": TrailAsked(), "limit": 10}),
    "begin_trail_export": ("see the trail", {"asked": TrailAsked(), "form": "csv"}),
    "teams_known": ("manage people", {}),
    "listed_runs": ("see cases", {"limit": 10}),
    "one_run": ("see cases", {"number": 1}),
    "last_counts": ("see cases", {}),
    "firing_of": ("see cases", {"rule": "DEC-01", "text_hash": "", "limit": 10}),
    "uses_of_rule": ("see cases", {"rule": "DEC-01"}),
    "open_flags": (None, {}),
    "read_rejections": ("make reports", {"number": 1}),
    "keep_opened": ("make reports", {"told": {}}),
    "register": ("manage people", {"name": "n.new", "role": "reviewer", "teams": []}),
    "strike_off": ("manage people", {"name": "n.new"}),
    "past_its_time": ("let go of data", {"times": Times()}),
    "let_go": ("let go of data", {"times": Times()}),
    "erasure_of": ("let go of data", {"child_id": "nobody's"}),
    "erase_child": ("let go of data", {"child_id": "nobody's"} | WORDS),
    "records_of": ("make reports", {}),
    "keep_made": ("make reports", {"name": "rules", "told": {}}),
    "accounts": ("manage people", {}),
    "keep_password": ("manage people", {"name": "n.new", "password": "a hash"}),
    "revoke_sessions": ("manage people", {"name": "n.new"}),
    "sessions": (None, {}),
    "end_session": (None, {"token": "shown by no browser"}),
    "save_filter": (None, {"title": "mine", "asked": "team=North"}),
    "saved_filters": (None, {}),
    "drop_filter": (None, {"number": 1}),
    "tokens": ("manage people", {}),
    "revoke_token": ("manage people", {"number": 1}),
    "cases_behind": ("export", {"pseudonym": "case-0", "key": Key(b"0123456789" * 4)} | WORDS),
}
"""What somebody can ask of the store: the right it takes (None: what is told is what they may see),
and how it is asked."""
ELSEWHERE = {
    "add_exception", "ask_for_second", "back_up", "begin_second", "begin_session", "check_asker",
    "draw_sample", "make_token", "token_of",
    "end_exception", "exceptions", "export_data", "hidden_cases", "history_of", "move", "restore",
    "runs_beside", "samples", "save_second_draft", "second_differences", "second_list",
    "second_pairs", "see_first_answers", "settle_second", "submit_second", "teams_shown",
    "upgrade_store", "withdraw_second",
    "begin_moderation", "second_desk",
    "exported_events",
}  # fmt: skip
"""Doors of which the tests of exceptions, samples, second reviews, histories, upkeep, exports and
of signing in tell."""


def test_every_right_of_every_role_is_as_the_table_has_it() -> None:
    assert set(RIGHTS) == set(get_args(rights.Act))
    for act, roles in RIGHTS.items():
        assert {role for role in ROLES if Viewer("x", role).may(act)} == roles  # type: ignore[arg-type]
        assert Viewer("x").may(act)  # type: ignore[arg-type]


def test_every_door_of_the_store_that_somebody_asks_at_has_a_row() -> None:
    asked = {
        name
        for name in door.__all__
        if inspect.isfunction(found := getattr(door, name))
        and "asker" in inspect.signature(found).parameters
    }
    assert asked == set(DOORS) | ELSEWHERE
    assert not set(DOORS) & ELSEWHERE


@pytest.fixture(scope="module")
def staffed(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStore]:
    """A store of one case, where one of each role is registered under the role's name."""
    folder = tmp_path_factory.mktemp("staffed")
    with new_store(folder) as own:
        night(own, folder, [row("R0")])
        for role in sorted(ROLES):
            name = role.replace(" ", ".")
            door.register(own.url, asker("administrator"), name, role, [])
        yield own


def answer(own: OwnStore, name: str, who: str | None) -> str:
    """Ask at a door; return what was said against it, or nothing."""
    _, asked = DOORS[name]
    try:
        getattr(door, name)(own.url, asker(who), **asked)
    except CallError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", DOORS)
def test_at_each_door_only_the_roles_that_may_are_let_in(staffed: OwnStore, name: str) -> None:
    act, _ = DOORS[name]
    for role in ROLES:
        before = last_event(staffed)
        said = answer(staffed, name, role.replace(" ", "."))
        assert (f"may not {act}" in said) == (act is not None and role not in RIGHTS[str(act)])
        assert (last_event(staffed) == before) or not said


@pytest.mark.parametrize("name", DOORS)
def test_where_people_are_registered_nobody_else_is_let_in(staffed: OwnStore, name: str) -> None:
    before = last_event(staffed)
    assert "--as n.nobody: nobody of that name is registered" in answer(staffed, name, "n.nobody")
    assert "with --as NAME" in answer(staffed, name, None)
    for who in ("system:nightly", "account:root", "\x1b[2J", "x" * 201, " "):
        assert " name" in answer(staffed, name, who)
    assert last_event(staffed) == before


def test_where_nobody_is_registered_everybody_may_do_everything(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("R0")])
    for name in DOORS:
        assert "may not" not in answer(store, name, "a.anybody")
    for who in ("system:nightly", "account:root", "\x1b[2J", "x" * 201):
        with pytest.raises(CallError, match="name"):
            door.claim_next(store.url, asker(who), Wanted())
        with pytest.raises(CallError, match="name"):
            door.one_case(store.url, asker(who), 1)


TEAMS = {1: "North", 2: "South", 3: "", 4: "North", 5: "South"}
RESTRICTED = {4, 5}
READERS = ("r.reader", "a.reader")
PEOPLE: dict[str, tuple[str, list[str], set[int]]] = {
    "a.admin": ("administrator", [], set()),
    "r.all": ("reviewer", [], {1, 2, 3}),
    "r.north": ("reviewer", ["North"], {1}),
    "r.both": ("reviewer", ["North", "South", "East"], {1, 2}),
    "r.reader": ("reviewer", ["North"], {1, 4}),
    "m.south": ("team manager", ["South"], {2}),
    "a.auditor": ("auditor", ["North"], {1, 2, 3}),
    "a.reader": ("auditor", [], {1, 2, 3, 4, 5}),
}
"""Somebody's role and teams, and the cases that they may see."""
ASKED = pytest.mark.parametrize("name", PEOPLE)


@pytest.fixture(scope="module")
def peopled(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStore]:
    """A store of five cases of several teams, each reviewed and with an action to be done."""
    folder = tmp_path_factory.mktemp("peopled")
    with new_store(folder) as own:
        night(own, folder, [
            row(f"R{number}", team=team, restricted="true" if number in RESTRICTED else "")
            for number, team in TEAMS.items()
        ])  # fmt: skip
        for number in TEAMS:
            who = asker("r.before", readers=["r.before"])
            door.submit_review(own.url, who, number, ANSWERS | {"actions": [to_do()]})
        for name, (role, teams, _) in PEOPLE.items():
            door.register(own.url, asker("a.admin"), name, role, teams)
        yield own


def seen_by(name: str) -> set[int]:
    return PEOPLE[name][2]


@ASKED
def test_lists_and_counts_are_of_the_cases_that_somebody_sees(peopled: OwnStore, name: str) -> None:
    who = asker(name, readers=READERS)
    found = door.cases(peopled.url, who, EVERY)
    assert {case.id for case in found.cases} == seen_by(name)
    assert found.n == len(seen_by(name))
    assert set(door.matching(peopled.url, who, EVERY)) == seen_by(name)
    for team in {*TEAMS.values(), "East"} - {""}:
        asked = Wanted(statuses=EVERY.statuses, teams=(team,))
        of_team = {number for number in seen_by(name) if TEAMS[number] == team}
        assert {case.id for case in listed(peopled, who, asked)} == of_team
        assert door.cases(peopled.url, who, asked).n == len(of_team)
        assert set(door.matching(peopled.url, who, asked)) == of_team


@ASKED
def test_a_case_that_somebody_may_not_see_is_not_there_for_them(
    peopled: OwnStore, name: str
) -> None:
    who = asker(name, readers=READERS)
    for number in TEAMS:
        for ask in (door.one_case, door.reviews_of):
            before = last_event(peopled)
            if number in seen_by(name):
                ask(peopled.url, who, number)
                assert last_event(peopled) == before + 1
                continue
            with pytest.raises(CallError, match=f"^there is no case {number};"):
                ask(peopled.url, who, number)
            assert last_event(peopled) == before


@ASKED
def test_remedial_actions_are_listed_and_settled_only_of_cases_that_somebody_sees(
    peopled: OwnStore, name: str
) -> None:
    who = asker(name, readers=READERS)
    found = door.actions_of(peopled.url, who)
    assert {one.case for one in found} == seen_by(name)
    for one in TEAMS:
        assert len(door.actions_of(peopled.url, who, case_id=one)) == (one in seen_by(name))
    if PEOPLE[name][0] not in RIGHTS["work on cases"]:
        return
    for number, case_id in peopled.query("SELECT id, case_id FROM remedial_action"):
        if case_id not in seen_by(name):
            with pytest.raises(CallError, match=f"there is no remedial action {number}"):
                door.finish_action(peopled.url, who, number, AS_OF, "seen")


@ASKED
def test_nothing_is_done_to_a_case_that_somebody_may_not_see(peopled: OwnStore, name: str) -> None:
    who, before = asker(name, readers=READERS), last_event(peopled)
    role = PEOPLE[name][0]
    hidden = [number for number in TEAMS if number not in seen_by(name)]
    for ask, (act, asked) in DOORS.items():
        if act in (None, "manage people", "see the trail") or not {"case_id", "cases"} & set(asked):
            continue
        if role not in RIGHTS[str(act)]:
            continue
        for number in hidden:
            which = {"case_id": number} if "case_id" in asked else {"cases": [number]}
            said = asked | which | ({"to": "r.all"} if "to" in asked else {})
            with pytest.raises(CallError, match=f"there is no case {number};"):
                getattr(door, ask)(peopled.url, who, **said)
    assert last_event(peopled) == before


def test_one_case_that_may_not_be_seen_stops_what_is_done_to_many(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("R1"), row("R2", team="South"), row("R3")])
    for name, (role, teams, _) in PEOPLE.items():
        door.register(store.url, asker("a.admin"), name, role, teams)
    door.register(store.url, asker("a.admin"), "m.north", "team manager", ["North"])
    before = store.rows("case", "note", "event")
    manager = asker("m.north")
    for act in (door.close, door.assign):
        with pytest.raises(CallError, match="there is no case 2;"):
            act(store.url, manager, [1, 2, 3], "r.all")
    with pytest.raises(CallError, match="there is no case 2;"):
        door.snooze(store.url, manager, [1, 2, 3], NEXT_WEEK, "court")
    assert store.rows("case", "note", "event") == before
    assert door.close(store.url, manager, door.matching(store.url, manager, Wanted()), "done") == 2


@ASKED
def test_what_falls_due_is_told_of_the_cases_that_somebody_sees(
    store: OwnStore, workplace: Path, name: str
) -> None:
    marks = {number: "true" if number in RESTRICTED else "" for number in TEAMS}
    night(store, workplace, [
        row(f"R{number}", team=team, restricted=marks[number], referral_date=AS_OF.isoformat())
        for number, team in TEAMS.items()
    ])  # fmt: skip
    for person, (role, teams, _) in PEOPLE.items():
        door.register(store.url, asker("a.admin"), person, role, teams)
    _, found = door.due_items(store.url, asker(name, readers=READERS))
    assert {int(one.referral_id[1:]) for one in found} == seen_by(name)
    assert bool(found) == bool(seen_by(name))


def test_the_other_referrals_of_a_child_are_told_of_without_the_cases_one_may_not_see(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [
        row("R1", child_id="P"), row("R2", child_id="P", team="South", referral_date="2023-06-21"),
        row("R3", child_id="P", restricted="true", referral_date="2023-06-22"),
    ])  # fmt: skip
    for name, (role, teams, _) in PEOPLE.items():
        door.register(store.url, asker("a.admin"), name, role, teams)
    told = door.one_case(store.url, asker("r.north"), 1).timeline
    assert [(one.referral["referral_id"], one.case_id, one.flags) for one in told] == [
        ("R1", 1, ("DEC-01",)), ("R2", None, ()),
    ]  # fmt: skip
