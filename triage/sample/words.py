"""The lists of words that the invented council's cells are chosen from."""

from __future__ import annotations

from typing import Final

from triage.sample import calibration as cal

SOURCES: Final = tuple(cal.SOURCE_MIX)
NEEDS: Final = tuple(cal.NEED_MIX)
REASONS: Final = ("RC1", "RC2", "RC3", "RC4", "RC5", "RC6", "RC7", "RC8", "RC9")
OUTCOMES: Final = (*cal.OUTCOME_MIX, "nfa")
RATINGS: Final = ("green", "amber", "red")
TRUTHS: Final = ("false", "true")
AREAS: Final = ("North", "East", "South", "West", "Central", "Coast")
TEAMS: Final = (
    *(f"Assessment {area}" for area in AREAS),
    "Children with Disabilities",
    "Initial Contact and Referral",
)
TEAM_DISABILITIES: Final = len(AREAS)
TEAM_FRONT_DOOR: Final = len(AREAS) + 1
WORKER_ROLES: Final = tuple(cal.WORKER_ROLE_MIX)
MANAGER_ROLES: Final = (
    "Team Manager",
    "Assistant Team Manager",
    "Practice Supervisor",
    "Service Manager",
)
ROLE_DUTY: Final = len(MANAGER_ROLES) + len(WORKER_ROLES)
ROLES: Final = (*MANAGER_ROLES, *WORKER_ROLES, "Duty")
DUTY: Final = "DUTY"
"""What stands for the worker where a case is held by the duty tray and by nobody by name."""
CONTACT_OUTCOMES: Final = (*cal.CONTACT_OUTCOME_MIX, "open_case", "referral")
SUPERSEDING_REASONS: Final = (
    "new information from school",
    "police information received later",
    "new information from health visitor",
    "threshold reconsidered by manager",
    "changed after audit",
    "sibling referred since",
)

COLUMNS: Final = (
    "child_id", "referral_date", "referral_id", "household_id", "date_of_birth",
    "expected_date_of_birth", "referral_source", "primary_need", "nfa",
    "referrals_in_last_12_months", "team", "closed_on", "closure_reason", "decision_at",
    "decision_recorded_at", "decision_maker_id", "decision_maker_role", "decision_outcome",
    "threshold_level", "risk_rating", "rationale_length", "rationale_hash", "history_considered",
    "feedback_at", "allocated_at", "allocated_worker_id", "allocated_worker_role",
    "worker_is_agency", "worker_is_registered", "worker_caseload", "assessment_started_on",
    "assessment_reviewed_on", "assessment_authorised_on", "assessment_factors",
    "strategy_discussion_on", "section47_started_on", "icpc_on", "icpc_not_required",
    "last_oversight_on", "restricted",
)  # fmt: skip
"""Every column of the referral table, in the order they are written."""
KEYS: Final = ("referral_id", "child_id", "referral_date")
"""The columns by which a row of an event says to which referral it belongs."""
DECISION_COLUMNS: Final = (
    *KEYS, "decision_id", "decision_at", "decision_recorded_at", "decision_maker_id",
    "decision_maker_role", "decision_outcome", "threshold_level", "risk_rating",
    "rationale_length", "rationale_hash", "history_considered", "feedback_at",
    "supersedes_decision_id", "superseding_reason",
)  # fmt: skip
ALLOCATION_COLUMNS: Final = (
    *KEYS, "allocated_at", "allocated_worker_id", "allocated_worker_role", "worker_is_agency",
    "worker_is_registered", "worker_caseload", "allocation_ended_at",
)  # fmt: skip
CONTACT_COLUMNS: Final = (
    "contact_id", "child_id", "contact_date", "contact_source", "contact_outcome", "team",
    "restricted",
)  # fmt: skip
EARLY_HELP_COLUMNS: Final = ("child_id", "early_help_started_on", "early_help_ended_on")
