"""A case in words: what each flag rests on, what happened to it, and what can be done with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from triage.casework import MOVES, Act
from triage.facts import FACT_BY_NAME
from triage.present import shown_value
from triage.rules import Rule
from triage.settings_web import CHILD, REFERRAL
from triage.store import Case
from triage.vocabulary import CLOSURE_REASONS, PRIMARY_NEEDS, REFERRAL_SOURCES
from triage.web.gate import Caller
from triage.web.render import day, moment

CODES: Final = {**REFERRAL_SOURCES, **PRIMARY_NEEDS, **CLOSURE_REASONS}
READ: Final = "case read"
_OF_MANAGERS: Final[tuple[tuple[str, str, Act | None], ...]] = (
    ("assign", "Assign", "assign"),
    ("snooze", "Put off", None),
    ("boost", "Bring forward", None),
    ("close", "Close without a review", "close"),
    ("reopen", "Open again", "reopen"),
    ("second", "Ask for a second review", "ask for a second review"),
)
"""What managers do with cases: the address, the words, and the move it is, if it is one."""


def facts_told(evidence: Mapping[str, Any], rule: Rule) -> list[dict[str, str]]:
    """Return what a flag rests on: what each fact means, what was found, and limits with why."""
    found = []
    for name, value in evidence.items():
        fact, parameter = FACT_BY_NAME.get(name), rule.about.parameters.get(name)
        why = ""
        if fact is not None:
            what, unit = fact.meaning, fact.unit if fact.kind == "whole number" else ""
        elif parameter is not None:
            # A list says itself what it is of.
            unit = parameter.unit if isinstance(value, int) else ""
            what, why = f"the rule’s {_spaced(name)}", parameter.why
        else:
            is_rule = isinstance(value, str) and name.partition("-")[0].isupper()
            what, unit = f"what rule {name} said" if is_rule else _spaced(name), ""
        found.append({"what": _capital(what), "value": value_told(value, unit), "why": why})
    return found


def value_told(value: Any, unit: str = "") -> str:
    """Return a fact in words: days as days, codes with what they stand for, numbers with units."""
    if isinstance(value, str):
        if value in CODES and not value.isdigit():
            return f"{value}, {CODES[value]}"
        return _day_told(value) or shown_value(value)
    said = shown_value(value)
    if not unit or value is None or isinstance(value, bool):
        return said
    return f"{said} {unit.removesuffix('s') if value == 1 else unit}"


def _day_told(text: str) -> str:
    try:
        return day(dt.date.fromisoformat(text)) if len(text) == len("2026-10-09") else ""
    except ValueError:
        return ""


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def events_told(events: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return what happened to a case in words, the latest first; that it was read is left out."""
    return [
        {
            "at": event["at"],
            "by": actor_told(event["actor"]),
            "what": _capital(event["kind"]) + (f", rule {event['rule']}" if event["rule"] else ""),
            "more": _detail_told(event["detail"]),
        }
        for event in reversed(events)
        if event["kind"] != READ
    ]


def actor_told(actor: str) -> str:
    """Return who did something; what is no person is named in words."""
    if actor.startswith("system:"):
        return "the nightly run"
    return actor.removeprefix("account:")


def reads_told(events: Sequence[Mapping[str, Any]]) -> str:
    """Return how often a case was read before, and by whom last."""
    reads = [event for event in events if event["kind"] == READ]
    if not reads:
        return ""
    last, n = reads[-1], len(reads)
    often = "once" if n == 1 else f"{n:,} times"
    who = "by" if n == 1 else "the last time by"
    return f"Read {often} before, {who} {actor_told(last['actor'])} on {moment(last['at'])}."


def _detail_told(detail: Mapping[str, Any]) -> str:
    """Return what the trail has beside the kind of an event, as far as a reader asks for it."""
    said = []
    for name, words in (
        ("to", "to {}"), ("from", "from {}"), ("owner", "for {}"), ("why", "{}"),
        ("review", "review {}"), ("supersedes", "in place of review {}"),
        ("action", "action {}"), ("kind", "{}"), ("sample", "sample {}"),
    ):  # fmt: skip
        if detail.get(name) not in (None, ""):
            said.append(words.format(detail[name]))
    for name, words in (("until", "until {}"), ("due_on", "due {}"), ("done_on", "done on {}")):
        if detail.get(name):
            text = str(detail[name])
            said.append(words.format(moment(text) if "T" in text else day(text)))
    flags = detail.get("flags")
    if flags:
        said.append(f"for {', '.join(flags)}")
    return ", ".join(said)


def deeds_offered(found: Case, events: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what a manager can do with a case of this status: addresses and words."""
    kinds = {event["kind"] for event in events}
    is_reviewed = "review submitted" in kinds and "second review submitted" not in kinds
    return [
        (name, words)
        for name, words, act in _OF_MANAGERS
        if (found.status != "closed" if act is None else found.status in MOVES[act])
        and (name != "second" or is_reviewed)
    ]


def steps_offered(found: Case, caller: Caller) -> dict[str, bool]:
    """Return which steps of the work on a case whoever asks can take now."""
    holder = found.holder(caller.asker.at)
    is_manager = caller.may("deed")
    is_free = holder in (None, caller.name)
    is_theirs = is_free and (found.assigned_to in (None, caller.name) or is_manager)
    is_waiting = found.status == "awaiting second review"
    return {
        "claim": caller.may("claim") and is_theirs and holder != caller.name
        and found.status in MOVES["claim"],
        "release": caller.may("release") and found.held_by is not None
        and (found.held_by == caller.name or is_manager) and found.status in MOVES["release"],
        "review": caller.may("review") and is_theirs and found.status in MOVES["start a review"],
        "second": caller.may("second") and is_waiting,
    }  # fmt: skip


def link_outside(template: str | None, found: Case) -> str:
    """Return the address of a case's record in the council's own system; nothing without one."""
    if not template:
        return ""
    return template.replace(CHILD, quote(found.child_id, safe="")).replace(
        REFERRAL, quote(found.referral_id, safe="")
    )
