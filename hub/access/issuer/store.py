"""Opens `access.db` (0600): one writer at a time, and whoever must know is told when something was revoked."""

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

import sqlalchemy as sa

from hub.access.issuer import tables
from hub.clock import Clock
from hub.errors import SettingsError, StorageFull
from hub.journal.key_tables import open_store

FILE = "access.db"


Tell = Callable[[str, Mapping[str, str | None]], None]
"""Takes what happened, with ids and no secrets, for the audit; called from any thread, once it is so."""


class Seals(Protocol):
    """Seals small secrets under keys that lie elsewhere; the hub's keyring does."""

    def seal(self, source: str, external_id: str, plain: bytes) -> bytes: ...

    def unseal(self, source: str, external_id: str, sealed: bytes) -> bytes | None:
        """None where the key was forgotten."""
        ...


class Store:
    """May be used from any thread."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.RLock()
        self.on_revoked: Callable[[], None] = lambda: None
        self.tell: Tell = lambda name, about: None

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> Self:
        """Makes the file at first use. Raises SettingsError for one of a newer version."""
        engine = open_store(folder / FILE)
        try:
            tables.metadata.create_all(engine)
            with engine.begin() as connection:
                found = connection.scalar(sa.select(tables.about.c.value).where(tables.about.c.name == "version"))
                if found is None:
                    connection.execute(sa.insert(tables.about).values(name="version", value=str(tables.VERSION)))
                elif int(found) > tables.VERSION:
                    raise SettingsError(f"{folder / FILE} was written by a newer causeway: run that one")
                elif int(found) < tables.VERSION:
                    _bring_up(connection)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, clock)

    def close(self) -> None:
        self._engine.dispose()

    def now(self) -> int:
        """Whole seconds since 1970."""
        return int(self._clock().timestamp())

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._lock, self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, revokes: bool = False) -> Iterator[sa.Connection]:
        """One transaction; with `revokes` those who keep what stands read it anew once it is committed. Raises
        StorageFull."""
        with self._lock:
            try:
                with self._engine.begin() as connection:
                    yield connection
            except sa.exc.OperationalError as error:
                raise StorageFull(f"{FILE} cannot be written ({error.orig}): look at disk and quota") from error
            if revokes:
                self.on_revoked()


def _bring_up(connection: sa.Connection) -> None:
    """From version 1, whose accounts are of nobody in the park."""
    connection.execute(sa.text("ALTER TABLE account ADD COLUMN person TEXT"))
    connection.execute(
        sa.update(tables.about).where(tables.about.c.name == "version").values(value=str(tables.VERSION))
    )


def secret_text() -> str:
    """256 random bits, for codes, tokens and clients' secrets."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """SHA-256: enough for what holds 256 random bits, which nobody can guess however fast the hash is."""
    return hashlib.sha256(secret.encode()).digest()
