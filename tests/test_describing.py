"""What an extract can answer is counted rightly, names nobody, and what it promises holds."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import AS_OF, Triage
from hypothesis import given
from hypothesis import strategies as st

from triage.describing import OF_REFERRALS, Description, describe
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options
from triage.schema import REFERRAL_COLUMNS
from triage.schema_nights import STORE_COLUMNS
from triage.unlocking import lacking, unlocks

RULES = load_rules(shipped("rules")).live()
OF = RULES.of("referral")
IDS = [rule.id for rule in OF.rules if not RULES.columns(rule.id) & {*STORE_COLUMNS}]
"""The rules that an extract can answer without a store."""
SAMPLE = shipped("sample_data")
CENSUS = str(SAMPLE / "cin_census" / "cin_2026_27_to_date.xml")
SAMPLE_AS_OF = "2026-09-30"
TABLE = """\
child_id,referral_date,date_of_birth,nfa,primary_need,referral_source,closed_on,team,decision_at
A1,2022-01-10,2010-05-05,no,N1,1A,2022-03-01,North,2022-01-11
A1,2023-05-10,2010-05-05,no,N1,6,,North,
B2,2023-06-01,2031-02-30,yes,N12,,,South,yesterday
C3,2023-06-20,,no,,2A,,South,2023-06-21T09:30
"""


def described(triage: Triage, *arguments: str | Path) -> dict[str, Any]:
    code, out, err = triage("sources", "describe", *arguments, "--format", "json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.fixture
def table(workplace: Path) -> Path:
    path = workplace / "referrals of ours.csv"
    path.write_text(TABLE, "utf-8")
    return path


def columns_of(found: dict[str, Any], place: int = 0) -> dict[str, dict[str, Any]]:
    return {one["column"]: one for one in found["inputs"][place]["columns"]}


def test_each_column_has_its_rows_blank_and_unreadable_share(triage: Triage, table: Path) -> None:
    found = described(triage, table, "--as-of", AS_OF)
    (held,) = found["inputs"]
    assert (held["path"], held["kind"], held["rows"]) == (str(table), "referral table", 4)
    columns = columns_of(found)
    assert list(columns) == [
        "child_id", "referral_date", "date_of_birth", "referral_source", "primary_need", "nfa",
        "team", "closed_on", "decision_at",
    ]  # fmt: skip
    assert {one["table"] for one in columns.values()} == {"referrals"}
    shares = {name: (one["rows"], one["blank"], one["unreadable"]) for name, one in columns.items()}
    assert shares["referral_date"] == (4, 0, 0)
    assert shares["date_of_birth"] == (4, 1, 1)
    assert shares["decision_at"] == (4, 1, 1)
    assert shares["primary_need"] == (4, 1, 1)
    assert columns["closed_on"]["blank_share"] == 0.75
    assert columns["decision_at"]["unreadable_share"] == 0.25


def test_dates_have_a_span_and_codes_their_counts(triage: Triage, table: Path) -> None:
    columns = columns_of(described(triage, table, "--as-of", AS_OF))
    span = [columns["referral_date"][name] for name in ("first", "last", "distinct", "codes")]
    assert span == ["2022-01-10", "2023-06-20", None, None]
    assert (columns["decision_at"]["first"], columns["decision_at"]["last"]) == (
        "2022-01-11",
        "2023-06-21",
    )
    assert columns["primary_need"]["codes"] == {"N1": 2}
    assert columns["referral_source"]["codes"] == {"1A": 1, "2A": 1, "6": 1}
    assert columns["nfa"]["codes"] == {"false": 3, "true": 1}
    assert (columns["team"]["distinct"], columns["team"]["codes"]) == (2, None)


def test_of_birth_dates_only_the_years_are_told(triage: Triage, table: Path) -> None:
    born = columns_of(described(triage, table, "--as-of", AS_OF))["date_of_birth"]
    assert (born["first"], born["last"]) == ("2010", "2010")
    _, out, _ = triage("sources", "describe", table, "--as-of", AS_OF)
    assert "2010-05" not in out


@pytest.mark.parametrize("form", ["table", "json"])
def test_no_child_worker_or_team_is_named(triage: Triage, form: str) -> None:
    code, out, _ = triage("sources", "describe", SAMPLE, "--as-of", SAMPLE_AS_OF, "--format", form)
    assert code == 0
    named = set()
    for name in ("referrals", "decisions", "allocations", "contacts"):
        lines = (SAMPLE / f"{name}.csv").read_text("utf-8").splitlines()
        headings = lines[0].split(",")
        for heading in ("child_id", "referral_id", "household_id", "team", "decision_maker_id",
                        "allocated_worker_id", "contact_id", "rationale_hash"):  # fmt: skip
            if heading in headings:
                place = headings.index(heading)
                named |= {line.split(",")[place] for line in lines[1:]} - {""}
    assert len(named) > 4000
    assert [one for one in named if one in out] == []


def test_more_than_twelve_codes_are_counted_and_not_listed(triage: Triage) -> None:
    columns = columns_of(described(triage, CENSUS, "--as-of", SAMPLE_AS_OF))
    assert (columns["referral_source"]["distinct"], columns["referral_source"]["codes"]) == (
        22,
        None,
    )
    assert columns["assessment_factors"]["distinct"] > 12
    assert sum(columns["primary_need"]["codes"].values()) == (
        columns["primary_need"]["rows"]
        - columns["primary_need"]["blank"]
        - columns["primary_need"]["unreadable"]
    )


def test_factors_are_counted_one_by_one(triage: Triage, workplace: Path) -> None:
    path = workplace / "t.csv"
    rows = ["child_id,referral_date,assessment_factors", "A,2023-01-01,3A;16A", "B,2023-01-02,16A"]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    factors = columns_of(described(triage, path, "--as-of", AS_OF))["assessment_factors"]
    assert (factors["distinct"], factors["codes"]) == (2, {"16A": 2, "3A": 1})


def test_tables_beside_are_told_by_name_with_rows_of_their_own(triage: Triage) -> None:
    found = described(triage, SAMPLE, "--as-of", SAMPLE_AS_OF)
    rows = {one["table"]: one["rows"] for one in found["inputs"][0]["columns"]}
    written = {
        path.stem: len(path.read_text("utf-8").splitlines()) - 1 for path in SAMPLE.glob("*.csv")
    }
    assert rows == written
    assert found["inputs"][0]["absent"] == found["absent"] == []
    assert {one["table"] for one in found["joins"]} == (
        written.keys() - {"referrals", "contacts", "early_help"}
    )


def test_columns_not_carried_stand_in_one_line(triage: Triage, table: Path) -> None:
    code, out, _ = triage("sources", "describe", table, "--as-of", AS_OF)
    assert code == 0
    told = out[out.index("Not carried: ") :].split(".")[0].replace("\n", " ")
    names = told.removeprefix("Not carried: ").split(", ")
    found = described(triage, table, "--as-of", AS_OF)
    assert [" ".join(name.split()) for name in names] == found["absent"]
    assert {"allocated_at", "contact_date", "early_help_started_on"} <= set(found["absent"])
    assert not set(found["absent"]) & set(columns_of(found))


def test_an_extract_beside_a_census_lacks_only_what_its_kind_may_carry(
    triage: Triage, workplace: Path
) -> None:
    path = workplace / "decisions.csv"
    lines = (SAMPLE / "decisions.csv").read_text("utf-8").splitlines()
    child = lines[1].split(",")[lines[0].split(",").index("child_id")]
    day = lines[1].split(",")[lines[0].split(",").index("decision_at")][:10]
    path.write_text(f"child_id,decision_at,risk_rating\n{child},{day},red\n", "utf-8")
    census = SAMPLE / "cin_census" / "cin_2025_26.xml"
    found = described(triage, census, path, "--as-of", SAMPLE_AS_OF)
    held = found["inputs"][1]
    assert held["kind"] == "table of decisions"
    assert [one["column"] for one in held["columns"]] == ["child_id", "decision_at", "risk_rating"]
    assert "threshold_level" in held["absent"]
    assert "closed_on" not in held["absent"]
    assert not {"decision_at", "risk_rating"} & set(found["absent"])
    (joined,) = found["joins"]
    assert (joined["table"], joined["n_rows"], joined["n_unmatched"]) == ("decisions", 1, 0)


def test_the_rules_are_counted_as_a_check_counts_them(triage: Triage) -> None:
    found = described(triage, SAMPLE, "--as-of", SAMPLE_AS_OF)
    _, out, _ = triage("check", SAMPLE, "--as-of", SAMPLE_AS_OF, "--format", "json")
    checked = json.loads(out)
    judged = checked["rows"]["judged"]
    mine = {one.pop("id"): one for one in found["referrals"]["rules"]}
    assert {one.pop("judged") for one in mine.values()} == {judged}
    theirs = {one.pop("id"): one for one in checked["rules"]}
    assert {rule: theirs[rule] for rule in mine} == mine
    assert found["contacts"]["rows"] == checked["contacts"]["rows"]
    families = {one["family"]: one for one in found["families"]}
    of_nights = [one for one in RULES.rules if RULES.columns(one.id).intersection(STORE_COLUMNS)]
    assert sum(one["rules"] for one in families.values()) == len(RULES.rules) - len(of_nights)
    for name, one in families.items():
        of = [r for rule, r in theirs.items() if rule.startswith(f"{name}-") and rule in mine]
        of += [r for r in checked["contacts"]["rules"] if r["id"].startswith(f"{name}-")]
        for outcome in ("flag", "clear", "cannot_tell"):
            assert one[outcome] == sum(r[outcome] for r in of)


@pytest.mark.parametrize(
    ("arguments", "months", "with_look_back", "is_covered"),
    [
        ((), 17, 2, True),
        (("--history-from", "2023-01-01"), 5, 0, False),
        (("--window", "all"), 17, 2, False),
    ],
)
def test_the_history_says_for_whom_the_look_back_is_covered(
    triage: Triage,
    table: Path,
    arguments: tuple[str, ...],
    months: int,
    with_look_back: int,
    is_covered: bool,
) -> None:
    rows = [row for row in TABLE.splitlines() if not row.startswith("A1,2023")]
    table.write_text("\n".join(rows) + "\n", "utf-8")
    history = described(triage, table, "--as-of", AS_OF, *arguments)["history"]
    start = "2023-01-01" if arguments[:1] == ("--history-from",) else "2022-01-10"
    assert (history["from"], history["to"]) == (start, "2023-06-20")
    assert (history["months"], history["judged_with_look_back"]) == (months, with_look_back)
    assert history["window_has_look_back"] is is_covered
    assert history["judged"] == (3 if "all" in arguments else 2)


def test_a_manager_reads_whether_the_look_back_is_covered(triage: Triage, table: Path) -> None:
    _, out, _ = triage("sources", "describe", table, "--as-of", AS_OF)
    assert "For every referral since 30 March 2023, the 12 months before it are covered." in out
    _, out, _ = triage("sources", "describe", table, "--as-of", AS_OF, "--window", "all")
    assert "Not for every referral are the 12 months before it covered" in out


def carrying(folder: Path, *columns: str) -> Description:
    """Describe three referrals with these columns, every cell blank but the two required ones."""
    path = folder / "extract.csv"
    days = ("2022-01-10", "2023-05-10", "2023-06-20")
    lines = [",".join(("child_id", "referral_date", *columns))]
    lines += [f"A{place},{day}{',' * len(columns)}" for place, day in enumerate(days)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return describe(check([str(path)], RULES, Options(dt.date.fromisoformat(AS_OF))))


def evaluable(found: Description) -> set[str]:
    return {result.rule.id for result in found.referrals.results if result.can_flag}


@pytest.mark.parametrize("carried", [(), ("nfa", "closed_on", "decision_at"), ("primary_need",)])
def test_a_column_unlocks_exactly_the_rules_that_it_promises(
    tmp_path: Path, carried: tuple[str, ...]
) -> None:
    before = carrying(tmp_path, *carried)
    ranked = before.referrals.unlocks
    assert list(ranked) == sorted(ranked, key=lambda one: -len(one.rules))
    for one in [one for one in ranked if set(one.columns) <= REFERRAL_COLUMNS.keys()][:3]:
        after = carrying(tmp_path, *carried, *one.columns)
        assert evaluable(after) - evaluable(before) == set(one.rules)


def test_columns_that_unlock_equally_many_are_named_together() -> None:
    carried = frozenset(OF_REFERRALS) - {"household_id", "referrals_in_last_12_months"}
    found = unlocks(OF, ["DQ-07", "REF-12"], carried, OF_REFERRALS)
    assert [(one.columns, one.rules) for one in found] == [
        (("household_id",), ("REF-12",)),
        (("referrals_in_last_12_months",), ("DQ-07",)),
    ]


def test_where_no_column_alone_helps_the_smallest_set_is_named() -> None:
    lacks = {"decision_at", "rationale_length", "threshold_level", "risk_rating"}
    closed = ["DEC-03", "DEC-04", "DEC-09"]
    carried = frozenset(OF_REFERRALS) - lacks
    (one,) = unlocks(OF, closed, carried, OF_REFERRALS)
    assert one.columns == ("decision_at", "risk_rating")
    assert one.rules == ("DEC-04", "DEC-09")
    (one,) = unlocks(OF, ["DEC-03"], carried, OF_REFERRALS)
    assert one.columns == ("decision_at", "rationale_length")


@given(st.frozensets(st.sampled_from(OF_REFERRALS)), st.sampled_from(IDS))
def test_the_columns_a_rule_lacks_are_enough_and_none_of_them_too_many(
    carried: frozenset[str], rule_id: str
) -> None:
    names = lacking(OF, rule_id, carried, OF_REFERRALS)
    assert not set(names) & carried
    assert OF.can_flag(rule_id, carried.union(names))
    for name in names:
        assert not OF.can_flag(rule_id, carried.union(names) - {name})


def test_whole_tables_that_would_help_are_told(triage: Triage) -> None:
    found = described(triage, CENSUS, "--as-of", SAMPLE_AS_OF)["referrals"]
    tables = {one["table"]: set(one["rules"]) for one in found["tables"]}
    assert next(iter(tables)) == "decisions"
    assert {"DEC-01", "DEC-03", "DEC-04"} <= tables["decisions"]
    assert "REF-12" not in set().union(*tables.values())
    _, out, _ = triage("sources", "describe", CENSUS, "--as-of", SAMPLE_AS_OF)
    assert f"As whole tables: decisions {len(tables['decisions'])} more, " in out


def test_the_best_column_is_named_first_and_the_rest_are_ranked(triage: Triage) -> None:
    _, out, _ = triage("sources", "describe", CENSUS, "--as-of", SAMPLE_AS_OF)
    asked = out[out.index("What to ask for next") :].splitlines()[1:]
    found = described(triage, CENSUS, "--as-of", SAMPLE_AS_OF)["referrals"]
    assert asked[0] == (
        "  decision_at (when the management decision was made): 3 more rules "
        "(DEC-01, DEC-02, DEC-07)"
    )
    assert [one["columns"] for one in found["ask_next"]] == [["decision_at"]]
    told = [line.split()[0] for line in asked[2:6]]
    assert told == [one["columns"][0] for one in found["unlocks"][1:5]]
    assert (
        asked[6]
        == f"  … and {len(found['unlocks']) - 5} further columns; --format json names them."
    )


def test_a_rule_for_contacts_asks_for_contacts_and_then_for_nothing(
    triage: Triage, table: Path
) -> None:
    without = described(triage, table, "--as-of", AS_OF)["contacts"]
    assert without["evaluable"] == 0
    assert without["ask_next"] == [{"columns": ["child_id", "contact_date"], "rules": ["REF-13"]}]
    beside = table.with_name("contacts.csv")
    beside.write_text("child_id,contact_date\nA1,2023-05-01\n", "utf-8")
    with_contacts = described(triage, table, beside, "--as-of", AS_OF)["contacts"]
    assert (with_contacts["evaluable"], with_contacts["ask_next"]) == (1, [])
    assert with_contacts["rows"]["judged"] == 1


def test_an_extract_that_lacks_nothing_is_asked_for_nothing(triage: Triage) -> None:
    _, out, _ = triage("sources", "describe", SAMPLE, "--as-of", SAMPLE_AS_OF)
    assert "Ask for nothing more: no column would let another rule be judged." in out
    assert "What to ask for next" not in out


def test_rationales_are_asked_for_as_the_text_they_are_made_from(
    triage: Triage, workplace: Path
) -> None:
    path = workplace / "t.csv"
    path.write_text("child_id,referral_date,rationale_length\nA,2023-05-05,3\n", "utf-8")
    _, out, _ = triage("sources", "describe", path, "--as-of", AS_OF)
    assert "rationale_hash" not in out[out.index("What to ask") : out.index("As whole tables")]


def test_notes_of_the_reading_are_told(triage: Triage, table: Path) -> None:
    table.write_text(TABLE.replace("team", "Shoe size"), "utf-8")
    found = described(triage, table, "--as-of", AS_OF)
    assert any("Shoe size" in note for note in found["notes"])
    _, out, _ = triage("sources", "describe", table, "--as-of", AS_OF)
    assert "note: unknown column 'Shoe size' was ignored" in out


def test_every_referral_after_the_day_leaves_nothing_judged(triage: Triage, table: Path) -> None:
    found = described(triage, table, "--as-of", "2021-12-31")
    assert found["referrals"]["rows"]["judged"] == 0
    assert found["history"]["to"] is None
    assert not found["history"]["window_has_look_back"]
    code, out, _ = triage("sources", "describe", table, "--as-of", "2021-12-31")
    assert code == 0
    assert "no referral up to the date of judgement" in out


def test_nothing_is_stored(triage: Triage, records: Path) -> None:
    before = sorted(records.parent.iterdir())
    assert triage("sources", "describe", records, "--as-of", AS_OF)[0] == 0
    assert sorted(records.parent.iterdir()) == before


def test_an_input_that_cannot_be_used_is_refused(triage: Triage) -> None:
    code, out, err = triage("sources", "describe", "nowhere.csv")
    assert (code, out) == (3, "")
    assert "there is no such file or folder" in err
