"""Reviews going in and out: the form to fill in, the answers in a file, what scripts read."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

from triage.errors import CallError
from triage.review_form import form, read_answers
from triage.store import Asker, RemedialAction, Review, RuleException, begin_review


def form_of(url: str, asker: Asker, case_id: int) -> str:
    """Return the form of a case's review, started with this, as a file to be filled in.

    Raises:
        CallError: when the case cannot be reviewed now by whoever asks.
    """
    begun = begin_review(url, asker, case_id)
    about = f"Review of case {case_id} by {asker.name}, {', '.join(begun.rules) or 'no open flag'}"
    return form(begun.answers, begun.rules, about)


def answers_in(name: str) -> dict[str, Any]:
    """Return the answers in a file; - reads them from the standard input.

    Raises:
        CallError: when the file cannot be read, or holds neither TOML nor JSON.
    """
    told = "the standard input" if name == "-" else name
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except OSError as error:
        raise CallError(f"{told}: cannot be read ({error.strerror or error}).") from None
    except UnicodeDecodeError:
        raise CallError(f"{told}: cannot be read (it is no text in UTF-8).") from None
    return read_answers(text, told)


def review_json(review: Review) -> dict[str, Any]:
    """Return a review for a script."""
    return dataclasses.asdict(review)


def action_json(action: RemedialAction) -> dict[str, Any]:
    """Return a remedial action for a script."""
    return dataclasses.asdict(action)


def exception_json(exception: RuleException) -> dict[str, Any]:
    """Return an exception for a script."""
    return dataclasses.asdict(exception)
