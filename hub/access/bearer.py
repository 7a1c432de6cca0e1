"""A JWT access token (RFC 9068), verified: its form, its signature by the issuer's own key, and each of its claims."""

from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime

import orjson
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, deserialize_compact
from joserfc.util import urlsafe_b64decode

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


class _Registry(JWSRegistry):
    max_header_length = 4_096


_REGISTRY = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)


def claimed_issuer(token: str) -> str | None:
    """What the token says of its issuer, not verified: which issuer's keys and rules to verify it by. None for what
    is no JWT. Raises Unauthenticated for a JWT that names none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    claims = _json(parts[1])
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise Unauthenticated("The token does not say who issued it.")
    return issuer


async def verify(token: str, issuer: IssuerRules, keys: Keys, now: datetime) -> Claims:
    """The claims of a token of this issuer. Raises Unauthenticated with the check that failed, IssuerUnavailable."""
    header = _json(token.partition(".")[0])
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        raise Unauthenticated("The token is not signed by an algorithm that its issuer uses.")
    if "crit" in header or "b64" in header:
        raise Unauthenticated("The token's header asks for an extension that this hub does not know.")
    _check_type(header.get("typ"), issuer)
    key = await keys.find(header.get("kid"), algorithm)  # never jku, x5u, jwk or x5c: a token brings no key of its own
    try:
        signed = deserialize_compact(token, key, registry=_REGISTRY)
        claims = orjson.loads(signed.payload)
    except (JoseError, ValueError, TypeError):
        raise Unauthenticated("The token's signature is not its issuer's.") from None
    if not isinstance(claims, dict):
        raise Unauthenticated(_NOT_A_TOKEN)
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
    except (ValueError, TypeError, Base64Error):
        raise Unauthenticated(_NOT_A_TOKEN) from None
    if not isinstance(value, dict):
        raise Unauthenticated(_NOT_A_TOKEN)
    return value
