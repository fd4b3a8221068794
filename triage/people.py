"""Who acts: the person at the keyboard, or the account a scheduled run uses."""

from __future__ import annotations

import getpass


def current_user() -> str:
    """Return the account that runs this program; "unknown" where the system names none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
