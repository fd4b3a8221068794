"""The contract's 25 rules in plain pandas, for comparison with the product.

It reads a referral table as CSV, all its columns present, and writes a Parquet file of (rule,
referral_id): what an analyst at home in pandas would write. What it leaves out is all else that the
product does: messages and evidence, what cannot be told, problems of the records, columns that are
absent, other forms of input. Where history begins is not asked, for it turns no flag of these rules
on or off; it only tells *clear* from *cannot tell*.

Example: python tests/benchmarks/by_pandas.py referral_table.csv flags.parquet --as-of 2026-09-30
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from holidays import country_holidays

EVENTS = [
    "closed_on",
    "decision_at",
    "decision_recorded_at",
    "allocated_at",
    "assessment_started_on",
    "assessment_authorised_on",
    "strategy_discussion_on",
    "icpc_on",
]
BIRTHS = ["date_of_birth", "expected_date_of_birth"]
TRUTHS = ["nfa", "history_considered", "icpc_not_required"]
CODES = ["primary_need", "closure_reason", "decision_maker_role", "threshold_level", "risk_rating"]
TEXTS = [
    "child_id",
    "referral_date",
    "referral_id",
    "rationale_length",
    "decision_maker_id",
    "allocated_worker_id",
]
TRUE = ["true", "1", "yes", "y", "t"]
FALSE = ["false", "0", "no", "n", "f"]
NEEDS = [f"n{number}" for number in range(1, 9)]
CLOSURE_REASONS = [f"rc{number}" for number in range(1, 10)]
MANAGERS = ["team manager", "assistant team manager", "practice supervisor", "service manager"]
CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
ISO = f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ]{CLOCK}(:[0-5][0-9])?)?"
DAY_FIRST = f"[0-9]{{2}}/[0-9]{{2}}/[0-9]{{4}}( {CLOCK})?"
BANK_HOLIDAYS = country_holidays("GB", subdiv="ENG", years=range(1990, 2051))
HOLIDAYS = np.array(list(BANK_HOLIDAYS), "datetime64[D]")
ONE_DAY = np.timedelta64(1, "D")


def read_days(cells: pd.Series, first_year: int = 1990) -> pd.Series:
    """Return dates, written ISO or day first; NaT where blank or not to be read."""
    text = cells.str[:10]
    iso = text.where(cells.str.fullmatch(ISO))
    day_first = text.where(cells.str.fullmatch(DAY_FIRST))
    days = pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce").fillna(
        pd.to_datetime(day_first, format="%d/%m/%Y", errors="coerce")
    )
    return days.where(days.dt.year.between(first_year, 2050))


def read_clock(cells: pd.Series) -> pd.Series:
    """Return the time of day as text, midnight where only a date was typed."""
    clock = cells.str[11:]
    clock = clock.where(clock.str.len() != 5, clock + ":00")
    return clock.where(clock != "", "00:00:00")


def working_days(start: pd.Series, end: pd.Series) -> pd.Series:
    """Return the working days after ``start`` up to and including ``end``; NaN without either."""
    known = start.notna() & end.notna()
    counts = np.busday_count(
        start[known].to_numpy("datetime64[D]") + ONE_DAY,
        end[known].to_numpy("datetime64[D]") + ONE_DAY,
        holidays=HOLIDAYS,
    )
    return pd.Series(counts, index=start.index[known]).reindex(start.index)


def read_table(source: Path) -> pd.DataFrame:
    """Return the rows that have a child and a date, in the order of the file.

    ``has_X`` is true where the cell of X can be read, ``no_X`` where it is blank; what cannot be
    read is neither.
    """
    columns = [*TEXTS, *EVENTS, *BIRTHS, *TRUTHS, *CODES]
    table = pd.read_csv(source, dtype=str, keep_default_na=False, usecols=columns)
    table = table.apply(lambda cells: cells.str.strip())
    table["day"] = read_days(table["referral_date"])
    table["clock"] = read_clock(table["referral_date"])
    table = table[(table["child_id"] != "") & table["day"].notna()].copy()
    for name in [*EVENTS, *BIRTHS]:
        table[f"no_{name}"] = table[name] == ""
        table[name] = read_days(table[name], 1900 if name in BIRTHS else 1990)
        table[f"has_{name}"] = table[name].notna()
    for name in TRUTHS:
        typed = table[name].str.lower()
        table[f"is_{name}"] = typed.isin(TRUE)
        table[f"not_{name}"] = typed.isin(FALSE)
        table[f"no_{name}"] = typed == ""
    for name in CODES:
        table[name] = table[name].str.lower()
    return table


def forget_the_future(table: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the table with events dated after ``as_of``, and what belongs to them, blank.

    Only what a rule reads without asking for the event itself has to be blanked.
    """
    for name in EVENTS:
        is_later = table[name] > as_of
        table.loc[is_later, name] = pd.NaT
        table.loc[is_later, f"has_{name}"] = False
        table.loc[is_later, f"no_{name}"] = True
        if name == "closed_on":
            table.loc[is_later, "closure_reason"] = ""
        if name == "decision_at":
            table.loc[is_later, "risk_rating"] = ""
    return table


def disown_reused_ids(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with each identifier left to the child and day that used it first."""
    first = table.groupby("referral_id")[["child_id", "day"]].transform("first")
    is_own = (first["child_id"] == table["child_id"]) & (first["day"] == table["day"])
    table["own_id"] = table["referral_id"].where(is_own, "")
    return table


def name_referrals(referrals: pd.DataFrame, used: set[str]) -> pd.DataFrame:
    """Return the referrals with an identifier each: their own, or ``child/date/n``."""

    def made(referral: pd.Series) -> str:
        n = 1
        while f"{referral['child_id']}/{referral['day']:%Y-%m-%d}/{n}" in used:
            n += 1
        return f"{referral['child_id']}/{referral['day']:%Y-%m-%d}/{n}"

    referrals["id"] = referrals["own_id"]
    is_without = referrals["own_id"] == ""
    if is_without.any():
        referrals.loc[is_without, "id"] = referrals[is_without].apply(made, axis=1)
    return referrals


def one_a_day(table: pd.DataFrame) -> pd.DataFrame:
    """Return one referral a child and day, the earliest, by child and day."""
    in_order = table.sort_values(["child_id", "day", "clock"], kind="stable")
    return in_order.drop_duplicates(["child_id", "day"]).reset_index(drop=True)


def add_history(referrals: pd.DataFrame) -> pd.DataFrame:
    """Return the referrals with what is known of the child's earlier ones."""
    earlier = referrals.groupby("child_id")
    referrals["previous_day"] = earlier["day"].shift()
    referrals["previous_closed_on"] = earlier["closed_on"].shift()
    referrals["previous_need"] = earlier["primary_need"].shift()
    for name in ("is_nfa", "not_nfa", "no_closed_on"):
        referrals[f"previous_{name}"] = earlier[name].shift(fill_value=False)
    referrals["year_before"] = referrals["day"] - pd.DateOffset(months=12)
    others = referrals[["child_id", "day"]].rename(columns={"day": "other_day"})
    pairs = referrals[["id", "child_id", "day", "year_before"]].merge(others, on="child_id")
    is_counted = pairs["other_day"].between(pairs["year_before"], pairs["day"])
    referrals["n_in_a_year"] = referrals["id"].map(pairs[is_counted].groupby("id").size())
    return referrals


def judge(r: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, pd.Series]:
    """Return, for each rule, which referrals it flags."""
    today = pd.Series(as_of, index=r.index)
    again = r["previous_day"] >= r["year_before"]
    days_from_closure = (r["day"] - r["previous_closed_on"]).dt.days
    decided, undecided = r["has_decision_at"], r["no_decision_at"]
    is_open = r["not_nfa"] & r["no_closed_on"]
    until_now = working_days(r["day"], today)
    clock_start = r["decision_at"].where(~undecided, r["day"])
    birth = r["date_of_birth"].where(~r["no_date_of_birth"], r["expected_date_of_birth"])
    rationale = r["rationale_length"]
    is_number = rationale.str.fullmatch("[0-9]+")
    is_short = pd.to_numeric(rationale.where(is_number), errors="coerce") < 30
    flags = {
        "REF-01": again,
        "REF-02": r["previous_day"] >= r["day"] - pd.DateOffset(months=3),
        "REF-04": r["n_in_a_year"] >= 3,
        "REF-05": again & (r["primary_need"] == r["previous_need"]) & r["primary_need"].isin(NEEDS),
        "REF-07": again & r["previous_is_nfa"],
        "REF-08": days_from_closure.between(0, 90),
        "REF-11": r["previous_not_nfa"] & (r["previous_no_closed_on"] | (days_from_closure < 0)),
        "REF-14": again & r["previous_is_nfa"] & r["is_nfa"],
        "DEC-01": undecided & (until_now > 1),
        "DEC-02": working_days(r["day"], r["decision_at"]) > 1,
        "DEC-03": decided & ((rationale == "") | is_short),
        "DEC-04": decided & ((r["risk_rating"] == "") | (r["threshold_level"] == "")),
        "DEC-05": decided & ~r["decision_maker_role"].isin(["", *MANAGERS]),
        "DEC-06": decided
        & r["has_allocated_at"]
        & (r["decision_maker_id"] != "")
        & (r["decision_maker_id"] == r["allocated_worker_id"]),
        "DEC-07": (working_days(r["decision_at"], r["decision_recorded_at"]) > 1)
        | (r["decision_at"] < r["day"]),
        "DEC-08": r["is_nfa"] & (r["risk_rating"] == "red"),
        "DEC-10": again & decided & (r["not_history_considered"] | r["no_history_considered"]),
        "ALL-01": r["not_nfa"] & (working_days(clock_start, r["allocated_at"]) > 1),
        "ALL-02": is_open & r["no_allocated_at"] & (working_days(clock_start, today) > 1),
        "PRO-02": is_open
        & r["has_assessment_started_on"]
        & r["no_assessment_authorised_on"]
        & (until_now > 45),
        "PRO-03": working_days(r["day"], r["assessment_authorised_on"]) > 45,
        "PRO-08": (working_days(r["strategy_discussion_on"], r["icpc_on"]) > 15)
        | (
            r["no_icpc_on"]
            & (r["not_icpc_not_required"] | r["no_icpc_not_required"])
            & (working_days(r["strategy_discussion_on"], today) > 15)
        ),
        "DQ-05": (r["no_date_of_birth"] & r["no_expected_date_of_birth"])
        | ((birth - r["day"]).dt.days > 280),
        "DQ-06": (r["has_closed_on"] & (r["closure_reason"] == ""))
        | (r["no_closed_on"] & r["closure_reason"].isin(CLOSURE_REASONS)),
    }
    waited = flags["ALL-01"] | flags["ALL-02"]
    unfounded = flags["DEC-01"] | flags["DEC-03"] | flags["DEC-04"]
    return flags | {"CMP-01": again & waited & unfounded}


def write_flags(source: Path, output: Path, as_of: pd.Timestamp) -> None:
    """Write the flags of every referral up to ``as_of`` as a Parquet file."""
    table = disown_reused_ids(forget_the_future(read_table(source), as_of))
    referrals = name_referrals(one_a_day(table), set(table["referral_id"]))
    referrals = add_history(referrals)
    referrals = referrals[referrals["day"] <= as_of]
    flags = judge(referrals, as_of)
    found = [
        pd.DataFrame({"rule": rule, "referral_id": referrals.loc[is_flagged, "id"]})
        for rule, is_flagged in flags.items()
    ]
    pd.concat(found).to_parquet(output, index=False)


def main() -> int:
    """Judge a referral table as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--as-of", type=pd.Timestamp, required=True)
    options = parser.parse_args()
    write_flags(options.source, options.output, options.as_of)
    return 0


if __name__ == "__main__":
    sys.exit(main())
