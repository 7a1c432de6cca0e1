"""A JWT access token (RFC 9068), verified: its form, its signature by the issuer's own key, and each of its claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from hub.access.issuers import ALGORITHMS, Claims, IssuerRules, seconds
from hub.access.keys import Keys
from hub.clock import EPOCH
from hub.errors import Unauthenticated

LONGEST = 16_384
"""Characters of a token; a longer one is refused unread."""

_NOT_A_TOKEN = "The token is not one that this hub can read."
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_PLAIN = frozenset({"jwt", "application/jwt"})
_ONLY_IN_OTHERS = ("nonce", "at_hash", "c_hash", "s_hash", "events")
"""Claims of ID tokens and logout tokens, which an access token lacks."""
_KINDS = frozenset({"bearer", "dpop"})
"""What Keycloak's own claim `typ` says of an access token; its others are `ID`, `Refresh`, `Logout`."""


_REGISTRY = JWSRegistry(algorithms=list(ALGORITHMS))


@dataclass(frozen=True, slots=True)
class Opened:
    """A JWT read and not yet verified: nothing of it counts but whom to ask for the keys that may verify it."""

    token: str
    header: Mapping[str, object]
    claims: Mapping[str, object]
    issuer: str


def opened_jwt(token: str) -> Opened | None:
    """None for what is no JWT. Raises Unauthenticated for one that cannot be read, or does not say who issued it."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    header, claims = _json(parts[0]), _json(parts[1])
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise Unauthenticated("The token does not say who issued it.")
    return Opened(token, header, claims, issuer)


async def verify(opened: Opened, issuer: IssuerRules, keys: Keys, now: datetime) -> Claims:
    """The claims of a token of this issuer. Raises Unauthenticated with the check that failed, IssuerUnavailable."""
    header, claims = opened.header, opened.claims
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        raise Unauthenticated("The token is not signed by an algorithm that its issuer uses.")
    if "crit" in header or "b64" in header:
        raise Unauthenticated("The token's header asks for an extension that this hub does not know.")
    _check_type(header.get("typ"), issuer)
    key = await keys.find(header.get("kid"), algorithm)  # never jku, x5u, jwk or x5c: a token brings no key of its own
    if not _is_signed(opened.token, algorithm, key):
        raise Unauthenticated("The token's signature is not its issuer's.")
    check_claims(claims, issuer, now)
    if any(name in claims for name in _ONLY_IN_OTHERS) or not _is_access(claims.get("typ")):
        raise Unauthenticated("The token is not an access token. Send the access token, not the ID token.")
    return claims


def check_claims(claims: Claims, issuer: IssuerRules, now: datetime) -> None:
    """What a JWT and an introspected token have in common. Raises Unauthenticated."""
    if claims.get("iss") != issuer.url:
        raise Unauthenticated("The token is of another issuer.")
    audience = claims.get("aud")
    if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
        raise Unauthenticated("The token is meant for another service: its audience does not name this hub.")
    at, leeway = (now - EPOCH).total_seconds(), issuer.leeway.total_seconds()
    if seconds(claims, "exp") + leeway <= at:
        raise Unauthenticated("The token has expired. Get a new one.")
    for name in ("nbf", "iat"):
        if name in claims and seconds(claims, name) - leeway > at:
            raise Unauthenticated(f"The token is not valid yet (`{name}`). Compare the clocks of issuer and hub.")


def _is_signed(token: str, algorithm: str, key: Key) -> bool:
    """Over the very bytes that were read; joserfc's own compact form would read them once more. A signature is written
    in one way alone, so that one token is one text."""
    said, _, written = token.rpartition(".")
    try:
        signature = urlsafe_b64decode(written.encode())
        if urlsafe_b64encode(signature).decode() != written:
            return False
        model = _REGISTRY.get_alg(algorithm)
        model.check_key(key)
        return bool(model.verify(said.encode(), signature, key))
    except (JoseError, ValueError, TypeError):
        return False


def _check_type(given: object, issuer: IssuerRules) -> None:
    kind = given.lower() if isinstance(given, str) else None
    if kind in _TYPES or (kind in _PLAIN and issuer.accept_plain_jwt):
        return
    if kind in _PLAIN or kind is None:
        raise Unauthenticated(
            "The token is not marked as an access token (`typ` is not at+jwt). Turn that on at the issuer, or set "
            "accept_plain_jwt for it if it cannot do so."
        )
    raise Unauthenticated("The token is not an access token.")


def _is_access(kind: object) -> bool:
    return kind is None or (isinstance(kind, str) and kind.lower() in _KINDS)


def _json(segment: str) -> Mapping[str, object]:
    try:
        value = orjson.loads(urlsafe_b64decode(segment.encode()))
    except (ValueError, TypeError):
        raise Unauthenticated(_NOT_A_TOKEN) from None
    if not isinstance(value, dict):
        raise Unauthenticated(_NOT_A_TOKEN)
    return value
