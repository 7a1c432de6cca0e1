"""A person's login: who it is, the browser's session, and how often one may try."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from hub.access.issuer import tables
from hub.access.issuer.accounts import Account, Accounts
from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.limits import Attempts, TooManyAttempts
from hub.access.issuer.store import Store, hashed, secret_text
from hub.telemetry import logger

log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser in which a person has logged in. `secret` is the cookie's value; `amr` as RFC 8176 has it."""

    secret: str
    account: Account
    auth_time: int
    amr: Sequence[str]

    @property
    def csrf(self) -> str:
        return csrf_of(self.secret)


class SigningIn:
    """Logs people in and out."""

    def __init__(self, store: Store, accounts: Accounts, config: IssuerConfig) -> None:
        self._store = store
        self._accounts = accounts
        self._life = int(config.session_life.total_seconds())
        self._by_account = Attempts(free=5, longest=60)
        self._by_address = Attempts(free=20, longest=900)

    def enter(self, name: str, password: str, code: str, address: str) -> Session | None:
        """A new session, or None without a word of what was wrong. Raises TooManyAttempts, whether or not there is
        such an account."""
        now = self._store.now()
        key = hashlib.sha256(name.strip().lower().encode()).hexdigest()  # what is typed may be a password
        try:
            self._by_account.check(key, now)
            self._by_address.check(address, now)
        except TooManyAttempts:
            self._store.tell("login.refused", {"address": address, "why": "too many attempts"})
            raise
        account = self._accounts.verify(name, password, code)
        if account is None:
            self._by_account.failed(key, now)
            self._by_address.failed(address, now)
            log.warning("issuer.login_refused", address=address)
            meant = {"account": self._accounts.id_of(name), "address": address, "why": "password, code or state"}
            self._store.tell("login.refused", meant)
            return None
        self._by_account.succeeded(key)
        secret, amr = secret_text(), ["pwd", "otp"] if account.second_factor else ["pwd"]
        with self._store.writing() as connection:
            connection.execute(
                sa.insert(tables.session).values(
                    hash=hashed(secret), account=account.id, auth_time=now, amr=amr, expires_at=now + self._life
                )
            )
        log.info("issuer.login", account=account.id)
        self._store.tell("login", {"account": account.id, "address": address, "by": " ".join(amr)})
        return Session(secret=secret, account=account, auth_time=now, amr=amr)

    def session(self, secret: str | None) -> Session | None:
        """The session of a cookie; None where it has ended or its account is disabled."""
        if not secret:
            return None
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.session).where(tables.session.c.hash == hashed(secret))).first()
        if row is None or row.expires_at <= self._store.now():
            return None
        account = self._accounts.find(row.account)
        if account is None or not account.enabled:
            return None
        return Session(secret=secret, account=account, auth_time=row.auth_time, amr=tuple(row.amr))

    def leave(self, secret: str | None) -> None:
        if not secret:
            return
        of = tables.session.c.hash == hashed(secret)
        with self._store.writing() as connection:
            account = connection.scalar(sa.select(tables.session.c.account).where(of))
            connection.execute(sa.delete(tables.session).where(of))
        if account is not None:
            self._store.tell("logout", {"account": account})


def csrf_of(cookie: str) -> str:
    """What a form must carry beside the cookie: a page of another origin can have it sent, but not read it."""
    return hashlib.sha256(b"csrf " + cookie.encode()).hexdigest()


def csrf_holds(cookie: str | None, given: str) -> bool:
    return bool(cookie) and hmac.compare_digest(csrf_of(cookie or "").encode(), given.encode())
