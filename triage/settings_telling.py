"""Settings of telling people: who gets a night's digest, and which address is called.

Nothing is sent anywhere until these name where to. No secret stands in the file: the mail server's
password and the webhook's secret come from the environment alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from triage.vocabulary import cut

SMTP_PASSWORD: Final = "TRIAGE_SMTP_PASSWORD"
WEBHOOK_SECRET: Final = "TRIAGE_WEBHOOK_SECRET"
"""Environment variables that hold what is to stand in no file."""
SHORTEST_SECRET: Final = 16
"""Characters; a shorter secret can be guessed."""
CASE: Final = "{case}"
"""What stands for a case's number in ``link``."""
PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
WRONG_TELLING: Final = "telling"
"""The type of the mistake that pydantic passes on; its sentence is whole."""
WAYS: Final = ("email", "folder", "webhook")
"""The ways of telling, each of which can be muted."""

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST: Final = re.compile("[A-Za-z0-9._:-]{1,253}")
_ADDRESS: Final = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*")


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError(WRONG_TELLING, "{sentence}", {"sentence": sentence})


def _address(typed: str) -> str:
    """Return an address that can be put into a message's head as it is."""
    if len(typed) > 254 or not _ADDRESS.fullmatch(typed):
        raise _wrong(f"is to be one address, as name@council.example, not '{cut(typed)}'")
    return typed


def _host(typed: str) -> str:
    if not _HOST.fullmatch(typed):
        raise _wrong(
            f"is to be the name of a mail server, as smtp.council.example, not '{cut(typed)}'"
        )
    return typed


def _team(typed: str) -> str:
    if not typed.strip():
        raise _wrong("a team has a name; `all` under [telling] is for all teams")
    return typed


def _link(typed: str) -> str:
    if CASE not in typed or not typed.isprintable():
        raise _wrong(f"is to hold {CASE}, in place of which a case's number is put")
    return typed


def _url(typed: str) -> str:
    """Return a web address that can be called safely: encrypted, and with no password in it."""
    try:
        parts = urlsplit(typed)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not typed.isascii() or not typed.isprintable() or " " in typed:
        raise _wrong(f"is to be a web address, as https://council.example/hook, not '{cut(typed)}'")
    if "@" in parts.netloc:
        raise _wrong("is to hold no user or password: calls are signed instead")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(host)):
        raise _wrong("is to begin with https://; http:// is only for this machine itself")
    return typed


def is_this_machine(host: str) -> bool:
    """Return whether a host's name is that of the machine this runs on, whatever is configured."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Address = Annotated[str, AfterValidator(_address)]
Team = Annotated[str, AfterValidator(_team)]
Host = Annotated[str, AfterValidator(_host)]
Seconds = Annotated[int, Field(ge=1, le=300)]


class Smtp(BaseModel):
    """The mail server by which digests are sent, if any; certificates are always verified."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Host | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    timeout: Seconds = 30

    @model_validator(mode="after")
    def _hides_the_password(self) -> Smtp:
        is_near = is_this_machine(self.host or "")
        if self.user is not None and self.security == "none" and not is_near:
            raise _wrong("security is to be starttls or tls, or the password could be read")
        return self

    @property
    def at(self) -> tuple[str, int]:
        """Return host and port, the usual one where none is named."""
        return self.host or "", self.port or PORTS[self.security]


class Telling(BaseModel):
    """Who gets the digest of a night, by which way; nobody, unless these say so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str | None = None
    sender: Address | None = Field(default=None, alias="from")
    all: tuple[Address, ...] = ()
    teams: dict[Team, tuple[Address, ...]] = {}
    smtp: Smtp = Smtp()
    mute: tuple[str, ...] = ()
    link: Annotated[str, AfterValidator(_link)] | None = None
    most_pressing: Annotated[int, Field(ge=0, le=200)] = 10
    when_quiet: bool = False

    @model_validator(mode="after")
    def _can_be_sent(self) -> Telling:
        if any(self.addresses()) and self.smtp.host is None:
            raise _wrong("host under [telling.smtp] is missing: the mail server for its addresses")
        if self.smtp.host is not None and self.sender is None:
            raise _wrong("from is missing: the address that digests come from")
        return self

    def addresses(self) -> Iterator[str]:
        """Yield every address that gets a digest."""
        yield from self.all
        for some in self.teams.values():
            yield from some


class Webhook(BaseModel):
    """The address that is called after each run, signed; none, unless ``url`` names one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_url)] | None = None
    retries: Annotated[int, Field(ge=0, le=10)] = 4
    timeout: Seconds = 10

    @property
    def name(self) -> str:
        """Return what the address is called in messages: without what may be secret in it."""
        parts = urlsplit(self.url or "")
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def keys_at(model: type[BaseModel], where: tuple[Any, ...]) -> list[str]:
    """Return the settings known in the table that a mistake's place stands in, as they are typed.

    ``where`` is the place as pydantic gives it, the last part being the mistaken key itself.
    """
    for part in where[:-1]:
        field = next(
            (f for name, f in model.model_fields.items() if (f.alias or name) == part), None
        )
        kinds = [] if field is None else [field.annotation, *_arguments(field.annotation)]
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not inner:
            break
        model = inner[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _arguments(annotation: Any) -> tuple[Any, ...]:
    return tuple(getattr(annotation, "__args__", ()))


TELLING_TEMPLATE: Final = """\

# Who gets a digest when `triage nightly` has stored its run; nobody, until a folder or an address
# is named. It holds case numbers and counts, and nothing of any child.
[telling]
# folder = "digests"
# from = "triage@council.example"
# all = ["head.of.service@council.example"]
# link = "https://triage.council.example/cases/{case}"
# most_pressing = 10
# when_quiet = false
# mute = ["Assessment North", "webhook"]
[telling.teams]
# "Assessment North" = ["north.managers@council.example"]

# The mail server: security is starttls, tls or none; the password is TRIAGE_SMTP_PASSWORD in the
# environment.
[telling.smtp]
# host = "smtp.council.example"
# port = 587
# security = "starttls"
# user = "triage"
# timeout = 30

# What is called after each run, signed with TRIAGE_WEBHOOK_SECRET of the environment.
[webhook]
# url = "https://council.example/triage"
# retries = 4
# timeout = 10
"""
"""The settings of telling, as ``triage init`` writes them."""
