"""What happened, in words: each kind of event of the trail, and what its detail says."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final

from triage.vocabulary import counted
from triage.wording import spoken

KINDS: Final[dict[str, str]] = {
    "case opened": "Opened a case for its flags",
    "case reopened": "Opened the case again",
    "case closed": "Closed the case",
    "case erased": "Erased the case with all that was kept of the child",
    "case claimed": "Claimed the case",
    "case released": "Gave the case back",
    "case assigned": "Assigned the case",
    "case boosted": "Brought the case before its turn",
    "case snoozed": "Put the case off",
    "case read": "Read the case",
    "flag raised": "Raised a flag",
    "flag raised again": "Raised a flag again",
    "flag changed": "Changed a flag: its evidence is another",
    "flag cleared": "Cleared a flag",
    "note added": "Added a note",
    "review started": "Started a review",
    "review gone on with": "Went on with a review",
    "review draft saved": "Saved the draft of a review",
    "review submitted": "Submitted a review",
    "review superseded": "Put another review in the place of one",
    "reviews read": "Read the reviews of the case",
    "second review asked for": "Asked for a second review",
    "second review started": "Started a second review",
    "second review draft saved": "Saved the draft of a second review",
    "second review submitted": "Submitted a second review",
    "second review settled": "Settled a difference between two reviews",
    "second review withdrawn": "Withdrew a second review",
    "first answers seen": "Looked at the first answers",
    "sample drawn": "Drew a sample for second reviews",
    "agreement read": "Read how far reviewers agree",
    "action asked for": "Asked for a remedial action",
    "action done": "Finished a remedial action",
    "action handed over": "Handed a remedial action over",
    "exception made": "Made an exception from a rule",
    "exception ended": "Ended an exception from a rule",
    "run stored": "Stored a run",
    "rejected rows read": "Downloaded the rows that could not be read",
    "report made": "Made a report",
    "report opened": "Opened a file of a report",
    "data exported": "Exported data under pseudonyms",
    "pseudonym looked behind": "Looked behind a pseudonym",
    "trail read": "Read the trail",
    "trail exported": "Exported the trail",
    "data let go": "Let go of data that was past its time",
    "child erased": "Erased all that was kept of a child",
    "store upgraded": "Upgraded the store",
    "store backed up": "Backed the store up",
    "store restored": "Restored the store from a backup",
    "store moved": "Moved the store",
    "digest sent": "Sent a digest",
    "digest failed": "Could not send a digest",
    "webhook called": "Called a webhook",
    "webhook failed": "Could not call a webhook",
    "person registered": "Registered somebody, or changed their role or teams",
    "person struck off": "Struck somebody off",
    "password set": "Set a password",
    "account locked": "Locked an account after wrong passwords",
    "signed in": "Signed in",
    "signed out": "Signed out",
    "sign-in failed": "Tried to sign in, and could not",
    "sessions ended": "Ended sessions",
    "token made": "Made a token for a program",
    "token ended": "Ended a token of a program",
    "withheld until the second review is in": "Withheld until the second review is in",
}
"""The kinds of events, each as what somebody did."""
_LONGEST_LIST: Final = 6
_LETTERS_OF_HASH: Final = 12
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:[+-]\d\d:\d\d)?")


def in_words(kind: str) -> str:
    """Return what somebody did, by the kind of the event; a kind without words says itself."""
    return KINDS.get(kind) or kind[:1].upper() + kind[1:]


def details(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the detail of an event says: each name with its value in words."""
    return [(name.replace("_", " "), _told(value)) for name, value in sorted(detail.items())]


def _told(value: Any) -> str:
    """Return a value in words: a long list by its length, a hash by its first letters."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        inner = [f"{name} {_told(one)}" for name, one in sorted(value.items())]
        return _listed(inner)
    if isinstance(value, list | tuple):
        return _listed([_told(one) for one in value])
    if value is None:
        return "none"
    text = str(value)
    if _HASH.fullmatch(text):
        return f"{text[:_LETTERS_OF_HASH]}…"
    if _DAY.fullmatch(text):
        return spoken(dt.date.fromisoformat(text))
    if _MOMENT.fullmatch(text):
        here = dt.datetime.fromisoformat(text).astimezone()
        return f"{spoken(here.date())} at {here:%H:%M}"
    return text


def _listed(words: list[str]) -> str:
    if len(words) > _LONGEST_LIST:
        return (
            f"{', '.join(words[:_LONGEST_LIST])} and {counted(len(words) - _LONGEST_LIST, 'other')}"
        )
    return ", ".join(words) or "none"
