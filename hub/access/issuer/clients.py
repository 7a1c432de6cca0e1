"""The applications that may ask for tokens: public ones, native ones, and confidential ones with a secret."""

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from authlib.oauth2.rfc6749 import ClientMixin

from hub.access.issuer import tables
from hub.access.issuer.store import Store, hashed, secret_text
from hub.errors import BadRequest, Conflict, NotFound
from hub.journal.ids import is_uuid

CODE, REFRESH, CREDENTIALS = "authorization_code", "refresh_token", "client_credentials"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SCOPE = re.compile(r"purpose:[a-z][a-z0-9_-]*")
_LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client(ClientMixin):
    """`scopes` are those that it may ask for; `roles` and `organization` are of its own tokens, by client
    credentials."""

    id: str
    name: str
    secret: bytes | None
    native: bool
    introspects: bool
    redirect_uris: tuple[str, ...]
    grants: frozenset[str]
    scopes: tuple[str, ...]
    roles: tuple[str, ...] = ()
    organization: str | None = None

    @property
    def public(self) -> bool:
        return self.secret is None

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str | None:
        """The only one, if there is only one and its port is not the client's to choose."""
        if len(self.redirect_uris) != 1 or self._any_port(self.redirect_uris[0]):
            return None
        return self.redirect_uris[0]

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """All of its own where none is asked for; None (invalid_scope) where one of those asked for is not its."""
        asked = tuple(dict.fromkeys((scope or "").split())) or self.scopes
        return " ".join(asked) if set(asked) <= set(self.scopes) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Simple string comparison (RFC 9700, 2.1); a native client's loopback port may be any (RFC 8252, 7.3)."""
        if redirect_uri in self.redirect_uris:
            return True
        given = _without_port(redirect_uri)
        return given is not None and any(
            self._any_port(known) and given == _without_port(known) for known in self.redirect_uris
        )

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret is not None and hmac.compare_digest(self.secret, hashed(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") == self.public

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and CODE in self.grants

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grants

    def _any_port(self, redirect_uri: str) -> bool:
        return self.public and self.native and _without_port(redirect_uri) is not None


class Clients:
    """The register of clients."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, client_id: str) -> Client | None:
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.client).where(tables.client.c.id == client_id)).first()
        return None if row is None else _client(row)

    def all(self) -> Sequence[Client]:
        with self._store.reading() as connection:
            return [_client(row) for row in connection.execute(sa.select(tables.client).order_by(tables.client.c.id))]

    def add(self, client: Client) -> str | None:
        """Registers it; a confidential client's new secret, which is kept nowhere. `client.secret` only says whether
        it has one. Raises BadRequest, Conflict."""
        _check(client)
        secret = None if client.public else secret_text()
        values = {
            "id": client.id,
            "name": client.name,
            "secret": hashed(secret) if secret else None,
            "native": client.native,
            "introspects": client.introspects,
            "redirect_uris": list(client.redirect_uris),
            "grants": sorted(client.grants),
            "scopes": list(client.scopes),
            "roles": list(client.roles),
            "organization": client.organization,
            "made_at": self._store.now(),
        }
        try:
            with self._store.writing(revokes=True) as connection:
                connection.execute(sa.insert(tables.client).values(values))
        except sa.exc.IntegrityError:
            raise Conflict(f"there is a client {client.id} already: remove it first, or choose another id") from None
        return secret

    def renew_secret(self, client_id: str) -> str:
        """A new secret; the old one ends at once. Raises NotFound, BadRequest for a public client."""
        client = self._known(client_id)
        if client.public:
            raise BadRequest(f"{client_id} is a public client: it has no secret")
        secret = secret_text()
        with self._store.writing() as connection:
            connection.execute(
                sa.update(tables.client).where(tables.client.c.id == client_id).values(secret=hashed(secret))
            )
        return secret

    def remove(self, client_id: str) -> None:
        """Removes it, and with it all that it was given. Raises NotFound."""
        self._known(client_id)
        now = self._store.now()
        with self._store.writing(revokes=True) as connection:
            connection.execute(sa.delete(tables.client).where(tables.client.c.id == client_id))
            for table in (tables.grant, tables.token):
                connection.execute(
                    sa.update(table)
                    .where(table.c.client == client_id, table.c.revoked_at.is_(None))
                    .values(revoked_at=now)
                )

    def _known(self, client_id: str) -> Client:
        client = self.find(client_id)
        if client is None:
            raise NotFound(f"there is no client {client_id}; causeway clients list shows them")
        return client


def _client(row: Any) -> Client:
    return Client(
        id=row.id,
        name=row.name,
        secret=None if row.secret is None else bytes(row.secret),
        native=row.native,
        introspects=row.introspects,
        redirect_uris=tuple(row.redirect_uris),
        grants=frozenset(row.grants),
        scopes=tuple(row.scopes),
        roles=tuple(row.roles),
        organization=row.organization,
    )


def _check(client: Client) -> None:
    if not _ID.fullmatch(client.id) or is_uuid(client.id):
        raise BadRequest(
            f"{client.id!r} is no client id: letters, digits, dots, dashes, underscores, and no UUID, as accounts have"
        )
    if client.public and CREDENTIALS in client.grants:
        raise BadRequest("client credentials are for confidential clients: register it with a secret")
    if client.public and client.introspects:
        raise BadRequest("introspection is for confidential clients: register it with a secret")
    if client.native and not client.public:
        raise BadRequest("a native client cannot keep a secret: register it as public")
    if CODE in client.grants and not client.redirect_uris:
        raise BadRequest("a client that sends people to log in needs at least one redirect URI")
    check_scopes(client.scopes)
    for uri in client.redirect_uris:
        _check_redirect_uri(uri, native=client.native)


def check_scopes(scopes: Iterable[str]) -> None:
    for scope in scopes:
        if not SCOPE.fullmatch(scope):
            raise BadRequest(f"{scope!r} is no scope: write purpose:NAME, such as purpose:operations")


def _check_redirect_uri(uri: str, *, native: bool) -> None:
    try:
        parts = urlsplit(uri)
        plain = uri.isascii() and uri.isprintable() and not set(uri) & set(' "<>\\^`{|}*')
    except ValueError:
        plain = False
    if not plain or "#" in uri:
        raise BadRequest(f"{uri!r} is no redirect URI: absolute, without a fragment or a wildcard")
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in (*_LOOPBACK, "localhost"):
        return
    if native and "." in parts.scheme:  # RFC 8252, 7.1: a reversed domain name
        return
    raise BadRequest(
        f"{uri!r} is no redirect URI that is safe: https, http on loopback, or for a native client a scheme of its own "
        "such as com.example.app:/done"
    )


def _without_port(uri: str) -> str | None:
    """A loopback address's redirect URI with its port taken out; None for any other. What urlsplit might read
    leniently (a user, a port that is none) is no such URI."""
    found = re.fullmatch(r"http://(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?((?:/|\?).*)?", uri)
    return None if found is None else f"{found[1]}{found[3] or ''}"
