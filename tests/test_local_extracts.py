"""A council's own decisions and allocations beside a national extract, joined on child and date."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Triage
from extract_helpers import checked, flagged, table
from hypothesis import given
from hypothesis import strategies as st

from triage.pipeline import check
from triage.reading import USUAL
from triage.records import load
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options, Run
from triage.sample import Council, make_council, writers
from triage.sources import read_inputs
from triage.sources.extracts import extract_of
from triage.sources.grid import Grid
from triage.tables import Extract, RawTable, Source, encode
from triage.validation import BLANK, GIVEN, UNTOLD

AS_OF = dt.date(2026, 9, 30)
HISTORY = dt.date(2024, 9, 30)


def test_decisions_are_joined_to_a_census_and_every_row_is_accounted_for(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(
        workplace / "decisions.csv",
        "child_id,decision_at,risk_rating A,2026-09-01,amber A,2026-05-04,red B,2026-09-12,green "
        "B,2026-09-01,green Z,2026-09-02,red A,2025-01-01,red",
    )
    found = checked(triage, census, "decisions.csv")
    assert found["inputs"][1]["kind"] == "table of decisions"
    assert found["rows"]["read"] == found["rows"]["judged"] == 3
    assert found["joins"] == [
        {
            "source": "decisions.csv", "table": "decisions", "n_rows": 6, "n_by_identifier": 0,
            "n_same_day": 1, "n_earlier": 2, "n_unmatched": 3, "longest_days": 10,
        }
    ]  # fmt: skip
    unmatched = [p for p in found["problems"] if "matches no referral" in p["message"]]
    assert [problem["row"] for problem in unmatched] == [5, 6, 7]
    assert all("in the 183 days before" in problem["message"] for problem in unmatched)
    assert flagged(found, "DEC-02") == {("B", "2026-09-02")}
    assert flagged(found, "DEC-01") == set()
    rules = {rule["id"]: rule for rule in found["rules"]}
    assert not rules["DEC-04"]["not_evaluable"]
    assert rules["DEC-04"]["missing_columns"] == ["threshold_level"]


def test_how_rows_were_joined_is_said_on_the_screen(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(
        workplace / "decisions.csv", "child_id,decision_at A,2026-09-01 B,2026-09-12 Z,2026-09-02"
    )
    code, out, _ = triage("check", census, "decisions.csv", "--as-of", "2026-09-30")
    assert code == 0
    assert (
        "decisions.csv: 3 rows joined: 1 on the referral's own day, 1 to an earlier referral "
        "(at most 10 days), 1 to none" in " ".join(out.split())
    )


def test_the_days_to_look_back_are_set_by_a_flag_or_in_the_settings(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(workplace / "decisions.csv", "child_id,decision_at A,2026-09-11 B,2026-09-13")
    assert checked(triage, census, "decisions.csv")["joins"][0]["n_unmatched"] == 0
    tighter = checked(triage, census, "decisions.csv", more=("--join-within", "10"))
    assert tighter["joins"][0]["n_unmatched"] == 1
    assert flagged(tighter, "DEC-01") >= {("B", "2026-09-02")}
    (workplace / "triage.toml").write_text("join_within_days = 10\n", "utf-8")
    assert checked(triage, census, "decisions.csv")["joins"] == tighter["joins"]


def test_a_date_of_the_referral_counts_before_the_date_of_the_event(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(
        workplace / "decisions.csv",
        "child_id,referral_date,decision_at A,2026-05-01,2026-09-02 A,31/08/2026,2026-09-01",
    )
    found = checked(triage, census, "decisions.csv")
    assert found["joins"][0]["n_same_day"] == 2
    assert flagged(found, "DEC-02") == {("A", "2026-05-01")}


def test_a_decision_whose_date_cannot_be_read_leaves_its_child_untold(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(workplace / "decisions.csv", "child_id,decision_at A,2026-05-04 A,31/02/2026")
    found = checked(triage, census, "decisions.csv")
    assert flagged(found, "DEC-01") == {("B", "2026-09-02")}
    typed = [p for p in found["problems"] if p["column"] == "decision_at"]
    assert "31/02/2026" in typed[0]["message"]


def test_a_table_that_names_referrals_is_read_as_referrals_when_it_stands_alone(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(workplace / "decisions.csv", "child_id,referral_date,decision_at A,2026-09-01,2026-09-02")
    alone = checked(triage, "decisions.csv")
    assert alone["inputs"][0]["kind"] == "referral table"
    assert alone["rows"]["judged"] == 1
    assert checked(triage, census, "decisions.csv")["rows"]["read"] == 3


def test_a_table_with_a_column_of_referrals_is_one_whatever_its_name(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(workplace / "decisions.csv", "child_id,referral_date,nfa,decision_at C,2026-09-01,0,")
    assert checked(triage, census, "decisions.csv")["rows"]["read"] == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("child_id,decision_at A,2026-09-01", "holds no referral; give the referrals with it"),
        ("decision_at,risk_rating 2026-09-01,red", "looks like a table headed decision_at"),
    ],
)
def test_events_without_referrals_are_refused(
    triage: Triage, workplace: Path, text: str, said: str
) -> None:
    table(workplace / "decisions.csv", text)
    code, out, err = triage("check", "decisions.csv")
    assert (code, out) == (3, "")
    assert said in " ".join(err.split())


def test_an_extract_of_which_no_row_matches_is_refused(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(workplace / "decisions.csv", "child_id,decision_at 0A,2026-09-01 0B,2026-09-02")
    code, out, err = triage("check", census, "decisions.csv")
    assert (code, out) == (3, "")
    assert "none of its 2 rows belongs to a referral" in " ".join(err.split())


def test_two_years_of_decisions_are_one_table(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(workplace / "decisions_1.csv", "child_id,decision_at,risk_rating A,2026-05-01,red")
    table(workplace / "decisions_2.csv", "child_id,decision_at A,2026-09-01 B,2026-09-02")
    found = checked(triage, census, "decisions_1.csv", "decisions_2.csv")
    assert [one["n_same_day"] for one in found["joins"]] == [1, 2]
    assert flagged(found, "DEC-01") == flagged(found, "DEC-02") == set()


def test_one_table_may_carry_decisions_and_allocations(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(
        workplace / "front_door.csv",
        "ChildUniqueID,decision_at,allocated_at A,2026-09-01,2026-09-21 B,2026-09-02,",
    )
    found = checked(triage, census, "front_door.csv")
    assert found["inputs"][1]["kind"] == "table of decisions and allocations"
    assert flagged(found, "ALL-01") == {("A", "2026-09-01")}
    assert ("B", "2026-09-02") in flagged(found, "ALL-02")


def test_rows_name_their_referral_where_both_sides_know_it(triage: Triage, workplace: Path) -> None:
    table(
        workplace / "records.csv",
        "child_id,referral_date,referral_id A,2026-05-01,R1 A,2026-09-01,R2",
    )
    table(
        workplace / "decisions.csv",
        "referral_id,decision_at R1,2026-09-02 R2,2026-09-03 R9,2026-09-03",
    )
    found = checked(triage, "records.csv", "decisions.csv")
    assert (found["joins"][0]["n_by_identifier"], found["joins"][0]["n_unmatched"]) == (2, 1)
    assert flagged(found, "DEC-02") == {("A", "2026-05-01"), ("A", "2026-09-01")}


def test_a_column_that_the_referrals_carry_too_is_taken_from_the_extract(
    triage: Triage, workplace: Path
) -> None:
    table(
        workplace / "records.csv",
        "child_id,referral_date,nfa,decision_at A,2026-09-01,0,2026-09-20",
    )
    table(workplace / "decisions.csv", "child_id,decision_at A,2026-09-01")
    found = checked(triage, "records.csv", "decisions.csv")
    assert flagged(found, "DEC-02") == set()
    assert any("decision_at was ignored: decisions.csv carries it" in n for n in found["notes"])


def test_early_help_and_contacts_may_be_given_beside_a_census(
    triage: Triage, census: Path, workplace: Path
) -> None:
    table(workplace / "early_help.csv", "child_id,early_help_started_on A,2026-06-01")
    table(workplace / "contacts.csv", "child_id,contact_date,contact_outcome Z,2026-09-01,nfa")
    found = checked(triage, census, "early_help.csv", "contacts.csv")
    assert found["contacts"]["rows"]["judged"] == 1
    lacking = {rule["id"]: rule["missing_columns"] for rule in found["rules"]}
    assert "early_help_started_on" not in lacking["REF-10"]


def test_an_extract_may_be_a_sheet_under_a_title(
    triage: Triage, census: Path, workplace: Path
) -> None:
    rows = [
        ["Management decisions, September", None, None],
        ["Child Unique ID", "decision_at", "risk_rating"],
        ["A", dt.datetime(2026, 9, 1), "red"],
    ]
    pd.DataFrame(rows).to_excel(
        workplace / "decisions.xlsx", index=False, header=False, engine="xlsxwriter"
    )
    found = checked(triage, census, "decisions.xlsx")
    assert found["joins"][0]["n_same_day"] == 1


@pytest.fixture(scope="module")
def council(tmp_path_factory: pytest.TempPathFactory) -> tuple[Council, Path]:
    made = make_council(500, seed=23, as_of=AS_OF, months=24, dirty=False)
    folder = tmp_path_factory.mktemp("extracts")
    writers.write_cin(made, folder / "census.xml")
    writers.write_folder(made, folder / "tables")
    return made, folder


def run(*names: Path) -> Run:
    rules = load_rules(shipped("rules"))
    return check([str(name) for name in names], rules, Options(AS_OF, None, HISTORY))


def test_a_census_with_decisions_and_allocations_says_what_the_folder_of_tables_says(
    council: tuple[Council, Path],
) -> None:
    """Without identifiers, by the referral's own date: nothing is lost by joining."""
    _, folder = council
    for name in ("decisions", "allocations"):
        whole = pd.read_csv(folder / "tables" / f"{name}.csv", dtype=str, keep_default_na=False)
        whole.drop(columns="referral_id").to_csv(folder / f"{name}.csv", index=False)
    joined = run(folder / "census.xml", folder / "decisions.csv", folder / "allocations.csv")
    expected = run(folder / "tables")
    families = ("DEC", "ALL-01", "ALL-02", "ALL-03", "ALL-05", "ALL-06", "ALL-07")
    alike = {
        result.rule.id
        for result in joined.results
        if result.can_flag and result.rule.id.startswith(families)
    }
    assert len(alike) >= 18
    assert found_by(joined, alike) == found_by(expected, alike) != set()


def found_by(one: Run, rules: set[str]) -> set[tuple[str, str, dt.date]]:
    return {(f.rule, f.child_id, f.referral_date) for f in one.flags if f.rule in rules}


CHILDREN = st.sampled_from("ABC")
DAYS = st.integers(0, 60)


@given(
    st.lists(st.tuples(CHILDREN, DAYS), min_size=1, max_size=8),
    st.lists(st.tuples(CHILDREN, DAYS), min_size=1, max_size=8),
    st.integers(0, 40),
)
def test_each_event_goes_to_the_latest_referral_of_its_child_within_the_days(
    referrals: list[tuple[str, int]], events: list[tuple[str, int]], within: int
) -> None:
    """The join is what a person would do by hand, row by row."""
    first = dt.date(2026, 1, 1)

    def cells(rows: list[tuple[str, int]], date: str) -> dict[str, Any]:
        return {
            "child_id": encode([child for child, _ in rows]),
            date: encode([(first + dt.timedelta(day)).isoformat() for _, day in rows]),
        }

    main = RawTable("referrals", _numbers(referrals), cells(referrals, "referral_date"))
    columns = cells(events, "decision_at")
    grid = Grid(tuple(columns), tuple(columns.values()), len(events))
    extract = extract_of(Path("decisions.csv"), "", grid, "decisions.csv", "decisions")
    assert isinstance(extract, Extract)
    by_hand: dict[tuple[str, int], int] = {}
    for child, day in events:
        earlier = [r for c, r in referrals if c == child and day - within <= r <= day]
        if earlier:
            key = (child, max(earlier))
            by_hand[key] = min(day, by_hand.get(key, day))
    inputs = [Source("referrals", "referral table", "", main), extract]
    if not by_hand:
        with pytest.raises(Exception, match="none of its"):
            load(inputs, AS_OF, within)
        return
    found = load(inputs, AS_OF, within)
    decided = found.referrals.column("decision_at")
    start = (first - dt.date(1970, 1, 1)).days
    told = {
        (str(child), int(day) - start): int(value) - start
        for child, day, state, value in zip(
            found.referrals.child_ids,
            found.referrals.day,
            decided.state,
            decided.value,
            strict=True,
        )
        if state == GIVEN
    }
    assert told == by_hand
    assert set(decided.state.tolist()) <= {GIVEN, BLANK}
    one = found.joins[0]
    assert one.n_rows == one.n_same_day + one.n_earlier + one.n_unmatched == len(events)
    assert one.n_unmatched == sum("matches no" in problem.message for problem in found.problems)


def _numbers(rows: list[Any]) -> Any:
    import numpy as np

    return np.arange(2, len(rows) + 2)


def test_blank_and_unreadable_dates_are_told_apart(workplace: Path, census: Path) -> None:
    table(workplace / "decisions.csv", "child_id,decision_at A,2026-05-01 A, B,soon")
    inputs = read_inputs([str(census), "decisions.csv"], USUAL, lambda stage: None)
    state = load(inputs, AS_OF).referrals.column("decision_at").state.tolist()
    assert state == [GIVEN, BLANK, UNTOLD]
