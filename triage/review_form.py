"""The form of a review: what has to be answered, with which words, and what may follow from it.

The reasons and kinds of remedial action are those of the field's own audits of re-referrals; the
grades are the four points on which Ofsted judges.
"""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from triage.errors import AnswersError, CallError, Problem
from triage.vocabulary import cut

REASONS: Final = {
    "R01": "same issue, previous assessment incomplete or weak",
    "R02": "closed too early, or change not sustained",
    "R03": "over-optimism, or reliance on what parents report",
    "R04": "no step-down or early-help plan",
    "R05": "step-down offered, but not taken up or not available",
    "R06": "threshold wrong at the previous no further action",
    "R07": "referral information insufficient, referrer not contacted",
    "R08": "parents did not engage, or refused consent",
    "R09": "history or cumulative harm not considered",
    "R10": "risk to siblings or in the household missed",
    "R11": "domestic abuse again",
    "R12": "a new, unrelated issue",
    "R13": "circumstances changed (move, birth, release, new partner)",
    "R14": "allocation delay or drift in the previous episode",
    "R15": "tasks or actions incomplete at closure",
    "R16": "repeat of an automatic notification by the police or an agency",
    "R17": "recording error, duplicate, or should have been a contact",
    "R18": "transfer between authorities",
    "R99": "other",
}
"""Why a child was referred again."""
ACTIONS: Final = {
    "reopen": "reopen or allocate the case",
    "assessment": "assess, or bring the assessment up to date",
    "visit": "visit the child",
    "strategy discussion": "hold a strategy discussion",
    "retrospective decision": "record the management decision, dated as retrospective",
    "step-down": "refer to a step-down or early-help service",
    "feedback": "give feedback to the referrer",
    "supervision": "discuss in supervision",
    "learning": "learning for worker or manager",
    "data correction": "correct the record",
    "escalation": "escalate to the service manager",
}
"""What is to be put right after a review; none where nothing is."""

Answer = Literal["yes", "partly", "no"]
Right = Literal["yes", "no", "unclear", "not applicable"]
Oversight = Literal["effective", "weak", "missing"]
Avoidable = Literal["avoidable", "partly avoidable", "not avoidable", "unclear"]
Grade = Literal["outstanding", "good", "requires improvement to be good", "inadequate"]
GRADES: Final[tuple[Grade, ...]] = get_args(Grade)
Reason = Annotated[str, Field(pattern=f"^({'|'.join(REASONS)})$")]
MainReason = Annotated[str, Field(pattern=f"^({'|'.join(REASONS)}|none)$")]
ActionKind = Annotated[str, Field(pattern=f"^({'|'.join(ACTIONS)})$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]*$"
    ),
]


class Action(BaseModel):
    """Something that a review asks for: what, by whom, and by when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ActionKind
    owner: Name
    due_on: dt.date


class Answers(BaseModel):
    """A review as it is submitted: every question answered.

    Nothing may be left to be learned, or to be put right: the form leaves these out then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_re_referral: Answer
    main_reason: MainReason
    further_reasons: tuple[Reason, ...]
    closure_right: Right
    threshold_right: Right
    risk_identified: Answer
    oversight: Oversight
    avoidable: Avoidable
    grade: Grade
    flags_useful: dict[str, Answer]
    learning: Text = ""
    actions: tuple[Action, ...] = ()


QUESTIONS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "is_re_referral": ("Was it a re-referral in substance?", get_args(Answer)),
    "main_reason": ("The main reason why the child was referred again; none for no re-referral",
                    (*REASONS, "none")),
    "further_reasons": ("Further reasons, as [\"R02\", \"R09\"]", tuple(REASONS)),
    "closure_right": ("Was the previous closure right?", get_args(Right)),
    "threshold_right": ("Was the threshold applied rightly?", get_args(Right)),
    "risk_identified": ("Was the risk identified?", get_args(Answer)),
    "oversight": ("Management oversight was:", get_args(Oversight)),
    "avoidable": ("Was the re-referral avoidable?", get_args(Avoidable)),
    "grade": ("The practice, on the four points:", GRADES),
    "flags_useful": ("Was each flag useful?", get_args(Answer)),
    "learning": ("What is to be learned; required below good", ()),
    "actions": ("What is to be put right: kind, owner and due date of each", tuple(ACTIONS)),
}  # fmt: skip
"""The questions of the form in their order, each with the answers there are."""
_WANTS_LEARNING: Final[tuple[Grade, ...]] = GRADES[2:]


def complete(answers: Mapping[str, Any], rules: Collection[str], on: dt.date) -> Answers:
    """Return the answers of a review that may be submitted on a day.

    ``rules`` are those of the case's open flags, each of which is to be called useful or not.

    Raises:
        AnswersError: when an answer is missing or is none of those there are; all are named.
    """
    try:
        found = Answers.model_validate(answers)
    except ValidationError as error:
        said = [_problem(one) for one in error.errors()]
        useful = answers.get("flags_useful")
        said += _flags_at_odds(useful, rules) if isinstance(useful, dict) else []
    else:
        said = _at_odds(found, rules, on)
        if not said:
            return found
    raise AnswersError(said)


def draft(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was answered so far, of which each answer is one of those there are.

    Raises:
        AnswersError: when one is not; all of them are named.
    """
    try:
        Answers.model_validate(answers)
    except ValidationError as error:
        said = [_problem(one) for one in error.errors() if one["type"] != "missing"]
        if said:
            raise AnswersError(said) from None
    return dict(answers)


def _at_odds(found: Answers, rules: Collection[str], on: dt.date) -> list[Problem]:
    """Return what is wrong between answers each of which is right by itself."""
    said = []
    if (found.main_reason == "none") != (found.is_re_referral == "no"):
        said.append(
            Problem(
                "main_reason", "none or one",
                "has to be one of R01 to R99 for a re-referral, and none where is_re_referral "
                "is no.",
            )
        )  # fmt: skip
    further = "further_reasons"
    if found.main_reason in found.further_reasons:
        told = f"{found.main_reason} is the main reason already."
        said.append(Problem(further, "main reason again", told))
    if len(set(found.further_reasons)) < len(found.further_reasons):
        said.append(Problem(further, "twice", "names one of them twice."))
    if found.main_reason == "none" and found.further_reasons:
        told = "there are none where main_reason is none."
        said.append(Problem(further, "without a main one", told))
    said += _flags_at_odds(found.flags_useful, rules)
    needs_words = found.grade in _WANTS_LEARNING or found.main_reason == "R99"
    if needs_words and not found.learning:
        why = "where the main reason is R99" if found.main_reason == "R99" else "below good"
        told = f"say in words what is to be learned; it is required {why}."
        said.append(Problem("learning", "required", told))
    said += [
        Problem(
            f"actions.{n}.due_on", "past",
            f"{one.due_on} is before the day of the review; give a later day.",
        )
        for n, one in enumerate(found.actions)
        if one.due_on < on
    ]  # fmt: skip
    return said


def _flags_at_odds(useful: Collection[Any], rules: Collection[str]) -> list[Problem]:
    """Return which open flags are not answered, and which answers are on no open flag."""
    given = set(map(str, useful))
    return [
        *(
            Problem(f"{_USEFUL}.{rule}", "missing", "is not answered; say yes, partly or no.")
            for rule in sorted(set(rules) - given)
        ),
        *(
            Problem(
                f"{_USEFUL}.{cut(rule)}", "no open flag",
                "is no open flag of this case; leave it out.",
            )
            for rule in sorted(given - set(rules))
        ),
    ]  # fmt: skip


_USEFUL: Final = "flags_useful"


def _problem(found: Any) -> Problem:
    """Return what pydantic finds wrong with an answer, in words of the form."""
    where = ".".join(str(part) for part in found["loc"] if "[" not in str(part))
    question, last, kind = str(found["loc"][0]), str(found["loc"][-1]), found["type"]
    known = QUESTIONS.get(question)
    if known is None:
        told = f"is no question of the form; known are {', '.join(QUESTIONS)}."
        return Problem(cut(question), "unknown", told)
    asked, allowed = known
    if kind == "missing":
        return Problem(where, "missing", f"is not answered ({asked}).")
    if kind == "extra_forbidden":
        told = "is no part of an action; it has kind, owner and due_on."
        return Problem(cut(where), "unknown", told)
    if kind in _SHAPES:
        return Problem(where, "unknown", f"is to be {_SHAPES[kind]}.")
    if kind == "string_too_long":
        told = f"is longer than {found['ctx']['max_length']:,} characters."
        return Problem(where, "too long", told)
    typed = cut(str(found["input"]))
    if last == "due_on":
        return Problem(where, "no day", f"'{typed}' is not a date; write YYYY-MM-DD.")
    if last == "owner":
        told = "name who is to do it, in characters that can be printed."
        return Problem(where, "no name", told)
    if not allowed:
        return Problem(where, "no text", "is to be a text.")
    return Problem(cut(where), "unknown", f"'{typed}' is none of {', '.join(allowed)}.")


_SHAPES: Final = {
    "tuple_type": "a list in square brackets",
    "dict_type": "a table of rules, each with its answer",
    "model_type": "a table of kind, owner and due_on",
}
"""What an answer of another shape is to be, by what pydantic calls the mistake."""


def read_answers(text: str, name: str) -> dict[str, Any]:
    """Return the answers that a file holds, in TOML as ``form`` writes it, or in JSON.

    Answers left empty are not given. The mark with which some editors begin a file is passed over.

    Raises:
        CallError: when it is neither.
    """
    text = text.removeprefix("\ufeff")
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise CallError(f"{name}: is neither TOML nor JSON ({error}).") from None
    useful = found.get("flags_useful")
    if isinstance(useful, dict):
        found["flags_useful"] = {rule: said for rule, said in useful.items() if said != ""}
    return {key: value for key, value in found.items() if value != ""}


def form(answers: Mapping[str, Any], rules: Collection[str], about: str) -> str:
    """Return the form as a file to be filled in, with what was answered so far."""
    useful = dict(answers.get("flags_useful", {}))
    lines = [f"# {about}", "# Write an answer between the quotation marks; # begins a remark.", ""]
    for name, (asked, allowed) in QUESTIONS.items():
        if name in ("flags_useful", "actions"):
            continue
        among = "" if "reason" in name else ", ".join(allowed)
        lines.append(f"# {asked} {among}".rstrip())
        lines += [f"#   {key}  {REASONS[key]}" for key in REASONS if name == "main_reason"]
        empty: Any = [] if name == "further_reasons" else ""
        lines += [f"{name} = {_toml(answers.get(name, empty))}", ""]
    if rules:
        lines += [f"# {QUESTIONS['flags_useful'][0]} yes, partly, no", "[flags_useful]"]
        lines += [f"{rule} = {_toml(useful.get(rule, ''))}" for rule in sorted(rules)]
    else:
        lines.append("[flags_useful]")
    lines += ["", f"# {QUESTIONS['actions'][0]}, one table each:"]
    lines += [f"#   {kind}: {meant}" for kind, meant in ACTIONS.items()]
    lines += ["# [[actions]]", '# kind = "visit"', '# owner = "w.worker"', "# due_on = 2026-10-09"]
    for one in answers.get("actions", ()):
        lines += ["", "[[actions]]", *(f"{key} = {_toml(value)}" for key, value in one.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    # Of what JSON leaves as it is, TOML refuses this one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
