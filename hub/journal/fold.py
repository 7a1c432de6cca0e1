"""One commit: the drafts that waited, each numbered, resolved, stored and chained within its own savepoint."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from adapters.contract import Claim, Signal
from hub.clock import from_micros, to_micros
from hub.errors import BadRequest, Conflict
from hub.journal import readings
from hub.journal import tables as t
from hub.journal.chain import BatchColumns, batch_digest, readings_hash
from hub.journal.encoding import Seals, content_hash, encode_claim, encode_event, encode_signal, says_personal
from hub.journal.engine import Dialect
from hub.journal.entries import StoredRecord, entry_of
from hub.journal.identity import Identity
from hub.journal.ids import uuid7
from hub.journal.records import (
    HUB,
    Appended,
    Command,
    Draft,
    Entry,
    NewEvent,
    ReadingRow,
    ReadingsEntry,
    Series,
)
from hub.journal.upcast import CLAIM, CURRENT, SIGNAL

_CHUNK = 500
T = TypeVar("T")


@dataclass(slots=True)
class _Batch:
    """A draft while it is stored: thrown away whole if the draft fails."""

    seq: int
    records: list[StoredRecord] = field(default_factory=list)
    entities: dict[str, str] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    changed: set[tuple[str, str]] = field(default_factory=set)

    @property
    def next(self) -> int:
        return self.seq + len(self.records) + 1


class Fold:
    """`head` and `digest` are the chain's end within this transaction; `entries` what was appended to it."""

    def __init__(
        self,
        connection: sa.Connection,
        dialect: Dialect,
        identity: Identity,
        seals: Seals,
        known_series: set[int],
        recorded_at: datetime,
    ) -> None:
        self.connection = connection
        self.recorded_at = recorded_at
        self.entries: list[Entry] = []
        self._dialect = dialect
        self._identity = identity
        self._seals = seals
        self._known_series = known_series
        self._seen: dict[tuple[str, str], int] = {}
        row = connection.execute(sa.select(t.meta.c.head, t.meta.c.digest)).one()
        self.began_at: int = row.head
        self.head: int = row.head
        self.digest: bytes = row.digest

    def attempt(self, work: Callable[["Fold"], T]) -> T:
        """Runs `work` so that its failure undoes what it did, and nothing else."""
        head, digest, entries = self.head, self.digest, len(self.entries)
        self.connection.exec_driver_sql("SAVEPOINT draft")
        try:
            result = work(self)
        except BaseException:
            self.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT draft")
            self.head, self.digest = head, digest
            del self.entries[entries:]
            self._identity.forget_cache()
            raise
        finally:
            self.connection.exec_driver_sql("RELEASE SAVEPOINT draft")
        return result

    def finish(self) -> None:
        """What all drafts left to be done once."""
        if self._seen:
            self.connection.execute(
                sa.update(t.claim_latest)
                .where(t.claim_latest.c.source == sa.bindparam("s"), t.claim_latest.c.external_id == sa.bindparam("e"))
                .values(last_seen=sa.bindparam("at")),
                [{"s": source, "e": external_id, "at": at} for (source, external_id), at in self._seen.items()],
            )
        if self.head != self.began_at:
            self.connection.execute(sa.update(t.meta).values(head=self.head, digest=self.digest))

    # ---- a draft

    def append(self, draft: Draft) -> Appended:
        if draft.command is not None and (first := self._first_answer(draft.command)) is not None:
            return first
        batch = _Batch(seq=self.head + 1)
        self._claims(batch, draft.source, draft.claims, draft.received_at, cause=None)
        self._signals(batch, draft.source, draft.signals)
        for event in draft.events:
            self._event(batch, draft.source, event, draft.received_at)
        rows = self._readings(batch, draft.readings)
        stored = bool(batch.records or rows)
        if stored:
            self._store(batch, draft, rows)
        self._dead_letters(draft)
        if draft.cursor is not None:
            self._put(t.cursor, {"source": draft.source}, {"cursor": draft.cursor})
        if (mark := draft.checkpoint) is not None:
            state = {} if mark.state is None else {"state": mark.state}
            self._put(t.checkpoint, {"consumer": mark.consumer}, {"position": mark.position, **state})
        appended = Appended(
            batch=batch.seq if stored else self.head,
            seq=self.head,
            recorded_at=self.recorded_at,
            entities=batch.entities,
            answer=None if draft.command is None else draft.command.answer,
        )
        if draft.command is not None:
            self._remember(draft.command, appended)
        for key in batch.changed:
            self._seen.pop(key, None)
        for key, at in batch.seen.items():
            self._seen[key] = max(at, self._seen.get(key, at))
        return appended

    def _store(self, batch: _Batch, draft: Draft, rows: Sequence[ReadingRow]) -> None:
        recorded_at = to_micros(self.recorded_at)
        columns: BatchColumns = (
            batch.seq,
            draft.source,
            to_micros(draft.received_at),
            recorded_at,
            draft.cursor,
            draft.adapter_version,
            len(batch.records),
            len(rows),
            min((row[1] for row in rows), default=None),
        )
        hashed = readings_hash(rows) if rows else None
        self.digest = batch_digest(self.digest, columns, hashed, batch.records)
        self.connection.execute(
            sa.insert(t.batch),
            {
                "seq": columns[0],
                "source": columns[1],
                "received_at": columns[2],
                "recorded_at": columns[3],
                "cursor": columns[4],
                "adapter_version": columns[5],
                "records": columns[6],
                "readings": columns[7],
                "oldest_at": columns[8],
                "readings_hash": hashed,
                "digest": self.digest,
            },
        )
        if rows:
            self.entries.append(
                ReadingsEntry(seq=batch.seq, recorded_at=self.recorded_at, source=draft.source, rows=rows)
            )
        if batch.records:
            self.connection.execute(sa.insert(t.record), [record._asdict() for record in batch.records])
            self.entries += [entry_of(record, self.recorded_at) for record in batch.records]
        self.head = batch.next - 1

    # ---- its parts

    def _claims(
        self, batch: _Batch, source: str, claims: Sequence[Claim], seen_at: datetime, cause: int | None
    ) -> None:
        if not claims:
            return
        held = self._held(source, [claim.external_id for claim in claims])
        hashes = {external_id: found.content_hash for external_id, found in held.items()}
        seen = to_micros(seen_at)
        changed: list[tuple[Claim, bytes]] = []
        for claim in claims:
            hashed = content_hash(claim, self._seals)
            if hashes.get(claim.external_id) == hashed:
                if (found := held.get(claim.external_id)) is not None:
                    batch.seen[source, claim.external_id] = max(seen, found.last_seen)
                    batch.entities[claim.external_id] = found.entity
                continue
            hashes[claim.external_id] = hashed
            changed.append((claim, hashed))
        if not changed:
            return
        self._seals.ensure([(source, claim.external_id) for claim, _ in changed if says_personal(claim)])
        resolution = self._identity.resolve(self.connection, source, [claim for claim, _ in changed], self.recorded_at)
        for claim, hashed in changed:
            entity = resolution.entities[claim.external_id]
            batch.entities[claim.external_id] = entity
            batch.changed.add((source, claim.external_id))
            batch.seen.pop((source, claim.external_id), None)
            record = StoredRecord(
                seq=batch.next,
                batch=batch.seq,
                kind="claim",
                type=claim.kind,
                version=CURRENT[CLAIM],
                source=source,
                external_id=claim.external_id,
                entity=entity,
                stream=None,
                stream_version=None,
                actor=None,
                reason=None,
                cause=cause,
                payload=encode_claim(source, claim, resolution.targets, self._seals),
            )
            batch.records.append(record)
            self._put(
                t.claim_latest,
                {"source": source, "external_id": claim.external_id},
                {
                    "seq": record.seq,
                    "kind": claim.kind,
                    "content_hash": hashed,
                    "last_seen": seen,
                    "gone": claim.gone,
                },
            )
            self._links(source, claim, known=claim.external_id in held)
        for event in resolution.events:
            self._event(batch, source, event, seen_at)

    def _held(self, source: str, external_ids: Sequence[str]) -> dict[str, "_Held"]:
        living = sa.func.coalesce(t.alias.c.into, t.external.c.entity)
        latest, external = t.claim_latest, t.external
        found: dict[str, _Held] = {}
        for start in range(0, len(external_ids), _CHUNK):
            query = (
                sa.select(latest.c.external_id, latest.c.content_hash, latest.c.last_seen, living)
                .select_from(
                    latest.join(
                        external,
                        (external.c.source == latest.c.source) & (external.c.external_id == latest.c.external_id),
                    ).outerjoin(t.alias, t.alias.c.old == external.c.entity)
                )
                .where(latest.c.source == source, latest.c.external_id.in_(external_ids[start : start + _CHUNK]))
            )
            for external_id, hashed, last_seen, entity in self.connection.execute(query):
                found[external_id] = _Held(content_hash=hashed, last_seen=last_seen, entity=entity)
        return found

    def _links(self, source: str, claim: Claim, *, known: bool) -> None:
        if known:
            self.connection.execute(
                sa.delete(t.link).where(t.link.c.source == source, t.link.c.external_id == claim.external_id)
            )
        for link in {} if claim.gone else dict.fromkeys(claim.links):
            self._put(
                t.link,
                {
                    "source": source,
                    "external_id": claim.external_id,
                    "relation": link.relation,
                    "target_source": link.source or source,
                    "target_external_id": link.target,
                },
                {},
            )

    def _signals(self, batch: _Batch, source: str, signals: Sequence[Signal]) -> None:
        if not signals:
            return
        subjects = self._entities_of(source, list({signal.subject for signal in signals}))
        for signal in signals:
            batch.records.append(
                StoredRecord(
                    seq=batch.next,
                    batch=batch.seq,
                    kind="signal",
                    type=signal.type,
                    version=CURRENT[SIGNAL],
                    source=source,
                    external_id=signal.subject,
                    entity=subjects.get(signal.subject),
                    stream=None,
                    stream_version=None,
                    actor=None,
                    reason=None,
                    cause=None,
                    payload=encode_signal(signal),
                )
            )

    def _event(self, batch: _Batch, source: str, event: NewEvent, seen_at: datetime) -> None:
        if CURRENT.get(event.type) != event.version:
            raise BadRequest(
                f"version {event.version} of {event.type!r} is not what this hub writes ({CURRENT.get(event.type)})"
            )
        current = batch.streams.get(event.stream)
        if current is None:
            query = sa.select(sa.func.max(t.record.c.stream_version)).where(t.record.c.stream == event.stream)
            current = self.connection.scalar(query) or 0
        if current != event.expected:
            raise Conflict(
                f"{event.stream} is at version {current} and you saw version {event.expected}: read it again"
            )
        batch.streams[event.stream] = current + 1
        seq = batch.next
        batch.records.append(
            StoredRecord(
                seq=seq,
                batch=batch.seq,
                kind="event",
                type=event.type,
                version=event.version,
                source=source,
                external_id=None,
                entity=None,
                stream=event.stream,
                stream_version=current + 1,
                actor=event.actor,
                reason=event.reason,
                cause=event.cause,
                payload=encode_event(event.data),
            )
        )
        self._claims(batch, HUB, event.claims, seen_at, cause=seq)

    def _readings(self, batch: _Batch, rows: Sequence[ReadingRow]) -> Sequence[ReadingRow]:
        if not rows:
            return ()
        unknown = {row[0] for row in rows} - self._known_series
        if unknown:
            self._known_series.update(
                self.connection.scalars(sa.select(t.series.c.id).where(t.series.c.id.in_(unknown)))
            )
            if unknown := unknown - self._known_series:
                raise BadRequest(f"readings of series that the journal does not have: {sorted(unknown)[:5]}")
        return readings.store(self.connection, self._dialect, batch.seq, rows)

    def _dead_letters(self, draft: Draft) -> None:
        names = [uuid7(self.recorded_at) for _ in draft.dead_letters]
        self._seals.ensure([(draft.source, name) for name in names])
        for name, letter in zip(names, draft.dead_letters, strict=True):
            self.connection.execute(
                sa.insert(t.dead_letter),
                {
                    "source": draft.source,
                    "sealed_as": name,
                    "key": letter.raw.key,
                    "received_at": to_micros(letter.raw.received_at),
                    "recorded_at": to_micros(self.recorded_at),
                    "reason": letter.reason,
                    "where": letter.where,
                    "adapter_version": draft.adapter_version,
                    "data": self._seals.seal(draft.source, name, letter.raw.data),
                },
            )

    # ---- commands

    def _first_answer(self, command: Command) -> Appended | None:
        found = self.connection.execute(
            sa.select(t.command).where(t.command.c.actor == command.actor, t.command.c.key == command.key)
        ).one_or_none()
        if found is None:
            return None
        if found.fingerprint != command.fingerprint:
            raise Conflict(f"the idempotency key {command.key!r} was used for another command: take a new one")
        return Appended(
            batch=found.batch,
            seq=found.seq,
            recorded_at=from_micros(found.recorded_at),
            entities=orjson.loads(found.entities),
            answer=orjson.loads(found.answer),
            repeated=True,
        )

    def _remember(self, command: Command, appended: Appended) -> None:
        self.connection.execute(
            sa.insert(t.command),
            {
                "actor": command.actor,
                "key": command.key,
                "fingerprint": command.fingerprint,
                "batch": appended.batch,
                "seq": appended.seq,
                "recorded_at": to_micros(appended.recorded_at),
                "answer": orjson.dumps(dict(command.answer)),
                "entities": orjson.dumps(dict(appended.entities)),
            },
        )

    # ---- series

    def make_series(self, source: str, keys: Sequence[tuple[str, str, str]]) -> list[Series]:
        """The series of (external id, quantity, unit), made where new; a sensor not yet claimed gets its entity id."""
        wanted = list(dict.fromkeys(external_id for external_id, _, _ in keys))
        known = self._entities_of(source, wanted)
        if missing := [name for name in wanted if name not in known]:
            self.connection.execute(sa.insert(t.external), [self._named(source, name) for name in missing])
        for external_id, quantity, unit in dict.fromkeys(keys):
            key = {"source": source, "external_id": external_id, "quantity": quantity, "unit": unit}
            self._put(t.series, key, {})
        found = {
            (series.external_id, series.quantity, series.unit): series
            for start in range(0, len(wanted), _CHUNK)
            for series in readings.find_series(self.connection, source, wanted[start : start + _CHUNK])
        }
        self._known_series.update(series.id for series in found.values())
        return [found[key] for key in keys]

    def _named(self, source: str, external_id: str) -> dict[str, object]:
        return {
            "source": source,
            "external_id": external_id,
            "entity": uuid7(self.recorded_at),
            "made_at": to_micros(self.recorded_at),
            "gone": False,
            "organization": "",
        }

    def mark_replayed(self, dead_letter: int) -> bool:
        return bool(
            self.connection.execute(
                sa.update(t.dead_letter)
                .where(t.dead_letter.c.id == dead_letter)
                .values(replayed_at=to_micros(self.recorded_at))
            ).rowcount
        )

    # ---- statements

    def _entities_of(self, source: str, external_ids: Sequence[str]) -> dict[str, str]:
        living = sa.func.coalesce(t.alias.c.into, t.external.c.entity)
        found: dict[str, str] = {}
        for start in range(0, len(external_ids), _CHUNK):
            query = (
                sa.select(t.external.c.external_id, living)
                .select_from(t.external.outerjoin(t.alias, t.alias.c.old == t.external.c.entity))
                .where(
                    t.external.c.source == source, t.external.c.external_id.in_(external_ids[start : start + _CHUNK])
                )
            )
            found.update((external_id, entity) for external_id, entity in self.connection.execute(query))
        return found

    def _put(self, table: sa.Table, key: Mapping[str, object], values: Mapping[str, object]) -> None:
        """The row of `key` with these values, whether it was there or not."""
        if self._dialect == "sqlite":
            lite = sqlite.insert(table).values(**key, **values)
            self.connection.execute(
                lite.on_conflict_do_update(index_elements=list(key), set_=dict(values))
                if values
                else lite.on_conflict_do_nothing()
            )
        else:
            full = postgresql.insert(table).values(**key, **values)
            self.connection.execute(
                full.on_conflict_do_update(index_elements=list(key), set_=dict(values))
                if values
                else full.on_conflict_do_nothing()
            )


@dataclass(frozen=True, slots=True)
class _Held:
    content_hash: bytes
    last_seen: int
    entity: str
