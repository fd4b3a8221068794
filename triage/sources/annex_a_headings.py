"""Which list of Annex A a sheet or file is, and which column each of its headings means.

Councils rename both. A heading that is Ofsted's own, word for word, goes before one that only says
the same; these looser headings count inside the lists alone, since elsewhere "Source" or "Date of
the referral" may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from triage.schema import REFERRAL_COLUMNS
from triage.sources.headings import RATIONALE, columns_meant, few, folded
from triage.vocabulary import cut

LISTS: Final = range(1, 8)
"""The lists that are read; those from 8 on are of children in care, care leavers and adoption."""

_LIST: Final = re.compile(r"(?:(?<![a-z])|annex\s?a)list[\s_.:#-]*0?(\d{1,2})(?!\d)", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"0?(\d{1,2})[\s_.:)-]+(.+)")
_TITLES: Final = {
    1: r"contact",
    2: r"early\W?help",
    3: r"referral",
    4: r"assessment",
    5: r"s(ection|ec)?\W?47|icpc|initial child",
    6: r"cin\b|child(ren)? in need",
    7: r"cp\b|cpp\b|child(ren)?\W? protection",
}
_LONGEST: Final = 160
"""A longer cell is a sentence of guidance, and no heading."""


@dataclass(frozen=True)
class _Heading:
    """How a column may be headed: Ofsted's words and those of known scripts, or words alike.

    ``alike`` is searched in the heading without case and punctuation; it does not hold where
    ``unless`` is found too.
    """

    exact: tuple[str, ...]
    alike: str
    unless: str = r"(?!)"


_CHILD: Final = _Heading(
    ("Child Unique ID", "Child ID"),
    r"\b(child(ren)?s?|persons?|clients?|unique)\b.*\b(id|identifier)\b",
    r"famil|worker|referral|household|sibling|parent|previous|old\b|legacy|episode|plan|school",
)
_BIRTH: Final = _Heading(
    ("Date of Birth",),
    r"\bdate\b.*\bbirth\b|\bbirth date\b|\bdob\b",
    r"expected|estimated|due|mother",
)
_TEAM: Final = _Heading(
    ("Allocated Team",), r"\b(allocated|assigned|current)\b.*\bteam\b|^team( name)?$"
)
_OTHER_DATES: Final = (
    r"previous|last|prior|next|decision|outcome|clos|\bend|due|target|allocated|completed|nfa"
)
_HEADINGS: Final[dict[int, dict[str, _Heading]]] = {
    1: {
        "contact_date": _Heading(
            ("Date of Contact",), r"\bdate\b.*\bcontact\b|\bcontact\b.*\bdate\b", _OTHER_DATES
        ),
        "contact_source": _Heading(
            ("Contact Source",), r"\bsource\b.*\bcontact\b|\bcontact\b.*\bsource\b|^source$"
        ),
        "team": _TEAM,
    },
    2: {
        "early_help_started_on": _Heading(
            ("Assessment start date",), r"\bstart\b.*\bdate\b|\bdate\b.*\bstart(ed)?\b"
        ),
    },
    3: {
        "referral_date": _Heading(
            ("Date of referral", "ReferralDate"),
            r"\bdate\b.*\breferral\b|\breferral\b.*\bdate\b",
            _OTHER_DATES,
        ),
        "referral_source": _Heading(
            ("Referral Source",), r"\bsource\b.*\breferral\b|\breferral\b.*\bsource\b|^source$"
        ),
        "nfa": _Heading(
            ("Referral NFA?",), r"\bnfa\b|\bno further action\b", r"date|reason|worker|number"
        ),
        "referrals_in_last_12_months": _Heading(
            ("Number of Referrals in Last 12 Months", "ReferralsLast12Months"),
            r"\breferrals?\b.*\b(12|twelve)\b",
            r"date|nfa|47|icpc",
        ),
        "date_of_birth": _BIRTH,
        "expected_date_of_birth": _Heading(
            ("Expected Date of Birth",),
            r"\b(expected|estimated|due)\b.*\b(birth|delivery)\b|\bedd\b",
        ),
        "team": _TEAM,
    },
    4: {
        "assessment_started_on": _Heading(
            ("Continuous Assessment Start Date", "ContinuousAssessmentStart"),
            r"\bassessment\b.*\bstart|\bstart.*\bassessment\b",
        ),
        "assessment_authorised_on": _Heading(
            ("Continuous Assessment Date of Authorisation", "ContinuousAssessmentAuthDate"),
            r"\bauthori[sz]",
            r"worker|\bby\b|manager",
        ),
    },
    5: {
        "strategy_discussion_on": _Heading(
            ("Strategy discussion initiating Section 47 Enquiry Start Date", "StratDiscussionDate"),
            r"\bstrategy\b.*\bdate\b|\bdate\b.*\bstrategy\b|\b(section ?47|s47)\b.*\bstart",
            r"\bend|\bnumber\b",
        ),
        "icpc_not_required": _Heading(
            (
                "Was an Initial Child Protection Conference deemed unnecessary?",
                "InitialCPConfUnnecessary",
            ),
            r"\b(icpc|conference)\b.*\b(unnecessary|not (required|necessary|needed))\b",
        ),
        "icpc_on": _Heading(
            ("Date of Initial Child Protection Conference", "InitialCPConfDate"),
            r"\bdate\b.*\b(initial\b.*\bconference|icpc)\b|"
            r"\b(initial\b.*\bconference|icpc)\b.*\bdate\b",
            r"due|target|review|number",
        ),
    },
    6: {
        "referral_date": _Heading(
            ("CIN Start Date",),
            r"\b(cin|child in need|episode)\b.*\bstart|\bstart.*\b(cin|child in need|episode)\b",
            r"plan",
        ),
        "primary_need": _Heading(
            ("Primary Need Code",), r"\b(primary need|need code|category of need)\b"
        ),
        "closed_on": _Heading(
            ("CIN Closure Date",),
            r"\bdate\b.*\bclos(ed|ure)\b|\bclos(ed|ure)\b.*\bdate\b",
            r"reason",
        ),
        "closure_reason": _Heading(
            ("Reason for Closure",), r"\breason\b.*\bclos(ed|ure)\b|\bclos(ed|ure)\b.*\breason\b"
        ),
        "case_status": _Heading(("Case status",), r"\bcase status\b|^status$"),
    },
    7: {
        "plan_started_on": _Heading(
            ("Child Protection Plan Start Date",), r"\bplan\b.*\bstart|\bstart.*\bplan\b"
        ),
    },
}  # fmt: skip
"""The columns that are read of each list, beside the child's identifier; the first one dates it."""

_OF_EVERY_LIST: Final = (
    "Gender", "Sex", "Ethnicity", "Date of Birth", "Age", "Age of Child (Years)",
    "Does the Child have a Disability", "HasDisability", "Allocated Team", "Allocated Worker",
)  # fmt: skip
_NOT_READ: Final[dict[int, tuple[str, ...]]] = {
    2: ("Assessment completion date", "Organisation completing assessment"),
    4: (
        "Child Seen During Continuous Assessment", "ContinuousAssessmentChildSeen",
        "Was the child assessed as requiring LA children's social care support?",
        "Was the child assessed as being in need at assessment?", "CSCSupportRequired",
    ),
    5: (
        "Did the Initial Child Protection Conference Result in a Child Protection Plan",
        "CPConfResultInCPPlan", "Number of Section 47 Enquiries in the last 12 months",
        "NumberS47s12m", "Number of ICPCs in the last 12 months", "NumberICPCs12m",
    ),
    6: ("Date Child Was Last Seen", "DateChildLastSeen"),
}  # fmt: skip
_ALSO_IN_LIST_3: Final = frozenset({*REFERRAL_COLUMNS, RATIONALE}) - {"allocated_worker_id"}
"""What a council may add to List 3 under the name that the referral table gives it."""
_AGE: Final = re.compile(r"\bage\b")
_WORKER: Final = re.compile(r"\b(worker|lead practitioner)\b")


@dataclass(frozen=True)
class ListHeadings:
    """The place of each column of a list, and what is to be said of its other headings."""

    position: dict[str, int]
    notes: tuple[str, ...]
    names_workers: bool


def list_number(name: str) -> int | None:
    """Return the number of the list that a sheet or file is named after, if any.

    ``List_3``, ``Annex A - list 3`` and ``3 Referrals`` are list 3; ``List 10`` is never list 1.
    """
    found = _LIST.search(name)
    if found:
        return int(found.group(1))
    numbered = _NUMBERED.fullmatch(name.strip())
    if numbered and (title := _TITLES.get(int(numbered.group(1)))):
        plain = numbered.group(2).casefold().replace("_", " ")
        return int(numbered.group(1)) if re.search(title, plain) else None
    return None


def is_list_heading(number: int, headings: Sequence[str]) -> bool:
    """Return whether a row heads a list: it names the child and the date that the list is of."""
    if number not in LISTS or {"child_id", "referral_date"} <= {cell.strip() for cell in headings}:
        return False
    first = next(iter(_HEADINGS[number]))
    return {"child_id", first} <= _placed(number, headings).keys()


def list_headings(number: int, headings: Sequence[str]) -> ListHeadings:
    """Return what the headings of a list mean: the exact one goes before those that are alike."""
    position = _placed(number, headings)
    taken = set(position.values())
    wanted = _wanted(number)
    notes = []
    names_workers = False
    for place, heading in enumerate(headings):
        if place in taken or not heading.strip():
            continue
        names_workers |= bool(_WORKER.search(_plain(heading)))
        twin = next((name for name, how in wanted.items() if _rank(heading, name, how)), None)
        if twin is not None:
            notes.append(
                f"column '{cut(heading)}' was ignored: "
                f"'{cut(headings[position[twin]])}' is read as {twin}"
            )
        elif not _is_known(number, heading):
            notes.append(f"unknown column '{cut(heading)}' was ignored")
    return ListHeadings(position, tuple(few(notes)), names_workers)


def _wanted(number: int) -> dict[str, _Heading]:
    return {"child_id": _CHILD, **_HEADINGS[number]}


def _placed(number: int, headings: Sequence[str]) -> dict[str, int]:
    """Return the place of each column; of several headings the one most exact, then the first."""
    position: dict[str, int] = {}
    taken: set[int] = set()
    ranked = [
        (rank, place, name)
        for name, how in _wanted(number).items()
        for place, heading in enumerate(headings)
        if heading and (rank := _rank(heading, name, how))
    ]
    for _, place, name in sorted(ranked, key=lambda found: found[0]):
        if name not in position and place not in taken:
            position[name] = place
            taken.add(place)
    if number == 3:
        for place, heading in enumerate(headings):
            for name in columns_meant(heading) if heading and place not in taken else ():
                if name in _ALSO_IN_LIST_3:
                    position.setdefault(name, place)
    return position


def _rank(heading: str, name: str, how: _Heading) -> int:
    """Return how surely a heading means a column: 1 exactly, 2 alike; 0 not at all."""
    if len(heading) > _LONGEST:
        return 0
    if folded(heading) in _exactly(name, how) or name in columns_meant(heading):
        return 1
    plain = _plain(heading)
    return 2 if re.search(how.alike, plain) and not re.search(how.unless, plain) else 0


@cache
def _exactly(name: str, how: _Heading) -> frozenset[str]:
    return frozenset({folded(name), *map(folded, how.exact)})


@lru_cache(maxsize=512)
def _plain(heading: str) -> str:
    """Return a heading in small letters, without apostrophes, each other mark a space."""
    text = re.sub(r"['’‘`]", "", heading.casefold())
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def _is_known(number: int, heading: str) -> bool:
    known = {folded(text) for text in (*_OF_EVERY_LIST, *_NOT_READ.get(number, ()))}
    plain = _plain(heading)
    return (
        number == 7 or folded(heading) in known or bool(_AGE.search(plain) or _WORKER.search(plain))
    )
