"""Pseudonyms: keyed, so that nobody without the key can tell or try out whose they are.

A pseudonym is an HMAC-SHA256 of what it stands for, by a key that is kept apart from what is handed
on. Each kind of identifier has pseudonyms of its own: a child and a worker of the same number do
not match. The same key gives the same pseudonyms, so that two exports can be held side by side.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from triage.errors import CallError

Kind = Literal["child", "referral", "contact", "case", "review", "action", "person"]
KEY_BYTES: Final = 32
"""Bytes of a new key, and the fewest of any."""
_MOST_BYTES: Final = 4_096
_FEWEST_DIFFERENT: Final = 8
"""Different bytes of a key; one of chance has some thirty, a line of zeros one."""
_LETTERS: Final = 20
"""Hexadecimal digits of a pseudonym: 80 bits, among which a country's children do not meet."""
_FINGERPRINT: Final = 16
_OWNER: Final = stat.S_IRUSR | stat.S_IWUSR
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Key:
    """The key of pseudonyms; it is never shown."""

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Return what tells keys apart and gives none away: the beginning of its SHA-256."""
        return hashlib.sha256(self.secret).hexdigest()[:_FINGERPRINT]

    def pseudonym(self, kind: Kind, text: str | int | None) -> str:
        """Return what stands for an identifier of a kind; nothing stands for nothing."""
        if text is None:
            return ""
        told = f"{kind}\0{text}".encode("utf-8", "surrogateescape")
        return f"{kind}-{hmac.new(self.secret, told, hashlib.sha256).hexdigest()[:_LETTERS]}"


def make_key(path: Path) -> Key:
    """Write a new key into a new file that only its owner can read; return it.

    Raises:
        CallError: when there is such a file, or it cannot be written.
    """
    key = Key(secrets.token_bytes(KEY_BYTES))
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER)
        with os.fdopen(number, "wb") as file:
            file.write(key.secret)
            file.flush()
            os.fsync(number)
    except FileExistsError:
        raise CallError(f"{path}: is there already; it was left as it is.") from None
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None
    return key


def read_key(path: Path, folder: Path | None = None) -> Key:
    """Return the key in a file, which is to lie outside a folder.

    Raises:
        CallError: when it cannot be read, others can read it, it is no key, or lies in the folder.
    """
    if folder is not None and folder.resolve() in (path.resolve(), *path.resolve().parents):
        raise CallError(
            f"{path}: lies in the folder that is handed on, and whoever has both can tell whose "
            "each pseudonym is; keep the key elsewhere."
        )
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(number, "rb") as file:
            about = os.fstat(number)
            is_file = stat.S_ISREG(about.st_mode)
            secret = file.read(_MOST_BYTES + 1) if is_file else b""
    except OSError as error:
        raise CallError(
            f"{path}: cannot be read ({error.strerror or error}); `triage data key {path}` makes "
            "a key."
        ) from None
    if is_file and about.st_mode & _OTHERS:
        raise CallError(
            f"{path}: can be read by others; `chmod 600 {path}`, and if others may have read it, "
            "make another key."
        )
    if not KEY_BYTES <= len(secret) <= _MOST_BYTES or len(set(secret)) < _FEWEST_DIFFERENT:
        raise CallError(
            f"{path}: is no key; one is {KEY_BYTES} to {_MOST_BYTES:,} bytes of chance, and "
            f"`triage data key FILE` makes one."
        )
    return Key(secret)
