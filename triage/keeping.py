"""Keeping the store, in words and for scripts: what was upgraded, backed up, restored, found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from triage.auditing import verdict_json
from triage.store import BackedUp, Brought, Checked, Upgraded
from triage.vocabulary import counted

_PRIVATE = "It holds records of children: keep it where only those who may see them can read it."


def upgraded_told(done: Upgraded) -> str:
    """Return what became of an upgrade."""
    if done.before is None:
        return f"Made an empty store in {done.name}, at revision {done.after}."
    if done.before == done.after:
        return f"{done.name} is at revision {done.after} already; there was nothing to do."
    return f"Upgraded {done.name} from revision {done.before} to {done.after}."


def backed_up_told(done: BackedUp, path: Path) -> str:
    """Return what was backed up, and where it is."""
    told = [
        f"Backed up {done.name} (revision {done.revision}) to {path}: "
        f"{counted(sum(done.rows.values()), 'row')} of {counted(len(done.rows), 'table')}, "
        f"{counted(done.n_bytes, 'byte')}.",
        f"SHA-256 {done.digest}",
        *([f"Trail up to event {done.head.id}, {done.head.hash.hex()}"] if done.head else []),
        _PRIVATE,
    ]
    if not done.is_told:
        told.append(f"The trail of revision {done.revision} does not take note of a backup.")
    return "\n".join(told)


def restored_told(done: Brought, path: Path) -> str:
    """Return what was restored, and from which revision it was upgraded."""
    upgraded = "" if done.before == done.after else f", upgraded from {done.before}"
    return f"Restored {path} into {done.name} (revision {done.after}{upgraded}): {_brought(done)}"


def moved_told(done: Brought) -> str:
    """Return what was moved, and what is left to do."""
    return (
        f"Copied {done.source} into {done.name}: {_brought(done)}\n"
        f"{done.source} was left as it is, but for an event that says so. From now on name the new "
        "store (db in triage.toml, or TRIAGE_DB), and delete the old one once that works."
    )


def _brought(done: Brought) -> str:
    rows = counted(sum(done.rows.values()), "row")
    return (
        f"{rows} of {counted(len(done.rows), 'table')}, each as it was; the trail is whole up to "
        f"event {done.head.id}, {done.head.hash.hex()}."
    )


def checked_json(found: Checked) -> dict[str, Any]:
    """Return what became of looking a store over, for a script."""
    return {
        "whole": not found.damages,
        "revision": found.revision or None,
        "rows": found.rows,
        "trail": None if found.trail is None else verdict_json(found.trail),
        "damages": found.damages,
    }


def checked_told(found: Checked) -> str:
    """Return what became of looking a store over: the counts, then each damage in a sentence."""
    width = max((len(name) for name in found.rows), default=0)
    told = [f"{name:<{width}}  {n_rows:>12,}" for name, n_rows in found.rows.items()]
    if found.damages:
        told += found.damages
        told.append(f"{found.name} is damaged; restore the last backup that is whole.")
        return "\n".join(told)
    assert found.trail is not None
    told.append(
        f"{found.name} is whole: revision {found.revision}, "
        f"{counted(sum(found.rows.values()), 'row')} of {counted(len(found.rows), 'table')}; the "
        f"trail up to event {found.trail.last}, {found.trail.hash.hex()}."
    )
    return "\n".join(told)
