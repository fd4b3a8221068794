"""Columns that no extract has: what earlier nights saw of a referral, which the store keeps.

``triage nightly`` adds them to tonight's referrals, so that what was recorded afterwards is seen.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from triage.cells import Reads


class NightRow(BaseModel):
    """On which nights a referral that was judged had no such date; blank when there was none."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    no_decision_from: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="first night on which the record held no management decision"
    )
    no_decision_until: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="last night on which the record held no management decision"
    )
    no_allocation_from: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="first night on which the record held no allocation"
    )
    no_allocation_until: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="last night on which the record held no allocation"
    )
    no_assessment_from: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="first night on which the record held no assessment"
    )
    no_assessment_until: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="last night on which the record held no assessment"
    )
    no_authorisation_from: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="first night on which the record held no authorisation of an assessment"
    )
    no_authorisation_until: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="last night on which the record held no authorisation of an assessment"
    )


NIGHT_COLUMNS: Final = tuple(NightRow.model_fields)

MISSED: Final = {
    "decision": "decision_at",
    "allocation": "allocated_at",
    "assessment": "assessment_started_on",
    "authorisation": "assessment_authorised_on",
}
"""What the nights look for, with the column of the referral in which it stands."""
