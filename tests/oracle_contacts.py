"""Contacts, a subject of their own, and the one rule that judges them.

Part of ``oracle_more``; nothing here is imported from the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from oracle_cells import (
    BLANK,
    GIVEN,
    UNREADABLE,
    Cell,
    Truth,
    both,
    months_before,
)
from oracle_folder import (
    INFINITE,
    NONE,
    PROGRESS,
    Folder,
    Row,
    at_least,
    at_most,
    span_of,
    when,
)


@dataclass
class Contact:
    """A child and a day with a contact: the one that stands for the day, and its progress."""

    child: str
    day: date
    contact_id: str
    progressed: Truth


def contacts(folder: Folder) -> list[Contact]:
    """Return the judged contacts, one a child and day.

    It is the first that reached a social worker, else the first whose outcome is not known.
    """
    accepted: list[tuple[str, date, Row]] = []
    owners: dict[str, tuple[str, date]] = {}
    for row in folder.tables["contacts"].rows if "contacts" in folder.tables else []:
        child, day, typed = row["child_id"].value, when(row["contact_date"]), row["contact_id"]
        if isinstance(child, str) and isinstance(day, date):
            if typed.state == GIVEN:
                owner = owners.setdefault(typed.value, (child, day))  # type: ignore[arg-type]
                if owner != (child, day):
                    row["contact_id"] = Cell(BLANK)
            accepted.append((child, day, row))
    days: dict[tuple[str, date], list[Row]] = {}
    for child, day, row in accepted:
        days.setdefault((child, day), []).append(row)
    found = []
    for (child, day), rows in days.items():
        if day > folder.as_of:
            continue
        rows.sort(key=lambda row: row["contact_date"].value.time())  # type: ignore[union-attr]
        reached = [row for row in rows if row["contact_outcome"].value in PROGRESS]
        unsure = [row for row in rows if row["contact_outcome"].state != GIVEN]
        chosen = (reached or unsure or rows)[0]
        typed = chosen["contact_id"].value
        name = typed if isinstance(typed, str) else f"{child}/{day.isoformat()}/1"
        found.append(Contact(child, day, name, _progressed(folder, child, day, chosen)))
    return found


def _progressed(folder: Folder, child: str, day: date, row: Row) -> Truth:
    """Say whether a contact reached a social worker; without an outcome, by the referrals."""
    outcome = row["contact_outcome"]
    if outcome.state in (GIVEN, UNREADABLE):
        return outcome.value in PROGRESS if outcome.state == GIVEN else None
    for one in folder.kept:
        if one.child != child or one.day > folder.as_of:
            continue
        if one.day >= day:
            return None
        closed = when(one.cells["closed_on"])
        was_open = closed == NONE or closed is None or closed > day  # type: ignore[operator]
        if was_open and one.nfa is not True:
            return None
    return False


def ref_13(folder: Folder, all_contacts: Sequence[Contact], this: Contact) -> Truth:
    """3 contacts or more in 6 months, none of which reached a social worker."""
    first = months_before(this.day, 6)
    mine = [c for c in all_contacts if c.child == this.child and first <= c.day <= this.day]
    unseen = first < folder.contacts_from
    n_contacts = span_of(len(mine), INFINITE if unseen else len(mine))
    low = sum(contact.progressed is True for contact in mine)
    high = INFINITE if unseen else sum(contact.progressed is not False for contact in mine)
    return both(at_least(n_contacts, 3), at_most(span_of(low, high), 0))
