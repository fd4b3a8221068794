"""The invented council is the same in every form that is written."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook
from sample_helpers import census_rows, children_of, sheet_rows

from triage.sample import (
    Council,
    make_council,
    write_annex_a,
    write_cin,
    write_folder,
    write_referral_table,
)
from triage.sample.words import COLUMNS
from triage.sample.writers_annex_a import LIST_HEADINGS

AS_OF = date(2026, 9, 30)
KEYS = ["referral_id", "child_id", "referral_date"]
EVENT_COLUMNS = (
    "referral_date", "date_of_birth", "closed_on", "decision_at", "decision_recorded_at",
    "allocated_at", "assessment_started_on", "assessment_reviewed_on", "assessment_authorised_on",
    "strategy_discussion_on", "section47_started_on", "icpc_on", "last_oversight_on",
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


class TestForms:
    @pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
    def test_the_table_reads_back_cell_by_cell(
        self, tmp_path: Path, small: Council, suffix: str
    ) -> None:
        path = tmp_path / f"table{suffix}"
        assert write_referral_table(small, path) == len(small.referrals)
        if suffix == ".csv":
            found = pd.read_csv(path, dtype=str, keep_default_na=False)
        elif suffix == ".parquet":
            found = pd.read_parquet(path)
        else:
            head, *rows = sheet_rows(path, "Referrals")
            found = pd.DataFrame(rows, columns=[str(name) for name in head])
        assert (
            found.astype(object).values.tolist() == small.referrals.astype(object).values.tolist()
        )
        assert list(found.columns) == list(COLUMNS)

    def test_another_suffix_is_refused(self, tmp_path: Path, small: Council) -> None:
        with pytest.raises(ValueError, match=r"cannot write .* as table\.txt"):
            write_referral_table(small, tmp_path / "table.txt")

    def test_the_folder_holds_the_same_children_and_cells(
        self, tmp_path: Path, small: Council
    ) -> None:
        rows = write_folder(small, tmp_path)
        parts = {
            name: pd.read_csv(tmp_path / name, dtype=str, keep_default_na=False) for name in rows
        }
        assert {name: len(part) for name, part in parts.items()} == rows
        for name in ("decisions", "allocations", "contacts", "early_help"):
            written = parts.pop(f"{name}.csv")
            pd.testing.assert_frame_equal(written, getattr(small, name))
            if name in ("decisions", "allocations"):  # the referral table has the first of each
                parts[name] = written[~written.duplicated(KEYS)]
        joined = parts.pop("referrals.csv")
        assert len(joined) == len(small.referrals)
        for part in parts.values():
            joined = joined.merge(part, on=KEYS, how="left", suffixes=("", "_again"))
        found = joined.fillna("")[list(COLUMNS)].astype(object).values.tolist()
        assert found == small.referrals.astype(object).values.tolist()

    def test_annex_a_has_the_number_of_referrals_that_the_table_has(
        self, tmp_path: Path, small: Council
    ) -> None:
        path = tmp_path / "annex_a.xlsx"
        write_annex_a(small, path, months=None)
        place = LIST_HEADINGS[3].index("Number of Referrals in Last 12 Months")
        counts = [int(str(row[place]).split(".")[0]) for row in sheet_rows(path, "List 3")[1:]]
        assert counts == small.referrals["referrals_in_last_12_months"].astype(int).tolist()

    def test_the_whole_census_file_holds_the_same_children_and_facts(
        self, tmp_path: Path, small: Council
    ) -> None:
        path = tmp_path / "cin.xml"
        counts = write_cin(small, path)
        rows = census_rows(path)
        assert (counts.written, counts.left_out, counts.skipped) == (len(rows), 0, 0)
        assert Counter(row["id"] for row in rows) == children_of(small)
        for element, column in [
            ("ReferralSource", "referral_source"),
            ("PrimaryNeedCode", "primary_need"),
            ("ReasonForClosure", "closure_reason"),
        ]:
            found = Counter(row.get(element, "") for row in rows)
            assert found == Counter(small.referrals[column]), element
        closed = small.referrals["closed_on"] != ""
        assert sum("CINclosureDate" in row for row in rows) == closed.sum()
        typed = small.referrals["referral_date"]
        unread = typed[~typed.str.match(r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}")]
        dates = [row.get("CINreferralDate", "") for row in rows]
        assert all(word in dates for word in unread)
        readable = [day for day in dates if re.fullmatch(r"20\d\d-\d\d-\d\d", day)]
        assert len(readable) > 0.99 * len(rows)

    def test_census_elements_stand_in_the_order_of_the_schema(
        self, tmp_path: Path, small: Council
    ) -> None:
        order = [
            "CINreferralDate", "ReferralSource", "PrimaryNeedCode", "CINclosureDate",
            "ReasonForClosure", "DateOfInitialCPC", "Assessments", "Section47", "ReferralNFA",
        ]  # fmt: skip
        path = tmp_path / "cin.xml"
        write_cin(small, path)
        for episode in ET.parse(path).getroot().iter("CINdetails"):
            places = [order.index(element.tag) for element in episode]
            assert places == sorted(places)

    def test_a_census_year_holds_its_referrals_and_the_open_ones_and_stops_at_its_end(
        self, tmp_path: Path, clean: Council
    ) -> None:
        path = tmp_path / "cin.xml"
        counts = write_cin(clean, path, year_ending=2025)
        rows = census_rows(path)
        day = clean.referrals["referral_date"].str[:10]
        closed = clean.referrals["closed_on"]
        in_year = (day >= "2024-04-01") & (day <= "2025-03-31")
        carried = (
            (day < "2024-04-01")
            & (clean.referrals["nfa"] == "false")
            & ((closed == "") | (closed >= "2024-04-01"))
        )
        expected = clean.referrals[in_year | carried]
        assert 0 < carried.sum() < in_year.sum()
        assert Counter(row["id"] for row in rows) == Counter(expected["child_id"])
        assert counts.written == len(rows)
        assert counts.written + counts.left_out == len(clean.referrals)
        for row in rows:
            dates = [text for text in row.values() if re.fullmatch(r"\d{4}-\d\d-\d\d", text)]
            assert max(dates) <= "2025-03-31"
            assert ("ReasonForClosure" in row) == ("CINclosureDate" in row)

    def test_annex_a_has_every_list_with_its_exact_headings(
        self, tmp_path: Path, small: Council
    ) -> None:
        path = tmp_path / "annex_a.xlsx"
        write_annex_a(small, path)
        assert CalamineWorkbook.from_path(str(path)).sheet_names == [
            f"List {number}" for number in range(1, 8)
        ]
        for number, headings in LIST_HEADINGS.items():
            assert tuple(sheet_rows(path, f"List {number}")[0]) == headings

    def test_annex_a_without_a_window_holds_the_same_children_and_facts(
        self, tmp_path: Path, small: Council
    ) -> None:
        path = tmp_path / "annex_a.xlsx"
        counts = write_annex_a(small, path, months=None)
        table = small.referrals
        assert (counts.written, counts.left_out, counts.skipped) == (len(table), 0, 0)
        referrals = sheet_rows(path, "List 3")[1:]
        assert Counter(str(row[0]) for row in referrals) == children_of(small)
        place = LIST_HEADINGS[3].index("Date of referral")
        assert sum(isinstance(row[place], date) for row in referrals) > 0.99 * len(table)
        place = LIST_HEADINGS[3].index("Referral Source")
        police = Counter(row[place] for row in referrals)["q) 6: Police"]
        assert police == (table["referral_source"] == "6").sum()
        for number, column in [(4, "assessment_started_on"), (5, "section47_started_on")]:
            found = Counter(str(row[0]) for row in sheet_rows(path, f"List {number}")[1:])
            assert found == Counter(table.loc[table[column] != "", "child_id"])
        in_need = sheet_rows(path, "List 6")[1:]
        assert len(in_need) == (table["nfa"] != "true").sum()
        needs = Counter(row[LIST_HEADINGS[6].index("Primary Need Code")] for row in in_need)
        assert needs["N1 - Abuse or neglect"] > len(in_need) * 0.4

    def test_annex_a_keeps_the_referrals_of_its_window(
        self, tmp_path: Path, clean: Council
    ) -> None:
        path = tmp_path / "annex_a.xlsx"
        counts = write_annex_a(clean, path, months=3)
        in_window = clean.referrals["referral_date"].str[:10] >= "2026-06-30"
        assert counts.written == in_window.sum()
        assert len(sheet_rows(path, "List 3")) == counts.written + 1
