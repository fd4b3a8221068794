"""Which involvement of the Standard Safeguarding Dataset is the allocation of a referral."""

from __future__ import annotations

from pathlib import Path

import pytest
from ssd_helpers import (
    TWO_REFERRALS,
    Row,
    beside,
    cells,
    episode,
    involvement,
    read,
    records,
    told,
)

from triage.reading import Reading
from triage.tables import LOST


def test_the_first_involvement_that_qualifies_is_the_allocation(tmp_path: Path) -> None:
    source = read(
        tmp_path,
        ssd_cin_episodes=TWO_REFERRALS,
        ssd_involvements=[
            involvement("I1", "2023-04-30"),
            involvement("I2", "2023-05-01", invo_professional_id=None),
            involvement("I3", "2023-05-01", invo_professional_id="-1"),
            involvement("I4", "2023-05-01", invo_referral_id="GONE"),
            involvement("I5", "2023-05-01", invo_referral_id="-1", invo_person_id="Z"),
            involvement("I6", "2023-05-04", invo_professional_id="W4"),
            involvement("I7", "2023-05-03", invo_professional_id="W5"),
            involvement("I8", "2023-01-09", invo_referral_id=None, invo_professional_id="W6"),
        ],
    )
    assert told(source, "allocated_at") == {"R1": "", "R2": "2023-05-03"}
    assert told(source, "allocated_worker_id")["R2"] == "W5"
    assert source.notes[1] == (
        "ssd_involvements: 6 rows not used as an allocation: 2 without a worker, 1 of a referral "
        "that is not there, 2 without a referral, and with none of the child in the 183 days "
        "before, 1 from before their referral"
    )
    assert beside(source, "allocations").table.rows.tolist() == [7, 8]


@pytest.mark.parametrize(
    ("started", "days", "of"),
    [
        ("2023-05-01", 183, "R2"),
        ("2023-04-30", 183, "R1"),
        ("2023-01-10", 0, "R1"),
        ("2023-01-11", 0, None),
        ("2023-01-09", 183, None),
        ("2023-10-31", 183, "R2"),
        ("2023-11-01", 183, None),
    ],
)
def test_an_involvement_without_a_referral_belongs_to_the_latest_one_within_the_days(
    tmp_path: Path, started: str, days: int, of: str | None
) -> None:
    rows = [involvement("I1", started, invo_referral_id=None)]
    source = read(
        tmp_path,
        Reading(join_within_days=days),
        ssd_cin_episodes=TWO_REFERRALS,
        ssd_involvements=rows,
    )
    assert cells(beside(source, "allocations").table, "referral_id") == ([of] if of else [])


@pytest.mark.parametrize(("first", "second", "of"), [("15", "09", "R2"), ("00", "09", "R1")])
def test_an_involvement_on_a_day_with_two_referrals_belongs_to_the_one_that_counts(
    tmp_path: Path, first: str, second: str, of: str
) -> None:
    rows = [
        episode(cine_referral_id="R1", cine_referral_date=f"2023-05-01 {first}:00:00"),
        episode(cine_referral_id="R2", cine_referral_date=f"2023-05-01 {second}:00:00"),
    ]
    named = involvement("I1", "2023-05-02", invo_referral_id=None)
    source = read(tmp_path, ssd_cin_episodes=rows, ssd_involvements=[named])
    assert told(source, "allocated_at") == {of: "2023-05-02"}


def test_identifiers_used_twice_are_told_apart_by_the_child(tmp_path: Path) -> None:
    rows = [
        episode(cine_person_id="A", cine_referral_date="2023-05-01 00:00:00"),
        episode(cine_person_id="B", cine_referral_date="2023-05-02 00:00:00"),
    ]
    of_b = involvement("I1", "2023-05-03", invo_referral_id="R1", invo_person_id="B")
    source = read(tmp_path, ssd_cin_episodes=rows, ssd_involvements=[of_b])
    assert cells(beside(source, "allocations").table, "child_id") == ["B"]
    assert told(source, "allocated_at") == {"R1": "", "B/2023-05-02/1": "2023-05-03"}


def test_an_allocation_without_a_start_leaves_it_unknown_when_it_was(tmp_path: Path) -> None:
    rows = [involvement("I1", None)]
    source = read(tmp_path, ssd_cin_episodes=TWO_REFERRALS, ssd_involvements=rows)
    assert told(source, "allocated_at") == {"R1": "", "R2": LOST}
    assert source.notes[1] == "ssd_involvements: 1 allocation without a start; when is unknown"


def worker(number: str, **more: str | None) -> Row:
    return {"prof_professional_id": number, **more}


def test_a_worker_has_a_role_and_is_registered_by_the_number(tmp_path: Path) -> None:
    workers = [
        worker("W1", prof_social_worker_registration_no="SW12", prof_professional_job_title="SW 1"),
        worker("W2", prof_social_worker_registration_no=None),
        worker("W3", prof_social_worker_registration_no="12345"),
    ]
    held = [
        involvement(
            f"I{n}", "2023-05-02", invo_professional_id=f"W{n}", invo_professional_role_id="Holder"
        )
        for n in (1, 2, 3, 4)
    ]
    source = read(
        tmp_path,
        ssd_cin_episodes=TWO_REFERRALS,
        ssd_involvements=held,
        ssd_professionals=workers,
    )
    table = beside(source, "allocations").table
    names = ("allocated_worker_id", "allocated_worker_role", "worker_is_registered")
    assert records(table, *names) == [
        ("W1", "SW 1", "true"),
        ("W2", "Holder", ""),
        ("W3", "Holder", LOST),
        ("W4", "Holder", LOST),
    ]
    assert "worker_is_agency" not in table.columns
    assert "worker_caseload" not in table.columns
    assert source.notes[1:] == (
        "ssd_professionals: holds no worker for 1 involvement; unknown whether registered",
        "ssd_professionals: 1 registration number without SW in front; unknown whether registered",
    )


@pytest.mark.parametrize(
    ("flags", "said"),
    [((None, None), None), (("P", ""), None), (("Y", "P"), ["true", LOST]),
     (("N", ""), ["false", ""])],
)  # fmt: skip
def test_the_agency_flag_counts_only_where_somebody_filled_it(
    tmp_path: Path, flags: tuple[str | None, str | None], said: list[str | None] | None
) -> None:
    source = read(
        tmp_path,
        ssd_cin_episodes=TWO_REFERRALS,
        ssd_involvements=[
            involvement("I1", "2023-05-02", invo_professional_id="W1"),
            involvement("I2", "2023-05-02", invo_professional_id="W2"),
        ],
        ssd_professionals=[
            worker("W1", prof_agency_worker_flag=flags[0]),
            worker("W2", prof_agency_worker_flag=flags[1]),
        ],
    )
    table = beside(source, "allocations").table
    if said is None:
        assert "worker_is_agency" not in table.columns
    else:
        assert cells(table, "worker_is_agency") == said
    assert "worker_is_registered" not in table.columns
    assert any("no registration number begins with SW" in note for note in source.notes)
