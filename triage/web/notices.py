"""What a page says of what was just done, by the word in its address.

An address carries a word and never a sentence, so that nobody can put words on a page.
"""

from __future__ import annotations

from typing import Final

NOTICES: Final[dict[str, str]] = {
    "password": "Your new password is kept. Other sessions of yours have ended.",
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
