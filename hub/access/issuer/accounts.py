"""People's accounts: names, roles, passwords, second factors. What narrows one ends what it was given."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyotp
import sqlalchemy as sa

from hub.access.issuer import tables
from hub.access.issuer.passwords import Passwords
from hub.access.issuer.store import Seals, Store
from hub.clock import from_micros
from hub.errors import BadRequest, Conflict, NotFound
from hub.journal.ids import uuid7

_NAME = re.compile(r"[^\s\x00-\x1f\x7f<>\"']{1,64}")
_ROLE = re.compile(r"[a-z][a-z0-9_-]*")
_SEALED = "issuer"
_STEP = 30  # seconds, RFC 6238


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`id` is the subject of its tokens; `organization` and `person` are entities' ids."""

    id: str
    name: str
    roles: tuple[str, ...]
    organization: str | None
    person: str | None
    enabled: bool
    second_factor: bool


class Accounts:
    """The register of accounts."""

    def __init__(self, store: Store, seals: Seals, passwords: Passwords, park: str) -> None:
        self._store = store
        self._seals = seals
        self._passwords = passwords
        self._park = park

    def find(self, account_id: str) -> Account | None:
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.account).where(tables.account.c.id == account_id)).first()
        return None if row is None else _account(row)

    def all(self) -> Sequence[Account]:
        with self._store.reading() as connection:
            found = connection.execute(sa.select(tables.account).order_by(tables.account.c.name))
            return [_account(row) for row in found]

    def add(
        self, name: str, password: str, *, roles: Sequence[str], organization: str | None, person: str | None = None
    ) -> Account:
        """Raises BadRequest, Conflict."""
        name = plain_name(name)
        now = self._store.now()
        values = {
            "id": uuid7(from_micros(now * 1_000_000)),
            "name": name,
            "password": self._passwords.hash(password),
            "roles": _roles(roles),
            "organization": organization,
            "person": person,
            "enabled": True,
            "made_at": now,
        }
        try:
            with self._store.writing(revokes=True) as connection:
                connection.execute(sa.insert(tables.account).values(values))
        except sa.exc.IntegrityError:
            raise Conflict(f"there is an account {name} already") from None
        return self.named(name)

    def enable(self, name: str, *, enabled: bool) -> Account:
        """A disabled account's tokens and sessions end at once. Raises NotFound."""
        return self._change(name, {"enabled": enabled}, ends=not enabled)

    def set_password(self, name: str, password: str) -> Account:
        """What was given under the old one ends: it may be known to another. Raises NotFound, BadRequest."""
        return self._change(name, {"password": self._passwords.hash(password)}, ends=True)

    def set_roles(
        self, name: str, roles: Sequence[str], organization: str | None, person: str | None = None
    ) -> Account:
        """Access tokens that say the old ones end; the next refresh says the new ones. Raises NotFound, BadRequest."""
        said: dict[str, object] = {"roles": _roles(roles), "organization": organization, "person": person}
        return self._change(name, said, ends=False)

    def begin_totp(self, name: str) -> str:
        """A new shared secret, in force at once, as the otpauth URI that an authenticator takes; kept nowhere in the
        clear. Raises NotFound."""
        account = self.named(name)
        secret = pyotp.random_base32()
        sealed = self._seals.seal(_SEALED, f"totp:{account.id}", secret.encode())
        self._change(name, {"totp": sealed, "totp_step": 0}, ends=True)
        return pyotp.TOTP(secret).provisioning_uri(name=account.name, issuer_name=self._park or "Causeway")

    def end_totp(self, name: str) -> Account:
        return self._change(name, {"totp": None}, ends=True)

    def verify(self, name: str, password: str, code: str) -> Account | None:
        """The account, if password, second factor and state are in order; else None, whichever of them was not. A
        wrong password and an unknown name take the same time."""
        try:
            name = plain_name(name)
        except BadRequest:
            name = ""
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.account).where(tables.account.c.name == name)).first()
        right = self._passwords.holds(None if row is None else row.password, password)
        if row is None or not right or not row.enabled:
            return None
        if row.totp is not None and not self._takes(row, code):
            return None
        if self._passwords.outdated(row.password):
            stronger = self._passwords.hash(password)
            with self._store.writing() as connection:
                connection.execute(
                    sa.update(tables.account).where(tables.account.c.id == row.id).values(password=stronger)
                )
        return _account(row)

    def _takes(self, row: Any, code: str) -> bool:
        """Whether the code is of this step or a neighbour, and no step is taken twice (RFC 6238, 5.2)."""
        secret = self._seals.unseal(_SEALED, f"totp:{row.id}", bytes(row.totp))
        code = "".join(code.split())
        if secret is None or not re.fullmatch(r"[0-9]{6}", code):
            return False
        totp, now = pyotp.TOTP(secret.decode()), self._store.now()
        near = range(now // _STEP - 1, now // _STEP + 2)
        steps = [step for step in near if hmac.compare_digest(totp.at(step * _STEP), code)]
        if not steps:
            return False
        with self._store.writing() as connection:
            taken = connection.execute(
                sa.update(tables.account)
                .where(tables.account.c.id == row.id, tables.account.c.totp_step < steps[-1])
                .values(totp_step=steps[-1])
            )
        return taken.rowcount == 1

    def id_of(self, name: str) -> str | None:
        """None for what no account is named."""
        with self._store.reading() as connection:
            found = sa.select(tables.account.c.id).where(tables.account.c.name == name.strip().lower())
            return connection.scalar(found)

    def named(self, name: str) -> Account:
        """Raises NotFound."""
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.account).where(tables.account.c.name == name.lower())).first()
        if row is None:
            raise NotFound(f"there is no account {name}; causeway users list shows them")
        return _account(row)

    def _change(self, name: str, values: dict[str, object], *, ends: bool) -> Account:
        account = self.named(plain_name(name))
        now = self._store.now()
        with self._store.writing(revokes=True) as connection:
            connection.execute(sa.update(tables.account).where(tables.account.c.id == account.id).values(values))
            ended = (tables.token, tables.grant) if ends else (tables.token,)
            for table in ended:
                connection.execute(
                    sa.update(table)
                    .where(table.c.account == account.id, table.c.revoked_at.is_(None))
                    .values(revoked_at=now)
                )
            if ends:
                connection.execute(sa.delete(tables.session).where(tables.session.c.account == account.id))
        return self.named(account.name)


def plain_name(name: str) -> str:
    """As it is stored; raises BadRequest."""
    if not _NAME.fullmatch(name.strip()):
        raise BadRequest(f"{name!r} is no account's name: 1 to 64 characters without spaces or quotation marks")
    return name.strip().lower()


def _roles(roles: Sequence[str]) -> list[str]:
    for role in roles:
        if not _ROLE.fullmatch(role):
            raise BadRequest(f"{role!r} is no role's name, such as duty_officer")
    return sorted(set(roles))


def _account(row: Any) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        roles=tuple(row.roles),
        organization=row.organization,
        person=row.person,
        enabled=row.enabled,
        second_factor=row.totp is not None,
    )
