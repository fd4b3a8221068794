"""Columns that no extract has: what the store keeps of a referral.

What earlier nights saw of it, so that what was recorded afterwards is seen: ``triage nightly`` adds
it to tonight's referrals. And what the queue knows of its case, which is judged by itself.
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


class QueueRow(BaseModel):
    """What people have not done yet on the case of a referral, or a contact; blank when nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    review_awaited_since: Annotated[dt.datetime | None, Reads("event")] = Field(
        None,
        description="day on which the case was opened, or opened again, while it has no review",
    )
    action_due_on: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="due date of the case's remedial action that is open and due first"
    )


NIGHT_COLUMNS: Final = tuple(NightRow.model_fields)
QUEUE_COLUMNS: Final = tuple(QueueRow.model_fields)
STORE_COLUMNS: Final = (*NIGHT_COLUMNS, *QUEUE_COLUMNS)

MISSED: Final = {
    "decision": "decision_at",
    "allocation": "allocated_at",
    "assessment": "assessment_started_on",
    "authorisation": "assessment_authorised_on",
}
"""What the nights look for, with the column of the referral in which it stands."""
