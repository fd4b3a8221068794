"""What proxies in front say: where a request came from, and who is signed in there.

Both are believed only of addresses that the settings name; who is signed in, only of the address
that the connection itself comes from, whatever is said of addresses before it.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from triage.settings_web import Web
from triage.web.logs import LOG

_PEER: Final = "peer"
_LONGEST_NAME: Final = 200
_SIGNS: Final = ("x-forwarded-for", "x-forwarded-proto", "forwarded", "via", "x-real-ip")
"""The headers by which a request shows that it came through a proxy."""


class Peers:
    """The layer that keeps where a connection comes from, before a proxy's word is taken."""

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        self.app: ASGIApp = app
        named = list(proxies)
        if named:
            self.app = ProxyHeadersMiddleware(app, named)  # type: ignore[arg-type,assignment]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            client = scope.get("client")
            scope.setdefault("state", {})[_PEER] = client[0] if client else ""
        await self.app(scope, receive, send)


def peer_of(request: Request) -> str:
    """Return the address that a request's connection comes from; nothing where it is not known."""
    return str(request.scope.get("state", {}).get(_PEER, ""))


def is_among(address: str, networks: Iterable[str]) -> bool:
    """Return whether an address is one of these, or in one of these networks."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network) for network in networks)


def is_through_a_proxy(request: Request) -> bool:
    """Return whether a request shows that it did not come straight here."""
    return any(sign in request.headers for sign in _SIGNS)


def named_by_proxy(request: Request, web: Web) -> str:
    """Return who is signed in at the proxy in front; nothing where it is not to be believed."""
    if web.header.name is None:
        return ""
    given = request.headers.getlist(web.header.name)
    if not given:
        return ""
    if not is_among(peer_of(request), web.header.senders):
        _log(request, "a header that names somebody came from an address that is not believed")
        return ""
    name = _readable(given[0].strip())
    if len(given) > 1 or not name:
        _log(request, "a header is to name one person, and does not; nobody is signed in by it")
        return ""
    return name


def _readable(given: str) -> str:
    """Return a name as it was sent, in UTF-8; nothing for one that cannot be somebody's."""
    try:
        name = given.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return ""
    return name if name.isprintable() and len(name) <= _LONGEST_NAME else ""


def _log(request: Request, said: str) -> None:
    number = request.scope.get("state", {}).get("request_id", "")
    LOG.warning(json.dumps({"request": number, "warning": said, "peer": peer_of(request)}))
