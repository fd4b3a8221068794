"""Settings of the pages: where they are served, who vouches for people, where reports lie.

No secret stands in the file: that of OpenID Connect comes from the environment alone.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from triage.rights import Role
from triage.settings_telling import is_this_machine
from triage.vocabulary import cut

OIDC_SECRET: Final = "TRIAGE_OIDC_SECRET"
"""The environment variable that holds the secret shared with the provider of OpenID Connect."""
WRONG_WEB: Final = "web"
"""The type of the mistake that pydantic passes on; its sentence is whole."""
CHILD, REFERRAL = "{child_id}", "{referral_id}"
"""What stands for the identifiers of the records in ``case_link``."""


def wrong(sentence: str) -> PydanticCustomError:
    """Return a mistake that is told as it stands."""
    return PydanticCustomError(WRONG_WEB, "{sentence}", {"sentence": sentence})


def _site(typed: str) -> str:
    """Return a web address without what follows it: encrypted, or of this machine."""
    try:
        parts = urlsplit(typed)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    is_plain = host and typed.isascii() and typed.isprintable() and not set(" \"'<>") & set(typed)
    if not is_plain or "@" in parts.netloc or parts.query or parts.fragment:
        raise wrong(
            f"is to be a web address, as https://triage.council.example, not '{cut(typed)}'"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(host)):
        raise wrong("is to begin with https://; http:// is only for this machine itself")
    return typed.rstrip("/")


def _own_site(typed: str) -> str:
    """Return the address of the pages, which stand at the root of their host."""
    found = _site(typed)
    if urlsplit(found).path:
        raise wrong("is to end after the host, as https://triage.council.example")
    return found


def _case_link(typed: str) -> str:
    if CHILD not in typed and REFERRAL not in typed:
        raise wrong(f"is to hold {CHILD} or {REFERRAL}, in place of which the identifier is put")
    if urlsplit(typed).scheme not in ("http", "https") or not typed.isprintable():
        raise wrong("is to be a web address of your case system")
    return typed


def _network(typed: str) -> str:
    try:
        found = ipaddress.ip_network(typed)
    except ValueError:
        raise wrong(f"'{cut(typed)}' is no address, as 10.1.2.3, and no network, as 10.1.2.0/24"
                    ) from None  # fmt: skip
    if not found.prefixlen:
        raise wrong(f"'{cut(typed)}' believes everybody; name the addresses that are meant")
    return typed


def _header(typed: str) -> str:
    if not re.fullmatch("[A-Za-z][A-Za-z0-9-]{0,60}", typed):
        raise wrong(f"is to be the name of a header, as X-Remote-User, not '{cut(typed)}'")
    return typed


Site = Annotated[str, AfterValidator(_site)]
OwnSite = Annotated[str, AfterValidator(_own_site)]
Network = Annotated[str, AfterValidator(_network)]


class Group(BaseModel):
    """What somebody is here who is in a group of the provider's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    teams: tuple[str, ...] = ()


class Oidc(BaseModel):
    """A provider of OpenID Connect that vouches for people, if any.

    Without ``groups`` only people who are registered come in; with them, whoever is in one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Site | None = None
    client_id: str = "triage"
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    groups: dict[str, Group] = {}


class ProxyHeader(BaseModel):
    """A header in which a proxy names who is signed in; off unless it is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_header)] | None = None
    senders: tuple[Network, ...] = ()

    @model_validator(mode="after")
    def _names_its_senders(self) -> ProxyHeader:
        if self.name is not None and not self.senders:
            raise wrong("senders is to name the addresses from which the header is believed")
        return self


class Web(BaseModel):
    """How the pages are served.

    ``address`` is under which people reach them, where that is not this machine's own; ``proxies``
    are the addresses whose word on the caller's address and scheme is believed; ``metrics_from``
    those to which figures of the server are given, straight and through no proxy.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    address: OwnSite | None = None
    proxies: tuple[Network, ...] = ()
    case_link: Annotated[str, AfterValidator(_case_link)] | None = None
    reports: str = "reports"
    local: Annotated[bool, Field(strict=True)] = True
    contact: str = ""
    metrics_from: tuple[Network, ...] = ("127.0.0.0/8", "::1")
    oidc: Oidc = Oidc()
    header: ProxyHeader = ProxyHeader()


WEB_TEMPLATE: Final = """
# The pages (triage serve). They are served to this machine alone, unless host says otherwise;
# then a proxy in front encrypts what comes and goes, and address is under which people reach it.
[web]
# host = "127.0.0.1"
# port = 8080
# address = "https://triage.council.example"
# proxies = ["10.1.2.3"]
# A link from each case into your own case system, with the identifiers of the record put in.
# case_link = "https://cases.council.example/child/{child_id}"
# The folder of the reports that are made on the pages.
# reports = "reports"
# Whom to ask for help; shown on the pages.
# contact = "the data team, ext. 4321"
# Whether people sign in with a password kept here.
# local = true
# Who may read /metrics, straight from the server and through no proxy.
# metrics_from = ["127.0.0.1"]

# Sign-in by OpenID Connect; the secret comes from TRIAGE_OIDC_SECRET.
[web.oidc]
# issuer = "https://login.council.example"
# client_id = "triage"
# name_claim = "preferred_username"
# groups_claim = "groups"
# Who is in a group of the provider's is registered with this role and these teams.
# groups = { "triage-north-reviewers" = { role = "reviewer", teams = ["North"] } }

# Sign-in by a header that a proxy sets, believed only from these addresses.
[web.header]
# name = "X-Remote-User"
# senders = ["127.0.0.1"]
"""
