"""Asking a provider of OpenID Connect who somebody is, and believing it only what it signed.

Authorization code with PKCE, state and nonce. Nothing that a provider or a browser sends is shown
on a page or written to a log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from triage.settings_telling import is_this_machine
from triage.settings_web import Oidc

_ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519",
)  # fmt: skip
"""How an ID token may be signed: with a key that only the provider has."""
_SECONDS: Final = 5.0
"""How long an answer of the provider's is waited for."""
_LEEWAY: Final = 60
"""Seconds by which its clock may be wrong."""
_FRESH: Final = 600
"""Seconds after which its description and keys are read again."""
_SCOPE: Final = "openid profile email"


class ProviderError(Exception):
    """The provider cannot be used, or not believed; a sentence for a page, and its status."""

    def __init__(self, said: str, status: int = 502) -> None:
        self.said, self.status = said, status
        super().__init__(said)


@dataclass(frozen=True)
class Vouched:
    """Whom the provider vouches for, and the groups it has them in."""

    name: str
    groups: tuple[str, ...]


@dataclass
class Provider:
    """A provider, with what it says of itself, read when it is first needed."""

    settings: Oidc
    secret: str
    _told: dict[str, Any] = field(default_factory=dict)
    _keys: KeySet | None = None
    _read_at: float = 0.0

    def where_to_sign_in(
        self, redirect_uri: str, *, state: str, nonce: str, verifier: str, now: float
    ) -> str:
        """Return the provider's own address to which a browser is sent.

        Raises:
            ProviderError: when the provider cannot be reached or says nothing usable.
        """
        at = self._at("authorization_endpoint", now)
        with _answering(), self._client(redirect_uri) as client:
            address, _ = client.create_authorization_url(
                at, state=state, nonce=nonce, code_verifier=verifier
            )
        return str(address)

    def vouched(
        self, redirect_uri: str, *, code: str, nonce: str, verifier: str, now: float
    ) -> Vouched:
        """Return whom a code stands for, by an ID token that the provider signed for us.

        Raises:
            ProviderError: when the provider takes the code for none, cannot be reached, or what it
                says is not to be believed.
        """
        at = self._at("token_endpoint", now)
        try:
            with _answering(), self._client(redirect_uri) as client:
                token = client.fetch_token(
                    at, grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except OAuthError:
            raise ProviderError(
                "Your sign-in was not accepted: it was used already, or waited too long. "
                "Sign in once more.", 400,
            ) from None  # fmt: skip
        claims = self._claims(token, nonce, now)
        more = self._more(token, claims)
        return Vouched(_name(more, self.settings.name_claim), _groups(more, self.settings))

    def _claims(self, token: Mapping[str, Any], nonce: str, now: float) -> dict[str, Any]:
        try:
            found = self._signed(str(token["id_token"]), now)
            issuer, client_id = self._described(now)["issuer"], self.settings.client_id
            wanted: dict[str, Any] = {
                "iss": {"essential": True, "value": issuer},
                "aud": {"essential": True, "value": client_id},
                "exp": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            }
            given = {
                "nonce": nonce, "client_id": client_id, "access_token": token.get("access_token"),
            }  # fmt: skip
            claims = CodeIDToken(found.claims, found.header, wanted, given)
            claims.validate(now=int(now), leeway=_LEEWAY)
        except (JoseError, KeyError, TypeError, ValueError):
            raise ProviderError(
                "What your provider said of you could not be verified, so you were not let in. "
                "Sign in once more; if it happens again, an administrator is to look at the "
                "settings of OpenID Connect and at the clocks of both servers."
            ) from None
        return dict(claims)

    def _signed(self, token: str, now: float) -> jwt.Token:
        registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
        try:
            return jwt.decode(token, self._key_set(now), registry=registry)
        except InvalidKeyIdError:
            # The provider has changed its keys since they were read.
            self._keys = None
            return jwt.decode(token, self._key_set(now), registry=registry)

    def _more(self, token: Mapping[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        """Return the claims, with what the provider tells only when it is asked again."""
        wanted = {self.settings.name_claim}
        wanted |= {self.settings.groups_claim} if self.settings.groups else set()
        at = self._told.get("userinfo_endpoint")
        if wanted <= set(claims) or at is None:
            return claims
        given = {"Authorization": f"Bearer {token.get('access_token', '')}"}
        found = _json(_checked(at, "userinfo_endpoint"), given)
        if found.get("sub") != claims["sub"]:
            raise ProviderError("Your provider spoke of somebody else, so you were not let in.")
        return {**found, **claims}

    def _described(self, now: float) -> dict[str, Any]:
        if not self._told or now - self._read_at > _FRESH:
            issuer = str(self.settings.issuer)
            told = _json(f"{issuer}/.well-known/openid-configuration")
            if str(told.get("issuer", "")).rstrip("/") != issuer:
                raise ProviderError(
                    "The provider calls itself otherwise than the settings do: issuer under "
                    "[web.oidc] is to be what it says of itself."
                )
            self._told, self._keys, self._read_at = told, None, now
        return self._told

    def _at(self, what: str, now: float) -> str:
        return _checked(self._described(now).get(what), what)

    def _key_set(self, now: float) -> KeySet:
        if self._keys is None:
            self._keys = KeySet.import_key_set(_json(self._at("jwks_uri", now)))  # type: ignore[arg-type]
        return self._keys

    def _client(self, redirect_uri: str) -> Any:
        ways = self._told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        way = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        return OAuth2Client(
            self.settings.client_id, self.secret, way, scope=_SCOPE, redirect_uri=redirect_uri,
            code_challenge_method="S256", timeout=_SECONDS, follow_redirects=False,
        )  # fmt: skip


@contextmanager
def _answering() -> Iterator[None]:
    """Tell in a sentence that a provider gives no answer that can be read."""
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise ProviderError(
            "Your provider does not answer, so nobody can be signed in by it now. "
            "Try again in a minute.", 503,
        ) from None  # fmt: skip
    except ValueError:
        raise ProviderError("Your provider gave an answer that could not be read.") from None


def _json(address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    with _answering():
        answer = httpx2.get(address, headers=dict(headers or {}), timeout=_SECONDS)
        found = answer.raise_for_status().json()
        if not isinstance(found, dict):
            raise ValueError
        return found


def _checked(address: Any, what: str) -> str:
    """Return an address of the provider's, to which secrets go only encrypted."""
    parts = urlsplit(str(address or ""))
    if parts.scheme == "https" or (
        parts.scheme == "http" and is_this_machine(parts.hostname or "")
    ):
        return str(address)
    raise ProviderError(f"The provider names no {what} that is encrypted.")


def _name(claims: Mapping[str, Any], claim: str) -> str:
    name = claims.get(claim)
    if claim == "email" and claims.get("email_verified") not in (None, True, "true"):
        raise ProviderError("Your provider has not verified your e-mail address yet.", 403)
    if not isinstance(name, str) or not name.strip():
        raise ProviderError(
            f"Your provider does not say who you are: its claim {claim} is missing. An "
            "administrator can have it added there, or name another claim in the settings.", 403,
        )  # fmt: skip
    return name.strip()


def _groups(claims: Mapping[str, Any], settings: Oidc) -> tuple[str, ...]:
    found = claims.get(settings.groups_claim, [])
    given = found if isinstance(found, list) else [found]
    return tuple(group for group in given if isinstance(group, str))
