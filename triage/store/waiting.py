"""Putting a reviewed case to a second reviewer."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa

from triage.calendar import add_working_days, to_date, to_day
from triage.casework import Status, moved
from triage.second import Why
from triage.store.caselist import Case
from triage.store.people import Asker
from triage.store.tables import second_review
from triage.store.trail import Happened, happened
from triage.store.work import BACK_TO_NOBODY, as_of_store, change


def put_to_second(
    connection: sa.Connection,
    asker: Asker,
    found: Case,
    first_id: int,
    why: Why,
    working_days: int,
    *,
    sample_id: int | None = None,
    reason: str | None = None,
) -> Happened:
    """Let a reviewed case wait for its second review; return the event.

    It remembers its status and due date; what is to be done on it can be done meanwhile.

    Raises:
        CallError: when the case is not of a status in which it can.
    """
    status = moved("ask for a second review", cast(Status, found.status), found.id)
    due_on = to_date(add_working_days(to_day(asker.today), working_days))
    connection.execute(
        sa.insert(second_review).values(
            case_id=found.id, first_id=first_id, sample_id=sample_id, asked_at=asker.at,
            asked_by=asker.name, why=why, reason=reason, came_from=found.status, due_on=due_on,
            due_before=found.due_on,
        )
    )  # fmt: skip
    values: dict[str, Any] = {
        "status": status, "due_on": due_on, **BACK_TO_NOBODY, "assigned_to": None, "boost": None,
    }  # fmt: skip
    change(connection, found, values, as_of_store(connection))
    told: dict[str, Any] = {"why": why}
    if sample_id is not None:
        told["sample"] = sample_id
    return happened("second review asked for", found.id, None, told)
