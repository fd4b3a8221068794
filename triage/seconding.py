"""Second reviews going in and out: the form to fill in, and how well two reviewers agree."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

from triage.agreement import FEW, Figure, Together, by_question, by_reviewers
from triage.review_form import form
from triage.store import Asker, Compared, Sample, begin_second


@dataclass(frozen=True)
class Agreement:
    """How well two reviewers agree: in all, and by pair of reviewers for those who may see that."""

    n_cases: int
    reasons: dict[str, int]
    figures: tuple[Figure, ...]
    pairs: tuple[Together, ...] | None


class SecondForm(NamedTuple):
    """A form as a file to be filled in, and the command that takes it then."""

    text: str
    command: str


def form_of(url: str, asker: Asker, case_id: int) -> SecondForm:
    """Return the form of a second review, or of a moderation.

    Raises:
        CallError: when the case waits for neither, or not for whoever asks.
    """
    begun = begin_second(url, asker, case_id)
    about = (
        f"Second review of case {case_id} by {asker.name}, {', '.join(begun.rules) or 'no flag'}"
    )
    command = "submit"
    if begun.step == "moderation":
        command = "settle"
        apart = "; ".join(f"{name}: {one} or {other}"
                          for name, (one, other) in begun.differs.items())  # fmt: skip
        about = f"Moderation of case {case_id} by {asker.name}. The two reviews differ on {apart}"
    return SecondForm(form(begun.answers, begun.rules, about), command)


def agreement_of(found: Compared) -> Agreement:
    """Return how well the reviewers agree."""
    pairs = by_reviewers(found.pairs) if found.may_see_reviewers else None
    return Agreement(len(found.pairs), found.reasons, by_question(found.pairs), pairs)


def agreement_json(found: Agreement) -> dict[str, Any]:
    """Return how well the reviewers agree, for a script."""
    pairs = None
    if found.pairs is not None:
        pairs = [
            {"reviewers": list(one.reviewers), "cases": one.n_cases,
             "questions": [_figure_json(figure) for figure in one.figures]}
            for one in found.pairs
        ]  # fmt: skip
    return {
        "cases": found.n_cases,
        "asked_for": found.reasons,
        "few_below": FEW,
        "questions": [_figure_json(figure) for figure in found.figures],
        "pairs": pairs,
    }


def _figure_json(figure: Figure) -> dict[str, Any]:
    return {
        "question": figure.question,
        "n": figure.n,
        "cases": figure.n_cases,
        "is_few": figure.is_few,
        "exact": figure.n_exact,
        "within_one": figure.n_within_one,
        "kappa": dataclasses.asdict(figure.kappa),
        "kappa_linear": figure.linear and dataclasses.asdict(figure.linear),
        "kappa_quadratic": figure.quadratic and dataclasses.asdict(figure.quadratic),
    }


def sample_json(sample: Sample) -> dict[str, Any]:
    """Return a sample for a script."""
    return dataclasses.asdict(sample)
