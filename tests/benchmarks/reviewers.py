"""Many reviewers at once at the pages: how long they wait, and whether what they did is kept.

    python tests/benchmarks/reviewers.py postgresql://… --reviewers 50 --seconds 120
    python tests/benchmarks/reviewers.py sqlite:///pages.db --reviewers 10 --seconds 120

The store is one that ``queue_pages.py`` filled. A server is started on it, and each reviewer asks
for a page of the queue by team, status and severity, reads for a while (``--think``, a second on
average), and now and then claims the next case, opens it, writes a note and gives it back. Every
write that was answered is then looked for in the trail, and the server's memory is told at the
beginning, in the middle and at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import random
import re
import secrets
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode

import click
import httpx2
import psutil

from triage import store
from triage.casework import CLAIMABLE
from triage.store import Asker, Wanted

_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')
_CASE = re.compile(r"/cases/(\d+)")
ADMINISTRATOR = "b.admin"


@dataclass
class Told:
    """What was measured: seconds of each kind of request, and what was answered to writes."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)


@dataclass
class Reviewer:
    """Somebody at the pages, with a session of their own."""

    name: str
    token: str
    client: httpx2.AsyncClient
    told: Told
    dice: random.Random
    teams: list[str]

    async def ask(self, what: str, method: str, address: str, **more: object) -> httpx2.Response:
        """Ask for a page, or send a form; keep how long it took."""
        began = time.perf_counter()
        answer = await self.client.request(
            method, address, headers={"cookie": f"triage={self.token}"}, **more
        )
        self.told.seconds.setdefault(what, []).append(time.perf_counter() - began)
        self.told.statuses[what, answer.status_code] += 1
        return answer

    async def work(self, until: float, think: float) -> None:
        """Look at the queue, and now and then work on a case, until a moment."""
        await asyncio.sleep(self.dice.random() * think)
        while time.perf_counter() < until:
            asked = {
                "team": self.dice.choice(self.teams),
                "status": self.dice.choice(CLAIMABLE[:2]),
                "severity": self.dice.choice(("critical", "high", "medium", "low")),
                "page": self.dice.choice((1, 1, 1, 2, 5, 20)),
            }
            page = await self.ask("queue page", "GET", f"/queue?{urlencode(asked)}")
            await asyncio.sleep(self.dice.expovariate(1 / think))
            if self.dice.random() < 0.2:
                await self.one_case(page, think)

    async def one_case(self, page: httpx2.Response, think: float) -> None:
        """Claim the next case, open it, write a note, give it back."""
        word = {"csrf": _word(page)}
        claimed = await self.ask("claim next", "POST", "/queue/claim-next", data=word)
        found = _CASE.search(claimed.headers.get("location", ""))
        if found is None:
            return
        self.told.written["case claimed"] += 1
        here = f"/cases/{found[1]}"
        await self.ask("case", "GET", here)
        self.told.written["case read"] += 1
        await asyncio.sleep(self.dice.expovariate(1 / think))
        note = await self.ask("note", "POST", f"{here}/notes", data={**word, "text": "looked at"})
        self.told.written["note added"] += note.status_code == 303
        given = await self.ask("release", "POST", f"{here}/release", data=word)
        self.told.written["case released"] += given.status_code == 303


def _word(page: httpx2.Response) -> str:
    found = _CSRF.search(page.text)
    assert found is not None, (page.status_code, page.text[:500])
    return found[1]


def main() -> None:
    """Register reviewers, start a server, let them work, and hold what they did to the trail."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--reviewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--think", type=float, default=1.0)
    parser.add_argument("--port", type=int, default=8190)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    names = [f"b.reviewer{number:02}" for number in range(asked.reviewers)]
    now = dt.datetime.now(dt.UTC)
    administrator = Asker(ADMINISTRATOR, (), now)
    store.register(asked.url, administrator, ADMINISTRATOR, "administrator", [])
    tokens = {}
    for name in names:
        store.register(asked.url, administrator, name, "reviewer", [])
        tokens[name] = secrets.token_urlsafe(32)
        store.begin_session(asked.url, Asker(name, (), now), tokens[name], "local")
    first = store.cases(asked.url, Asker(names[0], (), now), Wanted(), limit=500).cases
    teams = sorted({one.team for one in first if one.team})
    call = [sys.executable, "-m", "triage", "serve", "--db", asked.url, "--port", str(asked.port)]
    if asked.workers > 1:
        call += ["--workers", str(asked.workers)]
    server = subprocess.Popen(call, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(measure(asked, names, tokens, teams, server))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


async def measure(
    asked: argparse.Namespace,
    names: list[str],
    tokens: dict[str, str],
    teams: list[str],
    server: subprocess.Popen[bytes],
) -> None:
    """Let the reviewers work, and say what was measured."""
    base = f"http://127.0.0.1:{asked.port}"
    told = Told()
    limits = httpx2.Limits(max_connections=asked.reviewers + 5)
    async with httpx2.AsyncClient(base_url=base, timeout=60, limits=limits) as client:
        await _until_ready(client)
        before = _events(asked.url, names)
        memory = [_memory(server)]
        until = time.perf_counter() + asked.seconds
        reviewers = [
            Reviewer(name, tokens[name], client, told, random.Random(name), teams) for name in names
        ]
        working = [asyncio.create_task(one.work(until, asked.think)) for one in reviewers]
        for part in range(4):
            await asyncio.sleep(max(0.0, until - time.perf_counter()) / (4 - part))
            memory.append(_memory(server))
        await asyncio.gather(*working)
    after = _events(asked.url, names)
    _say(asked, told, memory)
    for kind, n in sorted(told.written.items()):
        found = after[kind] - before[kind]
        click.echo(f"{kind}: {n} answered, {found} in the trail{'' if n == found else '  LOST'}")
    if any(after[kind] - before[kind] != n for kind, n in told.written.items()):
        sys.exit(1)


async def _until_ready(client: httpx2.AsyncClient) -> None:
    for _ in range(200):
        try:
            if (await client.get("/ready")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.2)
    raise SystemExit("the server did not become ready")


def _events(url: str, names: list[str]) -> Counter[str]:
    """Count the events of the reviewers by kind."""
    whose = set(names)
    auditor = Asker("b.auditor", (), dt.datetime.now(dt.UTC))
    store.register(url, Asker(ADMINISTRATOR, (), auditor.now), "b.auditor", "auditor", [])
    kinds = ("case claimed", "case read", "note added", "case released")
    return Counter(
        one.kind
        for kind in kinds
        for one in store.audit_log(url, auditor, kind=kind)
        if one.actor in whose
    )


def _memory(server: subprocess.Popen[bytes]) -> float:
    """Return the megabytes that the server and its processes hold."""
    one = psutil.Process(server.pid)
    return sum(p.memory_info().rss for p in (one, *one.children(recursive=True))) / 1e6


def _say(asked: argparse.Namespace, told: Told, memory: list[float]) -> None:
    errors = {key: n for key, n in told.statuses.items() if key[1] >= 400}
    n_asked = sum(told.statuses.values())
    click.echo(
        f"{asked.reviewers} reviewers, {asked.seconds:.0f} s, {n_asked} requests "
        f"({n_asked / asked.seconds:.0f} a second), {asked.think:g} s between two on average"
    )
    for what, seconds in told.seconds.items():
        parts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
        click.echo(
            f"{what}: {len(seconds)}, median {parts[49] * 1000:.0f} ms, "
            f"p95 {parts[94] * 1000:.0f}, p99 {parts[98] * 1000:.0f}, "
            f"most {max(seconds) * 1000:.0f}"
        )
    click.echo("memory, MB: " + ", ".join(f"{one:.0f}" for one in memory))
    click.echo(f"errors: {errors or 'none'}")


if __name__ == "__main__":
    main()
