"""The lists of words that the invented council's cells are chosen from."""

from __future__ import annotations

from typing import Final

from triage import schema
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
ROLES: Final = (*MANAGER_ROLES, *WORKER_ROLES)

COLUMNS: Final = tuple(name for name in schema.COLUMNS if name != "rationale_hash")
"""Every column of the referral table, in the order they are written."""
