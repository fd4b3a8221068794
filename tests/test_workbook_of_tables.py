"""Referrals, decisions and the like on the sheets of one workbook."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from conftest import Triage
from extract_helpers import checked, flagged


def sheets(path: Path, **tables: list[list[str]]) -> Path:
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        for name, rows in tables.items():
            pd.DataFrame(rows).to_excel(book, sheet_name=name, index=False, header=False)
    return path


REFERRALS = [
    ["child_id", "referral_date", "nfa"], ["A", "2026-05-01", "0"], ["A", "2026-09-01", "0"],
]  # fmt: skip


def test_referrals_and_decisions_may_stand_on_sheets_of_one_workbook(
    triage: Triage, workplace: Path
) -> None:
    sheets(
        workplace / "council.xlsx",
        Guidance=[["How to fill this in", ""]],
        Referrals=REFERRALS,
        Decisions=[["child_id", "referral_date", "decision_at"], ["A", "2026-09-01", "2026-09-10"]],
        Decisions_old=[["child_id", "decision_at"], ["A", "2026-05-01"]],
        Contacts=[["child_id", "contact_date"], ["Z", "2026-09-01"]],
    )
    found = checked(triage, "council.xlsx")
    assert found["inputs"][0]["kind"] == "workbook of tables"
    assert found["rows"]["read"] == 2
    assert [one["n_same_day"] for one in found["joins"]] == [1, 1]
    assert flagged(found, "DEC-01") == set()
    assert flagged(found, "DEC-02") == {("A", "2026-09-01")}
    assert found["contacts"]["rows"]["judged"] == 1
    assert any("sheet Guidance holds no table that is known" in note for note in found["notes"])


def test_several_sheets_of_events_are_joined_to_a_census(
    triage: Triage, census: Path, workplace: Path
) -> None:
    sheets(
        workplace / "events.xlsx",
        Decided=[["child_id", "decision_at"], ["A", "2026-09-01"]],
        Held=[["child_id", "allocated_at"], ["A", "2026-09-21"]],
    )
    found = checked(triage, census, "events.xlsx")
    assert found["inputs"][1]["kind"] == "table of decisions and allocations"
    assert found["inputs"][1]["rows"] == 2
    assert flagged(found, "ALL-01") == {("A", "2026-09-01")}


def test_referrals_on_two_sheets_are_refused(triage: Triage, workplace: Path) -> None:
    sheets(workplace / "council.xlsx", One=REFERRALS, Two=REFERRALS)
    code, out, err = triage("check", "council.xlsx")
    assert (code, out) == (3, "")
    assert "referrals stand on several sheets (One, Two)" in " ".join(err.split())
