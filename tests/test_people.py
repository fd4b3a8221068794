"""People: who is registered as what, by the store and by the commands, until struck off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Triage
from stores import OwnStore
from work_helpers import asker, night, row

from triage import store as door
from triage.errors import CallError
from triage.rights import Person, Viewer, viewer
from triage.store import Wanted


def test_a_person_is_known_by_name_role_and_teams_until_struck_off() -> None:
    people = [Person("r.r", "reviewer", ("North",)), Person("g.gone", "auditor", is_active=False)]
    found = viewer("r.r", people, ["r.r"])
    assert (found.role, found.teams, found.sees_restricted) == ("reviewer", {"North"}, True)
    for name in ("g.gone", "R.R", "", "r.r "):
        with pytest.raises(CallError, match="nobody of that name is registered"):
            viewer(name, people, [])
    assert viewer(None, [], []) == Viewer("")


def test_the_first_registered_and_the_last_left_is_an_administrator(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("R0")])
    admin = asker("a.admin")
    with pytest.raises(CallError, match="register an administrator first"):
        door.register(store.url, admin, "r.r", "reviewer", [])
    door.register(store.url, admin, "a.admin", "administrator", [])
    door.register(store.url, admin, "r.r", "reviewer", [])
    with pytest.raises(CallError, match="somebody has to administer the store"):
        door.strike_off(store.url, admin, "a.admin")
    with pytest.raises(CallError, match="somebody has to administer the store"):
        door.register(store.url, admin, "a.admin", "reviewer", [])
    with pytest.raises(CallError, match="'boss' is no role; known are reviewer, team manager"):
        door.register(store.url, admin, "b.boss", "boss", [])
    with pytest.raises(CallError, match=r"nobody of the name n\.nobody is registered"):
        door.strike_off(store.url, admin, "n.nobody")
    door.strike_off(store.url, admin, "r.r")
    with pytest.raises(CallError, match="nobody of that name is registered"):
        door.claim_next(store.url, asker("r.r"), Wanted())
    door.register(store.url, admin, "r.r", "team manager", ["South"])
    assert {one.name: (one.role, one.teams, one.is_active) for one in door.people(store.url)} == {
        "a.admin": ("administrator", (), True), "r.r": ("team manager", ("South",), True),
    }  # fmt: skip


def test_the_commands_register_list_and_remove_people(
    store: OwnStore, triage: Triage, workplace: Path
) -> None:
    night(store, workplace, [row("R0")])
    as_admin = ("--as", "a.admin")
    add = ("people", "add", "a.admin", "--role", "administrator")
    assert triage(*add)[0] == 2
    assert triage(*add, *as_admin)[1] == "a.admin is registered as administrator, for all teams.\n"
    code, out, _ = triage(
        "people", "add", "r.r", "--role", "reviewer", "--team", "North", "--team", "East", *as_admin
    )
    assert (code, out) == (0, "r.r is registered as reviewer, for North, East.\n")
    assert [one["name"] for one in json.loads(triage("people", "list", "--format", "json")[1])] == [
        "a.admin", "r.r",
    ]  # fmt: skip
    assert "North" in triage("people", "list")[1]
    code, _, err = triage("queue", "claim-next", *as_admin)
    assert (code, err) == (
        2,
        "triage: as an administrator a.admin may not work on cases; that is for a reviewer and "
        "a team manager.\n",
    )
    assert triage("queue", "claim-next", "--as", "r.r")[0] == 0
    assert triage("people", "remove", "r.r", *as_admin)[0] == 0
    assert triage("queue", "claim-next", "--as", "r.r")[0] == 2
