"""The records of one case's pages, and how tests find its number."""

from __future__ import annotations

import datetime as dt

from web_helpers import READER
from work_helpers import (
    AS_OF,
    asker,
    row,
)

from triage import store as door
from triage.web.site import Site

NORTH, SOUTH, SECRET = "N1", "S1", "H1"
NIGHT_BEFORE = AS_OF - dt.timedelta(days=1)


def referrals(**cells: str) -> list[dict[str, str]]:
    return [row(NORTH, **cells), row(SOUTH, team="South"), row(SECRET, restricted="true")]


def number_of(site: Site, referral: str) -> int:
    """Return the number of the case of a referral or contact."""
    who = asker(READER, readers=[READER])
    (found,) = [one for one in door.cases_named(site.url, who, referral)
                if one.referral_id == referral]  # fmt: skip
    return found.id
