"""The interface for programs is as its description says, whatever is sent and whoever asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
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
from stores import OwnStore, in_a_file, on_a_server
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


Programs = dict[str, dict[str, Program]]
"""A program of each role, by store and name."""


@pytest.fixture(scope="module")
def programs(council_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """Programs at a store of each kind, where cases stand in every status."""
    folder = tmp_path_factory.mktemp("contract")
    with (
        in_a_file(folder) as file,
        on_a_server(council_url) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setitem(limits.MOST, "program", parse("1000000/minute"))
        yield {own.kind: programs_at(own, folder) for own in (file, server)}


def programs_at(own: OwnStore, folder: Path) -> dict[str, Program]:
    night(own, folder, [*rows(5), row("S1", team="South"), row("S2", restricted="true")])
    actions = {"actions": [to_do(), to_do("feedback")]}
    for case_id in (2, 3):
        door.submit_review(own.url, asker("r.first"), case_id, ANSWERS | actions)
    manager, why = asker("m.first"), "a complaint"
    door.ask_for_second(own.url, manager, 3, why)
    door.close(own.url, manager, [4], why)
    day = asker().today
    door.add_exception(
        own.url, manager, "DEC-01", child_id=None, team="South", owner=None, until=day, why=why
    )
    night(own, folder, [*rows(6), row("S1", team="South")], day)
    add_people(own)
    add_tokens(own)
    site = site_of(own)
    return {name: Program(site, name) for name in ASKERS}


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
    programs: Programs, name: str
) -> None:
    on_server = programs["postgresql"][who_may(name)]
    hold(name, GenerationMode.POSITIVE, [*programs["sqlite"].values(), on_server])


@pytest.mark.parametrize("name", [name for name in names() if name not in NEVER_WRONG])
def test_what_is_sent_otherwise_is_refused_as_described(programs: Programs, name: str) -> None:
    hold(name, GenerationMode.NEGATIVE, [programs["sqlite"][who_may(name)]])


def who_may(name: str) -> str:
    """Return somebody who may come to a route."""
    need = NEEDS[name]
    return next(
        one
        for one in ASKERS
        if may_come(need, Viewer(one, ROLES[one][0]))  # type: ignore[arg-type]
    )


def test_a_method_that_an_address_does_not_know_is_refused_and_those_it_knows_are_named(
    programs: Programs,
) -> None:
    for path in {one.path_format for one in routes()}:
        address = re.sub(r"\{[^}]+\}", "1", path)
        here = [one.methods or set() for one in routes() if one.path_regex.match(address)]
        known = {method for some in here for method in some}
        # Whatever can be read can be asked about by HEAD.
        for method in METHODS - known - ({"HEAD"} if "GET" in known else set()):
            answer = programs["sqlite"]["a.admin"].client.request(method, address)
            assert answer.status_code == 405, (method, address)
            assert set(answer.headers["allow"].split(", ")) == known
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
