"""Reviews and remedial actions on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triage.present import add_row, console, table_of
from triage.review_form import QUESTIONS, REASONS
from triage.store import RemedialAction, Review
from triage.vocabulary import printable


def show_reviews(reviews: Sequence[Review]) -> None:
    """Print reviews: each question with its answer."""
    out = console()
    if not reviews:
        out.print("There is no review of this case yet.")
    for one in reviews:
        when = one.submitted_at or f"started {one.started_at}"
        out.print(
            printable(f"Review {one.id}, {one.state}, by {one.reviewer}, {when}"), markup=False
        )
        if one.supersedes is not None:
            told = f"  supersedes review {one.supersedes}: {one.reason}"
            out.print(printable(told), markup=False)
        for name, (asked, _) in QUESTIONS.items():
            if name in one.answers:
                out.print(printable(f"  {asked} {_said(one.answers[name])}"), markup=False)


def _said(answer: Any) -> str:
    if isinstance(answer, dict):
        return ", ".join(f"{name}: {_said(value)}" for name, value in answer.items()) or "none"
    if isinstance(answer, list):
        return "; ".join(map(_said, answer)) or "none"
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
