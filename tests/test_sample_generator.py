"""The invented council: reproducible, like the published figures, and the same in every form."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample_helpers import census_rows, contents, days_of

from triage.sample import (
    Council,
    make_council,
    write_referral_table,
)
from triage.sample import calibration as cal
from triage.sample.shipped import SHIPPED_AS_OF, SHIPPED_REFERRALS, shipped_council, write_shipped
from triage.sample.words import (
    ALLOCATION_COLUMNS,
    COLUMNS,
    CONTACT_COLUMNS,
    DECISION_COLUMNS,
    EARLY_HELP_COLUMNS,
    NEEDS,
    OUTCOMES,
    RATINGS,
    REASONS,
    SOURCES,
    TEAMS,
)
from triage.sample.workdays import WorkingDays, day_number

AS_OF = date(2026, 9, 30)
EVENT_COLUMNS = (
    "referral_date", "date_of_birth", "closed_on", "decision_at", "decision_recorded_at",
    "allocated_at", "assessment_started_on", "assessment_reviewed_on", "assessment_authorised_on",
    "strategy_discussion_on", "section47_started_on", "icpc_on", "last_oversight_on",
    "feedback_at",
)  # fmt: skip


@pytest.fixture(scope="module")
def clean() -> Council:
    return make_council(20_000, seed=1, as_of=AS_OF, months=36, dirty=False)


@pytest.fixture(scope="module")
def dirty() -> Council:
    return make_council(20_000, seed=1, as_of=AS_OF, months=36)


@pytest.fixture(scope="module")
def small() -> Council:
    return make_council(1_500, seed=5, as_of=AS_OF, months=18)


@pytest.fixture(scope="module")
def dated(clean: Council) -> pd.DataFrame:
    """The clean council by child and date, with the gap to the previous referral in days."""
    table = clean.referrals.copy()
    table["day"] = pd.to_datetime(table["referral_date"].str[:10])
    table = table.sort_values(["child_id", "day"])
    table["gap"] = table.groupby("child_id")["day"].diff().dt.days
    return table


class TestReproducible:
    def test_the_shipped_council_is_the_fixed_one(self) -> None:
        council = shipped_council()
        assert council.as_of == SHIPPED_AS_OF
        assert len(council.referrals) == SHIPPED_REFERRALS

    def test_the_shipped_files_come_out_byte_for_byte_the_same(self, tmp_path: Path) -> None:
        write_shipped(tmp_path / "first")
        write_shipped(tmp_path / "second")
        first = contents(tmp_path / "first")
        for year in ("2025_26", "2026_27_to_date"):
            assert len(census_rows(tmp_path / "first" / "cin_census" / f"cin_{year}.xml")) > 100
        assert first == contents(tmp_path / "second")
        assert sorted(first) == [
            "allocations.csv",
            "annex_a/annex_a.xlsx",
            "assessments.csv",
            "cin_census/cin_2025_26.xml",
            "cin_census/cin_2026_27_to_date.xml",
            "contacts.csv",
            "decisions.csv",
            "early_help.csv",
            "one_table/referral_table.csv",
            "oversight.csv",
            "referrals.csv",
            "section47s.csv",
        ]

    def test_every_form_of_table_comes_out_byte_for_byte_the_same(
        self, tmp_path: Path, small: Council
    ) -> None:
        for suffix in ("csv", "parquet", "xlsx"):
            written = []
            for name in ("first", "second"):
                path = tmp_path / f"{name}.{suffix}"
                write_referral_table(small, path)
                written.append(path.read_bytes())
            assert written[0] == written[1], suffix

    def test_the_same_arguments_give_the_same_cells(self, dirty: Council) -> None:
        again = make_council(20_000, seed=1, as_of=AS_OF, months=36)
        for name in ("referrals", "decisions", "allocations", "contacts", "early_help"):
            pd.testing.assert_frame_equal(getattr(again, name), getattr(dirty, name))

    def test_another_seed_gives_another_council(self) -> None:
        one = make_council(300, seed=1, as_of=AS_OF, months=12)
        two = make_council(300, seed=2, as_of=AS_OF, months=12)
        assert not one.referrals.equals(two.referrals)

    @pytest.mark.parametrize("size", [1, 2, 399, 5_000])
    @pytest.mark.parametrize("is_dirty", [True, False])
    def test_a_council_has_exactly_the_rows_asked_for(self, size: int, is_dirty: bool) -> None:
        council = make_council(size, seed=3, as_of=AS_OF, months=24, dirty=is_dirty)
        assert council.referrals.shape == (size, len(COLUMNS))
        assert list(council.referrals.columns) == list(COLUMNS)
        assert list(council.decisions.columns) == list(DECISION_COLUMNS)
        assert list(council.allocations.columns) == list(ALLOCATION_COLUMNS)
        assert list(council.contacts.columns) == list(CONTACT_COLUMNS)
        assert list(council.early_help.columns) == list(EARLY_HELP_COLUMNS)

    @pytest.mark.parametrize(
        ("size", "months", "as_of"),
        [(0, 12, AS_OF), (10, 0, AS_OF), (10, 12, date(1985, 1, 1)), (10, 1, date(2051, 1, 1))],
    )
    def test_numbers_out_of_range_are_refused(self, size: int, months: int, as_of: date) -> None:
        with pytest.raises(ValueError, match=r"number of|period"):
            make_council(size, seed=1, as_of=as_of, months=months)


class TestLikeThePublishedFigures:
    def test_share_of_rereferrals_once_a_year_of_history_stands(self, dated: pd.DataFrame) -> None:
        late = dated[dated["day"] >= "2024-10-01"]
        assert (late["gap"] <= 365).mean() == pytest.approx(cal.REREFERRAL_SHARE, abs=0.015)

    def test_half_of_the_returns_within_a_year_come_in_four_to_five_months(
        self, dated: pd.DataFrame
    ) -> None:
        gaps = dated.loc[(dated["day"] >= "2024-10-01") & (dated["gap"] <= 365), "gap"]
        assert 122 <= gaps.median() <= 152

    def test_a_few_children_make_many_of_the_referrals(self, dated: pd.DataFrame) -> None:
        counts = dated["child_id"].value_counts()
        often = counts[counts >= 4]
        assert len(often) / len(counts) < 0.05
        assert often.sum() / len(dated) > 0.07

    def test_share_closed_with_no_further_action(self, clean: Council, dated: pd.DataFrame) -> None:
        nfa = clean.referrals["nfa"] == "true"
        assert nfa.mean() == pytest.approx(cal.NFA_SHARE, abs=0.008)
        returned = dated["gap"] <= 365
        assert (dated.loc[returned, "nfa"] == "true").mean() > nfa.mean() + 0.02

    @pytest.mark.parametrize(
        ("column", "mix"), [("referral_source", cal.SOURCE_MIX), ("primary_need", cal.NEED_MIX)]
    )
    def test_mix_of_sources_and_needs(
        self, clean: Council, column: str, mix: dict[str, float]
    ) -> None:
        found = clean.referrals[column].value_counts(normalize=True)
        total = sum(mix.values())
        for code, share in mix.items():
            assert found.get(code, 0.0) == pytest.approx(share / total, abs=0.015), code

    def test_seven_in_ten_rereferrals_repeat_the_need(self, dated: pd.DataFrame) -> None:
        previous = dated.groupby("child_id")["primary_need"].shift()
        returned = dated["gap"] <= 365
        same = (dated["primary_need"] == previous)[returned].mean()
        assert same == pytest.approx(cal.SAME_NEED_WITHIN_YEAR, abs=0.03)

    def test_assessments_take_the_published_working_days(self, clean: Council) -> None:
        table = clean.referrals
        # Referrals old enough for every assessment to have been authorised by as_of.
        done = table[(table["assessment_authorised_on"] != "") & (table["referral_date"] < "2026")]
        calendar = WorkingDays()
        taken = calendar.between(
            days_of(done["referral_date"]), days_of(done["assessment_authorised_on"])
        )
        total = sum(share for _, _, share in cal.ASSESSMENT_WORKING_DAYS)
        for low, high, share in cal.ASSESSMENT_WORKING_DAYS:
            found = ((taken >= low) & (taken <= high)).mean()
            assert found == pytest.approx(share / total, abs=0.02), (low, high)

    def test_enquiries_and_conferences_are_as_common_and_as_timely(self, clean: Council) -> None:
        table = clean.referrals
        assert (table["section47_started_on"] != "").mean() == pytest.approx(
            cal.SECTION47_SHARE, abs=0.02
        )
        assert (table["icpc_on"] != "").mean() == pytest.approx(cal.CONFERENCE_SHARE, abs=0.01)
        held = table[(table["icpc_on"] != "") & (table["strategy_discussion_on"] != "")]
        calendar = WorkingDays()
        taken = calendar.between(days_of(held["strategy_discussion_on"]), days_of(held["icpc_on"]))
        assert (taken <= 15).mean() == pytest.approx(0.814, abs=0.03)

    def test_every_weakness_a_rule_looks_for_is_there(self, clean: Council) -> None:
        table = clean.referrals
        decided = table["decision_at"] != ""
        length = pd.to_numeric(table["rationale_length"], errors="coerce")
        roles = ("Team Manager", "Assistant Team Manager", "Practice Supervisor", "Service Manager")
        weak = {
            "no decision": ~decided,
            "made before the referral": decided
            & (table["decision_at"].str[:10] < table["referral_date"].str[:10]),
            "no rationale": decided & length.isna(),
            "short rationale": decided & (length < 30),
            "no risk rating": decided & (table["risk_rating"] == ""),
            "no threshold": decided & (table["threshold_level"] == ""),
            "role not allowed": decided
            & (table["decision_maker_role"] != "")
            & ~table["decision_maker_role"].isin(roles),
            "self-approved": decided
            & (table["allocated_worker_id"] != "")
            & (table["allocated_worker_id"] == table["decision_maker_id"]),
            "red and no further action": (table["nfa"] == "true") & (table["risk_rating"] == "red"),
            "never allocated": (table["nfa"] == "false") & (table["allocated_at"] == ""),
            "unborn": table["expected_date_of_birth"] != "",
            "restricted": table["restricted"] == "true",
        }
        for name, rows in weak.items():
            assert 0 < rows.mean() < 0.10, name

    def test_siblings_are_referred_on_one_day(self, clean: Council) -> None:
        table = clean.referrals
        day = table["referral_date"].str[:10].rename("day")
        together = table.groupby([table["household_id"], day])["child_id"].nunique()
        assert (together > 1).mean() > 0.2
        assert (table.groupby("child_id")["household_id"].nunique() == 1).all()


class TestAsItStandsOnTheDay:
    @pytest.mark.parametrize("column", EVENT_COLUMNS)
    def test_nothing_is_dated_after_as_of(
        self, clean: Council, dirty: Council, column: str
    ) -> None:
        assert (clean.referrals[column].str[:10] <= AS_OF.isoformat()).all()
        typed = dirty.referrals[column].str.replace(
            r"^(\d\d)/(\d\d)/(\d{4})", r"\3-\2-\1", regex=True
        )
        dates = typed[typed.str.match(r"\d{4}-\d{2}-\d{2}") & (typed != "2025-13-04")]
        late = dates[dates.str[:10] > AS_OF.isoformat()]
        assert len(late) < 0.002 * len(typed)
        assert late.str.startswith(f"{AS_OF.year + 1}-").all()  # a year typed one too late

    def test_what_belongs_to_an_event_is_blank_with_it(self, clean: Council) -> None:
        table = clean.referrals
        for event, belonging in [
            ("decision_at", "decision_maker_id"),
            ("decision_at", "decision_outcome"),
            ("decision_at", "decision_recorded_at"),
            ("decision_at", "feedback_at"),
            ("rationale_length", "rationale_hash"),
            ("allocated_at", "worker_caseload"),
            ("allocated_at", "allocated_worker_id"),
            ("closed_on", "closure_reason"),
            ("assessment_authorised_on", "assessment_factors"),
        ]:
            assert (table.loc[table[event] == "", belonging] == "").all(), belonging

    def test_no_work_follows_closure_or_no_further_action(self, clean: Council) -> None:
        table = clean.referrals
        closed = table[table["closed_on"] != ""]
        ended = table[table["nfa"] == "true"]
        for name in EVENT_COLUMNS[5:-1]:  # the referrer may be told after the closure
            assert (closed[name].str[:10] <= closed["closed_on"]).all(), name
            assert (ended[name] == "").all(), name
        assert (closed["closed_on"] >= closed["referral_date"].str[:10]).all()

    def test_children_are_under_eighteen_and_expected_ones_not_too_far_off(
        self, clean: Council
    ) -> None:
        table = clean.referrals
        born = table[table["date_of_birth"] != ""]
        age = days_of(born["referral_date"]) - days_of(born["date_of_birth"])
        assert age.max() < 18 * 365.25
        assert age.min() >= -280


class TestDirt:
    def test_a_clean_council_has_no_mistyped_cell(self, clean: Council) -> None:
        table = clean.referrals
        patterns = {
            "child_id": r"C\d{7}",
            "referral_id": r"R\d{7}",
            "household_id": r"H\d{7}",
            "decision_maker_id": r"(W\d{4})?",
            "allocated_worker_id": rf"(W\d{{4}}|DUTY|{'|'.join(TEAMS)})?",
            "worker_caseload": r"(\d+)?",
            "rationale_hash": "([0-9a-f]{16})?",
            "referrals_in_last_12_months": r"\d+",
            "referral_date": r"\d{4}-\d\d-\d\d(T\d\d:\d\d)?",
            "nfa": "true|false",
            "restricted": "true|false",
            "history_considered": "(true|false)?",
            "icpc_not_required": "(true|false)?",
            "threshold_level": "[1-4]?",
            "rationale_length": r"(\d+)?",
            "assessment_factors": r"(\d+[ABC]?(;\d+[ABC]?)*)?",
        }
        for name, pattern in patterns.items():
            assert table[name].str.fullmatch(pattern).all(), name
        for name in EVENT_COLUMNS:
            pd.to_datetime(table[name].str[:10], format="%Y-%m-%d", errors="raise")
        for name, codes in {
            "referral_source": SOURCES,
            "primary_need": NEEDS,
            "closure_reason": (*REASONS, ""),
            "decision_outcome": (*OUTCOMES, ""),
            "risk_rating": (*RATINGS, ""),
        }.items():
            assert table[name].isin(codes).all(), name
        assert (table["team"] != "").all()
        assert table["referral_id"].is_unique
        assert (
            not table.assign(day=table["referral_date"].str[:10])
            .duplicated(["child_id", "day"])
            .any()
        )

    def test_a_dirty_council_has_every_kind_of_dirt(self, dirty: Council) -> None:
        table = dirty.referrals
        day = table["referral_date"].str.extract(r"^(\d{4}-\d\d-\d\d)")[0]
        twice = table.assign(day=day)[(table["child_id"] != "") & day.notna()]
        kinds = {
            "blank child id": (table["child_id"] == "", 0.0015),
            "referral date in words": (table["referral_date"].isin(["not known", "TBC"]), 0.003),
            "day first": (table["referral_date"].str.match(r"\d\d/\d\d/\d{4}"), 0.02),
            "impossible date": (table["closed_on"] == "2025-02-31", 0.002),
            "code out of list": (~table["referral_source"].isin([*SOURCES, ""]), 0.003),
            "blank code": (table["primary_need"] == "", 0.01),
            "unclear truth": (table["nfa"].isin(["maybe", "unknown", "see notes"]), 0.002),
            "reused id": (table["referral_id"].duplicated(), 0.002),
            "same day twice": (twice.duplicated(["child_id", "day"]), 0.01),
        }
        for name, (rows, most) in kinds.items():
            assert 0 < rows.mean() < most, name


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        (date(2026, 9, 26), 1, date(2026, 9, 28)),  # a Saturday
        (date(2026, 9, 25), 1, date(2026, 9, 28)),
        (date(2026, 9, 26), 0, date(2026, 9, 26)),
        (date(2022, 9, 16), 1, date(2022, 9, 20)),  # the funeral bank holiday between
        (date(2023, 5, 5), 1, date(2023, 5, 9)),  # the coronation bank holiday between
    ],
)
def test_working_days_are_counted_strictly_after_the_day(
    start: date, count: int, expected: date
) -> None:
    calendar = WorkingDays()
    days = np.array([day_number(start)], dtype=np.int32)
    found = calendar.after(days, count)
    assert found[0] == day_number(expected)
    assert calendar.between(days, found)[0] == count
