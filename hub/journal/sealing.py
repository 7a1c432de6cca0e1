"""Seals personal values with a key per (source, external id); forgetting deletes the key.

The key store (`keys.db`, or a database of its own) holds data keys wrapped by the park key, which lies outside
the state folder; what the keys belong to is stored as a keyed hash, so a stolen store names nobody.

A sealed value is: version (1 byte), nonce (12), AES-256-GCM ciphertext and tag; (source, external id) is its
additional data. Wrapping, identifiers and hashes each use a key of their own, by HKDF-SHA256 from the park key.
"""

import base64
import binascii
import hashlib
import hmac as hmac_
import os
import secrets
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.clock import Clock, now, to_micros
from hub.errors import BadRequest, SettingsError
from hub.telemetry import logger

SEALED_V1 = 1
_NONCE = 12
_CHUNK = 500
_log = logger(__name__)

metadata = sa.MetaData()
_data_key = sa.Table(
    "data_key",
    metadata,
    sa.Column("holder", sa.LargeBinary, primary_key=True),  # keyed hash of (source, external id)
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),  # microseconds since 1970
)
_forgotten = sa.Table(
    "forgotten",
    metadata,
    sa.Column("holder", sa.LargeBinary, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),  # keys made up to then are gone, also from a restored store
)
_about = sa.Table(
    "about",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


class Forgotten(NamedTuple):
    """Whose keys, made up to `at` (microseconds since 1970), were deleted; `holder` is a keyed hash."""

    holder: bytes
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyringConfig:
    """`store` is the path of keys.db or the URL of a PostgreSQL database of its own; `park_key` a file of 32 bytes
    in base64, outside `state` and never in a backup of it."""

    store: Path | str
    park_key: Path
    state: Path | None = None
    cached: int = 10_000


class Keyring:
    """The open key store; may be used from any thread."""

    def __init__(self, engine: sa.Engine, park_key: bytes, *, cached: int, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.RLock()
        self._cached = cached
        self._keys: OrderedDict[bytes, bytes] = OrderedDict()  # a cipher each would take 2.5 kB
        self._wrapping = AESGCM(_derive(park_key, "wrapping"))
        self._identifiers = _derive(park_key, "identifiers")
        self._holders = _derive(park_key, "holders")
        self.made_now = False
        """The store is new: where the journal is not, its personal values cannot be read."""

    @classmethod
    def open(cls, config: KeyringConfig, *, clock: Clock = now) -> Self:
        """Makes store and park key at first use. Raises SettingsError: the park key is missing, unreadable,
        within the state folder, or not the one that the store was made with."""
        engine = open_store(config.store)
        try:
            metadata.create_all(engine)
            with engine.connect() as connection:
                known = connection.scalar(sa.select(_about.c.value).where(_about.c.name == "park_key"))
            park_key = _park_key(config, make=known is None)
            keyring = cls(engine, park_key, cached=config.cached, clock=clock)
            keyring._check_park_key(known, _derive(park_key, "check").hex(), config.park_key)
        except BaseException:
            engine.dispose()
            raise
        return keyring

    def close(self) -> None:
        with self._lock:
            self._keys.clear()
        self._engine.dispose()

    def ensure(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Keys for all (source, external id), in one transaction; durable when it returns, so call it before the
        commit of what they seal."""
        holders = {self._holder(source, external_id) for source, external_id in pairs}
        with self._lock:
            missing = sorted(holders - self._load(holders))
            if not missing:
                return
            with self._writing() as connection:
                forgotten, made = dict[bytes, int](), set[bytes]()
                for chunk in _chunks(missing):
                    rows = connection.execute(sa.select(_forgotten).where(_forgotten.c.holder.in_(chunk)))
                    forgotten.update({bytes(row.holder): row.at for row in rows})
                    held = connection.scalars(sa.select(_data_key.c.holder).where(_data_key.c.holder.in_(chunk)))
                    made.update(bytes(holder) for holder in held)  # by another process, since we looked
                at = to_micros(self._clock())
                rows_to_make = [
                    {
                        "holder": holder,
                        "wrapped": self._wrap(AESGCM.generate_key(256), holder),
                        "made_at": max(at, forgotten.get(holder, -1) + 1),  # whoever returns gets a new key
                    }
                    for holder in missing
                    if holder not in made
                ]
                if rows_to_make:
                    connection.execute(sa.insert(_data_key), rows_to_make)
            self._load(set(missing))

    def seal(self, source: str, external_id: str, plain: bytes) -> bytes:
        """Makes the key where `ensure` has not."""
        holder = self._holder(source, external_id)
        key = self._key(holder)
        if key is None:
            self.ensure([(source, external_id)])
            key = self._key(holder)
        if key is None:
            raise BadRequest("the key was forgotten while it was made; try again")
        nonce = secrets.token_bytes(_NONCE)
        return bytes([SEALED_V1]) + nonce + key.encrypt(nonce, plain, _pair(source, external_id))

    def unseal(self, source: str, external_id: str, sealed: bytes) -> bytes | None:
        """The plain bytes; None where they were forgotten. Raises BadRequest for what is no sealed value."""
        if len(sealed) <= 1 + _NONCE or sealed[0] != SEALED_V1:
            raise BadRequest("this is not a sealed value of a version that this hub reads")
        key = self._key(self._holder(source, external_id))
        if key is None:
            return None
        try:
            return key.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _pair(source, external_id))
        except InvalidTag:
            return None  # sealed with an earlier key of the same pair, which was forgotten

    def discard(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Deletes keys whose sealed values are about to go by age: nobody asked to be forgotten, so no list says it."""
        holders = sorted({self._holder(source, external_id) for source, external_id in pairs})
        with self._lock:
            for holder in holders:
                self._keys.pop(holder, None)
            with self._writing() as connection:
                for chunk in _chunks(holders):
                    connection.execute(sa.delete(_data_key).where(_data_key.c.holder.in_(chunk)))

    def hmac(self, text: str) -> str:
        """HMAC-SHA256 in hex, under a key of its own: how identifiers of personal schemes are stored."""
        return hmac_.new(self._identifiers, text.encode(), hashlib.sha256).hexdigest()

    def forget(self, source: str, external_id: str) -> bool:
        """Deletes the key, for good: what it sealed is unreadable. False where there was none."""
        holder = self._holder(source, external_id)
        with self._lock:
            self._keys.pop(holder, None)
            with self._writing() as connection:
                made_at = connection.scalar(sa.select(_data_key.c.made_at).where(_data_key.c.holder == holder))
                at = max(to_micros(self._clock()), made_at or 0)
                connection.execute(sa.delete(_data_key).where(_data_key.c.holder == holder))
                connection.execute(sa.delete(_forgotten).where(_forgotten.c.holder == holder))
                connection.execute(sa.insert(_forgotten).values(holder=holder, at=at))
            self._scrub()
        return made_at is not None

    def forgotten(self) -> Sequence[Forgotten]:
        """The list of the forgotten: keyed hashes and times, no names."""
        with self._engine.connect() as connection:
            return [Forgotten(row.holder, row.at) for row in connection.execute(sa.select(_forgotten))]

    def honour(self, forgotten: Iterable[Forgotten]) -> int:
        """Forgets here too what another key store of the same park key had forgotten; the number of keys deleted."""
        deleted = 0
        with self._lock:
            with self._writing() as connection:
                held = {row.holder: row.at for row in connection.execute(sa.select(_forgotten))}
                for holder, at in forgotten:
                    if held.get(holder, -1) >= at:
                        continue
                    gone = connection.execute(
                        sa.delete(_data_key).where(_data_key.c.holder == holder, _data_key.c.made_at <= at)
                    )
                    deleted += gone.rowcount
                    connection.execute(sa.delete(_forgotten).where(_forgotten.c.holder == holder))
                    connection.execute(sa.insert(_forgotten).values(holder=holder, at=at))
            self._keys.clear()
            self._scrub()
        return deleted

    def absorb(self, other: "Keyring") -> int:
        """Takes over the keys of a copy of the store that this one lacks or has only older, then honours its list of
        the forgotten; the number of keys taken. So the newest of both stands, and nobody forgotten comes back."""
        taken = list[dict[str, object]]()
        self.honour(other.forgotten())
        with self._lock, other._engine.connect() as theirs, self._writing() as connection:
            held = {bytes(row.holder): row.made_at for row in connection.execute(sa.select(_data_key))}
            gone = {bytes(row.holder): row.at for row in connection.execute(sa.select(_forgotten))}
            for row in theirs.execute(sa.select(_data_key)):
                holder = bytes(row.holder)
                if row.made_at > max(held.get(holder, -1), gone.get(holder, -1)):
                    taken.append({"holder": holder, "wrapped": bytes(row.wrapped), "made_at": row.made_at})
            for each in taken:
                connection.execute(sa.delete(_data_key).where(_data_key.c.holder == each["holder"]))
            if taken:
                connection.execute(sa.insert(_data_key), taken)
            self._keys.clear()
        return len(taken)

    def _check_park_key(self, known: str | None, check: str, path: Path) -> None:
        if known is None:
            with self._writing() as connection:
                connection.execute(sa.insert(_about).values(name="park_key", value=check))
            self.made_now = True
        elif not hmac_.compare_digest(known, check):
            raise SettingsError(
                f"the park key in {path} is not the one that the key store was made with; "
                "put back that file from its copy, or personal values stay unreadable"
            )

    def _holder(self, source: str, external_id: str) -> bytes:
        return hmac_.digest(self._holders, _pair(source, external_id), "sha256")

    def _wrap(self, key: bytes, holder: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._wrapping.encrypt(nonce, key, holder)

    def _key(self, holder: bytes) -> AESGCM | None:
        with self._lock:
            if holder not in self._keys:
                self._load({holder})
            key = self._keys.get(holder)
            if key is not None:
                self._keys.move_to_end(holder)
            return None if key is None else AESGCM(key)

    def _load(self, holders: set[bytes]) -> set[bytes]:
        """Brings stored keys into the cache; the holders that have one."""
        found = {holder for holder in holders if holder in self._keys}
        missing = sorted(holders - found)
        if missing:
            with self._engine.connect() as connection:
                for chunk in _chunks(missing):
                    rows = connection.execute(sa.select(_data_key).where(_data_key.c.holder.in_(chunk)))
                    for row in rows:
                        wrapped = bytes(row.wrapped)
                        key = self._wrapping.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], bytes(row.holder))
                        self._keys[bytes(row.holder)] = key
                        found.add(bytes(row.holder))
        while len(self._keys) > self._cached:
            self._keys.popitem(last=False)
        return found

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SET LOCAL synchronous_commit = on"))
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('causeway.keys'))"))
            yield connection

    def _scrub(self) -> None:
        """PostgreSQL keeps deleted rows in the table's file until it is written anew; SQLite has secure_delete."""
        if self._engine.dialect.name == "postgresql":
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM FULL data_key"))


def copy_store(store: Path | str, target: Path) -> int:
    """A copy of a key store as a file, whatever engine it is on; the number of its keys. They stay wrapped by the park
    key, which is never in it. Raises BadRequest where `target` exists."""
    if target.exists():
        raise BadRequest(f"{target} exists already: name a new file for the copy of the keys")
    source, copy = open_store(store), open_store(target)
    try:
        metadata.create_all(copy)
        keys = 0
        options = {"isolation_level": "REPEATABLE READ"} if source.dialect.name == "postgresql" else {}
        with source.connect().execution_options(**options) as reading, reading.begin(), copy.begin() as writing:
            for table in metadata.sorted_tables:
                rows = [dict(row) for row in reading.execute(sa.select(table)).mappings()]
                if rows:
                    writing.execute(sa.insert(table), rows)
                keys += len(rows) if table is _data_key else 0
    finally:
        source.dispose()
        copy.dispose()
    return keys


def open_store(store: Path | str) -> sa.Engine:
    """An engine for a key store: SQLite with 0600, secure_delete and synchronous=FULL, or PostgreSQL."""
    if isinstance(store, str):
        return sa.create_engine(sa.make_url(store).set(drivername="postgresql+psycopg"), pool_size=2)
    if not store.exists():
        os.close(os.open(store, os.O_CREAT | os.O_WRONLY, 0o600))
    engine = sa.create_engine(f"sqlite:///{store}", connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode = DELETE", "secure_delete = ON", "synchronous = FULL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _park_key(config: KeyringConfig, *, make: bool) -> bytes:
    path = config.park_key
    if config.state is not None and path.resolve().is_relative_to(config.state.resolve()):
        raise SettingsError(
            f"the park key {path} lies within the state folder {config.state}: "
            "whoever takes a copy of the one would have the other; name a file elsewhere"
        )
    try:
        if not path.exists():
            if not make:
                raise SettingsError(f"the park key {path} is missing; put back the copy that was kept of it")
            _make_park_key(path)
        text = path.read_text(encoding="ascii")
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read or make the park key {path}: {error}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        _log.warning("keys.park_key_readable_by_others", path=str(path), mode=oct(stat.S_IMODE(mode)))
    try:
        key = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise SettingsError(f"the park key {path} is not base64") from error
    if len(key) != 32:
        raise SettingsError(f"the park key {path} holds {len(key)} bytes instead of 32 (in base64)")
    return key


def _make_park_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    _log.info("keys.park_key_made", path=str(path))


def _derive(park_key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"causeway {purpose} v1".encode()).derive(park_key)


def _pair(source: str, external_id: str) -> bytes:
    """Unambiguous whatever the names hold: each with its length before it."""
    first, second = source.encode(), external_id.encode()
    return len(first).to_bytes(4, "big") + first + second


def _chunks(holders: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(holders), _CHUNK):
        yield holders[start : start + _CHUNK]
