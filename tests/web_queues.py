"""The cases that tests of the queue's pages share, and how they read a page."""

from __future__ import annotations

import re

from web_helpers import READER, Browser, told
from work_helpers import EVERY, asker, row, rows

from triage import store as door
from triage.store import Wanted
from triage.web.site import Site

N_NORTH, N_SOUTH = 57, 3
HIDDEN = "R90000"

"""The only referral of its team; it is restricted."""


def referrals() -> list[dict[str, str]]:
    south = [
        row(f"S{n:03}", team="South", referral_date=f"2023-06-{10 + n}", **decided)
        for n, decided in enumerate(({}, {}, {"decision_at": "2023-06-20"}))
    ]
    return [*rows(N_NORTH), *south, row(HIDDEN, team="Secret", restricted="true")]


def shown(browser: Browser, address: str) -> list[int]:
    """Return the numbers of the cases of a page of the queue, in their order."""
    answer = browser.get(address)
    assert answer.status_code == 200, told(answer)
    return [int(number) for number in re.findall(r'href="/cases/(\d+)"', answer.text)]


def numbers(site: Site, name: str, wanted: Wanted = EVERY) -> list[int]:
    return door.matching(site.url, asker(name, readers=[READER]), wanted)
