"""What is written for people runs nothing on their machine; for scripts it is exact."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st

from triage.outputs import as_json, rejections_csv, write_text

HEADING = "child_id,referral_date,decision_at,team\n"
RUN = ["=cmd|'/c calc'!A0", "+1+cmd", "-2+3", "@SUM(1)", "＝1+1"]
PLAIN = ["-12", "+44", "-1.5", "C-1", "a=b", "2023-05-01"]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("typed", RUN + PLAIN)
def test_a_text_that_a_spreadsheet_would_run_is_defused_in_csv_alone(
    triage: Triage, workplace: Path, typed: str
) -> None:
    path = workplace / "table.csv"
    path.write_text(f'{HEADING}"{typed}",2023-05-01,,"{typed}"\n', "utf-8")
    asked = ("check", path, "--as-of", "2023-06-30", "--quiet")
    code, told, _ = triage(*asked, "--format", "csv")
    (row,) = [row for row in rows_of(told) if row["rule"] == "DEC-01"]
    assert code == 0
    assert row["child_id"] == row["team"] == ("'" + typed if typed in RUN else typed)
    assert row["referral_date"] == "2023-05-01"
    _, told, _ = triage(*asked, "--format", "json")
    flag = json.loads(told)["flags"][0]
    assert (flag["child_id"], flag["team"]) == (typed, typed)
    triage(*asked, "--output", "flags.parquet")
    frame = pd.read_parquet(workplace / "flags.parquet")
    assert set(frame["child_id"]) == {typed}


def test_the_rows_to_mend_are_defused_as_well() -> None:
    row: dict[str, Any] = {
        "kind": "problem", "source": "=evil.csv", "row": -2, "column": "@team", "message": "\tno",
    }  # fmt: skip
    (told,) = rows_of(rejections_csv([row]))
    assert list(told.values()) == ["problem", "'=evil.csv", "-2", "'@team", "'\tno"]


@given(st.text(st.characters(exclude_categories=[])))
def test_json_is_exact_for_scripts_and_harmless_to_a_terminal(text: str) -> None:
    told = as_json({"typed": text})
    assert json.loads(told) == {"typed": text}
    told.encode("utf-8")
    assert not any(0x7F <= ord(letter) < 0xA0 or letter in "\u202e\u2066" for letter in told)


def test_a_name_that_is_no_text_can_be_written_down(tmp_path: Path) -> None:
    write_text(tmp_path / "out.csv", "\udcff")
    assert (tmp_path / "out.csv").read_text("utf-8") == "\\udcff"
