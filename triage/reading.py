"""How inputs are to be read, beyond what they say themselves: what the settings and flags add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

JOIN_WITHIN_DAYS: Final = 183
"""An event that names no referral belongs to the child's latest referral at most this many days
before it, unless the settings say otherwise; Annex A covers six months."""


@dataclass(frozen=True)
class Reading:
    """What the settings say about reading.

    ``words`` gives, by column, the value that a word of the council's own stands for (``"Family
    Hub"`` is source ``5D``), matched without regard to case. ``mapping`` is the name or the path of
    a mapping of headings and codes to use for tables that no other mapping lies beside; named ones
    are looked for in ``mappings``.
    """

    join_within_days: int = JOIN_WITHIN_DAYS
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mapping: str | None = None
    mappings: Path = Path("mappings")


USUAL: Final = Reading()
"""What is done where nothing else was asked."""
