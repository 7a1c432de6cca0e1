"""What a resource server in the same process asks of the issuer, without HTTP: its keys, and what still stands."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from hub.access.issuer import tables
from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.keys import ALGORITHM, Keys
from hub.access.issuer.store import Store


class Standing:
    """Answers from memory, at once and from any thread; a revocation shows with the commit that makes it."""

    def __init__(self, store: Store, keys: Keys, config: IssuerConfig) -> None:
        self._store = store
        self._keys = keys
        self.issuer = config.url
        self.audience = config.audience
        self.algorithm = ALGORITHM
        self._revoked: frozenset[str] = frozenset()
        self._subjects: frozenset[str] = frozenset()
        self.read_anew()
        store.on_revoked = self.read_anew

    def jwks(self) -> Mapping[str, Any]:
        """The JWK set: keys that sign, that will, and whose tokens may still live."""
        return self._keys.public()

    def token_revoked(self, token_id: str) -> bool:
        """Of a token that is not expired, by its `jti`. Also true where the account's roles or organization changed
        since: the token says the old ones, and its client gets the new ones by a refresh."""
        return token_id in self._revoked

    def subject_stands(self, subject: str) -> bool:
        """Whether the account is enabled, or the client of a token of its own still registered, by the `sub`."""
        return subject in self._subjects

    def read_anew(self) -> None:
        revoked = sa.select(tables.token.c.id).where(
            tables.token.c.revoked_at.is_not(None), tables.token.c.expires_at > self._store.now() - 3600
        )
        enabled = sa.select(tables.account.c.id).where(tables.account.c.enabled)
        with self._store.reading() as connection:
            self._revoked = frozenset(connection.scalars(revoked))
            self._subjects = frozenset(connection.scalars(enabled)) | frozenset(
                connection.scalars(sa.select(tables.client.c.id))
            )
