"""The keys that sign: RSA, each published before its first use and kept until the last token that it signed has
ended."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from joserfc.jwk import KeyParameters, KeySet, RSAKey

from hub.access.issuer import tables
from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.store import Seals, Store, secret_text
from hub.errors import SettingsError
from hub.telemetry import logger

ALGORITHM = "RS256"  # RFC 9068 asks every issuer and resource server for it
_SEALED = "issuer"
_BITS = 2048
_SKEW = 300  # seconds that a resource server's clock may lag
log = logger(__name__)


class Keys:
    """The present set, in memory; `turn` moves it on."""

    def __init__(self, store: Store, seals: Seals, config: IssuerConfig) -> None:
        self._store = store
        self._seals = seals
        self._life = int(config.key_life.total_seconds())
        self._notice = int(config.key_notice.total_seconds())
        self._kept = int(config.access_life.total_seconds()) + _SKEW
        self._keys: list[tuple[int, RSAKey]] = []  # the moment from which each signs, in that order
        self.turn()

    def turn(self) -> None:
        """Makes the next key in time and drops what no token needs any more; called at start and every hour."""
        now = self._store.now()
        with self._store.writing() as connection:
            starts = sorted(connection.scalars(sa.select(tables.signing_key.c.signs_from)))
            if not starts:
                self._make(connection, now)
            elif starts[-1] + self._life - self._notice <= now:
                self._make(connection, max(starts[-1] + self._life, now + self._notice))
            for ended, successor in pairwise(starts):
                if successor + self._kept <= now:
                    connection.execute(sa.delete(tables.signing_key).where(tables.signing_key.c.signs_from == ended))
            rows = connection.execute(sa.select(tables.signing_key).order_by(tables.signing_key.c.signs_from)).all()
        self._keys = [(row.signs_from, self._opened(row.id, row.private)) for row in rows]

    @property
    def signing(self) -> RSAKey:
        now = self._store.now()
        return next((key for start, key in reversed(self._keys) if start <= now), self._keys[0][1])

    @property
    def verifying(self) -> KeySet:
        return KeySet([key for _, key in self._keys])

    def public(self) -> Mapping[str, Any]:
        """The JWK set of RFC 7517, without anything private."""
        return {"keys": [key.as_dict(private=False) for _, key in self._keys]}

    def _make(self, connection: sa.Connection, signs_from: int) -> None:
        kid = secret_text()[:16]
        key = RSAKey.generate_key(_BITS, _about(kid))
        connection.execute(
            sa.insert(tables.signing_key).values(
                id=kid,
                public=key.as_dict(private=False),
                private=self._seals.seal(_SEALED, f"key:{kid}", key.as_pem(private=True)),
                signs_from=signs_from,
            )
        )
        log.info("issuer.key_made", kid=kid, signs_from=signs_from)

    def _opened(self, kid: str, sealed: bytes) -> RSAKey:
        plain = self._seals.unseal(_SEALED, f"key:{kid}", bytes(sealed))
        if plain is None:
            raise SettingsError(
                "the issuer's signing keys cannot be opened: the key store is not the one they were sealed with. "
                "Put back its copy, or move access.db aside and add accounts anew"
            )
        return RSAKey.import_key(plain, _about(kid))


def _about(kid: str) -> KeyParameters:
    return {"kid": kid, "use": "sig", "alg": ALGORITHM}
