"""The same children in every form give the same outcome of every rule, where the form can tell.

The folder of tables carries every column, so each other form is held against it. What a form cannot
tell is named in ``form_differences.py``; anything else is a wrong reading.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import REPOSITORY, Triage
from form_differences import SSD, UNTOLD, Key, Record, Untold

from triage import forms as made
from triage.calendar import to_day
from triage.judging import OUTCOMES
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Judgement, Options, Run
from triage.sample import Council, make_council, writers
from triage.sample.writers_ssd import write_ssd
from triage.schema_nights import STORE_COLUMNS
from triage.vocabulary import CANNOT_TELL, FLAG

RULES = load_rules(shipped("rules")).live()
AS_OF = dt.date(2026, 9, 30)
OPTIONS = Options(AS_OF, None, dt.date(2024, 9, 30))
FOLDER = "folder"
OTHERS = ("table", "cin", "annex_a", "ssd_sqlite", "ssd_postgresql")
NAMES = {
    "table": "referral table",
    "folder": "folder of tables",
    "cin": "CIN census",
    "annex_a": "Annex A",
    "ssd_sqlite": "SSD database",
}
"""What each form is called in the table of forms."""


@pytest.fixture(scope="module")
def council() -> Council:
    return make_council(600, seed=5, as_of=AS_OF, months=24, dirty=False)


@pytest.fixture(scope="module")
def records(council: Council) -> dict[Key, Record]:
    """Every referral of the council by child and day."""
    registered = council.allocations.groupby("referral_id")["worker_is_registered"].apply(tuple)
    rows = council.referrals.sort_values("referral_date").to_dict("records")
    found: dict[Key, Record] = {}
    by_child: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        cells = {str(name): str(cell) for name, cell in row.items()}
        earlier = by_child.setdefault(cells["child_id"], [])
        day = to_day(dt.date.fromisoformat(cells["referral_date"][:10]))
        found[cells["child_id"], day] = Record(
            cells, tuple(earlier), registered.get(cells["referral_id"], ())
        )
        earlier.append(cells)
    assert len(found) == 600
    return found


@pytest.fixture(scope="module")
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """A database of this module's own."""
    name = f"forms_{uuid.uuid4().hex}"
    url = sa.make_url(postgresql_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"create database {name}"))
    plain = url.set(drivername="postgresql", database=name)
    yield plain.render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text(f"drop database {name} with (force)"))


@pytest.fixture(scope="module")
def run_of(
    council: Council, tmp_path_factory: pytest.TempPathFactory, postgresql_database: str
) -> Callable[[str], Run]:
    """What the rules say of the council written in a form."""
    folder = tmp_path_factory.mktemp("forms")

    def written(form: str) -> str:
        match form:
            case "annex_a":
                writers.write_annex_a(council, folder / "whole_annex_a.xlsx", months=None)
                return str(folder / "whole_annex_a.xlsx")
            case "ssd_postgresql":
                write_ssd(council, postgresql_database)
                return postgresql_database
            case _:
                return made.FORMS[NAMES[form]](council, folder)

    return cache(lambda form: check([written(form)], RULES, OPTIONS))


Said = Callable[[str], dict[str, dict[Key, str]]]


@pytest.fixture(scope="module")
def said(run_of: Callable[[str], Run]) -> Said:
    """The outcome of every rule on every referral of a form."""
    return cache(lambda form: outcomes(run_of(form).referrals))


def outcomes(judgement: Judgement) -> dict[str, dict[Key, str]]:
    """Return the outcome of every rule by child and day."""
    if judgement.table is None:
        return {}
    entries = judgement.table.subject.entries
    keys = {
        entry_id: (child, int(day))
        for entry_id, child, day in zip(
            entries.ids.tolist(), entries.child_ids.tolist(), entries.day.tolist(), strict=True
        )
    }
    judged = [keys[one] for one in judgement.judged.ids.tolist()]
    return {
        rule: dict(zip(judged, [OUTCOMES[code] for code in codes.tolist()], strict=True))
        for rule, codes in judgement.judged.outcomes.items()
    }


def carried(run: Run) -> frozenset[str]:
    assert run.referrals.table is not None
    return run.referrals.table.subject.whole.carried


OF_RECORDS = [
    rule.id for rule in RULES.rules if not RULES.columns(rule.id).intersection(STORE_COLUMNS)
]
"""What only the nights of a store can tell is left out."""
OF_REFERRALS = [rule.id for rule in RULES.of("referral").rules if rule.id in OF_RECORDS]


def test_the_folder_carries_every_column_and_lets_every_rule_be_judged(
    run_of: Callable[[str], Run], said: Said, records: dict[Key, Record]
) -> None:
    run = run_of(FOLDER)
    results = (*run.results, *run.contacts.results)
    assert {one.rule.id for one in results if one.can_flag} == {*OF_RECORDS}
    assert not [rule for rule in OF_REFERRALS if not RULES.columns(rule) <= carried(run)]
    found = said(FOLDER)
    assert all(found[rule].keys() == records.keys() for rule in OF_REFERRALS)
    flagged = {rule for rule in OF_REFERRALS if FLAG in found[rule].values()}
    assert {rule for rule in set(OF_REFERRALS) - flagged if not rule.startswith("DQ-")} == set()


@pytest.mark.parametrize("form", OTHERS)
def test_every_form_holds_the_same_referrals(
    run_of: Callable[[str], Run], said: Said, records: dict[Key, Record], form: str
) -> None:
    run = run_of(form)
    assert run.rows["read"] == run.rows["judged"] == len(records)
    assert all(found.keys() == records.keys() for found in said(form).values())


@pytest.mark.parametrize("form", OTHERS)
@pytest.mark.parametrize("rule", OF_REFERRALS)
def test_a_rule_says_the_same_in_every_form_that_can_tell(
    run_of: Callable[[str], Run],
    said: Said,
    records: dict[Key, Record],
    form: str,
    rule: str,
) -> None:
    expected, found = said(FOLDER)[rule], said(form)[rule]
    has_all = RULES.columns(rule) <= carried(run_of(form))
    wrong = []
    for key, record in records.items():
        change = (expected[key], found[key])
        if change[0] == change[1] or (not has_all and change[1] == CANNOT_TELL):
            continue
        if not any(one.allows(form, rule, change, record) for one in UNTOLD):
            wrong.append((key[0], record.cells["referral_date"], *change))
    assert wrong == []


@pytest.mark.parametrize("form", OTHERS)
def test_a_rule_that_cannot_be_judged_flags_nobody(run_of: Callable[[str], Run], form: str) -> None:
    run = run_of(form)
    assert [r.rule.id for r in run.results if not r.can_flag and r.n_flag] == []
    assert all(r.missing_columns for r in run.results if not r.can_flag)


@pytest.mark.parametrize("one", UNTOLD, ids=lambda one: one.why)
def test_what_is_said_not_to_be_told_is_met(
    said: Said, records: dict[Key, Record], one: Untold
) -> None:
    """Otherwise the exception would hide a difference that nobody has looked at."""
    expected = said(FOLDER)
    for form in one.forms:
        found = said(form)
        met = {
            rule
            for rule in one.rules
            for key, record in records.items()
            if expected[rule][key] != found[rule][key]
            and one.allows(form, rule, (expected[rule][key], found[rule][key]), record)
        }
        assert met == one.rules


@pytest.mark.parametrize("form", sorted(SSD))
def test_contacts_say_the_same_in_every_form_that_holds_them(
    run_of: Callable[[str], Run], form: str
) -> None:
    expected = outcomes(run_of(FOLDER).contacts)
    assert FLAG in expected["REF-13"].values()
    assert outcomes(run_of(form).contacts) == expected


def test_both_databases_give_the_same_run(run_of: Callable[[str], Run]) -> None:
    first, second = (run_of(form) for form in sorted(SSD))
    assert first.flags == second.flags
    assert first.contact_flags == second.contact_flags
    assert [r.as_json() for r in first.loaded] == [r.as_json() for r in second.loaded]
    assert first.rows == second.rows


@pytest.fixture(scope="module")
def found() -> tuple[made.Form, ...]:
    return made.forms()


def test_the_table_of_forms_counts_every_rule_once(found: tuple[made.Form, ...]) -> None:
    for form in found:
        assert sorted((*form.judged, *form.lacks)) == OF_RECORDS
    lines = made.as_markdown(found).splitlines()
    assert lines[2] == f"| family | {' | '.join(made.FORMS)} |"
    whole = next(line for line in lines if line.startswith("| all |"))
    told = re.findall(r"(\d+) / (\d+)", whole)
    assert told == [(str(len(form.judged)), str(len(OF_RECORDS))) for form in found]
    for place in range(len(found)):
        cells = [line.split("|")[place + 2] for line in lines if re.match(r"\| [A-Z]", line)]
        assert sum(int(cell.split("/")[0]) for cell in cells) == len(found[place].judged)


def test_the_table_of_forms_agrees_with_a_check_in_each_form(
    run_of: Callable[[str], Run], found: tuple[made.Form, ...]
) -> None:
    short = {name: form for form, name in NAMES.items()}
    for form in found:
        can = {result.rule.id for result in run_of(short[form.name]).results if result.can_flag}
        assert {rule for rule in form.judged if rule in OF_REFERRALS} == can


def test_what_a_form_lacks_names_tables_that_are_not_there_and_columns_of_those_that_are(
    found: tuple[made.Form, ...],
) -> None:
    lacks = {form.name: form.lacks for form in found}
    assert lacks["folder of tables"] == {}
    assert lacks["referral table"] == {
        "ALL-03": ("allocation_ended_at",),
        "ALL-06": ("allocation_ended_at",),
        "DEC-12": ("supersedes_decision_id", "superseding_reason"),
        "REF-13": ("contacts",),
    }
    assert lacks["CIN census"]["DEC-01"] == ("decisions",)
    assert lacks["CIN census"]["DEC-06"] == ("decisions", "allocations")
    assert lacks["CIN census"]["REF-12"] == ("household_id",)
    assert "REF-13" not in lacks["Annex A"]


def test_rules_that_follow_each_other_are_named_as_a_range() -> None:
    rules = ["DEC-02", "ALL-01", "DEC-01", "ALL-02", "ALL-04", "DEC-03", "DQ-01", "DEC-05"]
    assert made.in_ranges(rules) == [
        "ALL-01",
        "ALL-02",
        "ALL-04",
        "DEC-01 to DEC-03",
        "DEC-05",
        "DQ-01",
    ]


def test_the_table_is_written_between_its_marks_and_then_found_current(
    triage: Triage,
    workplace: Path,
    found: tuple[made.Form, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(made, "forms", lambda: found)
    begin, end = made.MARKS
    page = workplace / "page.md"
    page.write_text(f"# Ours\n\n{begin}\nlast year's\n{end}\n\nAfter.\n", "utf-8")
    code, out, _ = triage("sources", "forms", "--check", page)
    assert code == 1
    assert "is stale" in out
    assert "last year's" in page.read_text("utf-8")
    code, out, _ = triage("sources", "forms", "--write", page)
    assert (code, out) == (0, f"Wrote {page}.\n")
    text = page.read_text("utf-8")
    assert text.startswith(f"# Ours\n\n{begin}\n\nHow many of the shipped rules")
    assert text.endswith(f"\n\n{end}\n\nAfter.\n")
    assert "last year's" not in text
    assert triage("sources", "forms", "--check", page)[:2] == (0, f"{page}: is up to date.\n")
    assert page.read_text("utf-8") == text
    _, printed, _ = triage("sources", "forms")
    assert printed.strip() in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# No marks\n", "has no place for the table of forms"),
        (f"{made.MARKS[1]}\n{made.MARKS[0]}\n", "has no place for the table of forms"),
        (None, "cannot be read"),
    ],
)
def test_a_page_without_a_place_for_the_table_is_refused(
    triage: Triage, workplace: Path, text: str | None, said: str
) -> None:
    page = workplace / "page.md"
    if text is not None:
        page.write_text(text, "utf-8")
    for option in ("--write", "--check"):
        code, out, err = triage("sources", "forms", option, page)
        assert (code, out) == (2, "")
        assert said in err
    assert page.exists() == (text is not None)


def test_a_page_is_either_written_or_checked(triage: Triage) -> None:
    code, _, err = triage("sources", "forms", "--write", "a.md", "--check", "a.md")
    assert code == 2
    assert "not both" in err


def test_the_table_of_forms_in_the_readme_is_current() -> None:
    before, after = made.written_page(REPOSITORY / "README.md")
    assert before == after, "stale: run `triage sources forms --write README.md`"
