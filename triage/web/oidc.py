"""Signing in by OpenID Connect: away to the provider, and back with its word on who came."""

from __future__ import annotations

import hmac
import os
import secrets
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeSerializer

from triage import store
from triage.errors import CallError, ForbiddenError, MissingError
from triage.settings_telling import is_this_machine
from triage.settings_web import OIDC_SECRET, Group
from triage.web.gate import is_encrypted, sentence, site_of
from triage.web.limits import is_too_often
from triage.web.metrics import count_failed
from triage.web.provider import Provider, ProviderError, Vouched
from triage.web.render import page
from triage.web.signing_in import begun, local_address

router = APIRouter()
_LASTS: Final = 600
"""Seconds that somebody has to sign in at the provider."""
_LONGEST_WAY_BACK: Final = 1_500
"""Characters of an address that a cookie has room for."""
_SAID: Final = {
    "access_denied": "Your provider did not let you in, or you stopped before you were signed in.",
    "server_error": "Your provider could not sign you in. Try again in a minute.",
    "temporarily_unavailable": "Your provider could not sign you in. Try again in a minute.",
}
_ANEW: Final = (
    "This sign-in was begun in another browser, was used already, or waited for more than ten "
    "minutes. Sign in once more."
)


@router.get("/oidc")
def oidc_start(request: Request, next: str = "/") -> Response:
    """Send a browser to the provider, with a cookie that says what it went for."""
    try:
        provider, back = provider_of(request), _way_back(request)
        if is_too_often(request, "sign-in"):
            raise ProviderError("There were too many attempts. Wait a minute and try again.", 429)
        now = site_of(request).now().timestamp()
        asked = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        address = provider.where_to_sign_in(back, now=now, **asked)
    except ProviderError as error:
        return _refused(request, error.said, error.status)
    next = next if len(next) <= _LONGEST_WAY_BACK else "/"
    kept = {**asked, "next": local_address(next), "at": now}
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        _cookie(request), _signer(provider).dumps(kept), max_age=_LASTS, path="/",
        secure=is_encrypted(request), httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


@router.get("/oidc/return")
def oidc_return(
    request: Request, state: str = "", code: str = "", error: str = "", iss: str | None = None
) -> Response:
    """Take somebody who comes back from the provider in, if it vouches for them."""
    try:
        provider = provider_of(request)
        kept = _kept(request, provider, state)
        if error or not code:
            said = _SAID.get(error, "Your provider could not sign you in. Sign in once more.")
            raise ProviderError(said, 403)
        if iss is not None and iss.rstrip("/") != provider.settings.issuer:
            raise ProviderError(_ANEW, 400)
        found = provider.vouched(
            _way_back(request), code=code, nonce=kept["nonce"], verifier=kept["verifier"],
            now=site_of(request).now().timestamp(),
        )  # fmt: skip
        _check_known(request, provider, found)
    except ProviderError as refused:
        return _refused(request, refused.said, refused.status)
    answer = begun(request, found.name, "oidc", str(kept["next"]))
    _forget(request, answer)
    return answer


def provider_of(request: Request) -> Provider:
    """Return the provider that vouches for people here.

    Raises:
        MissingError: when the settings name none.
        ProviderError: when the secret that is shared with it is missing.
    """
    settings = site_of(request).settings.web.oidc
    if settings.issuer is None:
        raise MissingError("nobody signs in by OpenID Connect here.")
    secret = os.environ.get(OIDC_SECRET, "")
    if not secret:
        raise ProviderError(
            f"{OIDC_SECRET} is missing in the server's environment, so nobody can be signed in by "
            "OpenID Connect. Whoever runs this service can set it.", 503,
        )  # fmt: skip
    known = getattr(request.app.state, "provider", None)
    if known is None:
        known = request.app.state.provider = Provider(settings, secret)
    assert isinstance(known, Provider)
    return known


def _way_back(request: Request) -> str:
    """Return the address to which the provider sends a browser back: one that is ours."""
    web = site_of(request).settings.web
    if web.address is not None:
        return f"{web.address}/oidc/return"
    if not is_this_machine(request.url.hostname or ""):
        raise ProviderError(
            'The settings do not say under which address people come here: [web] address = "https:'
            '//..." is missing.', 503,
        )  # fmt: skip
    return f"{request.url.scheme}://{request.url.netloc}/oidc/return"


def _kept(request: Request, provider: Provider, state: str) -> dict[str, Any]:
    """Return what a browser went for, once."""
    try:
        kept = _signer(provider).loads(request.cookies.get(_cookie(request), ""))
    except BadSignature:
        raise ProviderError(_ANEW, 400) from None
    age = site_of(request).now().timestamp() - kept["at"]
    is_ours = hmac.compare_digest(kept["state"].encode(), state.encode())
    if not is_ours or not 0 <= age <= _LASTS or is_too_often(request, "state", kept["state"]):
        raise ProviderError(_ANEW, 400)
    return dict(kept)


def _check_known(request: Request, provider: Provider, found: Vouched) -> None:
    """Refuse whom nobody registered, unless the settings have one of their groups in them."""
    site, groups = site_of(request), provider.settings.groups
    meant = [groups[name] for name in found.groups if name in groups]
    try:
        if meant:
            one = _one_of(meant)
            store.keep_in_step(site.url, found.name, one.role, one.teams, site.now())
            return
        known = [one.name for one in store.people(site.url) if one.is_active]
        if found.name in known and not (groups and store.is_of_groups(site.url, found.name)):
            return
    except ForbiddenError as error:
        _keep_failed(request)
        raise ProviderError(f"{sentence(error)} {_whom_to_ask(request)}", 403) from None
    except CallError as error:
        raise ProviderError(f"{sentence(error)} {_whom_to_ask(request)}", 409) from None
    _keep_failed(request)
    ending = ", and are in no group that comes in" if groups else ""
    raise ProviderError(
        f"You signed in at your provider, but are not registered here{ending}. "
        f"{_whom_to_ask(request)}", 403,
    )  # fmt: skip


def _one_of(meant: list[Group]) -> Group:
    """Return what somebody's groups make of them, where all of them say the same."""
    if len({(one.role, frozenset(one.teams)) for one in meant}) > 1:
        raise ProviderError(
            "You are in several groups that have different roles or teams here, and it is not "
            "guessed which one is meant. Whoever looks after the groups can leave you in one.", 403,
        )  # fmt: skip
    return meant[0]


def _keep_failed(request: Request) -> None:
    site = site_of(request)
    store.keep_failed(site.url, "", site.now())


def _whom_to_ask(request: Request) -> str:
    contact = site_of(request).settings.web.contact
    return f"Ask {contact or 'an administrator of this service'}."


def _refused(request: Request, said: str, status: int) -> Response:
    count_failed(request, "oidc")
    answer = page(request, "not_in.html", status, said=said)
    _forget(request, answer)
    return answer


def _forget(request: Request, answer: Response) -> None:
    answer.delete_cookie(
        _cookie(request), path="/", secure=is_encrypted(request), httponly=True, samesite="lax"
    )


def _cookie(request: Request) -> str:
    return "__Host-triage-oidc" if is_encrypted(request) else "triage-oidc"


def _signer(provider: Provider) -> URLSafeSerializer:
    """Return what signs the cookie, alike in each process, since all know the secret."""
    return URLSafeSerializer(provider.secret, salt="what a browser went to the provider for")
