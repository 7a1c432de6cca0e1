"""RFC 8628: a device without a keyboard shows a code, and a person lets it in from a browser elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant

from hub.access.issuer import tables
from hub.access.issuer.clients import DEVICE
from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.flows import METHODS
from hub.access.issuer.grants import Grant, Grants
from hub.access.issuer.limits import Attempts
from hub.access.issuer.metadata import DEVICE_PAGE
from hub.access.issuer.signing_in import Session
from hub.access.issuer.store import Store, hashed

_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628, 6.1: no vowels, so no words; 8 of 20 are 34 bits
_SLOWER = 5  # seconds that each too early poll adds
_WAITING = 1000  # devices at once; anyone may ask for a code, and each takes a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that waits; the names of its methods are Authlib's."""

    hash: bytes
    client: str
    scope: str
    expired: bool
    allowed: bool | None
    grant_id: str | None

    def get_client_id(self) -> str:
        return self.client

    def get_scope(self) -> str:
        return self.scope

    def get_user_code(self) -> bytes:
        return self.hash

    def is_expired(self) -> bool:
        return self.expired


class Devices:
    """The register of devices that wait."""

    def __init__(self, store: Store, grants: Grants, config: IssuerConfig) -> None:
        self._store = store
        self._grants = grants
        self._config = config
        self._guesses = Attempts(free=5, longest=900)

    def add(self, client_id: str, scope: str, *, device_code: str, user_code: str) -> None:
        """Raises OAuth2Error where too many wait already."""
        now = self._store.now()
        with self._store.writing() as connection:
            waiting = sa.select(sa.func.count()).where(
                tables.device.c.expires_at > now, tables.device.c.used_at.is_(None)
            )
            if (connection.scalar(waiting) or 0) >= _WAITING:
                text = "Too many devices wait for an answer. Try again later."
                raise OAuth2Error(text, error="temporarily_unavailable", status_code=503)
            connection.execute(sa.delete(tables.device).where(tables.device.c.expires_at <= now - 3600))
            connection.execute(
                sa.insert(tables.device).values(
                    hash=hashed(device_code),
                    user_code=hashed(plain_code(user_code)),
                    client=client_id,
                    scope=scope,
                    expires_at=now + int(self._config.device_life.total_seconds()),
                    interval=self._config.device_interval,
                    polled_at=now,
                )
            )

    def waiting(self, user_code: str, session: Session) -> Device | None:
        """The device that shows this code and has had no answer. Raises TooManyAttempts: codes are short, and a person
        who guesses could let a stranger's device in."""
        now = self._store.now()
        self._guesses.check(session.account.id, now)
        where = tables.device.c.user_code == hashed(plain_code(user_code))
        with self._store.reading() as connection:
            row = connection.execute(sa.select(tables.device).where(where)).first()
        if row is None or row.expires_at <= now or row.allowed is not None:
            self._guesses.failed(session.account.id, now)
            return None
        return self._device(row)

    def decide(self, device: Device, session: Session, *, allowed: bool) -> bool:
        """False where somebody was faster, or its time has run out."""
        grant = self._grants.begin(session, device.client, device.scope) if allowed else None
        with self._store.writing() as connection:
            done = connection.execute(
                sa.update(tables.device)
                .where(
                    tables.device.c.hash == device.hash,
                    tables.device.c.allowed.is_(None),
                    tables.device.c.expires_at > self._store.now(),
                )
                .values(allowed=allowed, grant_id=grant.id if grant else None)
            )
        return done.rowcount == 1

    def find(self, device_code: str) -> Device | None:
        with self._store.reading() as connection:
            row = connection.execute(
                sa.select(tables.device).where(tables.device.c.hash == hashed(device_code))
            ).first()
        return None if row is None or row.used_at is not None else self._device(row)

    def too_early(self, device: Device) -> bool:
        """Notes the poll; one that came too early makes the interval longer (RFC 8628, 3.5)."""
        now = self._store.now()
        where = tables.device.c.hash == device.hash
        with self._store.writing() as connection:
            row = connection.execute(sa.select(tables.device.c.polled_at, tables.device.c.interval).where(where)).one()
            early = now < row.polled_at + row.interval
            slower = row.interval + (_SLOWER if early else 0)
            connection.execute(sa.update(tables.device).where(where).values(polled_at=now, interval=slower))
        return bool(early)

    def take(self, device: Device) -> Grant | None:
        """Its grant, once."""
        with self._store.writing() as connection:
            taken = connection.execute(
                sa.update(tables.device)
                .where(tables.device.c.hash == device.hash, tables.device.c.used_at.is_(None))
                .values(used_at=self._store.now())
            )
        return self._grants.standing(device.grant_id) if taken.rowcount == 1 and device.grant_id else None

    def _device(self, row: Any) -> Device:
        return Device(
            hash=bytes(row.hash),
            client=row.client,
            scope=row.scope,
            expired=row.expires_at <= self._store.now(),
            allowed=row.allowed,
            grant_id=row.grant_id,
        )


class DeviceEndpoint(DeviceAuthorizationEndpoint):
    """Gives a device its two codes."""

    CLIENT_AUTH_METHODS = METHODS

    def create_endpoint_response(self, request: Any) -> tuple[int, Mapping[str, object], object]:
        config: IssuerConfig = self.server.config
        self.EXPIRES_IN, self.INTERVAL = int(config.device_life.total_seconds()), config.device_interval
        return super().create_endpoint_response(request)  # type: ignore[no-any-return]

    def authenticate_client(self, request: Any) -> Any:
        client = super().authenticate_client(request)
        if not client.check_grant_type(DEVICE):
            raise UnauthorizedClientError("The client is not registered for device codes.")
        client_scope(client, request.payload.scope)
        return client

    def get_verification_uri(self) -> str:
        return str(self.server.config.at(DEVICE_PAGE))

    def save_device_credential(self, client_id: str, scope: str | None, data: Mapping[str, str]) -> None:
        client = self.server.query_client(client_id)
        self.server.devices.add(
            client_id, client_scope(client, scope), device_code=data["device_code"], user_code=data["user_code"]
        )


class DeviceGrant(DeviceCodeGrant):
    """The device's polling at the token endpoint."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_device_credential(self, device_code: str) -> Device:
        device: Device | None = self.server.devices.find(device_code)
        if device is None:
            raise InvalidGrantError("The device code is unknown, or was used.")
        return device

    def query_user_grant(self, user_code: bytes) -> tuple[None, bool] | None:
        """Authlib asks by the user code for what a person has said; here it is asked for by the device itself."""
        device: Device | None = self.server.devices.find(self.request.payload.data["device_code"])
        return None if device is None or device.allowed is None else (None, device.allowed)

    def should_slow_down(self, credential: Device) -> bool:
        return bool(self.server.devices.too_early(credential))

    def create_token_response(self) -> Any:
        """Takes the code, which no other request can any more."""
        device: Device = self.query_device_credential(self.request.payload.data["device_code"])
        self.request.user = self.server.holder(self.server.devices.take(device))
        return super().create_token_response()


def client_scope(client: Any, scope: str | None) -> str:
    """Raises InvalidScopeError."""
    allowed: str | None = client.get_allowed_scope(scope)
    if allowed is None:
        raise InvalidScopeError()
    return allowed


def plain_code(user_code: str) -> str:
    """As it was made, however a person typed it."""
    return "".join(letter for letter in user_code.upper() if letter in _ALPHABET)
