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
    "review_draft": "Your draft is kept. Nobody else sees it.",
    "review_submitted": "The review is submitted.",
    "review_superseded": "The new review stands in the place of the one before. Both are kept.",
    "second_agreed": "The second review is submitted. The two agree: the case goes on.",
    "second_differs": (
        "The second review is submitted. The two differ: somebody who is neither of you settles it."
    ),
    "second_settled": "The two reviews are settled by your answers. All three are kept.",
    "second_withdrawn": "The case goes on without a second review.",
    "unblinded": "You see the first review now, and cannot be the second reviewer of this case.",
    "action_done": "The remedial action is done.",
    "handed_over": "The remedial action is handed over. It no longer keeps the case open.",
    "sample_drawn": "The sample is drawn. Its cases wait for a second review.",
    "sessions": "Your other sessions have ended.",
    "excepted": "The exception is made. It holds from the next run on.",
    "exception-ended": "The exception is ended. The next run raises again what the rule says.",
    "report": "The report is made.",
    "registered": "They are registered.",
    "person": "Role and teams are kept.",
    "struck-off": "They are struck off and signed out. What they did stays theirs.",
    "password-given": "The password is given. They choose another when they sign in.",
    "their-sessions": "Their sessions have ended.",
    "token-ended": "The token is ended. Its program is let in no more.",
}
