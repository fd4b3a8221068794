"""Reviews and remedial actions on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from triage.present import add_row, console, table_of
from triage.review_form import QUESTIONS, REASONS
from triage.store import RemedialAction, Review, RuleException
from triage.vocabulary import counted, printable

HIDDEN_REVIEW: Final = (
    "triage: the first review is not shown: the case waits for its second one, which you may do."
)


def hidden_actions(n_cases: int) -> str:
    """Return that what first reviews ask for is not listed."""
    return (
        f"triage: what the first review of {counted(n_cases, 'case')} asks for is not listed: you "
        "may do the second one."
    )


def show_reviews(reviews: Sequence[Review]) -> None:
    """Print reviews: each question with its answer."""
    out = console()
    if not reviews:
        out.print("There is no review of this case to be shown.")
    for one in reviews:
        when = one.submitted_at or f"started {one.started_at}"
        kind = "" if one.kind == "first" else f"{one.kind}, "
        final = ", final" if one.is_final else ""
        told = f"Review {one.id}, {kind}{one.state}{final}, by {one.reviewer}, {when}"
        out.print(printable(told), markup=False)
        if one.supersedes is not None:
            told = f"  supersedes review {one.supersedes}: {one.reason}"
            out.print(printable(told), markup=False)
        for name, (asked, _) in QUESTIONS.items():
            if name in one.answers:
                out.print(printable(f"  {asked} {said_of(one.answers[name])}"), markup=False)


def said_of(answer: Any) -> str:
    """Return an answer as it is read."""
    if isinstance(answer, dict):
        return ", ".join(f"{name}: {said_of(value)}" for name, value in answer.items()) or "none"
    if isinstance(answer, list):
        return "; ".join(map(said_of, answer)) or "none"
    text = str(answer)
    return f"{text} ({REASONS[text]})" if text in REASONS else text


def show_actions(actions: Sequence[RemedialAction]) -> None:
    """Print remedial actions, with what became of each."""
    out = console()
    if not actions:
        out.print("There is nothing to be done.")
        return
    table = table_of("Action", "Case", "What", "Owner", "Due", "What became of it")
    for one in actions:
        became = ""
        if one.done_on is not None:
            became = f"done {one.done_on}: {one.evidence}"
        elif one.handed_to is not None:
            became = f"handed over to {one.handed_to}: {one.handed_why}"
        add_row(table, str(one.id), str(one.case), one.kind, one.owner, str(one.due_on), became)
    out.print(table)


def show_exceptions(exceptions: Sequence[RuleException]) -> None:
    """Print exceptions: what is excepted from which rule, up to when, why, and who answers."""
    out = console()
    if not exceptions:
        out.print("There is no exception.")
        return
    table = table_of("Exception", "Rule", "For", "Up to", "Owner", "Why")
    for one in exceptions:
        whom = f"child {one.child_id}" if one.team is None else f"team {one.team}"
        ended = " (ended)" if one.ended_at else ""
        add_row(table, str(one.id), one.rule, whom, f"{one.until}{ended}", one.owner, one.reason)
    out.print(table)
