"""Who asks: the access token that the gateway passes on, which the hub's issuer signed. Nothing else is believed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

_ALGORITHMS = ["RS256", "ES256"]
_AGAIN_SECONDS = 10.0
"""How long an unknown key id, or an issuer that does not answer, is not asked about again."""


class Unauthenticated(Exception):
    """The text is for who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    subject: str
    roles: frozenset[str]
    expires: float | None = None  # seconds since 1970

    def seconds_left(self) -> float | None:
        return None if self.expires is None else max(0.0, self.expires - time.time())


class Authority(Protocol):
    async def viewer(self, authorization: str | None) -> Viewer:
        """Of the header's value. Raises Unauthenticated."""
        ...


class Anyone:
    """Without an issuer whoever reaches the process is its commander: it listens on loopback alone."""

    async def viewer(self, authorization: str | None) -> Viewer:
        return Viewer(subject="local", roles=frozenset({"commander"}))


class Issuer:
    """`url` is the issuer's identifier, `audience` whom its tokens must be for (RFC 9068)."""

    def __init__(self, url: str, audience: str) -> None:
        self._url = url.rstrip("/")
        self._audience = audience
        self._keys: KeySet | None = None
        self._asked = 0.0

    async def viewer(self, authorization: str | None) -> Viewer:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("send the hub's access token")
        claims = await self._claims(token)
        roles = claims.get("roles")
        named = [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []
        return Viewer(subject=str(claims["sub"]), roles=frozenset(named), expires=float(claims["exp"]))

    async def _claims(self, token: str) -> Mapping[str, Any]:
        for fresh in (False, True):
            keys = await self._read_keys(anew=fresh)
            try:
                read = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            except ValueError as error:  # an unknown key id, or no token at all: perhaps the keys were turned
                if fresh:
                    raise Unauthenticated("the token is not one of the issuer's") from error
                continue
            except JoseError as error:
                raise Unauthenticated("the token is not one of the issuer's") from error
            if str(read.header.get("typ", "")).lower() not in ("at+jwt", "application/at+jwt"):
                raise Unauthenticated("this is no access token")
            expected = jwt.JWTClaimsRegistry(
                iss={"essential": True, "value": self._url},
                aud={"essential": True, "value": self._audience},
                sub={"essential": True},
                exp={"essential": True},
            )
            try:
                expected.validate(read.claims)
            except JoseError as error:
                raise Unauthenticated("the token has expired, or is not for this graph") from error
            return read.claims
        raise Unauthenticated("the token is not one of the issuer's")

    async def _read_keys(self, *, anew: bool) -> KeySet:
        """Raises Unauthenticated where the issuer cannot be asked."""
        if self._keys is not None and (not anew or time.monotonic() - self._asked < _AGAIN_SECONDS):
            return self._keys
        self._asked = time.monotonic()
        try:
            async with httpx.AsyncClient(timeout=2) as client:
                about = await client.get(f"{self._url}/.well-known/openid-configuration")
                keys = await client.get(about.raise_for_status().json()["jwks_uri"])
                self._keys = KeySet.import_key_set(keys.raise_for_status().json())
        except (httpx.HTTPError, KeyError, ValueError, JoseError) as error:
            raise Unauthenticated("the issuer of tokens cannot be asked at the moment: try again") from error
        return self._keys
