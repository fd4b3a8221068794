"""The form of a review on a page: shown, sent, and shown again with all that was typed.

The four forms of a review go through here: the first one, one that supersedes it, the second one
without sight of the first, and the moderation of two that differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Path, Request
from fastapi.responses import Response

from triage.casefile import CaseFile, case_file
from triage.errors import (
    AnswersError,
    ConflictError,
    ForbiddenError,
    MissingError,
    StoreError,
    TriageError,
)
from triage.review_form import ACTIONS, complete
from triage.web.forms import Form
from triage.web.gate import caller_of, sentence, site_of
from triage.web.render import moment, page, to
from triage.web.review_fields import LABELS, RULES, answers_typed, choices, keep_problems, words_of

CaseNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
"""The number of a case, or of an action, in an address."""
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
_STATUS: Final[dict[type[TriageError], int]] = {
    ConflictError: 409,
    ForbiddenError: 403,
    StoreError: 503,
}
Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Sheet:
    """A form of a review: of which case, where it is sent, and what it says beside the questions.

    ``save`` keeps a draft, where there are drafts of it. ``wants_reason`` is whether a reason goes
    with the answers, and ``apart`` has the answers of two reviewers where they differ.
    """

    case_id: int
    address: str
    title: str
    submit: str
    wants_reason: str = ""
    has_drafts: bool = False
    why_not: str = ""
    apart: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    stays: tuple[str, ...] = ()


def in_words(error: TriageError) -> str:
    """Return what an error says on a page, moments in words."""
    return told_moments(sentence(error))


def told_moments(text: str) -> str:
    """Return a sentence of the store with its moments in words."""
    return _MOMENT.sub(lambda found: moment(found[0]), text)


def status_of(error: TriageError) -> int:
    """Return the status of a page that is shown again because of an error."""
    return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 422)


def shown(request: Request, sheet: Sheet, form: Form, status: int = 200) -> Response:
    """Return the page of a form of a review, with a summary of the case beside it.

    Where the store cannot be read the form is shown all the same, with what was typed.

    Raises:
        MissingError: when there is no such case for whoever asks.
    """
    site, caller = site_of(request), caller_of(request)
    whole: CaseFile | None = None
    try:
        whole = case_file(site.url, caller.asker, sheet.case_id)
    except StoreError:
        if status < 400:
            raise
    flags = []
    known = {one.rule: one for one in whole.whole.flags} if whole is not None else {}
    for rule in form.values.get(RULES, []):
        message = known[rule].message if rule in known else ""
        by_number = site.rules.by_id.get(rule)
        titled = whole.rules[rule] if whole is not None and rule in known else by_number
        flags.append((rule, titled.about.title if titled is not None else "", message))
    return page(
        request, "review_form.html", status, form=form, sheet=sheet, whole=whole, flags=flags,
        labels=LABELS, choices=choices, apart={
            name: [words_of(str(one)) for one in both] for name, both in sheet.apart.items()
        },
        kinds=[(kind, words_of(kind)) for kind in ACTIONS],
    )  # fmt: skip


def sent(
    request: Request,
    sheet: Sheet,
    form: Form,
    rules: tuple[str, ...] | None,
    submit: Callable[[Answers, str], Response],
    save: Callable[[Answers], None] | None = None,
) -> Response:
    """Return what becomes of a form that was sent, by the button that it was sent with.

    ``rules`` are those of the flags that the case's review is asked about now; None where that
    cannot be told. Nothing that was typed is lost, whatever is wrong.

    Raises:
        MissingError: when there is no such case for whoever asks.
    """
    button = form.text("button")
    answers = answers_typed(form)
    asked = form.values.get(RULES, []) if rules is None else list(rules)
    form.values[RULES] = asked
    is_added = button == "add"
    reason = form.text("reason", sheet.wants_reason if button == "submit" else "")
    try:
        if button == "submit":
            if not form.is_right:
                complete(answers, asked, caller_of(request).asker.today)
                return _again(request, sheet, form, 422, is_added=False)
            return submit(answers, reason)
        if save is None:
            form.errors.clear()
            return _again(request, sheet, form, 200, is_added=is_added)
        save(answers)
    except AnswersError as error:
        keep_problems(form, error, asked)
        return _again(request, sheet, form, 422, is_added=is_added)
    except MissingError:
        raise
    except TriageError as error:
        form.errors = [("", in_words(error)), *form.errors]
        return _again(request, sheet, form, status_of(error), is_added=is_added)
    if not form.is_right:
        return _again(request, sheet, form, 422, is_added=is_added)
    if button == "draft" or not button:
        return to(sheet.address, "review_draft")
    return to(f"{sheet.address}?more=yes#actions" if is_added else f"{sheet.address}#actions")


def _again(request: Request, sheet: Sheet, form: Form, status: int, *, is_added: bool) -> Response:
    if is_added:
        n = form.values["n_actions"]
        form.values |= {f"actions.{n}.{part}": "" for part in ("kind", "owner", "due_on")}
        form.values["n_actions"] = n + 1
    return shown(request, sheet, form, status)
