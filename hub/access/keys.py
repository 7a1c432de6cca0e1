"""An issuer's public keys: kept, refetched when an unknown one is named, and known still while the issuer is down."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from hub.access.issuers import ALGORITHMS
from hub.errors import IssuerUnavailable, Unauthenticated
from hub.telemetry import logger

log = logger(__name__)

SMALLEST_RSA_BITS = 2048  # RFC 7518, section 3.3
_MOST_KEYS = 100
_NAME = 256  # characters of a key's id

_UNKNOWN = "The token is signed by a key that its issuer does not have."

Fetch = Callable[[], Awaitable[Mapping[str, object]]]
"""The issuer's JWKS; raises IssuerUnavailable."""


class Keys(Protocol):
    @property
    def version(self) -> int:
        """Changes when a key is gone: what it had signed counts no more."""
        ...

    @property
    def failing(self) -> str | None:
        """Why the last look failed."""
        ...

    async def find(self, kid: object, algorithm: str) -> Key:
        """The key that a token's header names. Raises Unauthenticated, IssuerUnavailable."""
        ...

    async def refresh(self) -> None:
        """Looks whether the keys are others now; where that fails the known ones stay."""
        ...


class FetchedKeys:
    """`again_after`: seconds between two fetches for the sake of an unknown key, so that forged names make no flood."""

    def __init__(self, fetch: Fetch, *, again_after: float = 10.0, monotonic: Callable[[], float] = time.monotonic):
        self._fetch = fetch
        self._again_after = again_after
        self._monotonic = monotonic
        self._keys: dict[str | None, Key] = {}
        self._fetched_at: float | None = None
        self.failing: str | None = None
        self._turn = asyncio.Lock()
        self.version = 0

    async def find(self, kid: object, algorithm: str) -> Key:
        if kid is not None and (not isinstance(kid, str) or len(kid) > _NAME):
            raise Unauthenticated("The token's `kid` is not a name of a key.")
        if (key := self._known(kid, algorithm)) is not None:
            return key
        async with self._turn:
            if (key := self._known(kid, algorithm)) is not None:  # fetched while this one waited
                return key
            if self._fetched_at is None or self._monotonic() - self._fetched_at >= self._again_after:
                await self._renew()
        if (key := self._known(kid, algorithm)) is not None:
            return key
        if self.failing is not None:
            raise IssuerUnavailable(
                f"The token names a key that is not known yet, and its issuer cannot be asked: {self.failing} "
                "Try again in a few seconds."
            )
        raise Unauthenticated(_UNKNOWN)

    async def refresh(self) -> None:
        async with self._turn:
            await self._renew()

    async def _renew(self) -> None:
        try:
            found = usable(await self._fetch())
        except IssuerUnavailable as error:
            if self.failing is None:
                log.warning("access.keys_unavailable", reason=error.message)
            self.failing = error.message
            return
        finally:
            self._fetched_at = self._monotonic()
        if self.failing is not None:
            log.info("access.keys_back")
        self.failing = None
        if any(name not in found or found[name].as_dict() != key.as_dict() for name, key in self._keys.items()):
            self.version += 1
        self._keys = found

    def _known(self, kid: str | None, algorithm: str) -> Key | None:
        if kid is not None:
            key = self._keys.get(kid)
            return key if key is not None and fits(key, algorithm) else None
        fitting = [key for key in self._keys.values() if fits(key, algorithm)]
        return fitting[0] if len(fitting) == 1 else None


def fits(key: Key, algorithm: str) -> bool:
    """Whether the key is of the type and curve that the algorithm needs, and was not made for another one."""
    kind, curve = ALGORITHMS[algorithm]
    if key.key_type != kind or (key.get("alg") or algorithm) != algorithm:
        return False
    return curve is None or (isinstance(key, ECKey | OKPKey) and key.curve_name == curve)


def usable(jwks: Mapping[str, object]) -> dict[str | None, Key]:
    """The public keys for signatures of a JWKS (RFC 7517), by their id; what else it holds is left out. A shared
    secret is not taken, even from the issuer. Raises IssuerUnavailable where it is no JWKS."""
    given = jwks.get("keys")
    if not isinstance(given, list) or len(given) > _MOST_KEYS:
        raise IssuerUnavailable("The issuer's keys cannot be read.")
    found: dict[str | None, Key] = {}
    for each in given:
        if not isinstance(each, dict) or each.get("kty") not in ("RSA", "EC", "OKP") or each.get("use", "sig") != "sig":
            continue
        try:
            key = JWKRegistry.import_key({k: v for k, v in each.items() if k not in ("d", "p", "q", "dp", "dq", "qi")})
            if isinstance(key, RSAKey) and key.public_key.key_size < SMALLEST_RSA_BITS:
                continue
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        kid = each.get("kid")
        found[kid if isinstance(kid, str) else key.thumbprint()] = key
    return found
