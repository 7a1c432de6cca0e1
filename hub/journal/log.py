"""The journal: the one log, on SQLite and PostgreSQL.

Every method may be called from the event loop; the work runs on the journal's own threads. Reads see only
what is committed.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa

from adapters.contract import Claim, Cursor
from hub.clock import Clock, now, to_micros
from hub.errors import NotFound, Refused
from hub.journal import claims, named, position, queries, readings, statements
from hub.journal import retention as expiry
from hub.journal import tables as t
from hub.journal.encoding import NoSeals, Seals
from hub.journal.engine import FILE, Engines, hold_hub_lock, migrate, open_engines
from hub.journal.fold import Fold
from hub.journal.follower import Follower
from hub.journal.identity import Identity
from hub.journal.lock import StateLock
from hub.journal.match import Matches, OpenMatch, open_matches, sides
from hub.journal.records import (
    HUB,
    Appended,
    Command,
    Draft,
    Entry,
    EventEntry,
    HeldClaim,
    HeldDeadLetter,
    Latest,
    NewEvent,
    Pruned,
    ReadingRow,
    ReadingsEntry,
    Series,
)
from hub.journal.tail import Tail
from hub.journal.trust import SourceTrust
from hub.journal.verify import Chain
from hub.journal.writer import Writer
from hub.viewer import PersonName

_KEEP_EVERY = 5.0  # seconds between notes of the position
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalConfig:
    """`url` is `sqlite` or `postgresql://…`; `folder` the state folder. `lock`, where the caller holds the folder's
    already, stays the caller's. Without `keyring` what must be sealed is refused."""

    url: str
    folder: Path
    keyring: Seals = field(default_factory=NoSeals)
    trust: Mapping[str, SourceTrust] = field(default_factory=lambda: MappingProxyType({}))
    lock: StateLock | None = None
    read_only: bool = False  # beside a running hub: takes no lock, appends nothing
    clock: Clock = now
    readers: int = 3
    ring_bytes: int = 8 << 20  # of recent entries in memory


class Journal:
    """Open it with `open`, end it with `close`."""

    epoch: str

    def __init__(
        self,
        config: JournalConfig,
        engines: Engines,
        begun: position.Kept,
        connection: sa.Connection | None,
        lock: StateLock | None,
    ) -> None:
        self.epoch = begun.epoch
        self._config = config
        self._engines = engines
        self._lock = lock
        self._tail = Tail(begun.head, config.ring_bytes)
        self._readers = ThreadPoolExecutor(config.readers, thread_name_prefix="journal-reader")
        self._identity = Identity(config.keyring, config.trust)
        self._follower: Follower | None = None
        self._writing: Writer | None = None
        self._keeping: asyncio.Task[None] | None = None
        if connection is None:
            self._follower = Follower(engines, self._tail, lambda: self._read(queries.head))
        else:
            self._writing = Writer(
                engines,
                identity=self._identity,
                seals=config.keyring,
                clock=config.clock,
                tail=self._tail,
                connection=connection,
            )
            self._keeping = asyncio.create_task(self._keep_position(), name="journal-position")

    @classmethod
    async def open(cls, config: JournalConfig) -> Self:
        """Makes the journal at first use and brings it to the newest revision, unless it is only to be read. Raises
        AlreadyRunning, SettingsError; NotFound where there is nothing to be read."""
        if config.read_only:
            return cls(config, *await asyncio.to_thread(_open_to_read, config), None, None)
        lock = config.lock or StateLock.take(config.folder)
        try:
            engines, begun, connection = await asyncio.to_thread(_open, config)
        except BaseException:
            if config.lock is None:
                lock.release()
            raise
        journal = cls(config, engines, begun, connection, lock)
        try:
            await journal._writer.do(Fold.settle)
        except BaseException:
            await journal.close()
            raise
        return journal

    async def close(self) -> None:
        """After what waits was written; a second time does nothing."""
        if self._follower is not None:
            await self._follower.close()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._writing is not None:
            await self._writing.close()
        await asyncio.to_thread(self._readers.shutdown)
        self._engines.dispose()
        if self._lock is not None:
            if self._config.folder.exists():
                position.keep(self._config.folder, position.Kept(epoch=self.epoch, head=self.head))
            if self._config.lock is None:
                self._lock.release()
            self._lock = None

    @property
    def _writer(self) -> Writer:
        if self._writing is None:
            raise Refused("the journal was opened for reading only: stop the hub and run this again, or ask the hub")
        return self._writing

    async def _keep_position(self) -> None:
        kept = -1
        while True:
            if self.head != kept:
                kept = self.head
                await asyncio.to_thread(position.keep, self._config.folder, position.Kept(epoch=self.epoch, head=kept))
            await asyncio.sleep(_KEEP_EVERY)

    async def _read(self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def run() -> T:
            with self._engines.read.connect() as connection, connection.begin():
                return work(connection, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    @property
    def said(self) -> int:
        """Where the last was committed that is more than readings; the head, where another process wrote."""
        return self._tail.said

    @property
    def head(self) -> int:
        """The last committed sequence number."""
        return self._tail.head

    @property
    def failing(self) -> str | None:
        """Why nothing can be stored, while that is so."""
        return None if self._writing is None else self._writing.failing

    async def append(self, draft: Draft) -> Appended:
        """Returns once the draft is durable. Raises Conflict (a stream moved on, an idempotency key reused),
        StorageFull, BadRequest."""
        return await self._writer.do(lambda fold: fold.append(draft), rows=len(draft.readings))

    async def read(self, after: int, limit: int = 1000) -> Sequence[Entry]:
        """Entries with a number above `after`, in order, whole batches' readings as one entry; about `limit` of them.
        Recent ones come from memory."""
        if (recent := self._tail.recent(after, limit)) is not None:
            return recent
        return await self._read(queries.entries, after, limit)

    async def records(self, after: int, limit: int = 1000) -> tuple[int, Sequence[Entry]]:
        """Claims, signals and events above `after`, in order, at most `limit`, with the number up to which none was
        left out: for whoever need not see the readings, of which there may be very many."""
        recent = self._recent(after, limit)
        return await self._read(queries.records, after, limit) if recent is None else recent

    async def changed(self, after: int, limit: int) -> claims.Changed:
        """What the claims and identities above `after` concern, about `limit` entries of them, as it stands now."""
        recent = self._recent(after, limit)
        if recent is not None and not recent[1]:
            return claims.Changed(recent[0], claims.LatestClaims({}, {}), frozenset())

        if recent is not None:
            return await self._read(claims.changed, *recent)
        return await self._read(claims.changed_after, after, limit)

    def _recent(self, after: int, limit: int) -> tuple[int, list[Entry]] | None:
        """What is in memory still, without readings; None where the tail does not reach back so far."""
        head = self.head
        recent = self._tail.recent(after, limit)
        if recent is None:
            return None
        reached = recent[-1].seq if recent else max(after, head)
        return reached, [entry for entry in recent if not isinstance(entry, ReadingsEntry)]

    async def wait(self, after: int, seconds: float) -> int:
        """Until the head is above `after`, or `seconds` have passed; the head either way."""
        return await self._tail.wait(after, seconds)

    async def stream(self, stream: str, *, after: int = 0) -> Sequence[EventEntry]:
        """A stream's events above the version `after`, oldest first."""
        return await self._read(queries.stream, stream, after)

    async def claim_at(self, source: str, external_id: str, seq: int) -> Claim | None:
        """What the source's word on the thing was when the log had come to `seq`; None where there was none."""
        return await self._read(queries.claim_at, source, external_id, seq)

    def mark(self, data: bytes) -> str:
        """A keyed hash: equal bytes can be seen to be equal, and no more."""
        return self._config.keyring.hmac(hashlib.sha256(data).hexdigest())

    async def revise(self, source: str, claims: Mapping[int, Claim], received_at: datetime) -> int:
        """Says these claims of `source` anew, each by the number of the one that it takes the place of; one that its
        source has said anew meanwhile is left as it is. How many were appended."""
        return await self._writer.do(lambda fold: fold.revise(source, claims, received_at))

    async def stream_version(self, stream: str) -> int:
        """How many events the stream has: what `NewEvent.expected` is held against."""
        return await self._read(queries.stream_version, stream)

    async def series(self, source: str, keys: Sequence[tuple[str, str, str]]) -> Sequence[Series]:
        """The series of (external id, quantity, UCUM unit), made where new, in the order of `keys`."""
        return await self._writer.do(lambda fold: fold.make_series(source, keys))

    async def all_series(self) -> Sequence[Series]:
        return await self._read(readings.all_series)

    async def latest(self, sensors: Sequence[str]) -> Mapping[str, Sequence[Latest]]:
        """The newest reading of each quantity of each sensor (entity ids), one statement, no scan."""
        return await self._read(readings.latest, sensors)

    async def readings(
        self, series: Sequence[int], since: datetime, until: datetime, limit: int
    ) -> Mapping[int, Sequence[ReadingRow]]:
        """Readings with since ≤ at < until, newest first, at most `limit` of each series, one statement."""
        return await self._read(readings.between, series, to_micros(since), to_micros(until), limit)

    async def claims_of(self, entities: Sequence[str]) -> Mapping[str, Sequence[HeldClaim]]:
        """Every source's latest live claim of each entity (aliases resolved), one statement."""
        return await self._read(claims.claims_of, entities)

    async def live_of(self, kinds: Sequence[str]) -> Sequence[HeldClaim]:
        """Every source's latest live claims of these kinds, one statement; without their targets."""
        return await self._read(claims.live_of, kinds)

    async def live_pages(self, kinds: Sequence[str], size: int = 1000) -> AsyncIterator[Sequence[HeldClaim]]:
        """The same page by page, where they are too many to be in memory at once; each page is of its own moment."""
        after: tuple[str, str] | None = None
        while page := await self._read(claims.live_of, kinds, after, size):
            yield page
            if len(page) < size:
                return
            after = page[-1].source, page[-1].claim.external_id

    async def latest_claims(self, ids: Sequence[str]) -> claims.LatestClaims:
        """Every source's latest claim of the entities that these ids lead to, those that are gone among them."""
        return await self._read(claims.latest_claims, ids)

    async def referring(self, entities: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The entities whose live claims link to each of these."""
        return await self._read(queries.referring, entities)

    async def linking(self, living: Sequence[str]) -> set[str]:
        """The entities whose live claims link to any of these, none of which is an alias."""
        return await self._read(queries.linking, living)

    async def known_as(self, entity: str) -> Sequence[str]:
        """Every id by which the entity that `entity` leads to was ever known, itself among them."""
        return await self._read(queries.known_as, entity)

    async def entities(self, after: str, limit: int) -> Sequence[str]:
        """Ids of all living entities above `after`, in order: a rebuild pages through them."""
        return await self._read(queries.entities, after, limit)

    async def live_claims(self, source: str) -> Mapping[str, str]:
        """The external ids that `source` claims and has not taken back, each with its kind."""
        return await self._read(queries.live_claims, source)

    async def resolve(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Each known id or alias to the entity id that lives."""
        return await self._read(statements.resolve, ids)

    async def people_named(self, names: Collection[PersonName]) -> Mapping[PersonName, str]:
        """Each name that exactly one living person bears, to that person's id."""
        return await self._read(named.people, self._config.keyring, names)

    async def organizations_named(self, words: Collection[str]) -> Mapping[str, named.NamedOrganization]:
        """Each word that means exactly one living organization."""
        return await self._read(named.organizations, words)

    async def kinds_of(self, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Each known id or alias to the kinds that its entity is claimed to be: one, as a rule."""
        return await self._read(statements.kinds_of, ids)

    async def unseal(self, claims: Sequence[HeldClaim]) -> Sequence[HeldClaim]:
        """The same with personal values in clear; a forgotten one is None."""
        return await asyncio.get_running_loop().run_in_executor(
            self._readers, queries.unsealed, claims, self._config.keyring
        )

    async def cursor(self, source: str) -> Cursor | None:
        return await self._read(queries.cursor, source)

    async def checkpoint(self, consumer: str) -> tuple[int, bytes | None]:
        """A consumer's position and state; (0, None) for a new one."""
        return await self._read(queries.checkpoint, consumer)

    async def checkpoints(self, prefix: str) -> Sequence[tuple[str, int]]:
        """The consumers whose name begins with `prefix`, with their positions, in the order of position."""
        return await self._read(queries.checkpoints, prefix)

    async def dead_letters(
        self, source: str | None = None, *, after: int = 0, limit: int = 100, waiting: bool = False
    ) -> Sequence[HeldDeadLetter]:
        """The oldest first, above the id `after`. `waiting`: only those that were not replayed."""
        return await self._read(queries.dead_letters, self._config.keyring, source, after, limit, waiting)

    async def open_matches(self, after: str = "", limit: int = 100) -> Sequence[OpenMatch]:
        """What waits for a person to say whether two entities are one, the oldest first, above the match `after`."""
        return await self._read(open_matches, after=after, limit=limit)

    async def match_sides(self, match_id: str) -> tuple[str, str] | None:
        """The ids of a match's two sides."""
        return await self._read(sides, match_id)

    async def decide(
        self, work: Callable[[Matches, sa.Connection, datetime], Sequence[NewEvent]], *, command: Command | None = None
    ) -> Appended:
        """Appends the events of what a person decides about matches, in the transaction in which `work` decides it."""

        def run(fold: Fold) -> Appended:
            if command is not None and (first := fold.first_answer(command)) is not None:
                return first
            events = work(Matches(fold.identity), fold.connection, fold.recorded_at)
            return fold.append(Draft(source=HUB, received_at=fold.recorded_at, events=events, command=command))

        return await self._writer.do(run)

    async def carry_out(self, work: Callable[[Fold], T]) -> T:
        """Something larger than a draft, in one transaction that nothing else appends between."""
        return await self._writer.do(work)

    async def look_up(self, work: Callable[[sa.Connection], T]) -> T:
        """A read for which there is no method here; it sees one committed state."""
        return await self._read(work)

    async def maintain(self, work: Callable[[Engines], T]) -> T:
        """What is done to the database's files, outside any transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, self._engines)

    async def expire(self, at: datetime, retention: Mapping[str, timedelta]) -> int:
        """Deletes readings that at `at` are older than their quantity's retention, never a series' latest one, and
        tells the log so; how many."""
        deleted = 0
        for quantity, kept in retention.items():
            before = at - kept
            due = await self._read(expiry.due, quantity, before)
            if not due:
                continue
            await self._writer.do(
                partial(expiry.announce, quantity=quantity, before=before, series=list(due), count=sum(due.values()))
            )
            for series in due:
                while some := await self._writer.do(partial(expiry.delete_some, series=series, before=before)):
                    deleted += some
        return deleted

    async def prune(self, at: datetime, *, dead_letters: timedelta, commands: timedelta) -> Pruned:
        """Deletes what at `at` is older: dead letters with their keys, and commands' idempotency keys."""
        pruned = []
        for delete, before in (
            (expiry.delete_dead_letters, at - dead_letters),
            (expiry.delete_commands, at - commands),
        ):
            pruned.append(0)
            while some := await self._writer.do(partial(delete, before=before)):
                pruned[-1] += some
        return Pruned(*pruned)

    async def verify_chain(self) -> int:
        """Walks the whole digest chain; the number of batches. Raises JournalCorrupt, naming the first batch that
        does not hold."""
        return await self._read(lambda connection: Chain(connection).verify())


def _open(config: JournalConfig) -> tuple[Engines, position.Kept, sa.Connection]:
    config.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    engines = open_engines(config.url, config.folder, readers=config.readers)
    try:
        connection = engines.write.connect()
        try:
            if engines.dialect == "postgresql":
                hold_hub_lock(connection)
                connection.commit()
            with connection.begin():
                migrate(connection)
                begun = position.begin(connection, config.folder)
            position.keep(config.folder, begun)
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
    except BaseException:
        engines.dispose()
        raise
    return engines, begun, connection


def _open_to_read(config: JournalConfig) -> tuple[Engines, position.Kept]:
    if config.url == "sqlite" and not (config.folder / FILE).exists():
        raise NotFound(f"there is no journal in {config.folder}: start the hub once")
    engines = open_engines(config.url, config.folder, readers=config.readers)
    try:
        with engines.read.connect() as connection:
            if not sa.inspect(connection).has_table(t.meta.name):
                raise NotFound("there is no journal in this database: start the hub once")
            row = connection.execute(sa.select(t.meta.c.epoch, t.meta.c.head)).one()
    except BaseException:
        engines.dispose()
        raise
    return engines, position.Kept(epoch=row.epoch, head=row.head)
