"""People whom a provider of OpenID Connect vouches for: registered as its groups have them.

Whom an administrator struck off stays so, whatever groups they are in.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from triage.errors import ForbiddenError
from triage.rights import Person, Role
from triage.store.connection import acting, reading
from triage.store.people import check_name, everybody, put_down, stamp
from triage.store.tables import event

VOUCHED: Final = "system:oidc"
"""Who the trail says registered somebody by their groups."""


def keep_in_step(
    url: str, name: str, role: Role, teams: Sequence[str], now: dt.datetime
) -> None:  # fmt: skip
    """Register somebody as their groups have them, unless they are so already.

    Raises:
        CallError: when it is no name of a person.
        ForbiddenError: when an administrator took their rights away.
        ConflictError: when nobody could administer the store any more.
    """
    check_name(name)
    wanted = Person(name, role, tuple(teams))
    with reading(url) as connection:
        if wanted in everybody(connection):
            return
    with acting(url) as connection:
        known = {one.name: one for one in everybody(connection)}
        if name in known and not known[name].is_active:
            raise ForbiddenError("an administrator took away the rights that this name had here.")
        if known.get(name) != wanted:
            put_down(connection, stamp(now), VOUCHED, wanted)


def is_of_groups(url: str, name: str) -> bool:
    """Return whether it was by their groups that somebody was last registered."""
    query = (
        sa.select(event.c.actor, event.c.detail)
        .where(event.c.kind == "person registered")
        .order_by(event.c.id.desc())
    )
    with reading(url) as connection:
        last = next(
            (row.actor for row in connection.execute(query)
             if json.loads(row.detail).get("name") == name), None,
        )  # fmt: skip
    return last == VOUCHED
