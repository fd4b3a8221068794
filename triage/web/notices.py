"""What a page says of what was just done, by the word in its address.

An address carries a word and never a sentence, so that nobody can put words on a page.
"""

from __future__ import annotations

from typing import Final

NOTICES: Final[dict[str, str]] = {
    "password": "Your new password is kept. Other sessions of yours have ended.",
    "sessions": "Your other sessions have ended.",
}
