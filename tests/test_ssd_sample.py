"""Invented councils written as a dataset, and read back as they were."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st
from ssd_helpers import beside, cells

from triage.reading import USUAL
from triage.sample import Council, make_council, words
from triage.sample.ssd_fields import FIELDS, MOMENT
from triage.sample.writers_ssd import write_ssd
from triage.sources import read_source
from triage.sources.ssd import read_ssd
from triage.sources.ssd_tables import TABLES
from triage.tables import RawTable
from triage.vocabulary import (
    ASSESSMENT_FACTORS,
    CLOSURE_REASONS,
    CONTACT_OUTCOMES,
    PRIMARY_NEEDS,
    REFERRAL_SOURCES,
)

AS_OF = dt.date(2026, 9, 30)
REAL = Path(__file__).resolve().parents[2] / "shared" / "real"


def test_every_field_that_is_read_is_one_that_the_sample_writes() -> None:
    for table in TABLES:
        kinds = dict(FIELDS[table.name])
        assert set(table.fields) <= set(kinds)
        assert {field for field in table.fields if kinds[field] == MOMENT} == set(table.dates)
        assert table.fields[0] == FIELDS[table.name][0][0]


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"ssd_family"}))
def test_tables_have_the_fields_of_the_specification(name: str) -> None:
    path = REAL / f"{name}.yml"
    if not path.exists():
        pytest.skip("the specification is not here")
    specified = {
        field["name"]: field["type"].casefold()
        for field in yaml.safe_load(path.read_text("utf-8"))["nodes"][0]["fields"]
    }
    written = dict(FIELDS[name])
    assert written.keys() == specified.keys()
    for field, kind in specified.items():
        if kind in ("datetime", "int", "float"):
            assert written[field] == kind
        else:
            assert isinstance(written[field], int)


def test_a_dirty_council_is_written_as_far_as_columns_can_hold_it(tmp_path: Path) -> None:
    council = make_council(3000, seed=3, as_of=AS_OF, months=24, dirty=True)
    url = f"sqlite:///{tmp_path / 'ssd.db'}"
    written = write_ssd(council, url)
    n_lost = written.pop("cells not written")
    assert n_lost > 0
    assert written["ssd_cin_episodes"] == 3000
    assert written["ssd_person"] == council.referrals["child_id"].replace("", pd.NA).nunique()
    source = read_ssd(url, USUAL)
    assert source.n_rows == 3000
    ids = cells(source.referrals, "referral_id")
    assert len(set(ids)) == 3000
    reused = council.referrals["referral_id"].duplicated().sum()
    assert reused > 0
    assert sum("-" in str(name) for name in ids) == reused
    assert any("of person -1" in note for note in source.notes)


def test_the_sample_is_made_as_a_dataset_again_and_again(triage: Triage, workplace: Path) -> None:
    for _ in range(2):
        code, out, _ = triage(
            "sample", "make", "made", "--referrals", "40", "--form", "ssd", "--as-of", "2026-09-30"
        )
        assert code == 0
        assert "ssd.sqlite" in out
    assert read_source("made/ssd.sqlite").kind == "SSD database"
    assert [file.name for file in (workplace / "made").iterdir()] == ["ssd.sqlite"]


DAYS = st.dates(dt.date(2019, 1, 1), dt.date(2026, 9, 30))
TIMES = st.one_of(st.none(), st.times().map(lambda t: t.strftime("T%H:%M")))
MOMENTS = st.tuples(DAYS, TIMES).map(lambda pair: f"{pair[0]}{pair[1] or ''}")
CODES = {
    "referral_source": ("", *REFERRAL_SOURCES),
    "primary_need": ("", *PRIMARY_NEEDS),
    "closure_reason": ("", *CLOSURE_REASONS),
    "nfa": ("", "true", "false"),
    "team": ("", "North", 'Désk 4, "O\'Hara"'),
    "household_id": ("H1",),
}
MAYBE_DAY = st.one_of(st.just(""), DAYS.map(str))
FACTORS = st.lists(st.sampled_from(sorted(ASSESSMENT_FACTORS)), unique=True).map(";".join)
REFERRAL = st.fixed_dictionaries(
    {
        "child_id": st.sampled_from(["A", "007", "B 2"]),
        "referral_date": MOMENTS,
        "closed_on": MAYBE_DAY,
        "assessment_started_on": MAYBE_DAY,
        "assessment_authorised_on": MAYBE_DAY,
        "assessment_factors": FACTORS,
        "section47_started_on": MAYBE_DAY,
        "icpc_on": MAYBE_DAY,
        "allocated": st.one_of(st.none(), st.integers(0, 400)),
        **{name: st.sampled_from(codes) for name, codes in CODES.items()},
    }
)
CONTACT = st.fixed_dictionaries(
    {
        "child_id": st.sampled_from(["A", "Z"]),
        "contact_date": MOMENTS,
        "contact_source": st.sampled_from(CODES["referral_source"]),
        "contact_outcome": st.sampled_from(["", *sorted(set(CONTACT_OUTCOMES) - {"early_help"})]),
    }
)


def frame(rows: list[dict[str, str]], names: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [{name: row.get(name, "") for name in names} for row in rows], columns=names
    )


def rows_of(table: RawTable, names: list[str]) -> list[tuple[str, ...]]:
    """The rows without what was left blank in all of them, times without seconds."""
    found = zip(*(cells(table, name) for name in names), strict=True)
    return sorted(tuple(str(cell).removesuffix(":00") for cell in row) for row in found)


@given(st.lists(REFERRAL, min_size=1, max_size=12), st.lists(CONTACT, max_size=8))
def test_random_records_are_read_as_they_were_written(
    drawn: list[dict[str, object]], contacts: list[dict[str, str]]
) -> None:
    referrals, allocations = [], []
    for number, one in enumerate(drawn):
        row = {name: str(cell) for name, cell in one.items()} | {"referral_id": f"R{number}"}
        row["icpc_not_required"] = (
            "" if row["icpc_on"] or not row["section47_started_on"] else "true"
        )
        row["strategy_discussion_on"] = row["section47_started_on"]
        referrals.append(row)
        if isinstance(one["allocated"], int):
            day = dt.date.fromisoformat(row["referral_date"][:10])
            allocated = {"allocated_at": str(day + dt.timedelta(one["allocated"]))}
            worker = {"allocated_worker_id": "W1", "worker_is_registered": "true"}
            allocations.append(row | worker | allocated)
    numbered = [row | {"contact_id": f"K{number}"} for number, row in enumerate(contacts)]
    council = Council(
        frame(referrals, words.COLUMNS),
        frame([], words.DECISION_COLUMNS),
        frame(allocations, words.ALLOCATION_COLUMNS),
        frame(numbered, words.CONTACT_COLUMNS),
        frame([], words.EARLY_HELP_COLUMNS),
        AS_OF,
        0,
    )
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ssd.db"
        assert write_ssd(council, url)["cells not written"] == 0
        source = read_ssd(url, USUAL)

    def as_written(rows: list[dict[str, str]], names: list[str]) -> list[tuple[str, ...]]:
        return sorted(tuple(row[name].removesuffix("T00:00") for name in names) for row in rows)

    own = ["referral_id", "child_id", "referral_date", "closed_on", *CODES]
    assert rows_of(source.referrals, own) == as_written(referrals, own)
    for table, names, rows in (
        (
            "assessments",
            ["assessment_started_on", "assessment_authorised_on", "assessment_factors"],
            [r for r in referrals if any(r[n] for n in r if n.startswith("assessment"))],
        ),
        (
            "section47s",
            ["strategy_discussion_on", "section47_started_on", "icpc_on"],
            [r for r in referrals if r["section47_started_on"] or r["icpc_on"]],
        ),
        (
            "allocations",
            ["allocated_at", "allocated_worker_id", "worker_is_registered"],
            allocations,
        ),
    ):
        child = beside(source, table).table
        keyed = ["referral_id", *names]
        if len(child) or rows:
            assert rows_of(child, keyed) == as_written(rows, keyed)
    assert source.contacts is not None
    held = ["contact_id", "child_id", "contact_date", "contact_source", "contact_outcome"]
    assert rows_of(source.contacts, held) == as_written(numbered, held)
