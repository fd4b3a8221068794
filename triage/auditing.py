"""The trail's head and verdict in words and files, for whoever keeps and checks them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Final

from triage.errors import CallError
from triage.store import Head, TrailEvent, Verdict, verify_trail
from triage.vocabulary import counted

_HASH_BYTES: Final = 32


def verify(url: str, head: Path | None) -> Verdict:
    """Return whether the trail of a store is whole, and reaches the head that was kept in a file.

    Raises:
        CallError: when the file is none that ``triage audit head`` wrote.
        StoreError: when there is no store.
    """
    return verify_trail(url, None if head is None else read_head(head))


def read_head(path: Path) -> Head:
    """Return the head that was kept in a file.

    Raises:
        CallError: when it cannot be read, or is none that ``triage audit head`` wrote.
    """
    try:
        told = json.loads(path.read_text("utf-8"))
        number, digest = told["event"], bytes.fromhex(told["hash"])
    except OSError as error:
        raise CallError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        number, digest = None, b""
    if type(number) is not int or number < 0 or len(digest) != _HASH_BYTES:
        raise CallError(
            f"{path}: is no head of a trail; `triage audit head --output {path}` writes one."
        )
    return Head(number, digest)


def head_json(head: Head) -> dict[str, Any]:
    """Return a head as it is kept outside."""
    return {"event": head.id, "hash": head.hash.hex()}


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return what became of looking the trail over, for a script."""
    return {
        "whole": not verdict.damage,
        "events": verdict.n_events,
        "head": head_json(Head(verdict.last, verdict.hash)),
        "damage": verdict.damage or None,
    }


def verdict_told(verdict: Verdict) -> str:
    """Return what became of looking the trail over, in a sentence."""
    if verdict.damage:
        return f"The trail is damaged: {verdict.damage}. Up to there it is whole."
    return (
        f"The trail is whole: {counted(verdict.n_events, 'event')}, up to event {verdict.last} "
        f"with hash {verdict.hash.hex()}."
    )


def event_json(event: TrailEvent) -> dict[str, Any]:
    """Return an event of the trail for a script."""
    return dataclasses.asdict(event)
