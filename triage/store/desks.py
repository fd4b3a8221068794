"""What somebody has before them of a case that they review, without beginning anything by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from triage.casework import Act, Status, moved
from triage.errors import CallError, ForbiddenError
from triage.rights import Viewer
from triage.second import Kind
from triage.store.caselist import Case
from triage.store.connection import reading
from triage.store.people import Asker, viewer_of
from triage.store.reviews import draft_of, open_rules
from triage.store.second import first_rules, pending
from triage.store.second_reading import review_of
from triage.store.work import refuse_others, seen_case


@dataclass(frozen=True)
class Desk:
    """A case to be reviewed, the rules that its review answers for, and the draft so far.

    ``answers`` is None where whoever asks began none; ``why_not`` says why they can neither begin
    nor go on, and is empty where they can.
    """

    case: Case
    rules: tuple[str, ...]
    answers: dict[str, Any] | None
    why_not: str


def review_desk(url: str, asker: Asker, case_id: int) -> Desk:
    """Return what somebody has before them of a case's first review.

    Raises:
        CallError: when there is no such case for whoever asks, or they may not review.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        who.require("review")
        found = seen_case(connection, who, case_id)

        def begin() -> None:
            act: Act = "start a review"
            moved(act, cast(Status, found.status), case_id)
            refuse_others(found, asker, who)

        answers = _draft(connection, who, case_id, "first")
        return Desk(found, open_rules(connection, case_id), answers, _said_against(begin))


def second_desk(url: str, asker: Asker, case_id: int) -> Desk:
    """Return what somebody has before them of a case's second review: nothing of the first.

    Raises:
        CallError: when the case does not wait for a second review, or there is none for them.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        who.require("review")
        found, wait = pending(connection, who, case_id)

        def begin() -> None:
            if wait.barred:
                raise ForbiddenError(f"you cannot be its second reviewer: {wait.barred}.")
            refuse_others(found, asker, who)

        rules = first_rules(review_of(connection, wait.row.first_id))
        return Desk(found, rules, _draft(connection, who, case_id, "second"), _said_against(begin))


def _draft(
    connection: sa.Connection, who: Viewer, case_id: int, kind: Kind
) -> dict[str, Any] | None:
    known = draft_of(connection, case_id, who.name, kind)
    answers: dict[str, Any] | None = None if known is None else json.loads(known.answers)
    return answers


def _said_against(begin: Callable[[], None]) -> str:
    try:
        begin()
    except CallError as error:
        return error.sentence or str(error)
    return ""
