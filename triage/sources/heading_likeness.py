"""How like a local heading is to each column of the schema, by the words in it.

Councils name one thing in many ways: ``DT_REFERRAL``, ``Ref Start``, ``Date/Time Referral Rec'd``.
A heading is turned into the field's words (abbreviations spelt out, slips of the pen mended by
rapidfuzz, words that tell nothing dropped) and these are compared with the ways in which each
column is known to be headed. It is one half of the evidence; the values are the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz, process

from triage.schema import COLUMNS
from triage.sources.headings import RATIONALE, columns_meant

_SPELT: Final = {
    "referral": "ref refs referred referrals refer referring rfrl refrl",
    "source": "src sourc referrer referrers refby origin",
    "manager": "mgr managers management managerial mgmt tm",
    "decision": "dec decn decided decisions decide",
    "id": "no num nbr number identifier uid guid key pk ident idno",
    "allocated": "alloc allocation allocate assigned assignment allocn",
    "worker": "wkr sw practitioner caseworker workers lead keyworker",
    "reason": "rsn reasons",
    "closed": "cls clsd close closing closure",
    "authorised": (
        "auth authorising authorized authorisation authorization signed signoff completed complete "
        "completion finished finalised approved"
    ),
    "start": "started starting begin began commenced opened strt",
    "end": "ended ending ceased finish cessation",
    "assessment": "asst ass assess assessments assmt assessed cfa",
    "recorded": "rec recording entered inputted input created typed logged",
    "received": "recd rcvd rcd",
    "conference": "conf icpc",
    "strategy": "strat",
    "need": "needs",
    "household": "hh family families",
    "oversight": "supervision supervised sup supn",
    "level": "lvl threshold thresholds tier",
    "risk": "rag",
    "reviewed": "review reviews",
    "role": "title post position grade designation",
    "maker": "by taker made",
    "agency": "locum",
    "registered": "registration swe hcpc",
    "outcome": "result outcomes outc",
    "child": (
        "childs children childrens person persons client clients yp user subject individual swift "
        "lcs ics mosaic liquidlogic carefirst azeus eclipse paris frameworki fwi caredirector "
        "protocol"
    ),
    "date": "dt dttm datetime timestamp dte dates",
    "episode": "epi episodes",
    "previous": "prev prior earlier preceding",
    "target": "due planned scheduled",
    "contact": "cont contacts",
    "expected": "exp estimated",
    "rationale": "justification analysis reasoning",
    "length": "len characters chars",
    "superseded": "supersedes superseding replaced replaces",
    "restricted": "restriction sensitive locked",
    "considered": "taken checked",
    "primary": "prim presenting main principal",
    "name": "nm names",
    "factors": "factor",
}
"""The field's words, and how each is written for short or otherwise in headings."""
_PHRASES: Final = (
    ("date of birth", "birth"),
    ("birth date", "birth"),
    ("dob", "birth"),
    ("edd", "expected birth"),
    ("job role", "role"),
    ("no further action", "nfa"),
    ("section 47", "s47"),
    ("initial child protection conference", "conference"),
    ("initial cp conference", "conference"),
    ("initial cpc", "conference"),
    ("child and family assessment", "assessment"),
    ("c f assessment", "assessment"),
    ("single assessment", "assessment"),
    ("continuous assessment", "assessment"),
    ("social worker", "worker"),
    ("service user", "child"),
    ("young person", "child"),
    ("unique id", "id"),
    ("job title", "role"),
    ("signed off", "authorised"),
    ("sign off", "authorised"),
    ("strategy discussion", "strategy"),
    ("strat discussion", "strategy"),
    ("strat meeting", "strategy"),
    ("strategy meeting", "strategy"),
    ("case note", "note"),
    ("early help", "eh"),
    ("child ref", "child id"),
    ("person ref", "child id"),
    ("client ref", "child id"),
    ("case ref", "case id"),
    ("episode ref", "episode id"),
    ("worker ref", "worker id"),
    ("ref ref", "referral id"),
    ("referral ref", "referral id"),
    ("referral reference", "referral id"),
    ("reference", "id"),
    ("referred by", "referral source"),
    ("rec d", "received"),
)
_WITHOUT_MEANING: Final = (
    "desc description code cd codes value val text txt the of for a an is was were has been in at "
    "on to and flag yn y n yes time cin unique system social care csc local type enquiry s it any "
    "details by ind indicator"
)
_TELLS_NOTHING: Final = frozenset(_WITHOUT_MEANING.split())
_WEIGHTS: Final = {
    "date": 0.3, "id": 0.4, "manager": 0.3, "primary": 0.4, "child": 0.4, "start": 0.6,
    "episode": 0.4, "received": 0.4, "name": 0.2, "case": 0.4, "current": 0.3, "first": 0.2,
    "worker": 0.8,
}  # fmt: skip
_APART_BY: Final = (
    "previous target expected recorded reviewed authorised end superseded next last visit plan "
    "school mother father parent sibling role reason outcome source agency registered name length "
    "considered level risk caseload maker death seen feedback rationale birth closed allocated "
    "assessment strategy s47 conference oversight factors history restricted household team need "
    "contact eh nfa decision"
)
_OF_ANYTHING: Final = frozenset({"id", "date", "name", "start", "end", "received", "first"})
"""A heading of these words alone says nothing of what it is the date or the number of."""
_TELLS_APART: Final = frozenset(_APART_BY.split())
"""A heading that has one of these is of something else than a column without it, or the reverse."""
_KNOWN_AS: Final[dict[str, tuple[str, ...]]] = {
    "child_id": ("child id", "child", "case id"),
    "referral_date": ("referral date", "referral start date", "referral received date",
                      "contact referral date"),
    "referral_id": ("referral id", "episode id", "referral episode id", "workflow step id"),
    "household_id": ("household id", "household"),
    "date_of_birth": ("birth", "child birth", "birth date"),
    "expected_date_of_birth": ("expected birth", "expected delivery date", "expected birth date"),
    "referral_source": ("referral source", "source", "referral agency", "source agency"),
    "primary_need": ("primary need", "need category", "primary need category", "presenting issue",
                     "primary issue", "referral issue"),
    "nfa": ("nfa", "referral nfa", "closed nfa"),
    "referrals_in_last_12_months": ("referral in last 12 months", "referral last 12 months id"),
    "team": ("team", "allocated team", "referral team", "current team", "team name"),
    "closed_on": ("closed date", "referral closed date", "episode closed date",
                  "case closed date", "referral end date", "episode end date"),
    "closure_reason": ("closed reason", "referral closed reason", "end reason",
                       "referral end reason"),
    "decision_at": ("decision date", "manager decision date", "decision maker date"),
    "decision_recorded_at": ("decision recorded date", "manager decision recorded date",
                             "decision recorded"),
    "decision_maker_id": ("decision maker id", "decision maker", "decision manager id",
                          "manager id", "authorising manager id", "authorised by id"),
    "decision_maker_role": ("decision maker role", "decision manager role", "manager role",
                            "decision role", "authorised by role", "authorising manager role"),
    "decision_outcome": ("decision outcome", "manager decision outcome", "decision",
                         "manager decision", "referral outcome", "outcome", "referral decision"),
    "threshold_level": ("level", "level of need", "decision level"),
    "risk_rating": ("risk rating", "risk", "rag rating", "risk level", "decision risk rating"),
    "rationale_length": ("rationale length", "decision rationale length"),
    "history_considered": ("history considered", "history reviewed", "previous history considered",
                           "decision history considered"),
    "feedback_at": ("feedback date", "referral source feedback date", "feedback given date",
                    "referrer told date"),
    "allocated_at": ("allocated date", "worker allocated date", "allocated start date",
                     "first allocated date"),
    "allocated_worker_id": ("allocated worker id", "worker id", "allocated worker"),
    "allocated_worker_role": ("allocated worker role", "worker role"),
    "worker_is_agency": ("worker agency", "agency worker", "agency staff", "agency",
                         "allocated worker agency"),
    "worker_is_registered": ("worker registered", "registered worker", "registered",
                             "allocated worker registered"),
    "worker_caseload": ("worker caseload", "caseload"),
    "assessment_started_on": ("assessment start date", "assessment date"),
    "assessment_reviewed_on": ("assessment reviewed date", "assessment manager reviewed date"),
    "assessment_authorised_on": ("assessment authorised date", "assessment end date"),
    "assessment_factors": ("assessment factors", "factors", "factors identified"),
    "strategy_discussion_on": ("strategy date", "strategy"),
    "section47_started_on": ("s47 start date", "s47 date"),
    "icpc_on": ("conference date", "conference held", "conference held date"),
    "icpc_not_required": ("conference not required", "conference unnecessary"),
    "last_oversight_on": ("last oversight date", "last oversight", "oversight date",
                          "manager oversight date"),
    "restricted": ("restricted", "restricted record"),
    "allocation_ended_at": ("allocated end date", "worker allocated end date"),
    "early_help_started_on": ("eh start date", "eh episode start date"),
    "early_help_ended_on": ("eh end date", "eh episode end date", "eh closed date"),
    "contact_date": ("contact date", "contact received date"),
    "contact_id": ("contact id",),
    "contact_source": ("contact source",),
    "contact_outcome": ("contact outcome", "contact decision"),
    "decision_id": ("decision id",),
    "supersedes_decision_id": ("superseded decision id", "previous decision id"),
    "superseding_reason": ("superseded reason", "decision superseded reason"),
    RATIONALE: ("rationale", "decision rationale", "manager rationale", "decision reason",
                "manager decision rationale"),
}  # fmt: skip
_ONLY_BY_NAME: Final = frozenset({"rationale_hash"})
_ALIKE: Final = 0.75
_CELLS: Final = 200
_LONGEST: Final = 120
"""A longer cell is a sentence, and no heading."""
_GOOD_SPELLING: Final = 84
_GOOD_LETTERS: Final = 92


def _spellings() -> dict[str, str]:
    found = {word: concept for concept, words in _SPELT.items() for word in words.split()}
    for concept in _SPELT:
        found[concept] = concept
    for phrases in _KNOWN_AS.values():
        for phrase in phrases:
            for word in phrase.split():
                found.setdefault(word, word)
    return found | {word: word for word in _TELLS_APART if word not in found}


_SPELLINGS: Final = _spellings()
_LONG_WORDS: Final = tuple(word for word in _SPELLINGS if len(word) > 4)


def plain_words(heading: str) -> str:
    """Return the words of a heading in small letters, run-together ones set apart."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z]{3})(?=[0-9])", " ", heading)
    return " ".join(re.sub(r"[\W_]+", " ", apart.casefold()).split())


@lru_cache(maxsize=4096)
def concepts(heading: str) -> frozenset[str]:
    """Return what a heading speaks of, in the field's words."""
    text = f" {plain_words(heading)} "
    for phrase, means in _PHRASES:
        text = text.replace(f" {phrase} ", f" {means} ")
    words = [_concept(word) for word in text.split()]
    return frozenset(word for word in words if word not in _TELLS_NOTHING)


@lru_cache(maxsize=4096)
def _concept(word: str) -> str:
    if word in _TELLS_NOTHING - {"by"} or word in _SPELLINGS:
        return _SPELLINGS.get(word, word)
    if len(word) < 4:
        return word
    close = process.extractOne(word, _LONG_WORDS, scorer=fuzz.ratio, score_cutoff=_GOOD_SPELLING)
    if close:
        return _SPELLINGS[close[0]]
    begun = {_SPELLINGS[known] for known in _LONG_WORDS if known.startswith(word)}
    return begun.pop() if len(begun) == 1 else word


@lru_cache(maxsize=1)
def _ways() -> dict[str, tuple[tuple[str, frozenset[str]], ...]]:
    """Return each way in which a column is known to be headed, in plain words and concepts."""
    found = {}
    for name in (*COLUMNS, RATIONALE):
        if name in _ONLY_BY_NAME:
            continue
        aliases = COLUMNS[name].reads.aliases if name in COLUMNS else ()
        texts = [name, *(alias for alias in aliases if "_" not in alias), *_KNOWN_AS.get(name, ())]
        plain = dict.fromkeys(plain_words(text) for text in texts)
        found[name] = tuple((text, concepts(text)) for text in plain)
    return found


def _weight(words: frozenset[str]) -> float:
    return sum(_WEIGHTS.get(word, 1.0) for word in words)


@lru_cache(maxsize=4096)
def likeness(heading: str) -> dict[str, float]:
    """Return how like a heading is to each column, 0 to 1; those it is not like are left out.

    A heading that the tool knows is like its own column alone.
    """
    if meant := columns_meant(heading):
        return dict.fromkeys(meant, 1.0)
    words, plain = concepts(heading), plain_words(heading)
    if words <= _OF_ANYTHING or len(heading) > _LONGEST:
        return {}
    found = {}
    for name, ways in _ways().items():
        score = max(_way_likeness(plain, words, text, way) for text, way in ways)
        if score > 0:
            found[name] = round(min(score, 0.97), 3)
    return found


def _way_likeness(plain: str, words: frozenset[str], text: str, way: frozenset[str]) -> float:
    shared = _weight(words & way)
    score = 2 * shared / (_weight(words) + _weight(way)) if shared else 0.0
    letters = fuzz.token_sort_ratio(plain, text, score_cutoff=_GOOD_LETTERS) / 100
    apart = (words ^ way) & _TELLS_APART
    return max(score, letters) * 0.55 ** len(apart)


def n_alike(row: Sequence[str]) -> int:
    """Return how many cells of a row speak of our columns, as headings do."""
    cells = [cell for cell in row[:_CELLS] if 0 < len(cell) <= _LONGEST]
    return sum(max(likeness(cell).values(), default=0.0) >= _ALIKE for cell in cells)


def is_like_a_heading(row: Sequence[str]) -> bool:
    """Return whether a row of cells looks like headings of ours: two that speak of our columns."""
    return n_alike(row) > 1
