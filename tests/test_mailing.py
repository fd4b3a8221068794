"""Digests by mail, against real mail servers, and into a folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling_servers import (
    HERE,
    PASSWORD,
    USER,
    authority,
    free_port,
    mail_server,
    silent_server,
)

from triage.mailing import Mailer, Problem, file_name, message, write
from triage.settings_telling import Smtp

NOON = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)
SENDER, NORTH = "triage@council.example", ("n.north@council.example", "second@council.example")

Send = Callable[..., list[Problem | None]]


def a_message(subject: str = "Re-referral triage, North", to: Sequence[str] = NORTH) -> object:
    return message(subject, "Zażółć: 3 new\n", "<p>Zażółć: 3 new</p>", SENDER, to, NOON)


def send(
    port: int, n: int = 1, *, password: str | None = None, **asked: object
) -> list[Problem | None]:
    smtp = Smtp.model_validate(
        {"host": HERE, "port": port, "security": "none", "timeout": 2, **asked}
    )
    with Mailer(smtp, password) as mailer:
        return [
            mailer.send(
                message(f"No. {number}", "text\n", "<p>page</p>", SENDER, NORTH, NOON), NORTH
            )
            for number in range(n)
        ]


def test_a_message_has_text_and_html_and_says_that_no_person_wrote_it() -> None:
    with mail_server() as box:
        assert send(box.port) == [None]
    (made,) = box.messages
    assert made["Subject"] == "No. 0"
    assert made["From"] == "Re-referral triage <triage@council.example>"
    assert made["To"] == "n.north@council.example, second@council.example"
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["Date"].datetime == NOON
    assert made["Message-ID"].endswith("@council.example>")
    assert [part.get_content_type() for part in made.iter_parts()] == ["text/plain", "text/html"]
    text, page = (part.get_content() for part in made.iter_parts())
    assert (text.strip(), page.strip()) == ("text", "<p>page</p>")
    assert box.sent_to() == [list(NORTH)]
    assert box.envelopes[0].mail_from == SENDER


def test_several_messages_take_one_connection() -> None:
    with mail_server() as box:
        assert send(box.port, 3) == [None, None, None]
    assert (len(box.messages), box.n_connections) == (3, 1)


ODD_TEAMS = (
    "North\r\nBcc: everybody@elsewhere.example",
    "North\nSubject: another",
    "North\x00\x1b[31m",
    "\u202eforth",
    "Zespół Północ 🧸",
    "=?utf-8?q?North?=",
    "N" * 5000,
    "\ud800",
    "a\u2028b\x85c",
)


@pytest.mark.parametrize("team", ODD_TEAMS)
def test_a_team_can_put_nothing_into_the_head(team: str) -> None:
    made = message(f"Triage, {team}", "text\n", "<p>x</p>", SENDER, NORTH, NOON)
    is_as_if_plain(made.as_bytes())
    with mail_server() as box:
        smtp = Smtp(host=HERE, port=box.port, security="none", timeout=2)
        with Mailer(smtp, None) as mailer:
            assert mailer.send(made, NORTH) is None
    assert box.sent_to() == [list(NORTH)]
    is_as_if_plain(bytes(box.envelopes[0].content or b""))


@given(st.text(max_size=200))
def test_no_text_can_put_anything_into_the_head(team: str) -> None:
    is_as_if_plain(message(f"T {team}", "x\n", "<p>x</p>", SENDER, NORTH, NOON).as_bytes())


def is_as_if_plain(whole: bytes) -> None:
    """Hold a message to the names of its head, each there once."""
    head = whole.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    names = [line.split(b":")[0].lower() for line in head if not line.startswith((b" ", b"\t"))]
    expected = {b"subject", b"from", b"to", b"date", b"message-id", b"auto-submitted",
                b"mime-version", b"content-type"}  # fmt: skip
    assert len(names) == len(set(names))
    assert set(names) - {b"x-peer", b"x-mailfrom", b"x-rcptto"} == expected


def test_what_a_server_refuses_is_told_and_the_rest_is_sent() -> None:
    with mail_server() as box:
        box.refused = {NORTH[1]: "550 no such user second@council.example"}
        (found,) = send(box.port)
        assert found is not None
        assert found.kept == f"the mail server {HERE}:{box.port} refused 1 of 2 addresses (550)"
        assert found.told == f"{found.kept}: second@council.example"
        assert box.sent_to() == [[NORTH[0]]]
        box.refused |= {NORTH[0]: "451 busy"}
        (found,) = send(box.port)
        assert found is not None
        assert found.kept.endswith("refused 2 of 2 addresses (451, 550)")


def test_a_server_that_takes_no_content_is_told_without_its_words_in_the_trail() -> None:
    with mail_server() as box:
        box.after_data = "554 5.7.1 no mail from triage@council.example"
        first, second = send(box.port, 2)
    assert (
        first
        == second
        == Problem(
            f"the mail server {HERE}:{box.port} answered 554 (5.7.1 no mail from "
            "triage@council.examp…)",
            f"the mail server {HERE}:{box.port} answered 554",
        )
    )


def test_a_server_that_is_not_there_is_asked_once() -> None:
    port = free_port()
    expected = Problem.of(f"the mail server {HERE}:{port}: it refuses connections")
    assert send(port, 3) == [expected] * 3
    found = send(port, host="no.such.host.invalid")
    assert found == [
        Problem.of(f"the mail server no.such.host.invalid:{port}: no machine of that name is known")
    ]


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_server_that_says_nothing_is_given_up_after_the_timeout(security: str) -> None:
    with silent_server() as port:
        found = send(port, 2, security=security, timeout=1)
    expected = f"the mail server {HERE}:{port}: it gave no answer within 1 second"
    assert found == [Problem.of(expected)] * 2


def test_a_lost_connection_is_made_again_for_the_next_message() -> None:
    with mail_server() as box:
        box.after_data = "421 closing"
        first, _ = send(box.port, 2)
    assert first is not None
    assert box.n_connections == 2


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.filterwarnings("ignore:Session.login_data is deprecated")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_is_encrypted_and_signed_in_to_with_a_trusted_certificate(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = authority(tmp_path)
    asked = {"security": security, "host": "localhost", "user": USER}
    with mail_server(security, certified, asks_user=True) as box:
        (found,) = send(box.port, password=PASSWORD, **asked)
        assert found is not None
        assert "its certificate is not trusted" in found.kept
        assert box.messages == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certified.file))
        (found,) = send(box.port, password="wrong", **asked)
        assert found is not None
        assert found.kept.endswith("did not take the user and password (535)")
        assert send(box.port, password=PASSWORD, **asked) == [None]
        (found,) = send(box.port, password=PASSWORD, **asked | {"host": HERE})
        assert found is not None
        assert "its certificate is not trusted" in found.kept
    assert len(box.messages) == 1


def test_nothing_is_sent_in_the_clear_where_encryption_is_asked_for() -> None:
    with mail_server() as box:
        (found,) = send(box.port, security="starttls")
    assert found is not None
    assert found.kept.endswith("offers no encryption (STARTTLS)")
    assert box.messages == []


def test_a_password_goes_to_no_server_that_asks_for_none() -> None:
    with mail_server() as box:
        (found,) = send(box.port, user=USER, password=PASSWORD)
    assert found is not None
    assert found.kept.endswith("offers no sign-in for the user")


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_each_team_has_files_of_its_own_that_lie_in_the_folder(one: str, other: str) -> None:
    names = {file_name(3, one), file_name(3, other), file_name(3, None)}
    assert len(names) == (2 if one == other else 3)
    for name in names:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert len(name) < 100
    assert file_name(3, None) == "run-3-all-teams"


def test_files_are_written_into_a_folder_that_need_not_be_there(tmp_path: Path) -> None:
    assert write(tmp_path / "a" / "b", "run-1", "text ✓", "<p>✓</p>") is None
    assert (tmp_path / "a" / "b" / "run-1.txt").read_text("utf-8") == "text ✓"
    assert (tmp_path / "a" / "b" / "run-1.html").read_text("utf-8") == "<p>✓</p>"
    (tmp_path / "file").write_text("")
    found = write(tmp_path / "file", "run-1", "text", "page")
    assert found is not None
    assert "cannot be written" in found.kept
