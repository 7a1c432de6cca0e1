"""The issuers that a park trusts, and what the claims of their tokens mean here: roles, organization, purposes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from hub.clock import EPOCH
from hub.errors import Forbidden, Unauthenticated
from hub.viewer import PersonName, Viewer

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Those that a token may be signed by, each with the key type and curve that it needs: asymmetric ones alone, so a
public key is never taken for a shared one. Another one is a line here, once joserfc's registry knows it."""

PURPOSE = "purpose:"
"""The scopes that name what a token may be used for."""
OPERATIONS = "operations"
"""The purpose of a role that has no other by default."""

_LONGEST_NAME = 256
_FURTHEST = 253_402_300_799  # the last second of the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The hub as the issuer knows it, to ask about tokens."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRules:
    """`url` is the claim `iss`, to the letter. `roles` and `organizations` translate the issuer's words; a word that
    `roles` lacks gives nothing, unless it is empty: then the issuer's words are the hub's. `introspect`: tokens that
    are no JWT, or all, are asked about at the issuer. `dpop`: a token that is bound to a key always needs the proof;
    `required` refuses those that are not bound. `jwks_uri`: where the keys are, of an issuer without metadata.
    `person_claim` holds who the subject is in the park, in the words of `person_scheme` (see `PersonName`)."""

    url: str
    audience: str
    jwks_uri: str | None = None
    algorithms: frozenset[str] = frozenset({"RS256", "PS256", "ES256", "EdDSA", "Ed25519"})
    accept_plain_jwt: bool = False
    roles_claim: str = "roles"
    organization_claim: str | None = None
    person_claim: str | None = None
    person_scheme: str = "employee_number"
    person_organization: str | None = None
    roles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    organizations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    leeway: timedelta = timedelta(seconds=30)
    introspect: Literal["no", "opaque", "all"] = "no"
    client: Client | None = None
    dpop: Literal["allowed", "required"] = "allowed"


Claims = Mapping[str, object]


def viewer_of(
    claims: Claims, issuer: IssuerRules, *, asked: str | None, defaults: Mapping[str, str], token: str
) -> Viewer:
    """Of claims that were checked. `asked` is the purpose that the request names; `defaults`: role → purpose, the
    first that is held counts. `token` is an id of the token. Raises Unauthenticated, Forbidden."""
    client = _text(claims.get("client_id")) or _text(claims.get("azp"))
    subject = _text(claims.get("sub")) or client
    if subject is None:
        raise Unauthenticated("The token names no subject.")
    roles = roles_of(claims, issuer)
    purposes = frozenset(s.removeprefix(PURPOSE) for s in scopes_of(claims) if s.startswith(PURPOSE))
    if asked is not None and asked not in purposes:
        raise Forbidden(
            "The token does not hold the purpose that was asked for. Its purposes are "
            f"{', '.join(sorted(purposes)) or 'none beyond the role’s own'}: leave the purpose out, or get a token "
            "with the scope purpose:NAME."
        )
    return Viewer(
        subject=subject,
        issuer=issuer.url,
        client=client,
        roles=roles,
        organization=_organization(claims, issuer),
        person=_person(claims, issuer),
        purpose=asked or next((purpose for role, purpose in defaults.items() if role in roles), OPERATIONS),
        purposes=purposes,
        expires_at=expiry_of(claims, issuer),
        authenticated_at=_login(claims),
        token=token,
    )


def expiry_of(claims: Claims, issuer: IssuerRules) -> datetime:
    """The moment from which the token counts no more, the leeway included. Raises Unauthenticated."""
    return EPOCH + timedelta(seconds=seconds(claims, "exp")) + issuer.leeway


def _login(claims: Claims) -> datetime | None:
    """When the person logged in (`auth_time`), where the token says so."""
    return EPOCH + timedelta(seconds=seconds(claims, "auth_time")) if "auth_time" in claims else None


def seconds(claims: Claims, name: str) -> float:
    """Since 1970, of a NumericDate. Raises Unauthenticated."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _FURTHEST - 86_400:
        raise Unauthenticated(f"The token's `{name}` is missing, or no time.")
    return float(value)


def roles_of(claims: Claims, issuer: IssuerRules) -> frozenset[str]:
    words = _words(_at(claims, issuer.roles_claim))
    if not issuer.roles:
        return frozenset(words)
    return frozenset(issuer.roles[word] for word in words if word in issuer.roles)


def scopes_of(claims: Claims) -> frozenset[str]:
    given = claims.get("scope", claims.get("scp"))
    return frozenset(given.split()) if isinstance(given, str) else frozenset(_words(given))


def _organization(claims: Claims, issuer: IssuerRules) -> str | None:
    """None where the claim is absent, or names several: rows of another are then never shown by accident."""
    if issuer.organization_claim is None:
        return None
    words = _words(_at(claims, issuer.organization_claim))
    if len(words) != 1:
        return None
    return issuer.organizations.get(words[0]) if issuer.organizations else words[0]


def _person(claims: Claims, issuer: IssuerRules) -> PersonName | None:
    """None where the claim is absent, is not one text or number, or is longer than any identifier."""
    if issuer.person_claim is None:
        return None
    said = _at(claims, issuer.person_claim)
    value = str(said).strip() if isinstance(said, str | int) and not isinstance(said, bool) else ""
    if not 0 < len(value) <= _LONGEST_NAME:
        return None
    return PersonName(scheme=issuer.person_scheme, value=value, organization=issuer.person_organization or "")


def _at(claims: Claims, path: str) -> object:
    """The claim of that whole name, else what the dotted path leads to, such as `realm_access.roles`."""
    if path in claims:
        return claims[path]
    found: object = claims
    for step in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def _words(value: object) -> list[str]:
    """A list of texts, one text, or the names of an object (Keycloak's organizations)."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | Mapping):
        return [word for word in value if isinstance(word, str)]
    return []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def is_trustworthy(url: str) -> bool:
    """HTTPS, or plain HTTP to this machine alone; no user, query or fragment."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost"))
