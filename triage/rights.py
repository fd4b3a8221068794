"""Who may do what, and see which cases: one table for commands, pages and scripts alike.

Until somebody is registered, whoever may write to the store may do everything, under any name they
give; from then on only registered people may, each as their role and teams allow. Restricted
records are seen only by people named for them, whatever their role.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, get_args

from triage.errors import CallError, ForbiddenError

Role = Literal["reviewer", "team manager", "auditor", "administrator"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Act = Literal[
    "see cases", "work on cases", "review", "manage cases", "see the trail", "export",
    "manage people", "see samples", "compare reviewers", "let go of data", "make reports",
]  # fmt: skip

_MAY: Final[dict[Role, frozenset[Act]]] = {
    "reviewer": frozenset({"see cases", "work on cases", "review"}),
    "team manager": frozenset(
        {
            "see cases",
            "work on cases",
            "review",
            "manage cases",
            "see samples",
            "compare reviewers",
            "make reports",
        }
    ),
    "auditor": frozenset(
        {"see cases", "see the trail", "export", "see samples", "compare reviewers", "make reports"}
    ),
    "administrator": frozenset({"manage people", "let go of data"}),
}
_OF_ALL_TEAMS: Final[tuple[Role, ...]] = ("auditor",)


@dataclass(frozen=True)
class Person:
    """Somebody registered; ``teams`` are the ones whose cases they see, none meaning all."""

    name: str
    role: Role
    teams: tuple[str, ...] = ()
    is_active: bool = True


@dataclass(frozen=True)
class Viewer:
    """Whoever asks: what they may do, of which teams' cases, and whether restricted ones too.

    ``role`` and ``teams`` are None where nobody is registered: everything, of all teams.
    """

    name: str
    role: Role | None = None
    teams: frozenset[str] | None = None
    sees_restricted: bool = False

    def may(self, act: Act) -> bool:
        """Return whether they may do something."""
        return self.role is None or act in _MAY[self.role]

    def require(self, act: Act) -> None:
        """Refuse what they may not do.

        Raises:
            ForbiddenError: when they may not.
        """
        if not self.may(act):
            roles = [role for role in ROLES if act in _MAY[role]]
            raise ForbiddenError(
                f"as {_with_article(str(self.role))} {self.name} may not {act}; that is for "
                f"{' and '.join(_with_article(role) for role in roles)}."
            )

    def sees(self, team: str | None, *, restricted: bool) -> bool:
        """Return whether they may see a case of a team."""
        if not self.may("see cases") or (restricted and not self.sees_restricted):
            return False
        return self.teams is None or team in self.teams


def viewer(name: str | None, people: Collection[Person], readers: Collection[str]) -> Viewer:
    """Return what somebody may do and see, by who is registered and who reads restricted records.

    Without a name, where nobody is registered, it is somebody who reads and does nothing.

    Raises:
        CallError: when people are registered and this is none of them.
    """
    if not people:
        return Viewer(name or "", sees_restricted=name in readers)
    if name is None:
        raise CallError("say who asks", ", with --as NAME: people are registered here.")
    known = {person.name: person for person in people if person.is_active}
    if name not in known:
        raise ForbiddenError(
            f"--as {name}: nobody of that name is registered", "; `triage people list`."
        )
    person = known[name]
    sees_all = not person.teams or person.role in _OF_ALL_TEAMS
    teams = None if sees_all else frozenset(person.teams)
    return Viewer(name, person.role, teams, name in readers)


def _with_article(role: str) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
