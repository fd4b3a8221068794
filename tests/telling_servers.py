"""A mail server and a web server of our own on loopback, which do as a test tells them."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

HERE = "127.0.0.1"
USER, PASSWORD = "triage", "correct horse battery"


@dataclass
class Mailbox:
    """What a mail server took, and whom it refuses."""

    port: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    after_data: str = ""
    envelopes: list[Envelope] = field(default_factory=list)
    n_connections: int = 0

    async def handle_RCPT(self, _s: Any, _c: Any, envelope: Envelope, to: str, _o: Any) -> str:  # noqa: N802
        if to in self.refused:
            return self.refused[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, _s: Any, _c: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.after_data:
            return self.after_data
        self.envelopes.append(envelope)
        return "250 OK"

    @property
    def messages(self) -> list[EmailMessage]:
        found = []
        for envelope in self.envelopes:
            content = envelope.content
            assert isinstance(content, bytes)
            one = message_from_bytes(content, policy=policy.default)
            assert isinstance(one, EmailMessage)
            found.append(one)
        return found

    def sent_to(self) -> list[list[str]]:
        return [list(map(str, envelope.rcpt_tos)) for envelope in self.envelopes]


class Counting(Controller):
    """A server that counts who connects."""

    def factory(self) -> Any:
        self.handler.n_connections += 1
        return super().factory()


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own: its file, and the certificate of a server of its."""

    file: Path
    server: ssl.SSLContext


def authority(folder: Path) -> Authority:
    """Make an authority, and a certificate for localhost."""
    made = trustme.CA()
    made.cert_pem.write_to_path(folder / "ca.pem")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.issue_cert("localhost").configure_cert(server)
    return Authority(folder / "ca.pem", server)


@contextmanager
def mail_server(
    security: str = "none", certified: Authority | None = None, *, asks_user: bool = False
) -> Iterator[Mailbox]:
    """Run a mail server; with ``asks_user`` it takes nothing from anybody who has not signed in."""

    def signed_in(_s: Any, _c: Any, _e: Any, _mechanism: str, given: Any) -> AuthResult:
        is_right = isinstance(given, LoginPassword) and given == LoginPassword(
            USER.encode(), PASSWORD.encode()
        )
        return AuthResult(success=is_right, handled=False)

    box = Mailbox()
    asked: dict[str, Any] = {}
    if asks_user:
        asked = {
            "authenticator": signed_in, "auth_required": True,
            "auth_require_tls": security == "starttls",
        }  # fmt: skip
    if certified is not None and security == "starttls":
        asked["tls_context"] = certified.server
        asked["require_starttls"] = True
    implicit = {"ssl_context": certified.server} if certified and security == "tls" else {}
    controller = Counting(box, hostname=HERE, port=free_port(), **implicit, **asked)
    controller.start()
    box.port = controller.port
    box.n_connections = 0
    try:
        yield box
    finally:
        controller.stop()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind((HERE, 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def silent_server() -> Iterator[int]:
    """Take connections and say nothing; gives the port."""
    with socket.socket() as listening:
        listening.bind((HERE, 0))
        listening.listen(8)
        yield listening.getsockname()[1]


@dataclass
class Call:
    """A call that a web server took."""

    path: str
    heads: dict[str, str]
    body: bytes


@dataclass
class Hook:
    """A web server's answers to the calls in their order, the last one for all further ones."""

    port: int = 0
    answers: Sequence[Any] = (200,)
    calls: list[Call] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{HERE}:{self.port}/hook?token=unsaid"


@contextmanager
def web_server(*answers: Any, certified: Authority | None = None) -> Iterator[Hook]:
    """Run a web server: each answer is a status, one with heads, "drop" or "hang"."""
    hook = Hook(answers=answers or (200,))

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.calls.append(Call(self.path, dict(self.headers.items()), body))
            answer = hook.answers[min(len(hook.calls), len(hook.answers)) - 1]
            if answer == "drop":
                self.close_connection = True
                return
            if answer == "hang":
                time.sleep(3)
                self.close_connection = True
                return
            status, heads = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in heads.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            hook.calls.append(Call(self.path, dict(self.headers.items()), b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    class Serving(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing of a caller who hung up."""

    server = Serving((HERE, 0), Answering)
    if certified is not None:
        server.socket = certified.server.wrap_socket(server.socket, server_side=True)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
