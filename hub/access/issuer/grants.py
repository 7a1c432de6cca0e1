"""What was given out: consents with their families of refresh tokens, codes, and access tokens. Each secret is taken
once, however many ask for it at the same moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub.access.issuer import tables
from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.signing_in import Session
from hub.access.issuer.store import Store, hashed, secret_text
from hub.telemetry import logger

log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One consent of a person to a client, at one login."""

    id: str
    account: str
    client: str
    scope: str
    auth_time: int
    amr: Sequence[str]
    expires_at: int
    revoked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code as it is stored; the names of its methods are Authlib's."""

    hash: bytes
    grant_id: str
    client: str
    redirect_uri: str | None
    scope: str
    code_challenge: str
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str | None:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """A refresh token as it is stored; `grant` is its family."""

    hash: bytes
    grant: Grant
    expires_at: int
    made_at: int

    def check_client(self, client: Any) -> bool:
        return bool(self.grant.client == client.get_client_id())

    def get_scope(self) -> str:
        return self.grant.scope


class Grants:
    """The register of what was given out."""

    def __init__(self, store: Store, config: IssuerConfig) -> None:
        self._store = store
        self._config = config

    def begin(self, session: Session, client_id: str, scope: str) -> Grant:
        """A person has said yes."""
        now = self._store.now()
        values = {
            "id": secret_text()[:22],
            "account": session.account.id,
            "client": client_id,
            "scope": scope,
            "auth_time": session.auth_time,
            "amr": list(session.amr),
            "made_at": now,
            "expires_at": now + int(self._config.refresh_life.total_seconds()),
        }
        with self._store.writing() as connection:
            connection.execute(sa.insert(tables.grant).values(values))
        return Grant(revoked=False, **{name: value for name, value in values.items() if name != "made_at"})  # type: ignore[arg-type]

    def find(self, grant_id: str) -> Grant | None:
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.grant).where(tables.grant.c.id == grant_id)).first()
        return None if row is None else _grant(row)

    def revoke(self, grant_id: str, *, reason: str) -> None:
        """Ends the family: its refresh tokens and its access tokens."""
        now = self._store.now()
        with self._store.writing(revokes=True) as connection:
            ended = connection.execute(
                sa.update(tables.grant)
                .where(tables.grant.c.id == grant_id, tables.grant.c.revoked_at.is_(None))
                .values(revoked_at=now)
            )
            connection.execute(
                sa.update(tables.token)
                .where(tables.token.c.grant_id == grant_id, tables.token.c.revoked_at.is_(None))
                .values(revoked_at=now)
            )
        if ended.rowcount:
            log.warning("issuer.grant_revoked", grant=grant_id, reason=reason)
            self._store.tell("grant.revoked", {"grant": grant_id, "why": reason})

    def save_code(self, code: str, grant: Grant, *, redirect_uri: str | None, challenge: str) -> None:
        expires_at = self._store.now() + int(self._config.code_life.total_seconds())
        with self._store.writing() as connection:
            connection.execute(
                sa.insert(tables.code).values(
                    hash=hashed(code),
                    grant_id=grant.id,
                    client=grant.client,
                    redirect_uri=redirect_uri,
                    scope=grant.scope,
                    challenge=challenge,
                    expires_at=expires_at,
                )
            )

    def code(self, code: str, client_id: str) -> Code | None:
        """None where it is unknown, another client's or expired; one that was used ends what came of it."""
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.code).where(tables.code.c.hash == hashed(code))).first()
        if row is None or row.client != client_id:
            return None
        if row.used_at is not None:
            self.revoke(row.grant_id, reason="its code was used twice")
            return None
        if row.expires_at <= self._store.now():
            return None
        return Code(
            hash=bytes(row.hash),
            grant_id=row.grant_id,
            client=row.client,
            redirect_uri=row.redirect_uri,
            scope=row.scope,
            code_challenge=row.challenge,
        )

    def take_code(self, code: Code) -> Grant | None:
        """Its grant, once."""
        if not self._take(tables.code, code.hash):
            self.revoke(code.grant_id, reason="its code was used twice")
            return None
        return self.standing(code.grant_id)

    def save_refresh(self, grant: Grant) -> str:
        token, now = secret_text(), self._store.now()
        with self._store.writing() as connection:
            connection.execute(
                sa.insert(tables.refresh).values(
                    hash=hashed(token), grant_id=grant.id, made_at=now, expires_at=grant.expires_at
                )
            )
        return token

    def refresh(self, token: str) -> Refresh | None:
        """None where it is unknown, expired or revoked; one that was used before ends its whole family."""
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.refresh).where(tables.refresh.c.hash == hashed(token))).first()
        if row is None:
            return None
        if row.used_at is not None:
            self.revoke(row.grant_id, reason="a refresh token was used twice")
            return None
        grant = self.standing(row.grant_id)
        if grant is None or row.expires_at <= self._store.now():
            return None
        return Refresh(hash=bytes(row.hash), grant=grant, expires_at=row.expires_at, made_at=row.made_at)

    def refresh_of(self, token: str) -> tuple[Grant, int, bool] | None:
        """Of a refresh token that is only looked at: its family, when it was made, whether it could be used."""
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.refresh).where(tables.refresh.c.hash == hashed(token))).first()
        grant = self.find(row.grant_id) if row is not None else None
        if row is None or grant is None:
            return None
        return grant, row.made_at, row.used_at is None and self.standing(grant.id) is not None

    def take_refresh(self, refresh: Refresh) -> Grant | None:
        """Its grant, once."""
        if not self._take(tables.refresh, refresh.hash):
            self.revoke(refresh.grant.id, reason="a refresh token was used twice")
            return None
        return self.standing(refresh.grant.id)

    def save_token(self, token_id: str, *, client_id: str, grant: Grant | None, expires_at: int) -> bool:
        """False where the grant, or the client, went while the token was made: it must not be given out."""
        with self._store.writing() as connection:
            if grant is not None:
                standing = sa.select(tables.grant.c.revoked_at).where(tables.grant.c.id == grant.id)
                if connection.scalar(standing) is not None:
                    return False
            if connection.scalar(sa.select(tables.client.c.id).where(tables.client.c.id == client_id)) is None:
                return False
            connection.execute(
                sa.insert(tables.token).values(
                    id=token_id,
                    client=client_id,
                    grant_id=grant.id if grant else None,
                    account=grant.account if grant else None,
                    expires_at=expires_at,
                )
            )
        return True

    def token_stands(self, token_id: str) -> bool:
        """Of an access token that is not expired: given out, and not revoked."""
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.token.c.revoked_at).where(tables.token.c.id == token_id)).first()
        return row is not None and row.revoked_at is None

    def revoke_token(self, token_id: str) -> None:
        with self._store.writing(revokes=True) as connection:
            ended = connection.execute(
                sa.update(tables.token)
                .where(tables.token.c.id == token_id, tables.token.c.revoked_at.is_(None))
                .values(revoked_at=self._store.now())
            )
        if ended.rowcount:
            self._store.tell("token.revoked", {"token": token_id})

    def prune(self) -> int:
        """Deletes what ended an hour ago and can be asked about no more; the number of rows."""
        past = self._store.now() - 3600
        live = sa.select(tables.grant.c.id).where(tables.grant.c.expires_at > past)
        with self._store.writing() as connection:
            return sum(
                connection.execute(sa.delete(table).where(ended)).rowcount
                for table, ended in (
                    (tables.token, tables.token.c.expires_at <= past),
                    (tables.session, tables.session.c.expires_at <= past),
                    (tables.device, tables.device.c.expires_at <= past),
                    (tables.grant, tables.grant.c.expires_at <= past),
                    (tables.code, tables.code.c.grant_id.not_in(live)),  # a used one is remembered with its family
                    (tables.refresh, tables.refresh.c.grant_id.not_in(live)),
                )
            )

    def _take(self, table: sa.Table, secret: bytes) -> bool:
        with self._store.writing() as connection:
            taken = connection.execute(
                sa.update(table)
                .where(table.c.hash == secret, table.c.used_at.is_(None))
                .values(used_at=self._store.now())
            )
        return taken.rowcount == 1

    def standing(self, grant_id: str) -> Grant | None:
        """None where it has ended."""
        grant = self.find(grant_id)
        return None if grant is None or grant.revoked or grant.expires_at <= self._store.now() else grant


def _grant(row: Any) -> Grant:
    return Grant(
        id=row.id,
        account=row.account,
        client=row.client,
        scope=row.scope,
        auth_time=row.auth_time,
        amr=tuple(row.amr),
        expires_at=row.expires_at,
        revoked=row.revoked_at is not None,
    )
