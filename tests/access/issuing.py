"""An issuer made in the test: its keys, its tokens, and the hub's trust in it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey

from hub.access.authority import Credentials
from hub.access.issuers import ALGORITHMS, IssuerRules
from hub.access.keys import FetchedKeys
from hub.access.tokens import Tokens, Trusted
from hub.clock import ManualClock
from hub.errors import IssuerUnavailable

URL = "https://issuer.example/park"
AUDIENCE = "https://hub.example"
START = datetime(2027, 3, 1, 8, tzinfo=UTC)
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "rsa-2"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1"})


class TestIssuer:
    """`published` is what its JWKS holds; while `down` is set it cannot be asked."""

    __test__ = False

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock(START)
        self.monotonic = 1000.0
        self.issuer = replace(IssuerRules(url=URL, audience=AUDIENCE), **settings)
        self.published: list[Key] = [RSA, EC]
        self.down = False
        self.fetches = 0
        self.keys = FetchedKeys(self._fetch, monotonic=lambda: self.monotonic)
        self.trust()

    def trust(self, **checked_by: Any) -> None:
        """Anew, with what its tokens are checked by besides its keys."""
        self.tokens = Tokens([Trusted(issuer=self.issuer, keys=self.keys, **checked_by)], self.clock)

    async def _fetch(self) -> Mapping[str, object]:
        self.fetches += 1
        if self.down:
            raise IssuerUnavailable("It is down.")
        return {"keys": [key.as_dict(private=False) for key in self.published]}

    def claims(self, **changed: object) -> dict[str, object]:
        """Of a good token; None takes a claim away."""
        at = int(self.clock().timestamp())
        claims: dict[str, object] = {
            "iss": URL,
            "aud": AUDIENCE,
            "sub": "wang",
            "client_id": "explorer",
            "iat": at,
            "exp": at + 300,
            "jti": str(uuid4()),
            "roles": ["guard"],
            "scope": "openid purpose:duty purpose:drill",
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: Key = RSA, header: Mapping[str, object] | None = None, **changed: object) -> str:
        return signed(self.claims(**changed), key, header)


def signed(claims: object, key: Key = RSA, header: Mapping[str, object] | None = None) -> str:
    algorithm = {"RSA": "RS256", "EC": "ES256"}.get(key.key_type, "HS256")
    full = {"alg": algorithm, "typ": "at+jwt", "kid": key.kid, **(header or {})}
    registry = jws.JWSRegistry(algorithms=[*ALGORITHMS, "HS256"], strict_check_header=False)
    registry.max_header_length = 10_000
    whole = {name: value for name, value in full.items() if value is not None}
    return jws.serialize_compact(whole, orjson.dumps(claims), key, registry=registry)


def bearer(token: str, **others: str) -> Credentials:
    return Credentials(authorization=f"Bearer {token}", **others)
