"""People who sign in to the pages with a password that is kept here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from triage import store
from triage.errors import CallError
from triage.rights import Person
from triage.store import Asker

DEMO: Final = (
    ("r.reviewer", "reviewer", ()),
    ("s.reviewer", "reviewer", ()),
    ("m.manager", "team manager", ()),
    ("a.auditor", "auditor", ()),
    ("a.admin", "administrator", ()),
)
"""Who can sign in to the demonstration: two reviewers, since a second review is somebody else's."""


def add(
    url: str, asker: Asker, name: str, role: str | None, teams: Sequence[str], kept: str
) -> Person:
    """Register somebody, unless they are, and keep the hash of their password; return as what.

    Whoever is registered keeps role and teams unless others are given. The first of all is an
    administrator, who registers themselves.

    Raises:
        CallError: when whoever asks may not, or no role is given for somebody new.
    """
    known = {one.name: one for one in store.people(url)}
    found = known.get(name)
    if role is None and found is None:
        role = "administrator" if not known else None
    if role is None and (found is None or not found.is_active):
        raise CallError(f"{name} is not registered: say as what", ", with --role ROLE.")
    whose = tuple(teams) or (found.teams if found is not None else ())
    if role is not None:
        store.register(url, asker, name, role, whose)
    store.keep_password(url, asker, name, kept)
    return next(one for one in store.people(url) if one.name == name)


def add_demonstrators(
    url: str, asker_of: Callable[[str], Asker], hashed: Callable[[str, str], str], password: str
) -> None:
    """Register one person of each role for the demonstration, all with one password."""
    administrator = DEMO[-1]
    for name, role, teams in (administrator, *DEMO[:-1]):
        store.register(url, asker_of(administrator[0]), name, role, teams)
    for name, _, _ in DEMO:
        store.keep_password(url, asker_of(name), name, hashed(password, name))
