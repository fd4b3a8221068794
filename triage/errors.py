"""Every error a user can meet, as one tree.

TriageError                 one sentence: where, what, what to do
|-- CallError       exit 2  the call or the configuration is wrong
|   |-- RuleError           a rule file is wrong, or a rule could not be evaluated
|   |-- AnswersError        answers of a review are missing or wrong
|   |-- MissingError        what is asked for is not there, or not for whoever asks
|   |-- ForbiddenError      whoever asks may not do it
|   `-- ConflictError       it cannot be done as things stand now
|-- InputError      exit 3  an input cannot be used; nothing was stored
`-- StoreError      exit 4  the store is busy, damaged or out of reach; nothing was stored
    `-- DamagedError        the store is damaged
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple


class TriageError(Exception):
    """An error with a sentence for the user and an exit code for scripts.

    ``command`` is how the sentence ends for who types commands, and not for who reads a page.
    """

    exit_code = 2

    def __init__(self, said: str = "", command: str = "") -> None:
        self.sentence = f"{said.rstrip('.')}." if command else said
        super().__init__(f"{said}{command}")


class CallError(TriageError):
    """The call or the configuration is wrong (exit 2)."""

    exit_code = 2


class RuleError(CallError):
    """Rule files are wrong, or a rule could not be evaluated (exit 2).

    ``problems`` holds every problem found, one sentence each, so that all of them can be
    mended in one go.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


Wrong = Literal[
    "missing", "unknown", "too long", "no day", "no name", "no text", "none or one",
    "main reason again", "twice", "without a main one", "required", "past", "no open flag",
]  # fmt: skip
"""In which way an answer of a review can be wrong."""


class Problem(NamedTuple):
    """What is wrong with one field of a review, as ``actions.0.due_on``: in which way, in words."""

    field: str
    kind: Wrong
    said: str


class AnswersError(CallError):
    """Answers of a review are missing or wrong (exit 2).

    ``problems`` holds every problem found with its field, so that a page can lead to each.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{one.field}: {one.said}" for one in self.problems))

    def __reduce__(self) -> tuple[type[AnswersError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class MissingError(CallError):
    """What is asked for is not there, or not for whoever asks (exit 2)."""


class ForbiddenError(CallError):
    """Whoever asks may not do it (exit 2)."""


class ConflictError(CallError):
    """It cannot be done as things stand now (exit 2)."""


class InputError(TriageError):
    """An input cannot be used (exit 3); nothing was stored."""

    exit_code = 3


class StoreError(TriageError):
    """The store is busy, damaged or out of reach (exit 4); nothing was stored."""

    exit_code = 4


class DamagedError(StoreError):
    """The store is damaged, or is no store (exit 4); nothing was stored."""
