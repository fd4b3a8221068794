"""Providers of OpenID Connect on this machine: a real one, and one that bends what it says."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

SECRET = "a secret that only two servers know"


_REAL = """
import json, sys
from oidc_provider_mock import User, run_server_in_thread
people = json.loads(sys.argv[1])
known = [User(sub=sub, claims=claims) for sub, claims in people.items()]
with run_server_in_thread(user_claims=known, require_nonce=True) as server:
    print(server.server_port, flush=True)
    sys.stdin.read()
"""


@contextmanager
def real_provider(people: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Run a provider that knows some people by their subjects, and give its address."""
    command = [sys.executable, "-W", "ignore", "-c", _REAL, json.dumps(people)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        yield f"http://localhost:{server.stdout.readline().strip()}"
        server.communicate()


@lru_cache(maxsize=3)
def key_of(number: int, kid: str = "one") -> RSAKey:
    """Return a key that signs; making one takes its time."""
    return RSAKey.generate_key(2048, {"kid": kid})


def signed_in_there(address: str, sub: str) -> str:
    """Sign in at a provider, as somebody does in a browser; return where it sends them then."""
    answer = httpx2.post(address, data={"sub": sub}, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


class BentProvider:
    """A provider whose ID tokens are as a test wants them.

    ``claims`` and ``header`` are put over what is right; ``key`` signs in place of the right one.
    """

    def __init__(self) -> None:
        self.key = key_of(1)
        self.published: list[Any] = [self.key]
        self.signs_with: Any = self.key
        self.alg = "RS256"
        self.claims: dict[str, Any] = {}
        self.token: str | None = None
        self.issuer: str | None = None
        self.described: dict[str, Any] = {}
        self.told_when_asked: dict[str, Any] | None = None
        self.status = 200
        self.delay = 0.0
        self.asked: list[dict[str, str]] = []
        self._nonce = ""
        self.address = ""

    @contextmanager
    def running(self) -> Iterator[BentProvider]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._answer(self, urlsplit(self.path).path, "")

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                provider._answer(self, self.path, self.rfile.read(length).decode())

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def sent_back(self, address: str, **more: str) -> str:
        """Return where a browser is sent that was sent here."""
        asked = {key: one for key, (one,) in parse_qs(urlsplit(address).query).items()}
        self._nonce = asked["nonce"]
        self.asked.append(asked)
        back = {"code": "c0de", "state": asked["state"], **more}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def _answer(self, handler: BaseHTTPRequestHandler, path: str, body: str) -> None:
        time.sleep(self.delay)
        if body:
            self.asked.append({key: one for key, (one,) in parse_qs(body).items()})
        found = {
            "/.well-known/openid-configuration": self._description,
            "/jwks": lambda: KeySet(self.published).as_dict(private=False),
            "/token": lambda: {"access_token": "acce55", "token_type": "Bearer", "expires_in": 60,
                               "id_token": self._signed() if self.token is None else self.token},
            "/userinfo": lambda: self.told_when_asked,
        }[path]()  # fmt: skip
        said = json.dumps(found).encode()
        handler.send_response(self.status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(said)))
        handler.end_headers()
        handler.wfile.write(said)

    def _description(self) -> dict[str, Any]:
        told = {
            "issuer": self.issuer or self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }
        if self.told_when_asked is not None:
            told["userinfo_endpoint"] = f"{self.address}/userinfo"
        return told | self.described

    def _signed(self) -> str:
        now = int(time.time())
        right = {
            "iss": self.issuer or self.address, "sub": "17", "aud": "triage", "iat": now,
            "exp": now + 60, "nonce": self._nonce, "preferred_username": "r.reviewer",
        }  # fmt: skip
        claims = {key: one for key, one in (right | self.claims).items() if one is not None}
        header = {"alg": self.alg, "kid": self.signs_with.kid or "one"}
        if self.alg == "none":
            return ".".join([*(_encoded(part) for part in ({"alg": "none"}, claims)), ""])
        return jwt.encode(header, claims, self.signs_with, algorithms=["RS256", "HS256"])


def shared_key() -> OctKey:
    """Return a key that whoever knows the shared secret could sign with."""
    return OctKey.import_key(SECRET)


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
