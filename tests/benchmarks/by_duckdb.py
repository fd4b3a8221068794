"""The contract's 25 rules as one DuckDB statement, for comparison with the product.

It reads a referral table as CSV, all its columns present, and writes a Parquet file of (rule,
referral_id): what an analyst at home in SQL would write. What it leaves out is all else that the
product does: messages and evidence, what cannot be told, problems of the records, columns that are
absent, other forms of input. Where history begins is not asked, for it turns no flag of these rules
on or off; it only tells *clear* from *cannot tell*. Blanks around a cell are trimmed, tabs are not.

Example: python tests/benchmarks/by_duckdb.py referral_table.csv flags.parquet --as-of 2026-09-30
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

import duckdb
from holidays import country_holidays

STATEMENT = r"""
COPY (
WITH
cells AS MATERIALIZED (  -- in the order of the file; a blank cell is NULL
    SELECT row_number() OVER () AS place, nullif(trim(COLUMNS([
        'child_id', 'referral_date', 'referral_id', 'date_of_birth', 'expected_date_of_birth',
        'primary_need', 'nfa', 'closed_on', 'closure_reason', 'decision_at', 'decision_recorded_at',
        'decision_maker_id', 'decision_maker_role', 'threshold_level', 'risk_rating',
        'rationale_length', 'history_considered', 'allocated_at', 'allocated_worker_id',
        'assessment_started_on', 'assessment_authorised_on', 'strategy_discussion_on', 'icpc_on',
        'icpc_not_required'])), '')
    FROM read_csv($source, header = true, all_varchar = true)
),
moments AS (  -- ISO or day first, never month first; what cannot be read is -infinity
    SELECT COLUMNS(lambda name: NOT regexp_matches(name, '_(date|on|at|birth)$')),
        CASE
            WHEN COLUMNS('_(date|on|at|birth)$') IS NULL THEN NULL
            ELSE coalesce(
                CASE
                    WHEN COLUMNS('_(date|on|at|birth)$') LIKE '____-__-__%'
                        AND COLUMNS('_(date|on|at|birth)$')[12:13] <> '24'
                        THEN try_cast(COLUMNS('_(date|on|at|birth)$') AS TIMESTAMP)
                    WHEN COLUMNS('_(date|on|at|birth)$') LIKE '__/__/____%'
                        THEN try_strptime(
                            COLUMNS('_(date|on|at|birth)$'), ['%d/%m/%Y', '%d/%m/%Y %H:%M'])
                END,
                TIMESTAMP '-infinity')
        END
    FROM cells
),
dates AS (  -- events from 1990, births from 1900; what is dated after the day of judgement is blank
    SELECT place, child_id, referral_id, referral_date AS moment, referral_date::DATE AS day,
        upper(primary_need) AS need,
        CASE WHEN lower(nfa) IN ('true', '1', 'yes', 'y', 't') THEN true
            WHEN lower(nfa) IN ('false', '0', 'no', 'n', 'f') THEN false END AS nfa,
        CASE WHEN closed_on::DATE BETWEEN $as_of + 1 AND '2050-12-31' THEN NULL
            ELSE closure_reason END AS closure_reason,
        CASE WHEN decision_at::DATE BETWEEN $as_of + 1 AND '2050-12-31' THEN NULL
            ELSE lower(risk_rating) END AS risk_rating,
        threshold_level, rationale_length, decision_maker_id, allocated_worker_id,
        lower(decision_maker_role) AS role,
        coalesce(lower(history_considered), 'no') IN ('false', '0', 'no', 'n', 'f') AS unconsidered,
        coalesce(lower(icpc_not_required), 'no') IN ('false', '0', 'no', 'n', 'f') AS required,
        CASE
            WHEN COLUMNS('_(on|at)$')::DATE NOT BETWEEN '1990-01-01' AND '2050-12-31'
                THEN DATE '-infinity'
            WHEN COLUMNS('_(on|at)$')::DATE <= $as_of THEN COLUMNS('_(on|at)$')::DATE
        END,
        CASE
            WHEN COLUMNS('_birth$')::DATE NOT BETWEEN '1900-01-01' AND '2050-12-31'
                THEN DATE '-infinity'
            ELSE COLUMNS('_birth$')::DATE
        END
    FROM moments
    WHERE child_id IS NOT NULL AND referral_date::DATE BETWEEN '1990-01-01' AND '2050-12-31'
),
happened AS (  -- of a date that cannot be read, both whether and when are NULL
    SELECT COLUMNS(lambda name: NOT regexp_matches(name, '_(on|at)$')),
        CASE WHEN isfinite(COLUMNS('_(on|at)$')) THEN COLUMNS('_(on|at)$') END,
        CASE
            WHEN COLUMNS('(.*)_(on|at)$') IS NULL THEN false
            WHEN isfinite(COLUMNS('(.*)_(on|at)$')) THEN true
        END AS '\1'
    FROM dates
),
calendar AS (  -- working days up to and including each day
    SELECT day::DATE AS day,
        count(*) FILTER (isodow(day) < 6 AND day::DATE NOT IN (SELECT unnest($bank_holidays)))
            OVER (ORDER BY day) AS n
    FROM range(TIMESTAMP '1990-01-01', TIMESTAMP '2051-01-01', INTERVAL 1 DAY) AS days(day)
),
working AS (
    SELECT happened.*,
        decided_on.n - referred_on.n AS to_decision,
        recorded_on.n - decided_on.n AS to_recording,
        today.n - referred_on.n AS until_now,
        allocated_on.n - CASE WHEN NOT decision THEN referred_on.n ELSE decided_on.n END
            AS to_allocation,
        today.n - CASE WHEN NOT decision THEN referred_on.n ELSE decided_on.n END
            AS awaiting_allocation,
        authorised_on.n - referred_on.n AS to_authorisation,
        conference_on.n - discussed_on.n AS to_conference,
        today.n - discussed_on.n AS awaiting_conference
    FROM happened
    JOIN calendar AS referred_on ON referred_on.day = happened.day
    JOIN calendar AS today ON today.day = $as_of
    LEFT JOIN calendar AS decided_on ON decided_on.day = decision_at
    LEFT JOIN calendar AS recorded_on ON recorded_on.day = decision_recorded_at
    LEFT JOIN calendar AS allocated_on ON allocated_on.day = allocated_at
    LEFT JOIN calendar AS authorised_on ON authorised_on.day = assessment_authorised_on
    LEFT JOIN calendar AS discussed_on ON discussed_on.day = strategy_discussion_on
    LEFT JOIN calendar AS conference_on ON conference_on.day = icpc_on
),
judged_alone AS (
    SELECT place, child_id, day, moment, referral_id, nfa, closed, closed_on, need,
        decision AND unconsidered AS unconsidered,
        NOT decision AND until_now > 1 AS dec_01,
        decision AND to_decision > 1 AS dec_02,
        decision AND (rationale_length IS NULL OR regexp_full_match(rationale_length, '[0-9]+')
            AND try_cast(rationale_length AS HUGEINT) < 30) AS dec_03,
        decision AND (risk_rating IS NULL OR threshold_level IS NULL) AS dec_04,
        decision AND role NOT IN ('team manager', 'assistant team manager', 'practice supervisor',
            'service manager') AS dec_05,
        decision AND allocated AND decision_maker_id = allocated_worker_id AS dec_06,
        decision AND (to_recording > 1 OR decision_at < day) AS dec_07,
        nfa AND risk_rating = 'red' AS dec_08,
        NOT nfa AND allocated AND to_allocation > 1 AS all_01,
        NOT nfa AND NOT closed AND NOT allocated AND awaiting_allocation > 1 AS all_02,
        NOT nfa AND NOT closed AND assessment_started AND NOT assessment_authorised
            AND until_now > 45 AS pro_02,
        assessment_authorised AND to_authorisation > 45 AS pro_03,
        strategy_discussion AND (icpc AND to_conference > 15
            OR NOT icpc AND required AND awaiting_conference > 15) AS pro_08,
        date_of_birth IS NULL AND expected_date_of_birth IS NULL
            OR CASE WHEN date_of_birth IS NULL THEN isfinite(expected_date_of_birth)
                    AND expected_date_of_birth - day > 280
                ELSE isfinite(date_of_birth) AND date_of_birth - day > 280 END AS dq_05,
        closed AND closure_reason IS NULL
            OR NOT closed AND upper(closure_reason) IN ('RC1', 'RC2', 'RC3', 'RC4', 'RC5', 'RC6',
                'RC7', 'RC8', 'RC9') AS dq_06
    FROM working
),
reused AS (  -- an identifier belongs to the child and day that used it first
    SELECT referral_id, arg_min(child_id, place) AS owner, arg_min(day, place) AS owned_on
    FROM judged_alone
    WHERE referral_id IS NOT NULL
    GROUP BY referral_id
    HAVING count(*) > 1
),
taken AS (  -- numbers that typed identifiers use already
    SELECT regexp_replace(referral_id, '[^/]*$', '') AS stem,
        list(regexp_extract(referral_id, '[^/]*$')) AS numbers
    FROM judged_alone
    WHERE referral_id LIKE '%/%'
    GROUP BY stem
),
referrals AS (  -- one a child and day
    SELECT * FROM judged_alone
    QUALIFY row_number() OVER (PARTITION BY child_id, day ORDER BY moment, place) = 1
),
with_previous AS (
    SELECT *,
        lag(day) OVER earlier >= day - INTERVAL 12 MONTH AS again,
        lag(day) OVER earlier >= day - INTERVAL 3 MONTH AS soon,
        lag(day, 2) OVER earlier >= day - INTERVAL 12 MONTH AS third,
        day - lag(closed_on) OVER earlier AS days_from_closure,
        lag(nfa) OVER earlier AS previous_nfa,
        lag(closed) OVER earlier AS previous_closed,
        lag(need) OVER earlier AS previous_need
    FROM referrals
    WINDOW earlier AS (PARTITION BY child_id ORDER BY day)
),
named AS (
    SELECT with_previous.*,
        concat(child_id, '/', day, '/') AS stem,
        CASE WHEN owner IS NULL OR owner = child_id AND owned_on = day
            THEN with_previous.referral_id END AS own_id
    FROM with_previous LEFT JOIN reused USING (referral_id)
    WHERE day <= $as_of
),
flags AS (
    SELECT coalesce(own_id, named.stem || list_filter(
            range(1, 2 + coalesce(len(numbers), 0)),
            lambda n: NOT coalesce(list_contains(numbers, n::VARCHAR), false))[1]) AS referral_id,
        again AS "REF-01",
        soon AS "REF-02",
        third AS "REF-04",
        again AND need = previous_need
            AND need IN ('N1', 'N2', 'N3', 'N4', 'N5', 'N6', 'N7', 'N8') AS "REF-05",
        again AND previous_nfa AS "REF-07",
        days_from_closure BETWEEN 0 AND 90 AS "REF-08",
        NOT previous_nfa AND (NOT previous_closed OR days_from_closure < 0) AS "REF-11",
        again AND previous_nfa AND nfa AS "REF-14",
        dec_01 AS "DEC-01", dec_02 AS "DEC-02", dec_03 AS "DEC-03", dec_04 AS "DEC-04",
        dec_05 AS "DEC-05", dec_06 AS "DEC-06", dec_07 AS "DEC-07", dec_08 AS "DEC-08",
        again AND unconsidered AS "DEC-10",
        all_01 AS "ALL-01", all_02 AS "ALL-02",
        pro_02 AS "PRO-02", pro_03 AS "PRO-03", pro_08 AS "PRO-08",
        dq_05 AS "DQ-05", dq_06 AS "DQ-06",
        again AND (all_01 OR all_02) AND (dec_01 OR dec_03 OR dec_04) AS "CMP-01"
    FROM named LEFT JOIN taken ON own_id IS NULL AND taken.stem = named.stem
)
SELECT rule, referral_id
FROM (UNPIVOT flags ON COLUMNS(* EXCLUDE referral_id) INTO NAME rule VALUE is_flagged)
WHERE is_flagged
) TO $output (FORMAT parquet)
"""


def write_flags(source: Path, output: Path, as_of: dt.date) -> None:
    """Write the flags of every referral up to ``as_of`` as a Parquet file."""
    asked = {
        "source": str(source),
        "output": str(output),
        "as_of": as_of,
        "bank_holidays": list(country_holidays("GB", subdiv="ENG", years=range(1990, 2051))),
    }
    with duckdb.connect() as database:
        database.execute(STATEMENT, asked)


def main() -> int:
    """Judge a referral table as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--as-of", type=dt.date.fromisoformat, required=True)
    options = parser.parse_args()
    write_flags(options.source, options.output, options.as_of)
    return 0


if __name__ == "__main__":
    sys.exit(main())
