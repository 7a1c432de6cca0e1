"""Seals personal values with a key per (source, external id); forgetting deletes the key.

The key store (`keys.db`, or a database of its own) holds data keys wrapped by the park key, which lies outside
the state folder; what the keys belong to is stored as a keyed hash, so a stolen store names nobody.

A sealed value is: version (1 byte), nonce (12), AES-256-GCM ciphertext and tag; (source, external id) is its
additional data. Wrapping, identifiers and hashes each use a key of their own, by HKDF-SHA256 from the park key.
"""

import hashlib
import hmac as hmac_
import secrets
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
from hub.journal import forgotten_list
from hub.journal import key_tables as t
from hub.journal import park_key as park_key_file
from hub.journal.forgotten_list import Door, Noted

SEALED_V1 = 1
_NONCE = 12
_CHUNK = 500
_NEVER = -1  # before any key was made


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

    def __init__(
        self, engine: sa.Engine, park_key: bytes, *, cached: int, clock: Clock, noted: Path | None = None
    ) -> None:
        self._engine = engine
        self._noted = noted  # the list of the forgotten; None: nothing is added to it
        self._clock = clock
        self._lock = threading.RLock()
        self._cached = cached
        self._keys: OrderedDict[bytes, bytes] = OrderedDict()  # a cipher each would take 2.5 kB
        self._barred: set[bytes] = set()
        self._wrapping = AESGCM(_derive(park_key, "wrapping"))
        self._identifiers = _derive(park_key, "identifiers")
        self._holders = _derive(park_key, "holders")
        self.made_now = False
        """The store is new: where the journal is not, its personal values cannot be read."""

    @classmethod
    def open(cls, config: KeyringConfig, *, clock: Clock = now) -> Self:
        """Makes store and park key at first use. Raises SettingsError: the park key is missing, unreadable,
        within the state folder, or not the one that the store was made with."""
        engine = t.open_store(config.store)
        try:
            t.metadata.create_all(engine)
            with engine.connect() as connection:
                known = connection.scalar(sa.select(t.about.c.value).where(t.about.c.name == "park_key"))
            park_key = park_key_file.read(config.park_key, config.state, make=known is None)
            keyring = cls(engine, park_key, cached=config.cached, clock=clock)
            keyring._check_park_key(known, _derive(park_key, "check").hex(), config.park_key)
            keyring._read_barred()
            keyring._honour_list(forgotten_list.beside(config.park_key))
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
                    rows = connection.execute(sa.select(t.forgotten).where(t.forgotten.c.holder.in_(chunk)))
                    forgotten.update({bytes(row.holder): row.at for row in rows})
                    held = connection.scalars(sa.select(t.data_key.c.holder).where(t.data_key.c.holder.in_(chunk)))
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
                    connection.execute(sa.insert(t.data_key), rows_to_make)
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
                    connection.execute(sa.delete(t.data_key).where(t.data_key.c.holder.in_(chunk)))

    def hmac(self, text: str) -> str:
        """HMAC-SHA256 in hex, under a key of its own: how identifiers of personal schemes are stored."""
        return hmac_.new(self._identifiers, text.encode(), hashlib.sha256).hexdigest()

    def forget(self, source: str, external_id: str) -> bool:
        """Deletes the key, for good: what it sealed is unreadable. False where there was none."""
        holder = self._holder(source, external_id)
        with self._lock:
            self._keys.pop(holder, None)
            with self._writing() as connection:
                made_at = connection.scalar(sa.select(t.data_key.c.made_at).where(t.data_key.c.holder == holder))
                at = max(to_micros(self._clock()), made_at or 0)
                connection.execute(sa.delete(t.data_key).where(t.data_key.c.holder == holder))
                connection.execute(sa.delete(t.forgotten).where(t.forgotten.c.holder == holder))
                connection.execute(sa.insert(t.forgotten).values(holder=holder, at=at))
                self._note([Noted(holder, at, Door.AS_IS)])
            self._scrub()
        return made_at is not None

    def bar(self, pairs: Iterable[tuple[str, str]]) -> None:
        """From now on nothing personal of them is taken in, until `admit`; their keys stay for now."""
        self.honour([Forgotten(self._holder(*pair), _NEVER) for pair in pairs], bar=True)

    def erase(self, pairs: Iterable[tuple[str, str]], *, bar: bool) -> int:
        """Forgets all of them at once; the number of keys deleted."""
        holders = sorted({self._holder(*pair) for pair in pairs})
        at = to_micros(self._clock())
        with self._engine.connect() as connection:
            for chunk in _chunks(holders):
                query = sa.select(sa.func.max(t.data_key.c.made_at)).where(t.data_key.c.holder.in_(chunk))
                at = max(at, connection.scalar(query) or 0)
        return self.honour([Forgotten(holder, at) for holder in holders], bar=bar)

    def admit(self, holders: Iterable[bytes]) -> None:
        """Lets them be taken in again, under new keys: what was forgotten stays so."""
        admitted = sorted(set(holders))
        with self._lock:
            with self._writing() as connection:
                for chunk in _chunks(admitted):
                    connection.execute(sa.delete(t.barred).where(t.barred.c.holder.in_(chunk)))
            self._barred.difference_update(admitted)
            self._note([Noted(holder, _NEVER, Door.OPEN) for holder in admitted])

    def barred(self, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of whom nothing personal may be taken in; answered from memory."""
        with self._lock:
            return {pair for pair in pairs if self._holder(*pair) in self._barred} if self._barred else set()

    def holders(self, pairs: Iterable[tuple[str, str]]) -> Sequence[bytes]:
        """The keyed hashes under which they stand here; they name nobody."""
        return [self._holder(*pair) for pair in pairs]

    def forgotten(self) -> Sequence[Forgotten]:
        """The list of the forgotten: keyed hashes and times, no names."""
        with self._engine.connect() as connection:
            return [Forgotten(row.holder, row.at) for row in connection.execute(sa.select(t.forgotten))]

    def honour(self, forgotten: Iterable[Forgotten], *, bar: bool = False) -> int:
        """Forgets here too what another key store of the same park key had forgotten, or what the log says was; the
        number of keys deleted. `bar`: and takes nothing personal of them in again."""
        deleted, barred, noted = 0, set[bytes](), list[Noted]()
        with self._lock:
            with self._writing() as connection:
                held = {row.holder: row.at for row in connection.execute(sa.select(t.forgotten))}
                for holder, at in forgotten:
                    if bar and holder not in self._barred and holder not in barred:
                        connection.execute(sa.insert(t.barred).values(holder=holder))
                        barred.add(holder)
                    if held.get(holder, _NEVER) >= at and holder not in barred:
                        continue
                    noted.append(Noted(holder, at, Door.BARRED if bar else Door.AS_IS))
                    if held.get(holder, _NEVER) >= at:
                        continue
                    gone = connection.execute(
                        sa.delete(t.data_key).where(t.data_key.c.holder == holder, t.data_key.c.made_at <= at)
                    )
                    deleted += gone.rowcount
                    connection.execute(sa.delete(t.forgotten).where(t.forgotten.c.holder == holder))
                    connection.execute(sa.insert(t.forgotten).values(holder=holder, at=at))
                self._note(noted)
            self._barred |= barred
            self._keys.clear()
            if deleted:
                self._scrub()
        return deleted

    def absorb(self, other: "Keyring") -> int:
        """Takes over the keys of a copy of the store that this one lacks or has only older, then honours its list of
        the forgotten; the number of keys taken. So the newest of both stands, and nobody forgotten comes back."""
        taken = list[dict[str, object]]()
        barred = [Forgotten(holder, _NEVER) for holder in other._barred]
        self.honour(barred, bar=True)
        self.honour(other.forgotten())
        with self._lock, other._engine.connect() as theirs, self._writing() as connection:
            held = {bytes(row.holder): row.made_at for row in connection.execute(sa.select(t.data_key))}
            gone = {bytes(row.holder): row.at for row in connection.execute(sa.select(t.forgotten))}
            for row in theirs.execute(sa.select(t.data_key)):
                holder = bytes(row.holder)
                if row.made_at > max(held.get(holder, -1), gone.get(holder, -1)):
                    taken.append({"holder": holder, "wrapped": bytes(row.wrapped), "made_at": row.made_at})
            for each in taken:
                connection.execute(sa.delete(t.data_key).where(t.data_key.c.holder == each["holder"]))
            if taken:
                connection.execute(sa.insert(t.data_key), taken)
            self._keys.clear()
        return len(taken)

    def _check_park_key(self, known: str | None, check: str, path: Path) -> None:
        if known is None:
            with self._writing() as connection:
                connection.execute(sa.insert(t.about).values(name="park_key", value=check))
            self.made_now = True
        elif not hmac_.compare_digest(known, check):
            raise SettingsError(
                f"the park key in {path} is not the one that the key store was made with; "
                "put back that file from its copy, or personal values stay unreadable"
            )

    def _note(self, noted: Sequence[Noted]) -> None:
        if self._noted is not None:
            forgotten_list.note(self._noted, noted)

    def _honour_list(self, file: Path) -> None:
        """What this store knows already costs one read of the list."""
        door = dict[bytes, Door]()
        gone = dict[bytes, int]()
        for one in forgotten_list.read(file):
            gone[one.holder] = max(one.at, gone.get(one.holder, _NEVER))
            if one.door is not Door.AS_IS:
                door[one.holder] = one.door
        for bar in (True, False):
            self.honour(
                [Forgotten(holder, at) for holder, at in gone.items() if (door.get(holder) is Door.BARRED) is bar],
                bar=bar,
            )
        if opened := self._barred & {holder for holder, stands in door.items() if stands is Door.OPEN}:
            self.admit(opened)
        self._noted = file

    def _read_barred(self) -> None:
        with self._engine.connect() as connection:
            self._barred = {bytes(holder) for holder in connection.scalars(sa.select(t.barred.c.holder))}

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
                    rows = connection.execute(sa.select(t.data_key).where(t.data_key.c.holder.in_(chunk)))
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


def _derive(park_key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"causeway {purpose} v1".encode()).derive(park_key)


def _pair(source: str, external_id: str) -> bytes:
    """Unambiguous whatever the names hold: each with its length before it."""
    first, second = source.encode(), external_id.encode()
    return len(first).to_bytes(4, "big") + first + second


def _chunks(holders: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(holders), _CHUNK):
        yield holders[start : start + _CHUNK]
