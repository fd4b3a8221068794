"""What happened to a child, by date: as a list, and the same as a picture for the eye."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from triage.store import Case, TimelineReferral
from triage.vocabulary import CLOSURE_REASONS, PRIMARY_NEEDS, REFERRAL_SOURCES
from triage.web.render import day

_STEPS: Final[tuple[tuple[str, str, str], ...]] = (
    ("decision_at", "D", "Decision"),
    ("allocated_at", "L", "Allocated to a worker"),
    ("assessment_started_on", "A", "Assessment started"),
    ("assessment_authorised_on", "U", "Assessment authorised"),
    ("strategy_discussion_on", "S", "Strategy discussion"),
    ("icpc_on", "P", "Initial child protection conference"),
    ("closed_on", "X", "Closed"),
)
"""The days of a referral, the letter that stands for each in the picture, and its words."""
LETTERS: Final = (
    ("C", "contact"),
    ("R", "referral"),
    *((x, words.lower()) for _, x, words in _STEPS),
)
"""What the letters of the picture stand for."""
_LEFT: Final = 130
_WIDE: Final = 780
_RIGHT: Final = 40
_LANE: Final = 34
_TOP: Final = 24
_APART: Final = 12
"""Pixels within which marks share one label."""


@dataclass(frozen=True)
class Entry:
    """Something that happened on a day: what, of which referral or contact, and of which case."""

    on: dt.date
    letter: str
    what: str
    of: str
    case: int | None
    flags: tuple[str, ...] = ()
    is_here: bool = False


def entries_of(
    timeline: Sequence[TimelineReferral], contacts: Sequence[Case], here: Case
) -> list[Entry]:
    """Return what happened by date, the earliest first; what is of this case is marked."""
    found = [
        *(entry for one in timeline for entry in _of_referral(one, here)),
        *(
            Entry(one.referral_date, "C", "Contact", f"contact {one.referral_id}", one.id,
                  one.rules, one.id == here.id)
            for one in contacts
        ),
    ]  # fmt: skip
    # Of one day, what comes first in a referral's way stands first.
    return sorted(found, key=lambda one: one.on)


def _of_referral(one: TimelineReferral, here: Case) -> Iterator[Entry]:
    told, of = one.referral, f"referral {one.referral['referral_id']}"
    is_here = one.case_id == here.id
    said = [
        f"{code}, {known.get(code, 'a code that is not known')}"
        for code, known in (
            (told["referral_source"], REFERRAL_SOURCES), (told["primary_need"], PRIMARY_NEEDS),
        )
        if code
    ]  # fmt: skip
    what = f"Referral: {'; '.join(said)}" if said else "Referral"
    yield Entry(told["referral_date"], "R", what, of, one.case_id, one.flags, is_here)
    for name, letter, words in _STEPS:
        if told[name] is not None:
            more = _more(name, told)
            yield Entry(told[name], letter, f"{words}{more}", of, one.case_id, (), is_here)


def _more(name: str, told: dict[str, Any]) -> str:
    if name == "closed_on" and told["closure_reason"]:
        code = told["closure_reason"]
        return f": {code}, {CLOSURE_REASONS.get(code, 'a code that is not known')}"
    if name == "decision_at" and told["nfa"]:
        return ": no further action"
    return ""


def picture(entries: Sequence[Entry], here: Case, until: dt.date) -> dict[str, Any] | None:
    """Return the lanes, marks and years of the picture; None where there is nothing to draw.

    A lane is a referral, or all contacts; marks that lie close together share one label, of which
    the letters stand in the order of the days.
    """
    if not entries:
        return None
    first, last = min(one.on for one in entries), max(until, *(one.on for one in entries))
    days = max(1, (last - first).days)

    def at(on: dt.date) -> float:
        return round(_LEFT + (on - first).days / days * _WIDE, 1)

    lanes: dict[str, list[Entry]] = {}
    for one in entries:
        lanes.setdefault("contacts" if one.letter == "C" else one.of, []).append(one)
    drawn = []
    for number, (name, of) in enumerate(lanes.items()):
        is_open = name != "contacts" and all(one.letter != "X" for one in of)
        drawn.append(
            {
                "name": name if len(name) < 20 else f"{name[:18]}…",
                "is_here": any(one.is_here for one in of),
                "y": _TOP + number * _LANE + _LANE // 2,
                "from": at(of[0].on),
                "to": at(last if is_open else of[-1].on),
                "is_line": name != "contacts",
                "marks": [at(one.on) for one in of],
                "labels": _labels([(at(one.on), one.letter) for one in of]),
            }
        )
    years = [
        {"x": at(dt.date(year, 1, 1)), "text": str(year)}
        for year in range(first.year + 1, last.year + 1)
    ]
    height = _TOP + len(drawn) * _LANE + 8
    told = (
        f"{len(lanes)} lanes from {day(first)} to {day(last)}, this case’s among them; the list "
        "by date below says the same."
    )
    return {
        "lanes": drawn, "years": years, "width": _LEFT + _WIDE + _RIGHT, "height": height,
        "told": told, "first": day(first), "last": day(last), "left": _LEFT,
        "right": _LEFT + _WIDE + _RIGHT,
    }  # fmt: skip


def _labels(marks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Return the labels of marks, rising: those that would overlap are put together."""
    found: list[tuple[float, str]] = []
    for x, letter in marks:
        if found and x - found[-1][0] < _APART * len(found[-1][1]):
            found[-1] = (found[-1][0], found[-1][1] + letter)
        else:
            found.append((x, letter))
    return found
