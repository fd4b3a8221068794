"""What a run changes in the queue, counted in flags."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass

from triage.facts import SubjectName
from triage.store.tonight import Tonight


@dataclass
class QueueChange:
    """What a run changed in the queue, in flags."""

    new: int = 0
    still_flagged: int = 0
    changed: int = 0
    cleared: int = 0
    reopened: int = 0

    def as_json(self) -> dict[str, int]:
        """Return the counts as outside scripts read them."""
        return asdict(self)

    def plus(self, other: QueueChange) -> QueueChange:
        """Return the counts of both together."""
        return QueueChange(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


Changes = dict[SubjectName, QueueChange]
"""What a run changed in the queue: flags on referrals, and flags on contacts."""


def no_change(tonight: Tonight) -> Changes:
    """Return the counts of a run that finds the queue as it would leave it."""
    n_contacts = int(tonight.is_contact.sum())
    return {
        "referral": QueueChange(still_flagged=len(tonight.is_contact) - n_contacts),
        "contact": QueueChange(still_flagged=n_contacts),
    }
