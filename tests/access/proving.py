"""A client that holds a key, and its DPoP proofs (RFC 9449)."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from uuid import uuid4

from joserfc.jwk import ECKey, Key

from hub.clock import Clock, now
from tests.access.issuing import signed

METHOD, URL = "POST", "https://hub.example/graphql"


class Prover:
    def __init__(self, clock: Clock = now) -> None:
        self.key = ECKey.generate_key("P-256")
        self.clock = clock

    @property
    def thumbprint(self) -> str:
        return self.key.thumbprint()

    def proof(
        self,
        token: str | None = None,
        *,
        method: str = METHOD,
        url: str = URL,
        key: Key | None = None,
        header: Mapping[str, object] | None = None,
        **changed: object,
    ) -> str:
        """For a request with the token; None takes a claim away. `key` signs in place of the client's own."""
        hashed = urlsafe_b64encode(sha256((token or "").encode()).digest()).rstrip(b"=").decode()
        claims: dict[str, object] = {
            "htm": method,
            "htu": url,
            "iat": int(self.clock().timestamp()),
            "jti": str(uuid4()),
            "ath": hashed if token else None,
            **changed,
        }
        full = {"typ": "dpop+jwt", "kid": None, "jwk": self.key.as_dict(private=False), **(header or {})}
        return signed({name: value for name, value in claims.items() if value is not None}, key or self.key, full)
