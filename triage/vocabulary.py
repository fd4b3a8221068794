"""The field's code lists and the tool's own fixed words.

Code lists are those of the children in need census (DfE), as published in its schema; the
labels are shortened for a screen.
"""

from __future__ import annotations

from typing import Final

REFERRAL_SOURCES: Final = {
    "1A": "family member, relative or carer",
    "1B": "acquaintance",
    "1C": "self",
    "1D": "other individual",
    "2A": "schools",
    "2B": "education services",
    "3A": "GP",
    "3B": "health visitor",
    "3C": "school nurse",
    "3D": "other primary health",
    "3E": "A&E",
    "3F": "other health",
    "4": "housing",
    "5A": "local authority social care",
    "5B": "local authority other internal",
    "5C": "another local authority",
    "5D": "local authority early help",
    "6": "police",
    "7": "other legal agency",
    "8": "other",
    "9": "anonymous",
    "10": "unknown",
}

PRIMARY_NEEDS: Final = {
    "N0": "not stated",
    "N1": "abuse, neglect and exploitation",
    "N2": "child's disability",
    "N3": "parental disability or illness",
    "N4": "family in acute stress",
    "N5": "family dysfunction",
    "N6": "socially unacceptable behaviour",
    "N7": "low income",
    "N8": "absent parenting",
    "N9": "cases other than children in need",
}

NEEDS_THAT_SAY_NOTHING: Final = frozenset({"N0", "N9"})

CLOSURE_REASONS: Final = {
    "RC1": "adopted",
    "RC2": "died",
    "RC3": "child arrangements order",
    "RC4": "special guardianship order",
    "RC5": "transferred to another local authority",
    "RC6": "transferred to adult social care",
    "RC7": "services ceased for any other reason",
    "RC8": "closed after assessment, no further action",
    "RC9": "closed after assessment, referred to early help",
}

ASSESSMENT_FACTORS: Final = frozenset(
    [f"{number}{who}" for number in range(1, 7) for who in "ABC"]
    + [f"8{kind}" for kind in "BCDEF"]
    + [f"{number}A" for number in (7, *range(9, 20), 22, 23, 24)]
    + ["18B", "18C", "19B", "19C", "20", "21"]
)

DECISION_OUTCOMES: Final = (
    "nfa",
    "information_and_advice",
    "early_help",
    "assessment",
    "strategy_discussion",
    "section47",
    "other",
)

CONTACT_OUTCOMES: Final = (
    "referral",
    "open_case",
    "early_help",
    "information_and_advice",
    "nfa",
    "other",
)
CONTACT_PROGRESSED: Final = frozenset({"referral", "open_case"})
"""Outcomes by which a contact reached a social worker."""

RISK_RATINGS: Final = ("red", "amber", "green")

TRUE_WORDS: Final = frozenset({"true", "1", "yes", "y", "t"})
FALSE_WORDS: Final = frozenset({"false", "0", "no", "n", "f"})

NO_VALUE: Final = "a formula without a value"
"""Stands for a cell whose formula was never worked out, as some programs write it."""

SPREADSHEET_ERRORS: Final = frozenset(
    {"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"}
    | {NO_VALUE.upper()}
)
"""What a spreadsheet puts where a value could not be worked out: no value, and not blank."""

SEVERITIES: Final = ("critical", "high", "medium", "low")
"""Most pressing first; the place in this tuple is the order of flags."""

FLAG: Final = "flag"
CLEAR: Final = "clear"
CANNOT_TELL: Final = "cannot_tell"

TYPED_TEXT_LIMIT: Final = 40
"""Characters of typed text that a message may repeat."""


def printable(text: str) -> str:
    """Return text with every control character turned into a space.

    Neither a command to the terminal nor a mark that turns the reading direction goes through.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)


def cut(text: str) -> str:
    """Return typed text short enough for a message, on one line, and safe to show."""
    text = printable(" ".join(text[: 3 * TYPED_TEXT_LIMIT].splitlines()))
    if len(text) <= TYPED_TEXT_LIMIT:
        return text
    return text[: TYPED_TEXT_LIMIT - 1] + "…"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural, with thousands set apart."""
    return f"{number:,} {noun if abs(number) == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of one of the product's own nouns."""
    if noun.endswith("y") and not noun.endswith("day"):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith("s") else "s")
