"""The pages name every command, setting, column, rule and fact there is."""

from __future__ import annotations

import re
import tomllib

import click
import pytest
from conftest import REPOSITORY, Triage

from triage.cli import cli
from triage.documenting import written_page
from triage.facts import FACTS, Fact
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.rules import Rule
from triage.schema import COLUMNS
from triage.schema_nights import STORE_COLUMNS
from triage.settings import ENVIRONMENT, Settings
from triage.sources.folder import BESIDE, CONTACT_COLUMNS

README = (REPOSITORY / "README.md").read_text("utf-8")
RULES_PAGE = (REPOSITORY / "rules" / "README.md").read_text("utf-8")
SAMPLE_PAGE = (REPOSITORY / "sample_data" / "README.md").read_text("utf-8")


def paths(group: click.Group, above: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        words = f"{above} {name}".strip()
        if isinstance(command, click.Group):
            found += paths(command, words)
        else:
            found.append(words)
    return found


@pytest.mark.parametrize("words", paths(cli))
def test_the_pages_name_every_command(words: str) -> None:
    assert f"triage {words}" in README + RULES_PAGE


@pytest.mark.parametrize("name", [*Settings.model_fields, *ENVIRONMENT])
def test_the_readme_names_every_setting(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", COLUMNS)
def test_the_sample_page_says_what_every_column_means(name: str) -> None:
    required = " (required)" if COLUMNS[name].required else ""
    assert f"| `{name}` | {COLUMNS[name].meaning}{required} |" in SAMPLE_PAGE


@pytest.mark.parametrize("name", BESIDE)
def test_the_sample_page_names_every_table_and_its_columns(name: str) -> None:
    named = dict.fromkeys((*BESIDE[name].carries, *BESIDE[name].keeps))
    columns = ", ".join(f"`{column}`" for column in named)
    assert f"| `{name}` | {columns} |" in SAMPLE_PAGE


@pytest.mark.parametrize("rule", load_rules(shipped("rules")).rules, ids=lambda rule: rule.id)
def test_the_rules_page_lists_every_rule(rule: Rule) -> None:
    row = next(line for line in RULES_PAGE.splitlines() if line.startswith(f"| [{rule.id}]"))
    assert f"| {rule.about.title} | {rule.severity} |" in row


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_the_rules_page_says_what_every_fact_is(fact: Fact) -> None:
    assert f"| `{fact.name}` | {fact.kind} | {fact.unit} | {fact.meaning} |" in RULES_PAGE


def test_the_catalogue_beside_the_rules_is_up_to_date() -> None:
    path, before, after = written_page(shipped("rules"))
    assert before == after, f"{path} is stale: run `triage rules docs`"


def test_every_rule_flags_somebody_in_the_invented_council_but_those_of_many_nights() -> None:
    rules = load_rules(shipped("rules"))
    of_nights = {rule.id for rule in rules.rules if rules.columns(rule.id) & {*STORE_COLUMNS}}
    rows = [line for line in RULES_PAGE.splitlines() if line.startswith("| [")]
    never = {row[3:].partition("]")[0] for row in rows if row.rstrip(" |").endswith(" 0")}
    assert never == of_nights


def test_the_readme_shows_what_the_demo_prints(triage: Triage) -> None:
    code, out, _ = triage("demo", "--into", "shown")
    assert code == 0
    shown = README[README.index("Run 1 stored.") :].split("```")[0].splitlines()
    printed = [line.rstrip() for line in out.splitlines()]
    assert [line for line in shown if line not in printed] == []


def test_the_sample_page_names_the_columns_of_contacts() -> None:
    columns = ", ".join(f"`{column}`" for column in CONTACT_COLUMNS)
    assert f"| `contacts` | {columns} |" in SAMPLE_PAGE


def test_every_dependency_is_explained_and_has_a_lower_bound() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    table = README[README.index("| dependency |") :].casefold()
    for requirement in project["dependencies"]:
        name = re.match(r"[\w-]+", requirement)
        assert name is not None
        assert ">=" in requirement
        assert name.group().casefold() in table
    for requirement in project["optional-dependencies"]["dev"]:
        assert ">=" in requirement
