"""A council's own table of decisions, allocations or the like, given beside the referrals.

No national return carries the management decision, so most councils add it from their case system:
``triage check census.xml decisions.csv``. Such a table holds no referral of its own. Its rows are
joined to the referrals of the other inputs, by identifier where both carry one, else by child and
date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from triage.schema import REFERRAL_COLUMNS
from triage.sources import folder
from triage.sources.grid import Grid
from triage.sources.headings import columns_meant
from triage.tables import ChildTable, Extract, RawTable

KIND: Final = "table of "
_KEYS: Final = ("referral_id", "child_id", "referral_date")
_DATED: Final = {name: beside.event for name, beside in folder.BESIDE.items()} | {
    folder.CONTACTS: "contact_date"
}
"""The date by which the rows of each kind of table are known."""
_OF_EVENTS: Final = frozenset(
    column for beside in folder.BESIDE.values() for column in (*beside.carries, *beside.keeps)
)
_OF_REFERRALS: Final = (
    frozenset(REFERRAL_COLUMNS) - _OF_EVENTS - {*_KEYS, "team", "restricted", "household_id"}
)
"""What only a table of referrals tells: their source, need, closure and the child's birth."""


def extract_of(path: Path, sha256: str, grid: Grid, label: str, name: str) -> Extract | None:
    """Return a table of events as an extract to join to the referrals; None if it is no such one.

    A table without the date of a referral is one as soon as it carries an event's date and says
    whose it is. With that date it could be a table of referrals as well: it is an extract where
    it tells nothing else of them and its file or sheet (``name``) is named after what it carries.
    """
    kinds = kinds_of(grid.headings)
    if not kinds or (is_dated(grid.headings) and not _is_named(name, kinds)):
        return None
    table = grid.table(label)
    children = [_child_table(name, table) for name in kinds if name != folder.CONTACTS]
    contacts = folder.contact_table(table) if folder.CONTACTS in kinds else None
    known = {column for child in children for column in (*child.carries, *child.keeps)}
    known |= {*_KEYS, *(contacts.columns if contacts else ())}
    return Extract(
        str(path),
        KIND + " and ".join(kinds),
        sha256,
        len(table),
        tuple(children),
        contacts,
        tuple(f"{path.name}: {note}" for note in table.notes)
        + tuple(folder.passed_over(table, tuple(known))),
        table if is_dated(grid.headings) else None,
    )


def kinds_of(headings: Sequence[str]) -> tuple[str, ...]:
    """Return which kinds of events a heading row is one of; none where it tells of referrals."""
    meant = {name for heading in headings for name in columns_meant(heading)}
    if meant & _OF_REFERRALS or not meant & {"child_id", "referral_id"}:
        return ()
    return tuple(name for name, event in _DATED.items() if event in meant)


def is_extract_heading(headings: Sequence[str]) -> bool:
    """Return whether a heading row is that of a table of events that names no referral's date."""
    return bool(kinds_of(headings)) and not is_dated(headings)


def is_dated(headings: Sequence[str]) -> bool:
    """Return whether a heading row holds the date of a referral."""
    return any("referral_date" in columns_meant(heading) for heading in headings)


def _is_named(name: str, kinds: Sequence[str]) -> bool:
    """Return whether a file is named after something it carries, as ``decisions 2026``."""
    return any(name.strip().casefold().startswith(kind.removesuffix("s")) for kind in kinds)


def _child_table(name: str, table: RawTable) -> ChildTable:
    beside = folder.BESIDE[name]
    carries, keeps = (
        tuple(column for column in columns if column in table.columns)
        for columns in (beside.carries, beside.keeps)
    )
    return ChildTable(
        replace(table, notes=()),
        carries,
        beside.event,
        "child" if beside.of_child else "extract",
        "last" if beside.last else "first",
        name=name,
        keeps=keeps,
    )
