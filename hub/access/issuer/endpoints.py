"""Authlib's revocation (RFC 7009) and introspection (RFC 7662) over the hub's register."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from joserfc import jwt
from joserfc.errors import JoseError

from hub.access.issuer.flows import METHODS, SECRET
from hub.access.issuer.grants import Grant
from hub.access.issuer.keys import ALGORITHM


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A token as someone shows it: an access token by its claims, a refresh token by its grant."""

    client: str
    expires_at: int
    active: bool
    claims: Mapping[str, Any]
    grant: Grant | None = None

    def check_client(self, client: Any) -> bool:
        return bool(client.get_client_id() == self.client)

    def is_expired(self) -> bool:
        return not self.active

    def is_revoked(self) -> bool:
        return not self.active


def shown(server: Any, text: str) -> Shown | None:
    """Of either kind, whatever the hint says (RFC 7009, 2.1; RFC 7662, 2.1); None for what is not ours."""
    now = server.store.now()
    found = server.grants.refresh_of(text)
    if found is not None:
        grant, made_at, active = found
        claims = {"iss": server.config.url, "sub": grant.account, "scope": grant.scope, "client_id": grant.client}
        claims |= {"iat": made_at, "exp": grant.expires_at}
        return Shown(client=grant.client, expires_at=grant.expires_at, active=active, claims=claims, grant=grant)
    try:
        claims = jwt.decode(text, server.keys.verifying, algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError):
        return None
    standing = server.grants.token_stands(claims["jti"]) and claims["exp"] > now
    return Shown(client=claims["client_id"], expires_at=claims["exp"], active=standing, claims=claims)


class Revocation(RevocationEndpoint):
    """A refresh token takes its whole family with it, an access token itself alone."""

    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Shown | None:
        return shown(self.server, token_string)

    def revoke_token(self, token: Shown, request: Any) -> None:
        if token.grant is not None:
            self.server.grants.revoke(token.grant.id, reason="its client gave it back")
        else:
            self.server.grants.revoke_token(token.claims["jti"])


class Introspection(IntrospectionEndpoint):
    """A registered resource server may ask about any access token, another client about its own tokens."""

    CLIENT_AUTH_METHODS = SECRET

    def query_token(self, token_string: str, token_type_hint: str | None) -> Shown | None:
        return shown(self.server, token_string)

    def check_permission(self, token: Shown, client: Any, request: Any) -> bool:
        return token.check_client(client) or (client.introspects and token.grant is None)

    def introspect_token(self, token: Shown) -> dict[str, Any]:
        kind = {} if token.grant is not None else {"token_type": "Bearer"}
        return {"active": True, **token.claims, **kind}
