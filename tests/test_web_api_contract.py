"""The interface for programs is as its description says, whatever is sent and whoever asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
import schemathesis
from api_helpers import Program, add_tokens, problem
from hypothesis import HealthCheck, Phase, given, settings
from limits import parse
from schemathesis import Case, GenerationMode
from schemathesis.checks import negative_data_rejection, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from stores import ON_SQLITE, NewStore
from web_helpers import ROLES, add_people, site_of
from work_helpers import ANSWERS, asker, night, row, rows, to_do

from triage import store as door
from triage.rights import Viewer
from triage.web import limits
from triage.web.access import NEEDS, may_come
from triage.web.api.door import description, routes

ASKERS = ("a.admin", "a.auditor", "m.manager", "r.reviewer")
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip
METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
NEVER_WRONG = {"api_me", "api_openapi", "api_rules", "api_rule"}
"""What takes nothing that could be sent otherwise than described."""
_N_CASES = 9
_NAMED = {"rule_id": "DEC-01", "name": "n.north"}


@lru_cache(maxsize=1)
def operations() -> dict[str, Any]:
    """Return every operation of the description, by its name."""
    told = {**description(), "security": []}
    schema = schemathesis.openapi.from_dict(told)
    found = [one.ok() for one in schema.get_all_operations()]
    return {one.definition.raw["operationId"]: one for one in found}


def names() -> list[str]:
    return sorted(one.name for one in routes())


@pytest.fixture(scope="module")
def programs(
    new_store: NewStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Program]]:
    """A program of each role at a store of cases in every status."""
    folder = tmp_path_factory.mktemp("contract")
    with new_store(folder) as own, pytest.MonkeyPatch.context() as patch:
        patch.setitem(limits.MOST, "program", parse("1000000/minute"))
        night(own, folder, [*rows(5), row("S1", team="South"), row("S2", restricted="true")])
        actions = {"actions": [to_do(), to_do("feedback")]}
        for case_id in (2, 3):
            door.submit_review(own.url, asker("r.first"), case_id, ANSWERS | actions)
        door.ask_for_second(own.url, asker("m.first"), 3, "a complaint")
        plan = {"child_id": None, "team": "South", "owner": None, "until": asker().today}
        door.add_exception(own.url, asker("m.first"), "DEC-01", **plan, why="kept elsewhere")
        night(own, folder, [*rows(6), row("S1", team="South")], as_of=asker().today)
        add_people(own)
        add_tokens(own)
        site = site_of(own)
        yield {name: Program(site, name) for name in ASKERS}


def hold(name: str, mode: GenerationMode, programs: list[Program]) -> None:
    """Make up some requests of an operation, and hold the answers to the description."""

    @settings(
        max_examples=3, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
    )  # fmt: skip
    @given(operations()[name].as_strategy(generation_mode=mode))
    def each(case: Case) -> None:
        checks = list(CHECKS)
        if mode == GenerationMode.NEGATIVE:
            checks.append(negative_data_rejection)
        else:
            # What is named in an address is mostly there.
            for key, value in case.path_parameters.items():
                is_number = isinstance(value, int)
                case.path_parameters[key] = value % _N_CASES + 1 if is_number else _NAMED[key]
        asked = case.as_transport_kwargs(base_url="http://127.0.0.1")
        asked.pop("cookies", None)
        if isinstance(asked.get("data"), bytes | str):
            asked["content"] = asked.pop("data")
        for program in programs:
            answer = program.client.request(**asked)
            assert answer.status_code != 401, answer.text
            case.validate_response(answer, checks=checks)

    each()


@pytest.mark.parametrize("name", names())
def test_what_is_sent_as_described_is_answered_as_described_to_each_role(
    programs: dict[str, Program], name: str
) -> None:
    hold(name, GenerationMode.POSITIVE, list(programs.values()))


@ON_SQLITE
@pytest.mark.parametrize("name", [name for name in names() if name not in NEVER_WRONG])
def test_what_is_sent_otherwise_is_refused_as_described(
    programs: dict[str, Program], name: str
) -> None:
    hold(name, GenerationMode.NEGATIVE, [programs[who_may(name)]])


def who_may(name: str) -> str:
    """Return somebody who may come to a route."""
    need = NEEDS[name]
    return next(
        one
        for one in ASKERS
        if may_come(need, Viewer(one, ROLES[one][0]))  # type: ignore[arg-type]
    )


def test_a_method_that_an_address_does_not_know_is_refused_and_those_it_knows_are_named(
    programs: dict[str, Program],
) -> None:
    known: dict[str, set[str]] = {}
    for one in routes():
        known.setdefault(one.path_format, set()).update(one.methods or ())
    for path, methods in known.items():
        address = re.sub(r"\{[^}]+\}", "1", path)
        for method in METHODS - methods:
            answer = programs["a.admin"].client.request(method, address)
            assert answer.status_code == 405, (method, address)
            assert set(answer.headers["allow"].split(", ")) >= methods
            if method != "HEAD":
                problem(answer, 405)


def test_the_description_names_the_routes_for_programs_and_no_others() -> None:
    told = description()
    found = {
        one["operationId"]: one for methods in told["paths"].values() for one in methods.values()
    }
    assert set(found) == {name for name in NEEDS if name.startswith("api_")}
    assert told["openapi"].startswith("3.1")
    assert told["security"] == [{"bearer": []}]
    assert told["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for name, one in found.items():
        is_read = name in {route.name for route in routes() if route.methods == {"GET"}}
        errors = {"401", "403", "404", "413", "422", "429", "503"}
        assert errors | (set() if is_read else {"409", "415"}) <= set(one["responses"])
        assert one["summary"]
        assert one["description"]
        named = {parameter["name"] for parameter in one.get("parameters", ())}
        assert ("Idempotency-Key" in named) == (not is_read)
