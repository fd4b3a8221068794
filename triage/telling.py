"""Telling people of a night: digests by mail and into a folder, and the webhook.

A run is stored before anybody is told, and nothing here undoes it. What was sent stands in the
trail, so that telling again sends only what is still missing.
"""

from __future__ import annotations

import datetime as dt
import difflib
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from triage import mailing, store, webhook
from triage.digest import ALL_TEAMS, NO_TEAM, Digest, Figures, Night, as_text, digest, shown_team
from triage.digest_html import as_html
from triage.errors import CallError, StoreError
from triage.settings import Settings
from triage.settings_telling import SHORTEST_SECRET, SMTP_PASSWORD, WAYS, WEBHOOK_SECRET, Telling
from triage.vocabulary import counted, cut


@dataclass(frozen=True)
class Means:
    """What telling needs of the world outside: secrets, the time, and a way to wait."""

    environment: Mapping[str, str]
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    wait: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


@dataclass(frozen=True)
class Item:
    """One thing to be told, by one way; ``team`` is None for all of them."""

    way: str
    figures: Figures
    to: tuple[str, ...] = ()

    @property
    def team(self) -> str | None:
        """Return the team it is for."""
        return self.figures.team

    @property
    def key(self) -> tuple[str, str | None]:
        """Return what the trail knows it by."""
        return self.way, self.team


@dataclass(frozen=True)
class Failed:
    """Something that could not be told, and why, for whoever runs this."""

    item: Item
    why: str


@dataclass
class Report:
    """What became of telling a night; ``n_known`` were sent before, ``warnings`` are sentences."""

    run: int
    sent: list[Item] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    n_known: int = 0
    warnings: list[str] = field(default_factory=list)


def is_asked(settings: Settings) -> bool:
    """Return whether the settings name anybody who is to be told."""
    telling = settings.telling
    return bool(telling.folder or any(telling.addresses()) or settings.webhook.url)


def tell(
    settings: Settings,
    means: Means,
    *,
    run_id: int | None = None,
    team: str | None = None,
    again: bool = False,
    actor: str | None = None,
) -> Report:
    """Tell of a run (the last by default) whoever the settings name, and keep it in the trail.

    With ``team`` only its digest is sent, even when nothing is new. What the trail says was sent is
    sent ``again`` only when asked for. ``actor`` is ``system:nightly`` where it is None.

    Raises:
        CallError: when there is no such run, nobody is to be told, or a team is not known.
        StoreError: when the store cannot be read.
    """
    if not is_asked(settings):
        raise CallError(
            "nobody is to be told: triage.toml names no folder, address or webhook under "
            "[telling] and [webhook]."
        )
    night = store.night_figures(settings.db, run_id, settings.telling.most_pressing)
    items = plan(settings, night, team)
    if team is not None and not items:
        raise CallError(
            f"--team {shown_team(team)}: [telling] names neither a folder nor an address for it, "
            "or it is muted."
        )
    known = set() if again else store.told_already(settings.db, night.run)
    due = [item for item in items if item.key not in known]
    report = Report(night.run, n_known=len(items) - len(due))
    report.warnings += unknown_names(settings.telling, night)
    is_kept = True
    for one in _sent(settings, night, due, means):
        if one.problem is None:
            report.sent.append(one.item)
        else:
            report.failed.append(Failed(one.item, one.problem.told))
        # At once, so that no crash loses it; a store that is out of reach is not asked again.
        is_kept = is_kept and _keep(settings.db, means, night.run, actor, one)
    if not is_kept:
        report.warnings.append(
            "what was sent could not all be written to the trail, because the store is busy or out "
            "of reach; `triage tell` may send some of it twice."
        )
    return report


def plan(settings: Settings, night: Night, team: str | None = None) -> list[Item]:
    """Return what is to be told of a night: into the folder, by mail, and to the webhook.

    Muted teams and ways get none, and without ``team`` nor do those of which nothing is new.

    Raises:
        CallError: when neither the queue nor the settings know the team.
    """
    telling = settings.telling
    items = []
    for figures in _wanted(telling, night, team):
        is_quiet = not figures.has_news and not telling.when_quiet and team is None
        if is_quiet or figures.team in telling.mute:
            continue
        to = telling.all if figures.team is None else telling.teams.get(figures.team, ())
        if telling.folder:
            items.append(Item("folder", figures))
        if to:
            items.append(Item("email", figures, to))
    if settings.webhook.url and team is None:
        items.append(Item("webhook", night.whole))
    items = [item for item in items if item.way not in telling.mute]
    return sorted(items, key=lambda item: ("folder", "email", "webhook").index(item.way))


def _wanted(telling: Telling, night: Night, team: str | None) -> list[Figures]:
    """Return the figures of which there may be a digest: of all, and of each team by name."""
    named = [one.team for one in night.teams if one.team not in (None, NO_TEAM)]
    teams = list(dict.fromkeys([*map(str, named), *telling.teams]))
    if team is None:
        return [night.whole, *map(night.of, teams)]
    if team not in teams:
        raise CallError(f"--team: {_unknown(team, teams)}")
    return [night.of(team)]


def _unknown(name: str, known: Sequence[str]) -> str:
    said = f"nothing in the queue is of the team '{cut(name)}'"
    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f"{said}; did you mean {shown_team(close[0])}?"
    return f"{said}; known are {', '.join(map(shown_team, known)) or 'none'}."


def unknown_names(telling: Telling, night: Night) -> list[str]:
    """Return a sentence for each team in the settings that the queue does not know.

    A name that is mistyped there silently gets nothing, or is not muted.
    """
    known = [one.team for one in night.teams if one.team]
    places = [("telling.teams", name) for name in telling.teams]
    places += [("telling.mute", name) for name in telling.mute if name not in WAYS]
    return [
        f"setting {place}: {_unknown(name, known)}" for place, name in places if name not in known
    ]


@dataclass(frozen=True)
class Tried:
    """What became of an item: why it was not sent, if so, and what the trail is to say of it."""

    item: Item
    problem: mailing.Problem | None
    detail: Mapping[str, Any] = field(default_factory=dict)


def _sent(settings: Settings, night: Night, items: Sequence[Item], means: Means) -> Iterator[Tried]:
    """Yield what became of each item, once it has been tried."""
    telling = settings.telling
    for way, some in groupby(items, key=lambda item: item.way):
        if way == "folder":
            for item in some:
                whole = digest(night, item.figures, telling.link)
                name = mailing.file_name(night.run, item.team)
                folder = Path(telling.folder or "")
                problem = mailing.write(folder, name, as_text(whole), as_html(whole))
                yield Tried(item, problem)
        elif way == "email":
            yield from _mailed(telling, night, list(some), means)
        else:
            yield from (_called(settings, night, item, means) for item in some)


def _mailed(telling: Telling, night: Night, items: Sequence[Item], means: Means) -> Iterator[Tried]:
    smtp, sender = telling.smtp, telling.sender or ""
    password = means.environment.get(SMTP_PASSWORD)
    lacks = mailing.Problem.of(f"{SMTP_PASSWORD} is not set, the password of {smtp.user}")
    with mailing.Mailer(smtp, password) as mailer:
        for item in items:
            detail = {"n_addresses": len(item.to)}
            if smtp.user is not None and not password:
                yield Tried(item, lacks, detail)
                continue
            whole = digest(night, item.figures, telling.link)
            made = mailing.message(
                whole.subject, as_text(whole), as_html(whole), sender, item.to, means.now()
            )
            yield Tried(item, mailer.send(made, item.to), detail)


def _called(settings: Settings, night: Night, item: Item, means: Means) -> Tried:
    secret = means.environment.get(WEBHOOK_SECRET, "")
    if len(secret) < SHORTEST_SECRET:
        why = f"{WEBHOOK_SECRET} is not set, or has less than {SHORTEST_SECRET} characters"
        return Tried(item, mailing.Problem.of(why))
    called = webhook.call(
        settings.webhook, secret, webhook.body_of(night.as_json()),
        now=means.now, wait=means.wait, chance=means.chance,
    )  # fmt: skip
    detail = {"n_tries": called.n_tries}
    if not called.problem:
        return Tried(item, None, detail)
    tries = counted(called.n_tries, "try")
    why = f"{settings.webhook.name}: {called.problem} (after {tries})"
    return Tried(item, mailing.Problem.of(why), detail)


def _keep(url: str, means: Means, run: int, actor: str | None, tried: Tried) -> bool:
    """Write what became of an item to the trail; return whether that could be done."""
    detail = dict(tried.detail)
    if tried.item.way != "webhook":
        detail["team"] = tried.item.team
    if tried.problem is not None:
        detail["why"] = tried.problem.kept
    try:
        store.keep_told(
            url, means.now(), actor, run, tried.item.way, detail, is_sent=tried.problem is None
        )
    except StoreError:
        return False
    return True


def told(report: Report) -> list[str]:
    """Return what was sent, in a sentence, and each warning."""
    n_digests = sum(item.way != "webhook" for item in report.sent)
    said = [f"{counted(n_digests, 'digest')} sent"] if n_digests else []
    said += ["the webhook called"] if len(report.sent) > n_digests else []
    if report.n_known:
        said.append(f"{report.n_known:,} sent before and not again (--again sends them once more)")
    if not said and not report.failed:
        said = ["nothing is new or overdue, so nobody was told"]
    first = [f"of run {report.run}: {', '.join(said)}."] if said else []
    return first + warned(report.warnings)


def warned(sentences: Sequence[str]) -> list[str]:
    """Return warnings as they are said."""
    return [f"warning: {one}" for one in sentences]


def failures(report: Report) -> list[str]:
    """Return what could not be sent, a sentence for each reason, and how it is sent again."""
    by_reason: dict[tuple[str, str], list[Item]] = {}
    for failed in report.failed:
        by_reason.setdefault((failed.item.way, failed.why), []).append(failed.item)
    found = []
    for (way, why), items in by_reason.items():
        names = ", ".join(item.figures.name for item in items)
        what = (
            "the webhook was not called"
            if way == "webhook"
            else f"no digest for {names} {_BY[way]}"
        )
        found.append(f"{what}: {why}.")
    if found:
        found.append(
            f"run {report.run} is stored; `triage tell --run {report.run}` sends what is missing."
        )
    return found


_BY = {"email": "was sent by mail", "folder": "was written"}


def previews(
    settings: Settings,
    night: Night,
    team: str | None,
    seen: Collection[str] | None,
) -> list[tuple[str, Digest]]:
    """Return the digests that would be sent, each with where it would go, for somebody to look at.

    ``seen`` are the teams that they may see, None meaning all; where nobody is to be told, it is
    the digest of all teams, or of the one asked for.
    """
    if team is not None and seen is not None and team not in seen:
        raise CallError(f"--team {shown_team(team)}: not a team of yours.")
    items = [item for item in plan(settings, night, team) if item.way != "webhook"]
    if not items and (team is not None or not is_asked(settings)):
        items = [Item("", one) for one in _wanted(settings.telling, night, team)[:1]]
    found = []
    for whose, same in groupby(sorted(items, key=_order), key=lambda item: item.team):
        if seen is not None and whose not in seen:
            continue
        some = list(same)
        goes = [_goes(settings.telling, night, item) for item in some if item.way]
        told_to = "; ".join(goes) or "nowhere: [telling] names nobody for it"
        found.append((told_to, digest(night, some[0].figures, settings.telling.link)))
    return found


def _order(item: Item) -> tuple[bool, str]:
    return item.team is not None, item.team or ALL_TEAMS


def _goes(telling: Telling, night: Night, item: Item) -> str:
    if item.way == "email":
        return ", ".join(item.to)
    return str(Path(telling.folder or "") / mailing.file_name(night.run, item.team)) + ".txt, .html"
