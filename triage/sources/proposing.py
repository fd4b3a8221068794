"""A mapping proposed for a table: what each heading means, from its words and from its values.

What can be seen is not asked. What cannot be told without guessing (the form of dates that fit two
forms, a word with no code) is left as a question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from triage.errors import InputError
from triage.schema import COLUMNS
from triage.sources.code_words import ASK, MOST_WORDS
from triage.sources.column_profile import Profile, profile_of
from triage.sources.date_forms import FORMS
from triage.sources.evidence import CODED_ALONE, Evidence, evidence
from triage.sources.grid import Grid
from triage.sources.heading_likeness import likeness
from triage.sources.headings import columns_meant
from triage.sources.mapping_file import ColumnMapping, Form, choices_of
from triage.vocabulary import counted

THRESHOLD: Final = 0.6
"""A heading less sure than this is left out."""
_LIKE_ENOUGH: Final = 0.3
_LEAST_OF_VALUES: Final = 0.75
"""The part of a heading's likeness that stands whatever its values add."""
MOST_HEADINGS: Final = 2_000
LEAVE_OUT: Final = "leave-out"
NOT_KNOWN: Final = "not-known"
SKIP: Final = "?"


@dataclass(frozen=True)
class Question:
    """What a person is asked of a column: its form of dates, or what a word stands for."""

    heading: str
    choices: tuple[str, ...]
    word: str | None = None


@dataclass(frozen=True)
class Proposal:
    """What each heading of a table is taken for, and what is to be asked of a person."""

    columns: dict[str, ColumnMapping]
    questions: tuple[Question, ...]

    def answered(self, question: Question, answer: str) -> Proposal:
        """Return the proposal with one question answered.

        ``LEAVE_OUT`` leaves its column out, ``NOT_KNOWN`` lets a word stand for nothing, ``SKIP``
        leaves the question open.
        """
        column = self.columns[question.heading]
        if answer == SKIP or question not in self.questions:
            return self
        if answer == LEAVE_OUT:
            changed = column.model_copy(update={"means": (), "dates": None, "codes": {}})
        elif question.word is None:
            changed = column.model_copy(update={"dates": answer})
        else:
            code = "" if answer == NOT_KNOWN else answer
            changed = column.model_copy(update={"codes": column.codes | {question.word: code}})
        left = tuple(
            one
            for one in self.questions
            if one != question and not (answer == LEAVE_OUT and one.heading == question.heading)
        )
        return Proposal({**self.columns, question.heading: changed}, left)

    @property
    def meant(self) -> tuple[str, ...]:
        """Return the columns that some heading was taken for."""
        return tuple(name for column in self.columns.values() for name in column.means)


@dataclass(frozen=True)
class Candidate:
    """What one heading may be taken for, and how sure that is."""

    confidence: float
    place: int
    names: tuple[str, ...]
    found: Evidence
    likeness: float = 0.0


def answers(question: Question) -> tuple[str, ...]:
    """Return what a person may answer to a question; ``SKIP`` leaves it open."""
    more = (NOT_KNOWN,) if question.word is not None else ()
    return (*question.choices, *more, LEAVE_OUT, SKIP)


def propose(grid: Grid, label: str) -> Proposal:
    """Return what the headings of a table are taken for.

    Raises:
        InputError: for a table that no mapping can be made of.
    """
    if len(grid.headings) > MOST_HEADINGS:
        raise InputError(
            f"{label}: has {counted(len(grid.headings), 'heading')}; a mapping is made for at most "
            f"{MOST_HEADINGS:,}."
        )
    if not grid.n_rows or not any(heading.strip() for heading in grid.headings):
        raise InputError(f"{label}: holds no rows under its headings; nothing can be told of it.")
    profiles = [profile_of(column) for column in grid.columns]
    twice = _headed_twice(grid.headings)
    found = {
        place: _candidates(place, heading.strip(), profiles[place])
        for place, heading in enumerate(grid.headings)
        if heading.strip() and heading.strip() not in twice
    }
    taken = assigned([one for several in found.values() for one in several])
    columns: dict[str, ColumnMapping] = {}
    questions: list[Question] = []
    for place, typed in enumerate(grid.headings):
        heading = typed.strip()
        if not heading or heading in columns:
            continue
        if place in taken:
            columns[heading] = _mapped(taken[place], profiles[place])
            questions += _questions(heading, columns[heading], profiles[place])
        else:
            why = "several columns are headed so" if heading in twice else _why_not(found[place])
            columns[heading] = ColumnMapping(
                confidence=0.0, because=why, shapes=profiles[place].shapes
            )
    return Proposal(columns, tuple(questions))


def _headed_twice(headings: Sequence[str]) -> set[str]:
    counts = Counter(heading.strip() for heading in headings)
    return {heading for heading, n in counts.items() if n > 1}


def _candidates(place: int, heading: str, profile: Profile) -> list[Candidate]:
    """Return what a column may be, with how sure it is; contradicted ones have no confidence."""
    like = likeness(heading)
    names: dict[tuple[str, ...], float] = {(name,): score for name, score in like.items()}
    meant = columns_meant(heading)
    if len(meant) > 1:
        names = {meant: 1.0}
    if profile.n_distinct <= MOST_WORDS:
        names |= {(name,): 0.0 for name in CODED_ALONE if name not in like}
    found = []
    for several, score in names.items():
        seen = evidence(several[0], heading, profile, score)
        if seen.score is None:
            if score >= THRESHOLD:
                found.append(Candidate(0.0, place, several, seen, score))
            continue
        sure = score * (_LEAST_OF_VALUES + (1 - _LEAST_OF_VALUES) * seen.score)
        confidence = max(sure if score >= _LIKE_ENOUGH else 0.0, seen.alone)
        found.append(Candidate(round(confidence, 2), place, several, seen, score))
    return found


def assigned(candidates: Sequence[Candidate]) -> dict[int, Candidate]:
    """Return what each heading is taken for: the surest first, each column given once."""
    taken: dict[int, Candidate] = {}
    given: set[str] = set()
    order = list(COLUMNS)
    for one in sorted(
        candidates,
        key=lambda one: (
            -one.confidence,
            order.index(one.names[0]) if one.names[0] in order else len(order),
            one.place,
        ),
    ):
        if one.confidence < THRESHOLD:
            break
        if one.place not in taken and not given & set(one.names):
            taken[one.place] = one
            given.update(one.names)
    return taken


def _mapped(taken: Candidate, profile: Profile) -> ColumnMapping:
    name = taken.names[0]
    kind = COLUMNS[name].kind if name in COLUMNS else "text"
    codes = dict(taken.found.words.codes) if taken.found.words else {}
    because = taken.found.because
    if taken.found.words and (n := taken.found.words.n_withheld):
        because += (
            f"; {counted(n, 'word')} kept back: what could be a name, or stands there only once, "
            "is not written here"
        )
    is_dated = kind in ("event", "birth")
    return ColumnMapping(
        means=taken.names,
        confidence=taken.confidence,
        because=because,
        shapes=profile.shapes,
        dates=cast(Form, profile.dates.form) if is_dated and profile.dates.form else None,
        codes=codes | dict.fromkeys(profile.null_words, ""),
    )


def _questions(heading: str, column: ColumnMapping, profile: Profile) -> list[Question]:
    found = []
    if column.dates == ASK:
        found.append(Question(heading, profile.dates.choices or tuple(FORMS)))
    return found + [
        Question(heading, choices_of(column.means[0]), word)
        for word, code in column.codes.items()
        if code == ASK
    ]


def _why_not(found: Sequence[Candidate]) -> str:
    """Return why a heading was left out: contradicted by its values, or like nothing known."""
    best = max(found, key=lambda one: one.confidence, default=None)
    if best is not None and best.confidence >= THRESHOLD:
        return f"another column is more surely {best.names[0]}"
    contradicted = [one for one in found if one.found.contradicts]
    if contradicted:
        one = max(contradicted, key=lambda one: one.likeness)
        return f"headed like {one.names[0]}, but {one.found.because}"
    if best is None or best.confidence < _LIKE_ENOUGH:
        return "like no column that is known"
    return f"most like {best.names[0]}, but only {best.confidence:.0%} sure"
