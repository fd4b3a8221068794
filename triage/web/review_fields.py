"""A review as the fields of a form: its questions in words, and what is wrong with which field.

A field bears the name of its question; of several things the name goes on after a point, as in
``flags_useful.DEC-01`` and ``actions.0.due_on``, which is also how mistakes name it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from starlette.datastructures import FormData

from triage.errors import AnswersError, Problem, Wrong
from triage.review_form import ACTIONS, QUESTIONS, REASONS
from triage.web.forms import Form

FURTHER: Final = "further_reasons"
RULES: Final = "rules"
"""The rules of the flags that a form asked about."""
PARTS: Final = ("kind", "owner", "due_on")
LISTS: Final = (FURTHER, RULES)
_ROW: Final = re.compile(r"actions\.([0-9]{1,4})\.(kind|owner|due_on)")
_ANY_DAY: Final = "Enter a day, such as 9/10/2026"

LABELS: Final[Mapping[str, str]] = {
    "is_re_referral": "Was it a re-referral in substance?",
    "main_reason": "Main reason why the child was referred again",
    "further_reasons": "Further reasons",
    "closure_right": "Was the previous closure right?",
    "threshold_right": "Was the threshold applied rightly?",
    "risk_identified": "Was the risk identified?",
    "oversight": "How was management oversight?",
    "avoidable": "Was the re-referral avoidable?",
    "grade": "How was the practice?",
    "flags_useful": "Was each flag useful?",
    "learning": "What is to be learned",
    "actions": "What is to be put right",
}
"""The questions of a review as a page asks them, in the order of the form."""
SHORT: Final[Mapping[str, str]] = {
    "is_re_referral": "Re-referral in substance",
    "main_reason": "Main reason",
    "closure_right": "Previous closure right",
    "threshold_right": "Threshold right",
    "risk_identified": "Risk identified",
    "oversight": "Management oversight",
    "avoidable": "Avoidable",
    "grade": "Grade",
    "flags_useful": "Each flag useful",
}
"""The questions on which two reviewers are compared, as the rows of a table name them."""

_MISSING: Final[Mapping[str, str]] = {
    "is_re_referral": "Say whether it was a re-referral in substance",
    "main_reason": "Choose the main reason",
    "closure_right": "Say whether the previous closure was right",
    "threshold_right": "Say whether the threshold was applied rightly",
    "risk_identified": "Say whether the risk was identified",
    "oversight": "Say how management oversight was",
    "avoidable": "Say whether the re-referral was avoidable",
    "grade": "Say how the practice was",
    "flags_useful": "Say whether flag {part} was useful",
    "kind": "Choose what is to be done in action {n}",
    "owner": "Enter who is to do action {n}",
    "due_on": "Enter by when action {n} is to be done",
}
_WRONG: Final[Mapping[Wrong, str]] = {
    "unknown": "Choose one of the answers that there are",
    "too long": "This is too long: shorten it",
    "no day": _ANY_DAY,
    "no name": "Enter a name for action {n}, without signs that cannot be printed",
    "no text": "Enter what is to be learned in words",
    "none or one": (
        "Choose a main reason for a re-referral, and 'none' where in substance it was none"
    ),
    "main reason again": "The main reason is no further reason: leave it out of the further ones",
    "twice": "Choose each further reason once",
    "without a main one": "Leave further reasons out where the main reason is 'none'",
    "required": (
        "Enter what is to be learned: it is required where the practice is below good, and where "
        "the main reason is 'other'"
    ),
    "past": "The day of action {n} has passed: enter a later one",
    "no open flag": "Flag {part} was cleared while you wrote: check your answers and send again",
}  # fmt: skip


def choices(question: str) -> list[tuple[str, str]]:
    """Return the answers to a question, each with its words."""
    return [(one, words_of(one)) for one in QUESTIONS[question][1]]


def words_of(answer: str) -> str:
    """Return an answer out of a list as a page says it."""
    if answer in REASONS:
        return f"{_capital(REASONS[answer])} ({answer})"
    if answer == "none":
        return "None: it was no re-referral in substance"
    return _capital(ACTIONS.get(answer, answer))


def answer_lines(question: str, answer: Any) -> list[str]:
    """Return the answer to a question in words, a line for each thing that it names."""
    match question:
        case "further_reasons":
            return [words_of(one) for one in answer] or ["None"]
        case "flags_useful":
            return [f"{rule}: {said}" for rule, said in answer.items()] or ["No open flag"]
        case "actions":
            return [
                f"{words_of(one['kind'])}: {one['owner']}, by {said_day(one['due_on'])}"
                for one in answer
            ] or ["Nothing"]
        case "learning":
            return str(answer).splitlines() or ["Nothing"]
    return [words_of(str(answer))]


def said_day(day: str | dt.date) -> str:
    """Return a day as people type it: 9/10/2026."""
    found = day if isinstance(day, dt.date) else dt.date.fromisoformat(day)
    return f"{found.day}/{found.month}/{found.year}"


def form_of_answers(answers: Mapping[str, Any], rules: Iterable[str], n_more: int = 0) -> Form:
    """Return answers as the fields of a form, with so many empty rows for further actions."""
    form = Form({FURTHER: [], RULES: list(rules)})
    for name, value in answers.items():
        if name == "flags_useful":
            form.values |= {f"{name}.{rule}": said for rule, said in value.items()}
        elif name == "actions":
            put_rows(form, [_row_of(one) for one in value], n_more)
        else:
            form.values[name] = value
    if "actions" not in answers:
        put_rows(form, [], n_more)
    return form


def _row_of(action: Mapping[str, Any]) -> dict[str, str]:
    due_on = action.get("due_on")
    return {
        "kind": str(action.get("kind", "")),
        "owner": str(action.get("owner", "")),
        "due_on": said_day(due_on) if due_on else "",
    }


def put_rows(form: Form, rows: list[dict[str, str]], n_more: int = 0) -> None:
    """Put rows of remedial actions into a form, in the place of those that it has."""
    for name in [name for name in form.values if name.startswith("actions.")]:
        del form.values[name]
    rows = [*rows, *[dict.fromkeys(PARTS, "") for _ in range(n_more)]]
    form.values |= {
        f"actions.{n}.{part}": row[part] for n, row in enumerate(rows) for part in PARTS
    }
    form.values["n_actions"] = len(rows)


def form_typed(came: FormData) -> Form:
    """Return what somebody typed; rows of actions that are empty are left out."""
    form = Form.of(came, LISTS)
    found: dict[int, dict[str, str]] = {}
    for name, value in form.values.items():
        row = _ROW.fullmatch(name)
        if row is not None:
            found.setdefault(int(row[1]), dict.fromkeys(PARTS, ""))[row[2]] = str(value)
    button = form.text("button")
    gone = button.removeprefix("remove.") if button.startswith("remove.") else ""
    rows = [row for n, row in sorted(found.items()) if any(row.values()) and str(n) != gone]
    put_rows(form, rows)
    return form


def answers_typed(form: Form) -> dict[str, Any]:
    """Return the answers that a form holds; what is left empty is not answered.

    A day that cannot be read is kept as a mistake of its field.
    """
    found: dict[str, Any] = {}
    for question in LABELS:
        match question:
            case "further_reasons":
                found[question] = list(form.values.get(FURTHER, []))
            case "flags_useful":
                begins = f"{question}."
                found[question] = {
                    name.removeprefix(begins): value
                    for name, value in form.values.items()
                    if name.startswith(begins) and value
                }
            case "actions":
                found[question] = [_action(form, n) for n in range(form.values["n_actions"])]
            case _:
                if form.text(question):
                    found[question] = form.text(question)
    return found


def _action(form: Form, n: int) -> dict[str, Any]:
    at = f"actions.{n}"
    found: dict[str, Any] = {
        part: form.text(f"{at}.{part}") for part in ("kind", "owner") if form.text(f"{at}.{part}")
    }
    due_on = form.day(f"{at}.due_on")
    if due_on is not None:
        found["due_on"] = due_on
    return found


def keep_problems(form: Form, error: AnswersError, rules: Collection[str]) -> None:
    """Keep what is wrong with answers in a form, each with the field that it is of.

    What is wrong with a field already is said once. ``rules`` are those of the flags that the form
    asks about now: what is wrong with another flag is so of the whole form.
    """
    for problem in error.problems:
        question, _, part = problem.field.partition(".")
        field = FURTHER if question == FURTHER else problem.field
        if question == "flags_useful" and part not in rules:
            field = ""
        if field and form.error(field):
            continue
        form.wrong(field, told(problem))
    order = [*LABELS, "reason"]
    form.errors.sort(key=lambda one: _place(one[0], order))


def _place(field: str, order: list[str]) -> tuple[int, str, int]:
    """Return where a field stands on the page; what is of the whole form comes first."""
    question, _, part = field.partition(".")
    if question not in order:
        return (-1, "", 0)
    n, _, of_row = part.partition(".")
    if of_row not in PARTS:
        return (order.index(question), part, 0)
    return (order.index(question), f"{int(n):04}", PARTS.index(of_row))


def told(problem: Problem) -> str:
    """Return what is wrong with an answer, as a page says it."""
    question, _, part = problem.field.partition(".")
    n, _, of_row = part.partition(".")
    number = int(n) + 1 if question == "actions" and n.isdigit() else 0
    if problem.kind == "missing":
        words = _MISSING.get(of_row if question == "actions" else question, "Answer each question")
    else:
        words = _WRONG[problem.kind]
    return words.format(part=part, n=number)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
