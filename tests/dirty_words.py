"""What may stand in the cells of a dirty table: words, codes, dates and what is none."""

from __future__ import annotations

from datetime import date

COLUMNS = (
    "child_id",
    "referral_date",
    "referral_id",
    "household_id",
    "date_of_birth",
    "expected_date_of_birth",
    "referral_source",
    "primary_need",
    "nfa",
    "team",
    "closed_on",
    "closure_reason",
    "decision_at",
    "decision_recorded_at",
    "decision_maker_id",
    "decision_maker_role",
    "decision_outcome",
    "threshold_level",
    "risk_rating",
    "rationale_length",
    "history_considered",
    "allocated_at",
    "allocated_worker_id",
    "allocated_worker_role",
    "worker_is_agency",
    "worker_is_registered",
    "assessment_started_on",
    "assessment_reviewed_on",
    "assessment_authorised_on",
    "assessment_factors",
    "strategy_discussion_on",
    "section47_started_on",
    "icpc_on",
    "icpc_not_required",
    "last_oversight_on",
    "restricted",
)
REQUIRED = ("child_id", "referral_date")

# Days that trip calendars: month ends, leap days, weekends, and bank holidays of all kinds.
SPECIAL_DAYS = (
    date(2020, 2, 29),
    date(2021, 2, 28),
    date(2021, 12, 24),
    date(2021, 12, 25),
    date(2021, 12, 28),
    date(2022, 1, 3),
    date(2022, 1, 31),
    date(2022, 3, 31),
    date(2022, 4, 14),
    date(2022, 4, 15),
    date(2022, 5, 31),
    date(2022, 6, 1),
    date(2022, 6, 2),
    date(2022, 6, 3),
    date(2022, 6, 4),
    date(2022, 8, 31),
    date(2022, 9, 16),
    date(2022, 9, 19),
    date(2022, 10, 31),
    date(2022, 12, 23),
    date(2022, 12, 25),
    date(2022, 12, 27),
    date(2023, 1, 2),
    date(2023, 2, 28),
    date(2023, 3, 31),
    date(2023, 5, 5),
    date(2023, 5, 6),
    date(2023, 5, 8),
    date(2023, 5, 29),
    date(2023, 5, 31),
)

# No date at all, or in a form the contract does not list.
BAD_DATES = (
    "2022-02-31",
    "31/04/2022",
    "06/31/2022",
    "29/02/2023",
    "2023-02-29",
    "2022-13-01",
    "2022-00-10",
    "1889-05-01",
    "01/05/1889",
    "2051-01-01",
    "31/12/2051",
    "2022-1-5",
    "5/1/2022",
    "15/06/22",
    "15-06-2022",
    "2022/06/15",
    "20220615",
    "44727",
    "2022-06-15T24:00",
    "2022-06-15 10:61",
    "2022-06-15T10",
    "maybe",
    "not known",
    "N/A",
    "-",
)
# Readable as a birth date, too early for anything else.
EARLY_DATES = ("1989-12-31", "31/12/1989", "1900-01-01")
BAD_FLAGS = ("maybe", "2", "-1", "yep", "nope", "unknown", "N/A", "null")
BAD_NUMBERS = ("lots", "-1", "12 characters", "1e3", "3.5", "1,200", "N/A")
BAD_LEVELS = ("0", "5", "-1", "level 2", "two", "1.5", "12")
BAD_CODES: dict[str, tuple[str, ...]] = {
    "referral_source": ("2C", "11", "0", "3G", "school", "1"),
    "primary_need": ("N10", "N", "9", "abuse", "maybe"),
    "closure_reason": ("RC0", "RC10", "RC", "8", "closed"),
    "decision_outcome": ("escalate", "assessments", "section 17", "maybe"),
    "risk_rating": ("purple", "r", "high", "red/amber"),
    "assessment_factors": ("8A", "1A;99Z", "neglect", "1A,2B", "16A;maybe"),
}
CODES: dict[str, tuple[str, ...]] = {
    "referral_source": (
        *("1A", "1B", "1C", "1D", "2A", "2B", "3A", "3B", "3C", "3D", "3E", "3F"),
        *("4", "5A", "5B", "5C", "5D", "6", "7", "8", "9", "10"),
    ),
    "primary_need": ("N0", "N1", "N1", "N1", "N2", "N3", "N4", "N5", "N5", "N6", "N7", "N8", "N9"),
    "closure_reason": tuple(f"RC{n}" for n in range(1, 10)),
    "decision_outcome": (
        "nfa",
        "information_and_advice",
        "early_help",
        "assessment",
        "strategy_discussion",
        "section47",
        "other",
    ),
    "risk_rating": ("red", "red", "amber", "green"),
}
FACTORS = ("1A", "2B", "3A", "3C", "4B", "7A", "8E", "16A", "18A", "18C", "19B", "20", "24A")
ROLES = (
    "Team Manager",
    "team manager",
    "ASSISTANT TEAM MANAGER",
    "Practice Supervisor",
    "service manager",
    "Social Worker",
    "senior practitioner",
    "team manager (acting)",
    "Head of Service",
)
TEAMS = ("North, Duty", 'The "Hub"', "MASH", "mash", "Assessment 1", "007", "NA")
# Ids that a careless reader turns into numbers, dates, missing values or truths.
ODD_CHILD_IDS = ("NA", "nan", "null", "None", "TRUE", "1e5", "1E5", "0", "00", "1.0", "C,1", "c,1")
