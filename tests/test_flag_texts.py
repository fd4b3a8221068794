"""Flags written piece by piece are, to the byte, what one call for the whole would write."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st

from triage import flag_texts
from triage.demonstration import sample
from triage.flag_files import FLAG_COLUMNS
from triage.flag_texts import csv_texts, defused, in_json, json_texts
from triage.flags import SCHEMA, Flags, Places
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options, Run

OBEYED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "a,b", 'say "no"', "two\nlines", "\r", "=1+1", "-12", "%s", "{}", "\x7f", "\u202e", "\\"]
)
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
    | st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, st.integers(), max_size=2)
)  # fmt: skip
DATES = st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31))
ROWS = st.fixed_dictionaries(
    {
        "rule": st.sampled_from(["DEC-01", "ALL-02"]),
        "severity": st.sampled_from(["critical", "low"]),
        "child_id": TEXTS,
        "referral_id": TEXTS,
        "referral_date": DATES,
        "team": st.none() | TEXTS,
        "message": TEXTS,
        "due_on": st.none() | DATES,
        "overdue_working_days": st.none() | st.integers(-5, 4_000),
        "evidence": st.dictionaries(TEXTS, VALUES, max_size=3).map(
            lambda found: json.dumps(found, ensure_ascii=False)
        ),
        "restricted": st.booleans(),
        "subject": st.sampled_from(["referral", "contact"]),
    }
)


class Rows:
    """Flags whose words are given: a stand-in for what a judgement knows of them."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        schema = SCHEMA.remove(SCHEMA.get_field_index("lasting"))
        plain = pa.schema(
            field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field
            for field in schema
        )
        self._table = pa.Table.from_pylist(rows, plain).cast(schema)

    def table(self, places: Places, *, to_store: bool) -> pa.Table:
        assert not to_store
        return self._table.take(pa.array(places))

    def is_of(self, places: Places, rules: Collection[str]) -> npt.NDArray[np.bool_]:
        return np.isin(self._table["rule"].to_pylist(), list(rules))[places]


def flags_of(rows: list[dict[str, Any]]) -> Flags:
    return Flags((Rows(rows), np.arange(len(rows))))


def json_at_once(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def csv_at_once(flags: Flags) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FLAG_COLUMNS)
    for row in flags.table.select(FLAG_COLUMNS).to_pylist():
        writer.writerow([defused(cell) for cell in row.values()])
    return out.getvalue()


@pytest.fixture(scope="module")
def run() -> Run:
    council = sample()
    options = Options(council.as_of, None, council.history_from)
    return check([str(council.folder)], load_rules(shipped("rules")), options)


@pytest.fixture(params=[(131_072, 8_192), (7, 3), (1, 1)])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces as they are, and so small that a council's flags take many."""
    in_words, in_text = request.param
    monkeypatch.setattr(flag_texts, "_IN_WORDS_AT_ONCE", in_words)
    monkeypatch.setattr(flag_texts, "_IN_TEXT_AT_ONCE", in_text)


@pytest.mark.parametrize("at_once", [(131_072, 8_192), (500, 64)], indirect=True)
@pytest.mark.usefixtures("at_once")
class TestOfACouncil:
    def test_its_json_is_what_one_call_would_write(self, run: Run) -> None:
        assert len(run.flags) > 500
        assert len(run.contact_flags) > 0
        assert "".join(json_texts(run.told())) == json_at_once(run.as_json())

    def test_its_csv_is_what_one_call_would_write(self, run: Run) -> None:
        assert "".join(csv_texts(run.stable_flags)) == csv_at_once(run.stable_flags)

    def test_no_piece_holds_more_flags_than_are_put_into_text_at_once(self, run: Run) -> None:
        most = flag_texts._IN_TEXT_AT_ONCE
        assert max(piece.count('"evidence": ') for piece in json_texts(run.told())) <= most
        assert len(list(csv_texts(run.flags))) >= len(run.flags) / most


@pytest.mark.usefixtures("at_once")
class TestOfAnyFlags:
    def test_none_are_an_empty_list_and_a_heading(self) -> None:
        assert "".join(json_texts({"flags": Flags(), "more": {}})) == json_at_once(
            {"flags": [], "more": {}}
        )
        assert "".join(csv_texts(Flags())) == ",".join(FLAG_COLUMNS) + "\n"

    @pytest.mark.parametrize("depth", [0, 1, 2])
    def test_they_stand_at_any_depth(self, run: Run, depth: int) -> None:
        some = run.stable_flags[:8] + run.contact_flags[:2]
        value: Any = some
        expected: Any = [flag.as_json() for flag in some]
        for _ in range(depth):
            value, expected = {"a": 1, "in": value, "z": []}, {"a": 1, "in": expected, "z": []}
        assert "".join(json_texts(value)) == json_at_once(expected)


@given(rows=st.lists(ROWS, max_size=6))
def test_whatever_was_typed_json_is_what_one_call_would_write(rows: list[dict[str, Any]]) -> None:
    flags = flags_of(rows)
    expected = {"flags": [flag.as_json() for flag in flags]}
    told = "".join(json_texts({"flags": flags}))
    assert told == json_at_once(expected)
    assert json.loads(told) == json.loads(json.dumps(expected))


@given(rows=st.lists(ROWS, max_size=6))
def test_whatever_was_typed_csv_is_what_one_call_would_write(rows: list[dict[str, Any]]) -> None:
    flags = flags_of(rows)
    assert "".join(csv_texts(flags)) == csv_at_once(flags)


@given(st.recursive(VALUES, lambda inner: st.dictionaries(TEXTS, inner, max_size=3)))
def test_what_holds_no_flags_is_written_as_ever(value: Any) -> None:
    assert "".join(json_texts(value)) == in_json(value) == json_at_once(value)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_file_holds_what_is_printed(triage: Triage, records: Path, form: str) -> None:
    call = ("check", records, "--as-of", "2023-06-30", "--quiet", "--format", form)
    code, printed, _ = triage(*call)
    assert code == 0
    assert triage(*call, "--output", f"flags.{form}") == (0, "", "")
    assert Path(f"flags.{form}").read_text("utf-8") == printed
