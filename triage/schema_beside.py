"""Columns that only the tables beside the referrals carry: rows over time, and contacts.

A referral has one first decision and one first allocation; these columns belong to each decision,
each allocation, each early-help episode and each contact. In a table of one row a referral they
have no meaning and are passed over.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from triage import vocabulary as v
from triage.cells import Reads

# A run validates cells one by one, and never needs these models as a whole.
_CONFIG: Final = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class DecisionRow(BaseModel):
    """What a table of decisions may say of each of several decisions on a referral."""

    model_config = _CONFIG

    decision_id: Annotated[str | None, Reads("text")] = Field(
        None, description="the decision's identifier"
    )
    supersedes_decision_id: Annotated[str | None, Reads("text")] = Field(
        None, description="the earlier decision that this one replaces"
    )
    superseding_reason: Annotated[str | None, Reads("text")] = Field(
        None, description="why it was replaced; only whether anything is written is kept"
    )


class AllocationRow(BaseModel):
    """What a table of allocations may say of each worker who held a referral in turn."""

    model_config = _CONFIG

    allocation_ended_at: Annotated[
        dt.datetime | None, Reads("event", ("invo_involvement_end_date",))
    ] = Field(None, description="when the worker's allocation ended; blank while it lasts")


class EarlyHelpRow(BaseModel):
    """An early-help episode of a child."""

    model_config = _CONFIG

    early_help_started_on: Annotated[
        dt.datetime | None, Reads("event", ("earl_episode_start_date",))
    ] = Field(None, description="start of the child's early-help episode")
    early_help_ended_on: Annotated[
        dt.datetime | None, Reads("event", ("earl_episode_end_date",))
    ] = Field(None, description="end of that episode; blank while it lasts")


class ContactRow(BaseModel):
    """A contact about a child, whether or not it became a referral."""

    model_config = _CONFIG

    contact_date: Annotated[
        dt.datetime, Reads("event", ("Date of Contact", "cont_contact_date"))
    ] = Field(description="date, or date and time, of the contact")
    contact_id: Annotated[str | None, Reads("text", ("cont_contact_id",))] = Field(
        None, description="the contact's identifier"
    )
    contact_source: Annotated[
        str | None,
        Reads("code", ("Contact Source", "cont_contact_source_code"), tuple(v.REFERRAL_SOURCES)),
    ] = Field(None, description="who made the contact; census code 1A to 10")
    contact_outcome: Annotated[str | None, Reads("code", (), tuple(v.CONTACT_OUTCOMES))] = Field(
        None, description="what became of the contact; `referral` and `open_case` are progress"
    )


BESIDE_ROWS: Final = (DecisionRow, AllocationRow, EarlyHelpRow, ContactRow)
