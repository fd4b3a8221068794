"""Serving the pages: who may start it where, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, Final

import uvicorn
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from triage import __version__, store
from triage.errors import CallError, StoreError
from triage.settings_telling import is_this_machine
from triage.settings_web import OIDC_SECRET
from triage.web import logs
from triage.web.app import make_app
from triage.web.metrics import SHARED
from triage.web.outside import Outside
from triage.web.proxies import Peers
from triage.web.render import make_ready
from triage.web.site import Site

_GRACE: Final = 30
"""Seconds that requests have to come to their end when the server is told to stop."""
_KEPT: Final = 10
"""Connections that each process keeps to its database."""
_THREADS: Final = 6
"""Requests of a process that are answered at the same time. With many more, each would wait for its
turn after every question to the database; so they wait once, at the door."""
_TURN: Final = 0.0005
"""Seconds after which a thread that reckons gives way to one whose database has answered."""
_WAITING: Final = 128
"""Connections of browsers that wait until they are taken in."""


def serve(
    site: Site, host: str, port: int, workers: int = 1, ready: Callable[[], None] = lambda: None
) -> None:  # fmt: skip
    """Serve the pages until the process is told to stop; what was begun is ended first.

    ``ready`` is called once browsers can connect.

    Raises:
        CallError: when nobody is registered yet, the pages would go over the network in the clear,
            a secret is missing, or the port cannot be had.
        StoreError: when the store cannot be used.
    """
    _check(site, host)
    with _bound(host, port) as taken, _figures_together(workers), _stopped_quietly():
        logs.begin()
        logs.say(serving=f"http://{_shown(host)}:{port}", workers=workers, version=__version__)
        ready()
        config: dict[str, Any] = {
            "factory": True, "log_config": None, "access_log": False, "server_header": False,
            "proxy_headers": False, "timeout_graceful_shutdown": _GRACE, "workers": workers,
        }  # fmt: skip
        wanted = uvicorn.Config(partial(application, site), **config)
        if workers > 1:
            Multiprocess(wanted, sockets=[taken]).run()
        else:
            uvicorn.Server(wanted).run(sockets=[taken])
        logs.say(stopped=True)


def application(site: Site) -> ASGIApp:
    """Return what a process serves, with its log ready."""
    logs.begin()
    return Peers(Outside(make_app(site, _connected)), site.settings.web.proxies)


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    """Keep connections to the store while requests are served, by few threads that take turns."""
    store.keep_connections(_KEPT)
    make_ready()
    with suppress(StoreError):
        # Where it is busy, or a night has yet to make it, whoever comes first waits for this.
        store.know_teams(app.state.site.url)
    current_default_thread_limiter().total_tokens = _THREADS
    sys.setswitchinterval(_TURN)
    yield
    store.keep_connections(0)


def _check(site: Site, host: str) -> None:
    web = site.settings.web
    if not is_this_machine(host) and not (web.address or "").startswith("https:"):
        raise CallError(
            f"--host {host}: people would send passwords in the clear. Put a proxy that encrypts "
            'before it, and name the address in triage.toml: [web] address = "https://..."'
        )
    if web.oidc.issuer is not None and not os.environ.get(OIDC_SECRET):
        raise CallError(
            f"triage.toml names a provider under [web.oidc], and {OIDC_SECRET} is missing in the "
            "environment; set it to the secret that the provider gave."
        )
    if not web.local and web.oidc.issuer is None and web.header.name is None:
        raise CallError(
            "nobody could sign in: local is false under [web], and neither [web.oidc] nor "
            "[web.header] says how else."
        )
    if not any(one.is_active for one in store.people(site.url)):
        raise CallError(
            "nobody is registered, so nobody could sign in: `triage users add NAME` registers the "
            "first administrator."
        )


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """Take the address and port before anything is served.

    Raises:
        CallError: when they cannot be had.
    """
    try:
        (family, kind, number, _, at), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        taken = socket.socket(family, kind, number)
    except OSError:
        raise CallError(
            f"--host {host}: is no address of this machine; leave it out to serve to this machine."
        ) from None
    with taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(at)
            taken.listen(_WAITING)
        except OSError as error:
            said = (error.strerror or str(error)).casefold()
            raise CallError(
                f"--port {port}: cannot be had at {host} ({said}); choose another port, or stop "
                "what uses it."
            ) from None
        taken.set_inheritable(True)
        yield taken


@contextmanager
def _figures_together(workers: int) -> Iterator[None]:
    """Let several processes add up their figures, in a folder that goes when they end."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="triage-metrics-") as folder:
        os.environ[SHARED] = folder
        try:
            yield
        finally:
            del os.environ[SHARED]


@contextmanager
def _stopped_quietly() -> Iterator[None]:
    """Take a signal to stop as what it is, once the server has ended what was begun."""
    before = {sig: signal.signal(sig, lambda *_: None) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
