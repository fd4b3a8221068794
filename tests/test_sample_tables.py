"""What an invented council holds beside its referrals: decisions, workers, contacts, early help."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sample_helpers import after, by_child, typed_days, working_days

from triage.sample import Council, make_council
from triage.sample import calibration as cal
from triage.sample.words import CONTACT_OUTCOMES, SUPERSEDING_REASONS, TEAMS
from triage.sample.workdays import BLANK, WorkingDays, day_number

AS_OF = date(2026, 9, 30)
AS_OF_DAY = day_number(AS_OF)
KEYS = ["referral_id", "child_id", "referral_date"]
HALF_A_YEAR = 183


@pytest.fixture(scope="module")
def clean() -> Council:
    return make_council(12_000, seed=1, as_of=AS_OF, months=24, dirty=False)


@pytest.fixture(scope="module")
def dirty() -> Council:
    return make_council(6_000, seed=2, as_of=AS_OF, months=18)


@pytest.fixture(scope="module")
def held(clean: Council) -> pd.DataFrame:
    """The allocations with days as numbers and the closure of their referral."""
    table = clean.allocations.merge(clean.referrals[["referral_id", "closed_on", "nfa"]])
    for name, short in [
        ("allocated_at", "start"),
        ("allocation_ended_at", "end"),
        ("closed_on", "closed"),
    ]:
        table[short] = typed_days(table, name)
    table["number"] = table.groupby("referral_id").cumcount()
    return table


@pytest.mark.parametrize(
    ("name", "event"), [("decisions", "decision_at"), ("allocations", "allocated_at")]
)
@pytest.mark.parametrize("kind", ["clean", "dirty"])
def test_the_referral_table_has_the_first_event_of_each_referral(
    request: pytest.FixtureRequest, kind: str, name: str, event: str
) -> None:
    council: Council = request.getfixturevalue(kind)
    events = getattr(council, name)
    shared = [column for column in events.columns if column in council.referrals.columns]
    own = council.referrals[council.referrals[event] != ""]
    first = events[~events.duplicated(KEYS)]
    # A referral whose number was used twice by mistake shares its keys with no other row.
    assert len(first) == len(own)
    assert first[shared].to_numpy().tolist() == own[shared].to_numpy().tolist()


@pytest.mark.parametrize("kind", ["clean", "dirty"])
def test_nothing_in_the_tables_is_after_as_of(request: pytest.FixtureRequest, kind: str) -> None:
    council: Council = request.getfixturevalue(kind)
    for table in (council.decisions, council.allocations, council.contacts, council.early_help):
        for name in table.columns:
            if name.endswith(("_at", "_on", "_date")):
                late = typed_days(table, name) > AS_OF_DAY
                assert late.mean() < (0.002 if kind == "dirty" else 1e-9), name


class TestDecisions:
    def test_a_few_are_superseded_and_half_of_these_say_why(self, clean: Council) -> None:
        table = clean.decisions
        second = table[table["supersedes_decision_id"] != ""]
        assert len(second) / (len(table) - len(second)) == pytest.approx(0.03, abs=0.007)
        assert (second["superseding_reason"] != "").mean() == pytest.approx(0.5, abs=0.08)
        assert second["superseding_reason"].isin(["", *SUPERSEDING_REASONS]).all()
        assert (table.loc[table["supersedes_decision_id"] == "", "superseding_reason"] == "").all()

    def test_the_later_one_names_the_first_of_its_referral(self, clean: Council) -> None:
        table = clean.decisions
        assert table["decision_id"].str.fullmatch(r"D\d{7}").all()
        assert table["decision_id"].is_unique
        second = table[table["supersedes_decision_id"] != ""]
        pairs = second.merge(
            table, left_on="supersedes_decision_id", right_on="decision_id", suffixes=("", "_1")
        )
        assert len(pairs) == len(second)
        assert (pairs["referral_id"] == pairs["referral_id_1"]).all()
        assert (pairs["decision_at"].str[:10] > pairs["decision_at_1"].str[:10]).all()
        assert (pairs["supersedes_decision_id_1"] == "").all()

    def test_siblings_share_a_rationale_and_a_few_texts_are_used_often(
        self, clean: Council
    ) -> None:
        table = clean.referrals[clean.referrals["rationale_length"] != ""]
        assert (table["rationale_hash"] != "").all()
        assert (table.groupby("rationale_hash")["rationale_length"].nunique() == 1).all()
        day = table["referral_date"].str[:10].rename("day")
        assert (table.groupby([table["household_id"], day])["rationale_hash"].nunique() == 1).all()
        often = table["rationale_hash"].value_counts()
        often = often[often > 8]
        assert len(often) == len(cal.BOILERPLATE)
        assert often.sum() / len(table) == pytest.approx(cal.BOILERPLATE_SHARE, abs=0.01)

    def test_four_in_five_professionals_are_told_within_a_working_day(self, clean: Council) -> None:
        table = clean.referrals[clean.referrals["decision_at"] < "2026-09-01"]
        table = table[table["decision_at"] != ""]
        told, decided = typed_days(table, "feedback_at"), typed_days(table, "decision_at")
        assert ((told == BLANK) | (told >= decided)).all()
        in_time = (told != BLANK) & (told <= after(decided, 1))
        by_professional = ~table["referral_source"].isin(["1A", "1B", "1C", "1D", "9", "10"])
        assert in_time[by_professional].mean() == pytest.approx(0.80, abs=0.03)
        assert in_time[table["referral_source"] == "9"].mean() < 0.10


class TestAllocations:
    def test_workers_follow_one_another(self, held: pd.DataFrame) -> None:
        assert ((held["end"] == BLANK) | (held["end"] >= held["start"])).all()
        is_last = ~held["referral_id"].eq(held["referral_id"].shift(-1))
        ended = held[~is_last]
        following = held["start"].shift(-1)[~is_last].to_numpy(dtype=np.int32)
        assert (ended["end"] != BLANK).all()
        assert (ended["end"] <= following).all()
        gap = working_days(ended["end"], following)
        assert (gap > 0).mean() == pytest.approx(cal.UNCOVERED_SHARE, abs=0.02)
        assert gap[gap > 0].min() >= 3
        assert gap.max() <= 15
        closed = held[is_last & (held["closed"] != BLANK)]
        assert (closed["end"] == closed["closed"]).all()
        still = held[is_last & (held["closed"] == BLANK)]
        assert 0.002 < (still["end"] != BLANK).mean() < 0.03

    def test_how_many_workers_a_referral_has(self, held: pd.DataFrame) -> None:
        first = held[(held["number"] == 0) & (held["allocated_worker_role"] != "Duty")]
        until = np.where(first["closed"] == BLANK, AS_OF_DAY, first["closed"])
        lasting = first[until - first["start"] >= cal.NOT_QUICKLY_CLOSED_DAYS]
        begin = held["referral_id"].map(first.set_index("referral_id")["start"])
        soon = held[held["start"] - begin <= HALF_A_YEAR]
        workers = soon.groupby("referral_id")["allocated_worker_id"].size()
        workers = lasting["referral_id"].map(workers)
        assert (workers == 2).mean() == pytest.approx(0.25, abs=0.02)
        assert (workers >= 3).mean() == pytest.approx(0.06, abs=0.015)
        again = held["allocated_worker_id"] == held["allocated_worker_id"].shift()
        assert (again & (held["number"] > 0)).mean() < 0.002

    def test_some_are_held_by_duty_and_half_of_these_by_a_named_worker_later(
        self, held: pd.DataFrame
    ) -> None:
        first = held[held["number"] == 0]
        duty = first[first["allocated_worker_role"] == "Duty"]
        assert len(duty) / len(first) == pytest.approx(cal.DUTY_SHARE, abs=0.006)
        assert set(duty["allocated_worker_id"]) <= {"DUTY", *TEAMS}
        assert (duty["allocated_worker_id"] == "DUTY").mean() > 0.5
        assert (duty[["worker_is_agency", "worker_is_registered", "worker_caseload"]] == "").all(
            axis=None
        )
        later = held[(held["number"] > 0) & held["referral_id"].isin(duty["referral_id"])]
        assert (later["allocated_worker_role"] != "Duty").all()
        assert later["referral_id"].nunique() / len(duty) == pytest.approx(0.5, abs=0.15)

    def test_caseloads_are_like_the_published_mean(self, held: pd.DataFrame) -> None:
        named = held[held["allocated_worker_role"] != "Duty"]
        load = named["worker_caseload"].astype(int)
        assert load.mean() == pytest.approx(16, abs=0.8)
        assert 0.06 < (load > 20).mean() < 0.20
        new = load[named["allocated_worker_role"] == "Newly Qualified Social Worker"]
        assert new.mean() < load.mean() - 2
        assert 0.05 < (new > 15).mean() < 0.40

    def test_few_enquiries_are_held_by_somebody_unregistered(self, clean: Council) -> None:
        table = clean.referrals
        enquired = table[(table["section47_started_on"] != "") & (table["allocated_at"] != "")]
        unregistered = enquired["worker_is_registered"] == "false"
        assert unregistered.mean() == pytest.approx(0.025, abs=0.01)
        assert (
            enquired.loc[unregistered, "allocated_worker_role"] == "Family Support Worker"
        ).all()


class TestContacts:
    def test_there_are_more_contacts_than_referrals(self, clean: Council) -> None:
        contacts = clean.contacts
        assert len(contacts) / len(clean.referrals) == pytest.approx(1.3, abs=0.06)
        assert contacts["contact_id"].is_unique
        assert contacts["contact_outcome"].isin(["", *CONTACT_OUTCOMES]).all()
        assert 0.003 < (contacts["contact_outcome"] == "").mean() < 0.02

    def test_most_referrals_began_with_a_contact_of_the_same_source(self, clean: Council) -> None:
        referrals = clean.referrals[["child_id", "referral_date", "referral_source"]].copy()
        referrals["day"] = typed_days(referrals, "referral_date")
        contacts = clean.contacts[clean.contacts["contact_outcome"] == "referral"].copy()
        contacts["day"] = typed_days(contacts, "contact_date")
        pairs = contacts.merge(referrals, on="child_id", suffixes=("", "_of_referral"))
        day = pairs["day_of_referral"].to_numpy(dtype=np.int32)
        began = (pairs["day"] == day) | (pairs["day"] == WorkingDays().before(day))
        pairs = pairs[began & (pairs["contact_source"] == pairs["referral_source"])]
        assert pairs["contact_id"].nunique() == len(contacts)
        assert len(contacts) / len(referrals) > 0.88

    def test_a_contact_while_an_episode_is_open_is_passed_on(self, clean: Council) -> None:
        table = by_child(clean)
        other = clean.contacts[~clean.contacts["contact_outcome"].isin(["referral", ""])]
        other = other.assign(at=typed_days(other, "contact_date"))
        pairs = other.merge(table[["child_id", "day", "closed", "is_nfa"]], on="child_id")
        is_open = (pairs["day"] <= pairs["at"]) & ~pairs["is_nfa"]
        is_open &= (pairs["closed"] == BLANK) | (pairs["closed"] >= pairs["at"])
        expected = set(pairs.loc[is_open, "contact_id"])
        passed_on = other["contact_outcome"] == "open_case"
        assert set(other.loc[passed_on, "contact_id"]) == expected != set()

    def test_children_who_were_never_referred_and_repeated_contacts(self, clean: Council) -> None:
        contacts = clean.contacts
        stranger = ~contacts["child_id"].isin(clean.referrals["child_id"])
        assert 0.05 < stranger.mean() < 0.25
        assert contacts["child_id"].str.fullmatch(r"C\d{7}").all()
        led_nowhere = contacts[contacts["contact_outcome"].isin(["information_and_advice", "nfa"])]
        day = pd.Series(typed_days(led_nowhere, "contact_date"), led_nowhere.index)
        span = day.groupby(led_nowhere["child_id"]).agg(["size", "min", "max"])
        often = span[(span["size"] >= 3) & (span["max"] - span["min"] <= HALF_A_YEAR)]
        assert 15 < len(often) / len(clean.referrals) * 1_200 < 70

    def test_a_restricted_child_is_restricted_everywhere(self, clean: Council) -> None:
        own = clean.referrals.groupby("child_id")["restricted"].first()
        known = clean.contacts[clean.contacts["child_id"].isin(own.index)]
        assert (known["restricted"] == known["child_id"].map(own)).all()
        assert (known["restricted"] == "true").any()


class TestEarlyHelp:
    def test_most_step_downs_are_followed_within_thirty_days(self, clean: Council) -> None:
        table = by_child(clean)
        stepped = table[(table["closure_reason"] == "RC9") & (table["closed"] < AS_OF_DAY - 30)]
        helped = clean.early_help.copy()
        helped["start"] = typed_days(helped, "early_help_started_on")
        helped["end"] = typed_days(helped, "early_help_ended_on")
        assert ((helped["end"] == BLANK) | (helped["end"] > helped["start"])).all()
        pairs = stepped.merge(helped, on="child_id")
        soon = pairs[(pairs["start"] - pairs["closed"]).between(0, 30)]
        share = soon["referral_id"].nunique() / len(stepped)
        assert share == pytest.approx(0.75, abs=0.05)
        unrelated = ~helped["child_id"].isin(
            table.loc[table["closure_reason"] == "RC9", "child_id"]
        )
        assert 0 < unrelated.mean() < 0.4


def test_the_count_of_earlier_referrals_is_seldom_wrong(clean: Council) -> None:
    table = by_child(clean)
    day, since = table["day"].to_numpy(), table["year_ago"].to_numpy()
    children = table.groupby("child_id").indices
    counts = np.zeros(len(table), dtype=int)
    for rows in children.values():
        counts[rows] = [((day[rows] < day[r]) & (day[rows] >= since[r])).sum() for r in rows]
    wrong = table["referrals_in_last_12_months"].astype(int) != counts
    assert wrong.mean() == pytest.approx(cal.EARLIER_REFERRALS_WRONG_SHARE, abs=0.005)
