"""Passwords: hashed with argon2, and refused where they are easily guessed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from triage.errors import CallError

SHORTEST: Final = 12
"""Characters of a password: its length counts, and not what kinds of them it has."""
LONGEST: Final = 200
_hasher = PasswordHasher()


def hashed(password: str, name: str) -> str:
    """Return what is kept of a password.

    Raises:
        CallError: when it is easily guessed: too short, one character over and over, or the name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise CallError(f"a password is of {SHORTEST} to {LONGEST} characters; choose another.")
    if len(set(password)) < SHORTEST // 2 or name.casefold() in password.casefold():
        raise CallError("this password is easily guessed; choose another.")
    return _hasher.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Return whether a password is the one that was kept.

    It takes as long where none is kept, so that nobody learns who has an account.
    """
    try:
        return _hasher.verify(kept or _of_nobody(), password[:LONGEST]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _of_nobody() -> str:
    return _hasher.hash("the password of nobody")
