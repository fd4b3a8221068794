"""Serving the pages: who may start it where, and how it ends."""

from __future__ import annotations

import logging
import sys
from typing import Final

import uvicorn

from triage import store
from triage.errors import CallError
from triage.settings_telling import is_this_machine
from triage.web.app import make_app
from triage.web.outside import LOG, Outside
from triage.web.site import Site

_GRACE: Final = 30
"""Seconds that requests have to come to their end when the server is told to stop."""


def serve(site: Site, host: str, port: int) -> None:
    """Serve the pages until the process is told to stop; what was begun is ended first.

    Raises:
        CallError: when nobody is registered yet, or the pages would go over the network in the
            clear.
        StoreError: when the store cannot be used.
    """
    web = site.settings.web
    if not is_this_machine(host) and not (web.address or "").startswith("https:"):
        raise CallError(
            f"--host {host}: people would send passwords in the clear. Put a proxy that encrypts "
            'before it, and name the address in triage.toml: [web] address = "https://..."'
        )
    if not store.people(site.url):
        raise CallError(
            "nobody is registered, so nobody could sign in: `triage users add NAME` registers the "
            "first administrator."
        )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    LOG.setLevel(logging.INFO)
    uvicorn.run(
        Outside(make_app(site)), host=host, port=port, log_config=None, access_log=False,
        server_header=False, proxy_headers=bool(web.proxies),
        forwarded_allow_ips=list(web.proxies), timeout_graceful_shutdown=_GRACE,
    )  # fmt: skip
