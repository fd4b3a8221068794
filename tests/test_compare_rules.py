"""Comparing rule sets: by named case, checked against counting directly, and by their text."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import json
from pathlib import Path

import pytest
from conftest import AS_OF, Triage
from hypothesis import given
from hypothesis import strategies as st

from triage import explain
from triage.conditions import All, AnyOf, Compare, Condition
from triage.demonstration import sample
from triage.differing import implies
from triage.facts import Asked
from triage.resources import shipped

SAMPLE = sample()
REF_08 = next(shipped("rules").glob("REF-08*"))


def closures_and_returns() -> dict[tuple[str, str], int]:
    """Days from a child's previous closure to each judged referral, read straight from the CSV."""
    with (SAMPLE.folder / "referrals.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    by_child: dict[str, dict[dt.date, list[tuple[str, dict[str, str]]]]] = {}
    for row in rows:
        day = as_date(row["referral_date"])
        if row["child_id"].strip() and day:
            of_day = by_child.setdefault(row["child_id"].strip(), {}).setdefault(day, [])
            of_day.append((row["referral_date"], row))
    found = {}
    since = dt.date(2026, 6, 30)
    for child, days in by_child.items():
        chain = [min(days[day], key=lambda pair: clock(pair[0]))[1] for day in sorted(days)]
        for before, row in itertools.pairwise(chain):
            closed, day = as_date(before["closed_on"]), as_date(row["referral_date"])
            is_open = row["nfa"] == "false" and not row["closed_on"]
            unsure = row["nfa"] not in ("true", "false") and not row["closed_on"]
            assert day is not None
            if closed and (day >= since or is_open or unsure) and closed <= SAMPLE.as_of:
                found[child, row["referral_id"]] = (day - closed).days
    return found


def as_date(text: str) -> dt.date | None:
    text = text.strip()
    try:
        if text[2:3] == "/":
            return dt.datetime.strptime(text[:10], "%d/%m/%Y").date()
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None


def clock(text: str) -> str:
    return text[11:16] if len(text) > 10 else "00:00"


@pytest.fixture(scope="module")
def at_60_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / REF_08.name
    text = REF_08.read_text("utf-8")
    assert text.count("value: 90\n") == 1
    path.write_text(text.replace("value: 90\n", "value: 60\n"), "utf-8")
    return path


def test_ref_08_at_90_and_at_60_days_names_exactly_the_cases_that_differ(
    triage: Triage, at_60_days: Path
) -> None:
    code, out, _ = triage(
        "rules", "compare", "shipped", at_60_days, SAMPLE.folder, "--as-of", str(SAMPLE.as_of),
        "--history-from", str(SAMPLE.history_from), "--format", "json",
    )  # fmt: skip
    assert code == 0
    told = {one["rule"]: one for one in json.loads(out)}
    days = closures_and_returns()
    expected = {key for key, n in days.items() if 60 < n <= 90}
    gone = told["REF-08"]["no_longer_flagged"]
    assert {(case["child_id"], case["referral_id"]) for case in gone} == expected
    assert len(gone) == len(expected) > 3
    assert told["REF-08"]["newly_flagged"] == []
    assert told["REF-08"]["unchanged"] == sum(0 <= n <= 60 for n in days.values())
    assert told["REF-08"]["difference"] == "tighter"
    assert told["CMP-03"]["difference"] == "tighter", "it reads REF-08 and changes with it"
    others = [one for rule, one in told.items() if rule not in ("REF-08", "CMP-03")]
    assert {one["difference"] for one in others} == {"unchanged"}
    assert not any(one["newly_flagged"] or one["no_longer_flagged"] for one in others)


def test_the_other_way_round_it_is_looser_and_the_same_cases_are_new(
    triage: Triage, at_60_days: Path
) -> None:
    call = ("--as-of", str(SAMPLE.as_of), "--rule", "ref-08", "--format", "csv")
    there = triage("rules", "compare", "shipped", at_60_days, SAMPLE.folder, *call)[1]
    back = triage("rules", "compare", at_60_days, "shipped", SAMPLE.folder, *call)[1]
    tables = [list(csv.DictReader(io.StringIO(text))) for text in (there, back)]
    cases = [{(row["child_id"], row["referral_id"]) for row in table} for table in tables]
    assert cases[0] == cases[1] != set()
    assert {(row["difference"], row["change"]) for row in tables[0]} == {
        ("tighter", "no longer flagged")
    }
    assert {(row["difference"], row["change"]) for row in tables[1]} == {
        ("looser", "newly flagged")
    }


def test_the_table_names_each_case_and_withholds_restricted_ones(
    triage: Triage, records: Path, workplace: Path
) -> None:
    rule = next(shipped("rules").glob("DEC-02*"))
    mine = workplace / rule.name
    mine.write_text(rule.read_text("utf-8").replace("value: 1\n", "value: 3\n"), "utf-8")
    out = triage("rules", "compare", "current", mine, records, "--as-of", AS_OF)[1]
    assert "tighter" in out
    assert "DEC-02, no longer flagged" in out
    assert "child A, R2: Decision made on 15 May 2023, 3 working days after" in out
    text_only = rule.read_text("utf-8").replace("title: Decision late", "title: Decided late")
    mine.write_text(text_only, "utf-8")
    out = triage("rules", "compare", "current", mine, records, "--as-of", AS_OF)[1]
    assert "text only" in out
    mine.write_text(text_only.replace("severity: high", "severity: low"), "utf-8")
    out = triage("rules", "compare", "current", mine, records, "--as-of", AS_OF)[1]
    assert "text only, severity high to low" in out
    same = triage("rules", "compare", "shipped", "current", records, "--as-of", AS_OF)[1]
    assert same == "Nothing differs: the same rules, and the same flags.\n"


def test_what_cannot_be_compared_is_told(triage: Triage, records: Path) -> None:
    code, _, err = triage("rules", "compare", "shipped", "nowhere", records)
    assert (code, "nowhere: is no folder of rules" in err) == (2, True)
    code, _, err = triage("rules", "compare", "shipped", "current", records, "--rule", "XX-01")
    assert (code, "there is no rule XX-01 in either set" in err) == (2, True)
    code, _, err = triage("rules", "compare", "shipped", "current", "nowhere.csv")
    assert (code, "there is no such file or folder" in err) == (3, True)


class Facts:
    """One referral's facts, made at random; a count rises with its window, as a count does."""

    def __init__(self, number: int, by_window: tuple[int, int], word: str | None) -> None:
        self._number, self._by_window, self._word = number, by_window, word

    def bounds(self, asked: Asked) -> tuple[object, object] | None:
        if asked.name == "n_referrals":
            value = self._by_window[0] + (self._by_window[1] if asked.within == 12 else 0)
            return value, value
        if asked.name == "risk_rating":
            return None if self._word is None else (self._word, self._word)
        return self._number, self._number

    def outcome(self, rule: str) -> str:
        raise AssertionError(rule)


numbers = st.sampled_from(["more_than", "at_least", "less_than", "at_most"])
leaves = st.one_of(
    st.builds(
        lambda name, limit: Compare("working_days_to_decision", name, (limit,)),
        numbers,
        st.integers(0, 4),
    ),
    st.builds(
        lambda name, limit, window: Compare("n_referrals", name, (limit,), within=window),
        numbers,
        st.integers(0, 4),
        st.sampled_from([6, 12]),
    ),
    st.builds(
        lambda name, words: Compare("risk_rating", name, tuple(words)),
        st.sampled_from(["one_of", "none_of"]),
        st.lists(st.sampled_from(["red", "amber", "green"]), min_size=1, max_size=2, unique=True),
    ),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([All, AnyOf]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
facts = st.builds(
    Facts,
    st.integers(0, 5),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.sampled_from(["red", "amber", "green", None]),
)


@given(conditions, conditions, st.lists(facts, min_size=1, max_size=20))
def test_what_is_called_looser_flags_all_that_was_flagged(
    one: Condition, other: Condition, made: list[Facts]
) -> None:
    if implies(one, other):
        for each in made:
            if explain.judge(one, each) is True:
                assert explain.judge(other, each) is True


@given(conditions)
def test_a_rule_is_neither_looser_nor_tighter_than_itself(one: Condition) -> None:
    assert implies(one, one)
