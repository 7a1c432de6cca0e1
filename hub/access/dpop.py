"""DPoP (RFC 9449): a token that is bound to a key counts only with a fresh proof made by that key."""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import urlsplit

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry
from joserfc.jws import JWSRegistry, deserialize_compact
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from hub.access.authority import Credentials
from hub.access.issuers import ALGORITHMS, Claims
from hub.access.keys import fits
from hub.clock import EPOCH, Clock
from hub.errors import Unauthenticated

LIFE = 60.0
"""Seconds around its `iat` in which a proof counts."""
_REMEMBERED = 100_000
_LONGEST = 8_192
_LONGEST_JTI = 256
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class _Registry(JWSRegistry):
    max_header_length = 4_096  # it holds a public key


_REGISTRY = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)


def bound_key(claims: Claims) -> str | None:
    """The thumbprint of the key that a token is bound to. Raises Unauthenticated for a binding of another kind, such as
    to a TLS certificate, which this hub cannot check."""
    confirmation = claims.get("cnf")
    if confirmation is None:
        return None
    thumbprint = confirmation.get("jkt") if isinstance(confirmation, Mapping) else None
    if not isinstance(thumbprint, str):
        raise Unauthenticated("The token is bound to something that this hub cannot check.")
    return thumbprint


class Proofs:
    """Remembers the proofs of the last two minutes, so that none counts twice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def check(self, credentials: Credentials, token: str, thumbprint: str) -> None:
        """Raises Unauthenticated with the check that failed (RFC 9449, section 4.3)."""
        proof = credentials.proof
        if not proof:
            raise Unauthenticated("The proof is missing: send it as the header `DPoP`.")
        if len(proof) > _LONGEST:
            raise Unauthenticated(f"The DPoP proof is longer than {_LONGEST} characters.")
        claims, key = _opened(proof)
        if not compare_digest(key, thumbprint):
            raise Unauthenticated("The DPoP proof is of another key than the token's.")
        if claims.get("htm") != credentials.method:
            raise Unauthenticated("The DPoP proof is for another method (`htm`).")
        if not _same_url(claims.get("htu"), credentials.url):
            raise Unauthenticated("The DPoP proof is for another address (`htu`).")
        hashed = urlsafe_b64encode(sha256(token.encode()).digest()).decode()
        ath = claims.get("ath")
        if not isinstance(ath, str) or not compare_digest(ath.encode(), hashed.encode()):
            raise Unauthenticated("The DPoP proof is for another token (`ath`).")
        now = (self._clock() - EPOCH).total_seconds()
        made = claims.get("iat")
        if isinstance(made, bool) or not isinstance(made, int | float) or not abs(now - made) <= LIFE:
            raise Unauthenticated("The DPoP proof is not of this minute (`iat`). Make a new one for each request.")
        self._use(claims.get("jti"), key, now)

    def _use(self, jti: object, key: str, now: float) -> None:
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
            raise Unauthenticated("The DPoP proof has no `jti`.")
        while self._seen and next(iter(self._seen.values())) < now:
            self._seen.popitem(last=False)
        name = sha256(f"{key} {jti}".encode()).digest()
        if name in self._seen:
            raise Unauthenticated("The DPoP proof was used before (`jti`). Make a new one for each request.")
        if len(self._seen) >= _REMEMBERED:
            raise Unauthenticated("Too many DPoP proofs in the last two minutes. Try again later.")
        self._seen[name] = now + 2 * LIFE


def _opened(proof: str) -> tuple[Mapping[str, object], str]:
    """(claims, thumbprint of the key that signed them)."""
    try:
        header = orjson.loads(urlsafe_b64decode(proof.partition(".")[0].encode()))
        if not isinstance(header, dict) or header.get("typ") != "dpop+jwt" or "crit" in header or "b64" in header:
            raise Unauthenticated("The DPoP proof is not of the type dpop+jwt.")
        algorithm, given = header.get("alg"), header.get("jwk")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise Unauthenticated("The DPoP proof is not signed by an algorithm that this hub takes.")
        if not isinstance(given, dict) or _PRIVATE & given.keys():
            raise Unauthenticated("The DPoP proof does not hold a public key (`jwk`).")
        key = JWKRegistry.import_key(
            {name: given[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in given}
        )
        if not fits(key, algorithm):
            raise Unauthenticated("The DPoP proof's key does not fit its algorithm.")
        claims = orjson.loads(deserialize_compact(proof, key, registry=_REGISTRY).payload)
    except (JoseError, ValueError, TypeError, KeyError):
        raise Unauthenticated("The DPoP proof cannot be read, or its signature is wrong.") from None
    if not isinstance(claims, dict):
        raise Unauthenticated("The DPoP proof cannot be read, or its signature is wrong.")
    return claims, key.thumbprint()


def _same_url(given: object, asked: str) -> bool:
    """Without query and fragment; scheme and host in any case, a default port or none (RFC 9449, section 4.3)."""
    if not isinstance(given, str):
        return False
    try:
        return _plain(given) == _plain(asked)
    except ValueError:
        return False


def _plain(url: str) -> tuple[str, str | None, int | None, str]:
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(scheme), parts.path or "/"
