"""What a server of the pages knows from its start: store, settings, rules and clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from triage.ruleset import Ruleset
from triage.settings import Settings
from triage.store import Asker


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Site:
    """A store and how it is served.

    ``is_demo`` says on each page that the records are invented; ``now`` is the clock.
    """

    url: str
    settings: Settings
    rules: Ruleset
    is_demo: bool = False
    now: Callable[[], dt.datetime] = field(default=_now)

    def asker(self, name: str | None) -> Asker:
        """Return somebody who asks something of the store, now."""
        return Asker(name, self.settings.restricted.readers, self.now(), "account:web")
