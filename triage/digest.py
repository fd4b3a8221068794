"""What a digest says: the figures of a night for a team, in sentences and tables.

It is made of plain values that bear nothing of a child but a case's number, and is put into text
here and into HTML by ``digest_html``, both from the same tables. Restricted cases are not in the
figures at all.
"""

from __future__ import annotations

import datetime as dt
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from triage.calendar import spoken_date
from triage.casework import OPEN
from triage.vocabulary import SEVERITIES, counted, printable

NO_TEAM: Final = ""
"""Stands for the team of cases that bear none."""
ALL_TEAMS: Final = "all teams"
_LONGEST_NAME: Final = 80

FLAGS: Final = {
    "new": "Flags raised",
    "changed": "Flags of which the record now says something else",
    "reopened": "Flags raised again",
    "cleared": "Flags cleared",
}
CASES: Final = {
    "opened": "Cases opened",
    "reopened": "Cases that came back",
    "closed": "Cases closed, as no flag holds any more",
}
"""What a run can do to flags and to cases, by the names that scripts read."""


@dataclass(frozen=True)
class Pressing:
    """A case that waits for its review, by number; ``rules`` are those of its open flags."""

    case: int
    severity: str
    status: str
    rules: tuple[str, ...]
    due_on: dt.date
    is_overdue: bool


@dataclass(frozen=True)
class Figures:
    """The counts of a team, or of all of them where ``team`` is None.

    ``counts`` has ("flags", what happened), ("cases", what happened), ("open", status, severity),
    ("put off",), ("overdue reviews",) and ("overdue actions",); what is not there is none.
    """

    team: str | None
    counts: Counter[tuple[str, ...]]
    pressing: tuple[Pressing, ...] = ()

    @property
    def name(self) -> str:
        """Return what the team is called, on one line and without control characters."""
        if self.team is None:
            return ALL_TEAMS
        return shown_team(self.team)

    @property
    def has_news(self) -> bool:
        """Return whether anything is new tonight, or overdue."""
        new = [("flags", one) for one in ("new", "changed", "reopened")]
        overdue = [("overdue reviews",), ("overdue actions",)]
        return any(self.counts[key] for key in (*new, *overdue))

    def n_open(self, *, status: str = "", severity: str = "") -> int:
        """Return how many cases are open, of a status, of a severity, or in all."""
        return sum(
            n
            for key, n in self.counts.items()
            if key[0] == "open" and status in ("", key[1]) and severity in ("", key[2])
        )

    def as_json(self) -> dict[str, Any]:
        """Return the counts as a script reads them."""
        return {
            "flags": {one: self.counts["flags", one] for one in FLAGS},
            "cases": {one: self.counts["cases", one] for one in CASES},
            "open": {
                status: {severity: self.counts["open", status, severity] for severity in SEVERITIES}
                for status in OPEN
            },
            "put_off": self.counts[("put off",)],
            "overdue_reviews": self.counts[("overdue reviews",)],
            "overdue_actions": self.counts[("overdue actions",)],
        }


@dataclass(frozen=True)
class Night:
    """A stored run, and the queue as it stands: of all teams, and of each.

    ``as_of`` is the run's day; ``queue_as_of`` that of the last run, which may be a later one.
    """

    run: int
    as_of: dt.date
    finished_at: str
    last_run: int
    queue_as_of: dt.date
    whole: Figures
    teams: tuple[Figures, ...]

    def of(self, team: str) -> Figures:
        """Return the figures of a team: none of anything, where the queue does not know it."""
        found = next((one for one in self.teams if one.team == team), None)
        return found or Figures(team, Counter())

    def as_json(self) -> dict[str, Any]:
        """Return the night as the webhook is told it."""
        return {
            "kind": "run stored",
            "run": self.run,
            "as_of": self.as_of.isoformat(),
            "finished_at": self.finished_at,
            "last_run": self.last_run,
            "queue_as_of": self.queue_as_of.isoformat(),
            **self.whole.as_json(),
            "pressing": [
                {
                    "case": one.case, "severity": one.severity, "status": one.status,
                    "rules": list(one.rules), "due_on": one.due_on.isoformat(),
                    "is_overdue": one.is_overdue,
                }
                for one in self.whole.pressing
            ],
            "teams": [{"team": one.team or None, **one.as_json()} for one in self.teams],
        }  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table with its heading; the first ``n_names`` columns are words, the rest numbers.

    ``links`` are what the first cell of each row opens, where there is an address for it.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_names: int = 1
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Digest:
    """A digest as a subject, a title, and what stands below it in its order."""

    subject: str
    title: str
    parts: tuple[str | Table, ...]


def shown_team(team: str) -> str:
    """Return a team's name as it is shown: records name it, so it may hold anything."""
    name = " ".join(printable(team).split())
    if not name:
        return "(no team)"
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def digest(night: Night, figures: Figures, link: str | None = None) -> Digest:
    """Return the digest of a team, or of all; ``link`` is an address with {case} in it."""
    counts = figures.counts
    n_overdue = counts[("overdue reviews",)]
    news = [counted(counts["flags", "new"], "new flag")]
    news += [counted(n_overdue, "review") + " overdue"] if n_overdue else []
    first = f"Run {night.run}, as of {spoken_date(night.as_of)}."
    if night.last_run != night.run:
        first += (
            f" Run {night.last_run} came after it: the queue below is as of "
            f"{spoken_date(night.queue_as_of)}."
        )
    of_team = "" if figures.team is None else f" --team {shlex.quote(figures.name)}"
    return Digest(
        f"Re-referral triage, {figures.name}: {', '.join(news)}",
        f"Re-referral triage: {figures.name}",
        (
            first,
            _happened(counts),
            _open(figures),
            _overdue(counts),
            f"The list: triage queue list{of_team}",
            *_pressing(figures, link),
            *(_by_team(night) if figures.team is None else ()),
            "This tells nothing of a child but the case's number; restricted cases are left out.",
        ),
    )


def _happened(counts: Counter[tuple[str, ...]]) -> Table:
    rows = [(words, counts["flags", one]) for one, words in FLAGS.items()]
    rows += [(words, counts["cases", one]) for one, words in CASES.items()]
    return Table("What the run changed", ("What", "How many"), _with_numbers(rows))


def _open(figures: Figures) -> Table:
    rows = [
        (status, *(figures.counts["open", status, one] for one in SEVERITIES),
         figures.n_open(status=status))
        for status in OPEN
        if figures.n_open(status=status)
    ]  # fmt: skip
    whole = ("all", *(figures.n_open(severity=one) for one in SEVERITIES), figures.n_open())
    headings = ("Status", *(one.capitalize() for one in SEVERITIES), "All")
    return Table("Open cases", headings, _with_numbers([*rows, whole]))


def _overdue(counts: Counter[tuple[str, ...]]) -> Table:
    rows = [
        ("Reviews overdue", counts[("overdue reviews",)]),
        ("Remedial actions overdue", counts[("overdue actions",)]),
        ("Cases put off until a later day, not counted above", counts[("put off",)]),
    ]
    return Table("Overdue, and put off", ("What", "How many"), _with_numbers(rows))


def _pressing(figures: Figures, link: str | None) -> list[str | Table]:
    if not figures.pressing:
        return []
    rows = tuple(
        (
            str(one.case), one.severity, spoken_date(one.due_on) + ", overdue" * one.is_overdue,
            one.status, " ".join(one.rules),
        )
        for one in figures.pressing
    )  # fmt: skip
    headings = ("Case", "Severity", "Review due", "Status", "Rules")
    links = tuple(case_link(link, one.case) for one in figures.pressing) if link else ()
    opens = links[0] if links else f"triage queue show {figures.pressing[0].case}"
    return [
        Table("The most pressing cases that wait for review", headings, rows, len(headings), links),
        f"To open the first of them: {opens}",
    ]


def _by_team(night: Night) -> list[Table]:
    rows = [
        (
            one.name, one.counts["flags", "new"], one.n_open(), one.n_open(severity="critical"),
            one.counts[("overdue reviews",)], one.counts[("overdue actions",)],
        )
        for one in night.teams
    ]  # fmt: skip
    headings = ("Team", "New flags", "Open", "Critical", "Reviews overdue", "Actions overdue")
    return [Table("By team", headings, _with_numbers(rows))] if rows else []


def _with_numbers(rows: Sequence[tuple[Any, ...]]) -> tuple[tuple[str, ...], ...]:
    return tuple((str(row[0]), *(f"{number:,}" for number in row[1:])) for row in rows)


def case_link(link: str, case: int) -> str:
    """Return the address of a case."""
    return link.replace("{case}", str(case))


def as_text(whole: Digest) -> str:
    """Return a digest as plain text, its columns aligned."""
    parts = [whole.title + "\n" + "=" * len(whole.title)]
    parts += [part if isinstance(part, str) else _aligned(part) for part in whole.parts]
    return "\n\n".join(parts) + "\n"


def _aligned(table: Table) -> str:
    lines = (table.headings, *table.rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    told = [
        "  ".join(
            cell.ljust(width) if place < table.n_names else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([f"{table.caption}", "", *(f"  {line}" for line in told)])
