"""The words in which councils write codes, outcomes and yes or no; each has one meaning here.

A word that could stand for two codes is in none of these tables: it is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from triage import vocabulary as v
from triage.schema import COLUMNS
from triage.sources.annex_a_words import CLOSURE_WORDS, NEED_WORDS, SOURCE_WORDS
from triage.sources.annex_a_words import plain as without_filling

Words = Mapping[str, tuple[str, ...]]

_MORE_SOURCES: Final = {
    "1A": ("mum", "dad", "parent or carer", "family member or carer", "relative or carer"),
    "2A": ("school or academy", "school college", "schools academies", "school education"),
    "2B": ("education other",),
    "3A": ("health gp", "gp doctor"),
    "3B": ("health health visitor",),
    "3C": ("health school nurse",),
    "3E": ("accident and emergency", "a e", "health accident emergency", "health a e"),
    "5A": ("la adult social care", "adult services"),
    "6": ("police force", "the police", "police referral"),
    "7": ("national probation service", "youth court", "other legal agencies"),
    "8": ("nspcc", "voluntary sector", "voluntary agency", "charity", "voluntary"),
}
_MORE_NEEDS: Final = {
    "N1": ("abuse", "neglect", "abuse or neglect n1", "abuse and neglect"),
    "N2": ("disability", "child disability or illness"),
    "N3": ("parental disability or illness", "parent disability or illness"),
    "N4": ("acute stress", "family stress", "acute family stress"),
    "N6": ("unacceptable behaviour",),
    "N7": ("low income family",),
    "N9": ("not child in need", "other than child in need"),
    "N0": ("none stated",),
}
_MORE_REASONS: Final = {
    "RC1": ("adoption", "child adopted"),
    "RC2": ("child died", "deceased"),
    "RC4": ("special guardianship",),
    "RC5": ("transfer other la", "moved to another local authority", "transfer to other la",
            "transferred to other la"),
    "RC6": ("transition to adult services", "transfer to adult services"),
    "RC7": ("services ceased", "ceased any other reason"),
    "RC8": ("assessment no further action", "nfa after assessment", "nfa following assessment",
            "no further action after assessment", "assessment completed nfa"),
    "RC9": ("step down to early help", "stepped down to early help", "step down early help",
            "stepped down early help", "step down"),
}  # fmt: skip
_FACTORS: Final = {
    "3A": ("domestic abuse child", "child domestic abuse"),
    "3B": ("domestic abuse parent", "parent domestic abuse", "domestic violence parent"),
    "1B": ("alcohol parent", "parental alcohol misuse"),
    "2B": ("drugs parent", "parental drug misuse"),
    "4A": ("mental health child", "child mental health"),
    "4B": ("mental health parent", "parental mental health"),
    "7A": ("young carer",),
    "10A": ("missing", "going missing"),
    "11A": ("child sexual exploitation", "cse"),
    "12A": ("trafficking",),
    "13A": ("gangs",),
    "15A": ("self harm",),
    "16A": ("neglect",),
    "17A": ("emotional abuse",),
    "21": ("no factors identified",),
    "22A": ("female genital mutilation", "fgm"),
    "23A": ("faith belief abuse",),
    "24A": ("child criminal exploitation", "cce"),
}
_OUTCOMES: Final = {
    "nfa": ("nfa", "no further action", "closed nfa", "close nfa", "nfa closed", "no action"),
    "information_and_advice": (
        "information advice", "advice", "advice information", "advice guidance", "signposted",
        "signposting", "information advice guidance", "advice given", "iag",
        "advice information signpost", "advice and information or signpost",
    ),
    "early_help": (
        "early help", "eh", "step down to early help", "stepped down to early help",
        "progress to early help", "refer to early help", "referred to early help", "step down",
        "early help assessment", "early help referral", "family help",
    ),
    "assessment": (
        "assessment", "single assessment", "child family assessment", "c f assessment", "cfa",
        "assessment required", "progress to assessment", "proceed to assessment", "s17",
        "section 17", "section 17 assessment", "s17 assessment", "social work assessment",
        "children family assessment", "initial assessment", "core assessment",
    ),
    "strategy_discussion": (
        "strategy discussion", "strategy meeting", "progress to strategy discussion",
        "strategy discussion required",
    ),
    "section47": (
        "section 47", "s47", "section 47 enquiry", "s47 enquiry", "s 47", "progress to section 47",
        "section 47 investigation", "child protection enquiry", "s47 investigation",
    ),
    "other": ("other", "other outcome"),
}  # fmt: skip
_CONTACT_OUTCOMES: Final = {
    "referral": ("referral", "progress to referral", "progressed to referral", "new referral",
                 "proceed to referral", "accepted as referral"),
    "open_case": ("open case", "existing case", "already open", "case already open",
                  "existing referral", "linked to open case", "passed to allocated worker"),
    "early_help": _OUTCOMES["early_help"],
    "information_and_advice": _OUTCOMES["information_and_advice"],
    "nfa": _OUTCOMES["nfa"],
    "other": _OUTCOMES["other"],
}  # fmt: skip
_LEVELS: Final = {
    level: (f"level {level}", f"l{level}", f"tier {level}", f"t{level}", word, f"level {word}",
            f"threshold {level}")
    for level, word in zip("1234", ("one", "two", "three", "four"), strict=True)
}  # fmt: skip
_RATINGS: Final = {
    "red": ("red", "r", "rag red", "red rag"),
    "amber": ("amber", "a", "rag amber", "amber rag"),
    "green": ("green", "g", "rag green", "green rag"),
}
_YES: Final = ("yes", "y", "true", "t", "1", "1 0", "yes 1", "1 yes")
_NO: Final = ("no", "n", "false", "f", "0", "0 0", "no 0", "0 no")
_FLAGS: Final = {"true": _YES, "false": _NO}
_OWN_FLAGS: Final[dict[str, Words]] = {
    "nfa": {
        "true": ("nfa", "no further action", "closed nfa", "nfa closed", "close nfa", "nfa yes",
                 "yes nfa", "closed no further action", "nfa at referral",
                 "no further action required", "no action required"),
        "false": ("fa", "further action", "not nfa", "further action required", "progressed",
                  "progressed to assessment", "progress to assessment", "no not nfa"),
    },
    "worker_is_agency": {
        "true": ("agency", "locum", "agency worker", "agency staff"),
        "false": ("permanent", "perm", "council", "employed", "not agency", "permanent staff"),
    },
    "worker_is_registered": {
        "true": ("registered", "swe registered", "registered social worker"),
        "false": ("not registered", "unregistered", "unqualified"),
    },
    "history_considered": {
        "true": ("considered", "history considered"),
        "false": ("not considered", "history not considered"),
    },
    "icpc_not_required": {
        "true": ("not required", "unnecessary", "deemed unnecessary"),
        "false": ("required", "necessary"),
    },
    "restricted": {
        "true": ("restricted", "restricted record"),
        "false": ("not restricted", "unrestricted"),
    },
}  # fmt: skip
NOT_KNOWN: Final = frozenset(
    {"unknown", "not known", "not recorded", "n k", "nk", "not stated", "not applicable", "n a"}
)
"""Words that say that nothing is known; a code column has none but its own code for that."""

_TABLES: Final[dict[str, tuple[Words, ...]]] = {
    "referral_source": (SOURCE_WORDS, _MORE_SOURCES),
    "contact_source": (SOURCE_WORDS, _MORE_SOURCES),
    "primary_need": (NEED_WORDS, _MORE_NEEDS),
    "closure_reason": (CLOSURE_WORDS, _MORE_REASONS),
    "assessment_factors": (_FACTORS,),
    "decision_outcome": (_OUTCOMES,),
    "contact_outcome": (_CONTACT_OUTCOMES,),
    "threshold_level": (_LEVELS,),
    "risk_rating": (_RATINGS,),
}
LABELS: Final[dict[str, Mapping[str, str]]] = {
    "referral_source": v.REFERRAL_SOURCES,
    "contact_source": v.REFERRAL_SOURCES,
    "primary_need": v.PRIMARY_NEEDS,
    "closure_reason": v.CLOSURE_REASONS,
}
"""What each census code stands for, by column."""


def plain(text: str) -> str:
    """Return a text in small letters without marks, and without filling words if others are left.

    A rating of A or G is a word of its own, not one that fills.
    """
    return without_filling(text) or " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


def _ways(name: str) -> dict[str, str]:
    """Return the code that each way of writing it stands for, in plain words."""
    spec = COLUMNS[name]
    tables = _TABLES.get(name, ())
    if spec.kind == "flag":
        tables = (_FLAGS, _OWN_FLAGS.get(name, {}))
    pairs = [(plain(label), code) for code, label in LABELS.get(name, {}).items()]
    pairs += [
        (plain(word), code) for table in tables for code, words in table.items() for word in words
    ]
    meant: dict[str, set[str]] = {}
    for way, code in pairs:
        meant.setdefault(way, set()).add(code)
    return {way: codes.pop() for way, codes in meant.items() if len(codes) == 1}


WAYS: Final[dict[str, dict[str, str]]] = {
    name: _ways(name)
    for name, spec in COLUMNS.items()
    if spec.kind == "flag" or spec.kind in ("code", "codes")
}
"""By column, the code that each way of writing it stands for, in plain words."""

_MORE_WORDS: Final = """
    agency agencies ambulance authority authorities borough camhs cafcass care carers case centre
    checked chair clinic closed college community complete completed consent contact core council
    county cp cin lac cla decision department dept district doctor edt ehcp emergency enquiry
    external fire force fostering front door further group health help home hospital
    housing hub ias income independent individual initial internal intervention iro lado landlord
    legal level local mash maternity meeting member mental midwife midwifery minder minders
    multi nhs no non not nursery nurse nursing officer open organisation other out outreach
    paediatrician paediatric panel parental passed pathway pending person people placed plan
    practice pre primary private probation professional progress progressed proceedings project
    provider public pupil referral referred refuge registered relative request required review
    risk safeguarding school secondary section sector senco service services setting sexual
    signpost single social special staff step strategy support surgery targeted team threshold
    tier transfer trust universal unknown violence voluntary welfare work worker yes
    yos yot youth domestic abuse alcohol drug drugs substance misuse neglect emotional physical
    child children childrens family families adult adults parent mother father child's
    a an and at by e for from g in is of on or s the to via with following after new existing
    low medium high critical urgent routine priority stepped down up complex specialist acute
    intensive additional vulnerable cs cyp edu med visiting visitor
"""


def _lexicon() -> frozenset[str]:
    words = set(_MORE_WORDS.split())
    for ways in WAYS.values():
        for way in ways:
            words.update(way.split())
    for labels in LABELS.values():
        for label in labels.values():
            words.update(label.casefold().replace(",", " ").replace("'", "").split())
    kept = {word for word in words if len(word) > 1 and not word.isdigit()} | set("aegs")
    return frozenset(kept - _RATINGS.keys())


LEXICON: Final = _lexicon()
"""Words of the field: a text made of these alone names no person. Colours are names too."""
