"""Everything a rule looks for occurs in the invented council, and stays rare enough to believe."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sample_helpers import after, by_child, earlier, first_of, typed_days, working_days

from triage.sample import Council, make_council
from triage.sample.shipped import SHIPPED_REFERRALS, shipped_council
from triage.sample.words import NEEDS, SOURCES
from triage.sample.workdays import BLANK, day_number

AS_OF = date(2026, 9, 30)
RISK_FACTORS = frozenset(
    {"2B", "3A", "3B", "3C", "4B", "16A", "17A", "18A", "18B", "18C", "19A", "19B", "19C"}
)
PROFESSIONALS = frozenset(SOURCES) - {"1A", "1B", "1C", "1D", "9", "10"}
OUT_OF_ORDER = (
    "assessed before referred",
    "enquired before referred",
    "authorised before started",
    "closed before referred",
)
Found = dict[str, np.ndarray]


def about_returns(t: pd.DataFrame) -> Found:
    again, nfa = t["is_again"], t["is_nfa"]
    returned = t["previous_day"] != BLANK
    was_closed = t["previous_closed"] != BLANK
    factors = t["assessment_factors"].str.split(";").map(set)
    before = t["previous_assessment_factors"].str.split(";").map(set)
    shared = np.array([bool(a & b & RISK_FACTORS) for a, b in zip(factors, before, strict=True)])
    soon = was_closed & (t["previous_closed"] >= t["half_year_ago"])
    soon &= t["previous_closed"] <= t["day"]
    third = np.zeros(len(t), dtype=bool)
    need = t["primary_need"].to_numpy()
    for row, own in earlier(t, "year_ago"):
        third[row] = nfa[row] and (nfa.to_numpy()[own] & (need[own] == need[row])).sum() >= 3
    source = t["referral_source"].to_numpy()
    sources = [len(set(source[own]) & PROFESSIONALS) >= 2 for _, own in earlier(t, "half_year_ago")]
    home: dict[str, list[tuple[str, int]]] = {}
    for household, child, day in zip(t["household_id"], t["child_id"], t["day"], strict=True):
        home.setdefault(household, []).append((child, day))
    sibling = [
        any(other != child and year_ago <= other_day < day for other, other_day in home[household])
        for household, child, year_ago, day in zip(
            t["household_id"], t["child_id"], t["year_ago"], t["day"], strict=True
        )
    ]
    return {
        "within an open episode": returned
        & (t["previous_nfa"] == "false")
        & (~was_closed | (t["previous_closed"] > t["day"])),
        "no further action twice": again & nfa & (t["previous_nfa"] == "true"),
        "no further action three times for one need": third,
        "risk factors found again": again & shared,
        "the same set of factors": again
        & (t["assessment_factors"] != "")
        & (t["assessment_factors"] == t["previous_assessment_factors"]),
        "soon after RC8": returned & soon & (t["previous_closure_reason"] == "RC8"),
        "soon after RC9": returned & soon & (t["previous_closure_reason"] == "RC9"),
        "another child of the household": np.array(sibling),
        "two professional sources": np.array(sources),
        "agency worker on a risk": again
        & (t["worker_is_agency"] == "true")
        & t["risk_rating"].isin(["amber", "red"]),
    }


def about_decisions(t: pd.DataFrame, as_of: int) -> Found:
    nfa, made = t["is_nfa"], t["decided"] != BLANK
    start = np.where(made, t["decided"], t["day"])
    untold = (t["told"] == BLANK) | (t["told"] > after(start, 1))
    of_text = t["rationale_hash"].map(t["rationale_hash"].value_counts())
    acted = first_of(t, "started", "strategy", "enquiry")
    to_assess = made & (t["decision_outcome"] == "assessment")
    started = t["started"] != BLANK
    return {
        "red and no further action": nfa & (t["risk_rating"] == "red"),
        "risk without action": ~nfa
        & t["risk_rating"].isin(["amber", "red"])
        & (acted > after(start, 5))
        & (after(start, 5) < as_of),
        "professional not told": nfa & made & t["referral_source"].isin(PROFESSIONALS) & untold,
        "the same rationale five times": (t["rationale_hash"] != "") & (of_text >= 5),
        "assessment started late": to_assess & started & (t["started"] > after(start, 3)),
        "assessment not started": to_assess & ~started & (after(start, 3) < as_of),
    }


def about_work(t: pd.DataFrame, as_of: int) -> Found:
    nfa, is_open, is_closed = t["is_nfa"], t["is_open"], t["closed"] != BLANK
    started, enquired = t["started"] != BLANK, t["enquiry"] != BLANK
    ten, noted = after(t["day"], 10), np.maximum(t["oversight"], t["day"])
    anything = first_of(
        t, "decided", "allocated", "started", "strategy", "enquiry", "conference", "closed"
    )
    unreviewed = (t["reviewed"] == BLANK) | (t["reviewed"] > ten)
    unmarked = (t["conference"] == BLANK) & (t["icpc_not_required"] == "")
    return {
        "not reviewed by the tenth day": started & unreviewed & (ten < as_of),
        "nothing happened": ~nfa & (anything > ten) & (ten < as_of),
        "enquiry without a strategy discussion": enquired & (t["strategy"] == BLANK),
        "strategy discussion after the enquiry": enquired & (t["strategy"] > t["enquiry"]),
        "enquiry without an assessment": enquired & ~started,
        "closed on an open assessment": is_closed & started & (t["authorised"] == BLANK),
        "closed on an open enquiry": is_closed & enquired & unmarked,
        "closed at once": ~nfa & is_closed & (t["closed"] <= ten) & ~started,
        "no oversight": is_open & (as_of - noted > np.where(enquired, 30, 60)),
        "unallocated without review": is_open
        & (t["allocated"] == BLANK)
        & (working_days(noted, as_of) > 5),
        "enquiry held by somebody unregistered": enquired & (t["worker_is_registered"] == "false"),
        "a heavy caseload": pd.to_numeric(t["worker_caseload"])
        > np.where(t["allocated_worker_role"] == "Newly Qualified Social Worker", 15, 20),
    }


def about_slips(t: pd.DataFrame, as_of: int) -> Found:
    events = ["closed", "decided", "allocated", "started", "authorised", "conference", "oversight"]
    is_closed, has_reason = t["closed_on"] != "", t["closure_reason"] != ""
    count = [own.stop - own.start - 1 for _, own in earlier(t, "year_ago")]

    def before(name: str, other: str) -> pd.Series:
        return (t[name] != BLANK) & (t[name] < t[other])

    return {
        "closed without a reason": is_closed & ~has_reason,
        "a reason without a date": ~is_closed & has_reason,
        "assessed before referred": before("started", "day"),
        "enquired before referred": before("enquiry", "day"),
        "authorised before started": before("authorised", "started"),
        "closed before referred": before("closed", "day"),
        "in the future": (t[events] > as_of).any(axis=1),
        "source or need unknown": ~t["referral_source"].isin(SOURCES)
        | ~t["primary_need"].isin(NEEDS),
        "counted wrongly": pd.to_numeric(t["referrals_in_last_12_months"]) != count,
    }


def about_tables(council: Council, t: pd.DataFrame) -> Found:
    decisions, held = council.decisions, council.allocations.copy()
    unexplained = (decisions["supersedes_decision_id"] != "") & (
        decisions["superseding_reason"] == ""
    )
    held["start"], held["end"] = (
        typed_days(held, name) for name in ("allocated_at", "allocation_ended_at")
    )
    same = held["referral_id"] == held["referral_id"].shift(-1)
    ended = held["end"] != BLANK
    following = held["start"].shift(-1).fillna(BLANK).astype(np.int32)
    uncovered = same & ended & (working_days(held["end"], following) > 2)
    workers = held.groupby("referral_id")["allocated_worker_id"].nunique()
    lost = set(held.loc[~same & ended, "referral_id"])
    unnamed = held["allocated_worker_role"] == "Duty"

    contacts = council.contacts[council.contacts["contact_outcome"] != "referral"]
    contacts = contacts.assign(day=typed_days(contacts, "contact_date"))
    reached = t[["referral_id", "child_id", "day", "half_year_ago"]].merge(
        contacts[["child_id", "day"]], on="child_id", suffixes=("", "_of_contact")
    )
    near = (reached["day_of_contact"] >= reached["half_year_ago"]) & (
        reached["day_of_contact"] < reached["day"]
    )
    times = reached[near].groupby("referral_id").size()
    helped = council.early_help.assign(help=typed_days(council.early_help, "early_help_started_on"))
    stepped = t[(t["previous_closure_reason"] == "RC9") & t["is_again"]]
    pairs = stepped.merge(helped, on="child_id")
    in_time = (pairs["help"] - pairs["previous_closed"]).between(0, 30)
    unhelped = set(stepped["referral_id"]) - set(pairs.loc[in_time, "referral_id"])

    def of(ids: object) -> np.ndarray:
        return t["referral_id"].isin(ids).to_numpy()

    return {
        "superseded without a reason": of(decisions.loc[unexplained, "referral_id"]),
        "a gap between workers": of(held.loc[uncovered, "referral_id"]),
        "three workers": of(workers[workers >= 3].index),
        "held by nobody by name": of(held.loc[unnamed, "referral_id"]),
        "lost its worker": of(lost) & t["is_open"].to_numpy(),
        "contacts again and again": of(times[times >= 3].index),
        "no early help after RC9": of(unhelped),
    }


def found_in(council: Council) -> tuple[pd.DataFrame, Found]:
    """The referrals as a rule sees them, and for each phenomenon those that show it."""
    t, as_of = by_child(council), day_number(council.as_of)
    found = about_returns(t) | about_decisions(t, as_of) | about_work(t, as_of)
    found |= about_slips(t, as_of) | about_tables(council, t)
    return t, {name: np.asarray(rows, dtype=bool) for name, rows in found.items()}


COMMON = frozenset(
    {
        "another child of the household", "two professional sources", "a heavy caseload",
        "not reviewed by the tenth day", "contacts again and again",
    }
)  # fmt: skip


@pytest.mark.parametrize(("seed", "size", "least"), [(3, 6_000, 3), (4, 6_000, 3), (0, 1_200, 1)])
def test_each_phenomenon_occurs_and_stays_believable(seed: int, size: int, least: int) -> None:
    is_shipped = size == SHIPPED_REFERRALS
    council = make_council(size, seed=seed, as_of=AS_OF, months=18)
    t, found = found_in(shipped_council() if is_shipped else council)
    shares = {name: float(rows.mean()) for name, rows in found.items()}
    assert [name for name, share in shares.items() if share == 0] == []
    rare = {name: share for name, share in shares.items() if name not in COMMON}
    assert {name: share for name, share in rare.items() if share > 0.09} == {}

    found["dates out of order"] = np.any([found.pop(name) for name in OUT_OF_ORDER], axis=0)
    judged = t["is_judged"].to_numpy()
    counts = {name: int((rows & judged).sum()) for name, rows in found.items()}
    assert {name: count for name, count in counts.items() if count < least} == {}


def test_a_clean_council_has_no_slips() -> None:
    council = make_council(3_000, seed=3, as_of=AS_OF, months=18, dirty=False)
    slips = about_slips(by_child(council), day_number(AS_OF))
    assert [name for name, rows in slips.items() if rows.any()] == ["counted wrongly"]
