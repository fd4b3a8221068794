"""What a page says of what was just done, by the word in its address.

An address carries a word and never a sentence, so that nobody can put words on a page.
"""

from __future__ import annotations

from typing import Final

NOTICES: Final[dict[str, str]] = {
    "password": "Your new password is kept. Other sessions of yours have ended.",
    "claimed": "You hold the case for the next hour, and longer while you work on it.",
    "released": "The case is given back.",
    "noted": "The note is kept.",
    "assigned": "The case is assigned.",
    "snoozed": "The case is put off until that day.",
    "boosted": "The case comes before its turn.",
    "closed": "The case is closed without a review.",
    "reopened": "The case is open again.",
    "second": "The case waits for a second review.",
    "all-assigned": "The cases of the filter are assigned.",
    "all-snoozed": "The cases of the filter are put off until that day.",
    "all-closed": "The cases of the filter are closed without a review.",
    "filter-kept": "The filter is kept.",
    "filter-dropped": "The filter is deleted.",
    "sessions": "Your other sessions have ended.",
}
