"""Digests by mail and into a folder.

A message is made of texts that are put into its head only on one line; the connection is encrypted
with a verified certificate unless the settings say none; addresses are those of the settings.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from triage.reaching import why_unreached
from triage.settings_telling import Smtp
from triage.vocabulary import counted, cut, printable

_NAME: Final = "Re-referral triage"
_LONGEST_NAME: Final = 40


@dataclass(frozen=True)
class Problem:
    """Why something was not sent: ``told`` for whoever runs this, ``kept`` for the trail.

    A mail server's own words may hold an address, so that only the former has them.
    """

    told: str
    kept: str

    @classmethod
    def of(cls, both: str) -> Self:
        """Return a problem that is told as it is kept."""
        return cls(both, both)


def message(
    subject: str, text: str, page: str, sender: str, to: Sequence[str], now: dt.datetime
) -> EmailMessage:
    """Return a digest as a message: text, and HTML for those who read it so."""
    made = EmailMessage(SMTP)
    made["Subject"] = " ".join(printable(subject).split())
    made["From"] = Address(_NAME, addr_spec=sender)
    made["To"] = ", ".join(to)
    made["Date"] = format_datetime(now)
    whole = "\n".join((now.isoformat(), subject, text, *to))
    named = hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()
    made["Message-ID"] = f"<{named[:32]}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text, cte="quoted-printable")
    made.add_alternative(page, subtype="html", cte="quoted-printable")
    return made


class Mailer:
    """A mail server: connected to when first needed, and again when the connection was lost.

    One that could not be reached is not tried again: each further message fails for the same
    reason, at once.
    """

    def __init__(self, smtp: Smtp, password: str | None) -> None:
        self._smtp = smtp
        self._password = password
        self._server: smtplib.SMTP | None = None
        self._unreached: Problem | None = None

    def __enter__(self) -> Mailer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._leave()

    def send(self, made: EmailMessage, to: Sequence[str]) -> Problem | None:
        """Send a message; return why not, or why not to all, if so."""
        server = self._connected()
        if server is None:
            return self._unreached
        try:
            refused = server.send_message(made, made["From"].addresses[0].addr_spec, list(to))
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
        except (OSError, ValueError) as error:
            self._leave()
            return self._problem(error)
        if not refused:
            return None
        codes = ", ".join(sorted({str(code) for code, _ in refused.values()}))
        n_refused = f"{len(refused)} of {counted(len(to), 'address')}"
        kept = f"{self._name} refused {n_refused} ({codes})"
        return Problem(f"{kept}: {cut(', '.join(refused))}", kept)

    @property
    def _name(self) -> str:
        host, port = self._smtp.at
        return f"the mail server {host}:{port}"

    def _connected(self) -> smtplib.SMTP | None:
        if self._server is None and self._unreached is None:
            try:
                self._server = self._connect()
            except (OSError, ValueError) as error:
                self._unreached = self._problem(error)
        return self._server

    def _connect(self) -> smtplib.SMTP:
        smtp, (host, port) = self._smtp, self._smtp.at
        verified = ssl.create_default_context()
        if smtp.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=smtp.timeout, context=verified
            )
        else:
            server = smtplib.SMTP(host, port, timeout=smtp.timeout)
        try:
            if smtp.security == "starttls":
                server.starttls(context=verified)
            if smtp.user is not None:
                server.login(smtp.user, self._password or "")
        except BaseException:
            server.close()
            raise
        return server

    def _leave(self) -> None:
        if self._server is not None:
            with suppress(OSError):
                self._server.quit()
            self._server.close()
            self._server = None

    def _problem(self, error: Exception) -> Problem:
        match error:
            case smtplib.SMTPAuthenticationError():
                return Problem.of(
                    f"{self._name} did not take the user and password ({error.smtp_code})"
                )
            case smtplib.SMTPResponseException():
                said = error.smtp_error
                words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
                kept = f"{self._name} answered {error.smtp_code}"
                return Problem(f"{kept} ({cut(words)})", kept)
            case smtplib.SMTPNotSupportedError():
                return Problem.of(f"{self._name} offers no {_what_lacks(error)}")
            case smtplib.SMTPServerDisconnected() if "timed out" in str(error):
                why = why_unreached(TimeoutError(), self._smtp.timeout)
            case smtplib.SMTPException():
                why = "it closed the connection"
            case _:
                why = why_unreached(error, self._smtp.timeout)
        return Problem.of(f"{self._name}: {why}")


def _what_lacks(error: smtplib.SMTPNotSupportedError) -> str:
    return "encryption (STARTTLS)" if "STARTTLS" in str(error) else "sign-in for the user"


def file_name(run: int, team: str | None) -> str:
    """Return what the files of a digest are called, without their endings.

    Records name the team, so only its plain letters are used, and a digest of the whole name.
    """
    if team is None:
        return f"run-{run}-all-teams"
    plain = "-".join(re.findall("[a-z0-9]+", team.casefold()))[:_LONGEST_NAME].strip("-")
    named = hashlib.sha256(team.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return "-".join(part for part in (f"run-{run}", plain, named) if part)


def write(folder: Path, name: str, text: str, page: str) -> Problem | None:
    """Write a digest into a folder, made if it is not there; return why not, if so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.txt").write_text(text, "utf-8", "backslashreplace")
        (folder / f"{name}.html").write_text(page, "utf-8", "backslashreplace")
    except OSError as error:
        return Problem.of(f"the folder {folder} cannot be written ({error.strerror or error})")
    return None
