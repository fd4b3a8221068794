"""The pages of rules: what each asks and why, how it fires, and how useful reviewers find it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import MissingError
from triage.rule_words import asks, with_gaps
from triage.rules import Rule
from triage.ruleset import severity_rank
from triage.web.gate import caller_of, site_of
from triage.web.pictures import bars
from triage.web.render import day, page

router = APIRouter()
_RUNS_SHOWN: Final = 60
_LETTERS_OF_HASH: Final = 12
_STATUSES: Final = ("stable", "trial", "draft", "retired", "switched off")
_SORTS: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "id": lambda one: one["id"],
    "title": lambda one: one["title"].casefold(),
    "severity": lambda one: severity_rank(one["severity"]),
    "status": lambda one: _STATUSES.index(one["status"]),
    "open": lambda one: one["open"],
    "last": lambda one: -1 if one["last"] is None else one["last"],
}


def status_of(rule: Rule) -> str:
    """Return where a rule stands, or that it is switched off."""
    return "switched off" if rule.is_off else rule.status


@router.get("/rules")
def rules(request: Request, sort: str = "id") -> Response:
    """List the rules, with how many cases of the queue each has flagged, and of the last run."""
    site, caller = site_of(request), caller_of(request)
    as_of = store.last_as_of(site.url)
    is_open = store.open_flags(site.url, caller.asker) if as_of else {}
    last = store.last_counts(site.url, caller.asker) if as_of else {}
    found: list[dict[str, Any]] = [
        {
            "id": rule.id,
            "title": rule.about.title,
            "severity": rule.severity,
            "status": status_of(rule),
            "open": is_open.get(rule.id, 0),
            "last": last[rule.id]["flag"] if rule.id in last else None,
        }
        for rule in site.rules.rules
    ]
    by = sort.removeprefix("-")
    if by not in _SORTS:
        by, sort = "id", "id"
    found.sort(key=_SORTS["id"])
    found.sort(key=_SORTS[by], reverse=sort.startswith("-"))
    gone = sorted((rule, n) for rule, n in is_open.items() if rule not in site.rules.by_id)
    return page(
        request, "rules.html", rules=found, sort=sort, gone=gone, as_of=as_of,
        unfinished=site.rules.unfinished,
    )  # fmt: skip


@router.get("/rules/{rule_id}")
def rule(request: Request, rule_id: str) -> Response:
    """Show one rule whole."""
    site, caller = site_of(request), caller_of(request)
    found = site.rules.by_id.get(rule_id.upper())
    if found is None:
        raise MissingError(f"there is no rule {rule_id}", "; `triage rules list` shows them.")
    as_of = store.last_as_of(site.url)
    firing: list[store.Firing] = []
    uses, excepted, n_open = [], [], 0
    if as_of is not None:
        firing = store.firing_of(
            site.url, caller.asker, found.id, found.text_hash, _RUNS_SHOWN
        )  # fmt: skip
        uses = [_use(one, found) for one in store.uses_of_rule(site.url, caller.asker, found.id)]
        lasting = store.exceptions(site.url, caller.asker)
        excepted = [one for one in lasting if one.rule == found.id]
        n_open = store.open_flags(site.url, caller.asker).get(found.id, 0)
    points = [(day(one.as_of), one.flag) for one in reversed(firing)]
    return page(
        request, "rule.html", rule=found, about=found.about, rule_status=status_of(found),
        asks=asks(found.condition), says=with_gaps(found.about.message),
        due=with_gaps(found.about.due or ""), columns=sorted(site.rules.columns(found.id)),
        titles={one.id: one.about.title for one in site.rules.rules}, firing=firing,
        picture=bars(f"Flagged by {found.id}, run by run", points) if len(points) > 1 else "",
        uses=uses, excepted=excepted, n_open=n_open, text=found.text_hash[:_LETTERS_OF_HASH],
        read_by=[one.id for one in site.rules.rules if found.id in one.reads], as_of=as_of,
    )  # fmt: skip


def _use(one: Any, found: Rule) -> dict[str, Any]:
    """Return what reviewers said of one text of a rule."""
    answers = {name: one.useful.get(name, 0) for name in ("yes", "partly", "no")}
    return {
        "text": one.text_hash[:_LETTERS_OF_HASH], "is_now": one.text_hash == found.text_hash,
        "flags": one.n_flags, "open": one.n_open, "n": sum(answers.values()), **answers,
    }  # fmt: skip
