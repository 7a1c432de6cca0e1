"""One commit: the drafts that waited, each numbered, resolved, stored and chained within its own savepoint."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self, TypeVar

import orjson
import sqlalchemy as sa

from adapters.contract import Claim, Signal
from hub.clock import from_micros, to_micros
from hub.errors import BadRequest, Conflict, NotFound
from hub.journal import held, readings, withholding
from hub.journal import tables as t
from hub.journal.chain import BatchRow, batch_digest, readings_hash
from hub.journal.encoding import (
    Seals,
    content_hash,
    encode_claim,
    encode_event,
    encode_gone,
    encode_signal,
    says_personal,
)
from hub.journal.engine import Dialect, storage_problem
from hub.journal.entries import StoredRecord, entry_of
from hub.journal.identity import Identity
from hub.journal.ids import uuid7
from hub.journal.records import HUB, Appended, Command, Draft, Entry, NewEvent, ReadingRow, ReadingsEntry, Series
from hub.journal.statements import entities_of, put
from hub.journal.upcast import CLAIM, CURRENT, SIGNAL

T = TypeVar("T")


@dataclass(slots=True)
class _Batch:
    """A draft, or a part of one, while it is stored: thrown away whole if the draft fails."""

    seq: int
    seen_at: int
    records: list[StoredRecord] = field(default_factory=list)
    entities: dict[str, str] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    changed: set[tuple[str, str]] = field(default_factory=set)

    @property
    def next(self) -> int:
        return self.seq + len(self.records) + 1

    def following(self) -> Self:
        """The rest of the same draft, once these records are stored."""
        return replace(self, seq=self.next, records=[])


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
        self.identity = identity
        self.entries: list[Entry] = []
        self._dialect = dialect
        self.seals = seals
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
        except BaseException as error:
            self.identity.forget_cache()
            if storage_problem(error) is not None:
                raise  # the whole transaction is lost, and SQLite may have rolled it back by itself
            self.head, self.digest = head, digest
            del self.entries[entries:]
            self.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT draft")
            self.connection.exec_driver_sql("RELEASE SAVEPOINT draft")
            raise
        self.connection.exec_driver_sql("RELEASE SAVEPOINT draft")
        return result

    def finish(self) -> None:
        """What all drafts left to be done once."""
        held.move_last_seen(self.connection, self._seen)
        if self.head != self.began_at:
            self.connection.execute(sa.update(t.meta).values(head=self.head, digest=self.digest))

    # ---- a draft

    def append(self, draft: Draft) -> Appended:
        if draft.command is not None and (first := self.first_answer(draft.command)) is not None:
            return first
        if draft.replayed is not None and not self._replays(draft.replayed):
            return Appended(batch=self.head, seq=self.head, recorded_at=self.recorded_at, entities={}, repeated=True)
        batch = _Batch(seq=self.head + 1, seen_at=to_micros(draft.received_at))
        self._claims(batch, draft.source, draft.claims, cause=None)
        self._claims(batch, draft.source, draft.erases, cause=None, whole=True)
        if draft.readings and batch.records:  # whoever reads what was measured knows by then of what, and where it is
            self._store(batch, replace(draft, cursor=None), ())
            batch = batch.following()
        self._signals(batch, draft.source, draft.signals)
        for event in draft.events:
            self._event(batch, draft.source, event)
        rows = self._readings(batch, draft.readings)
        stored = bool(batch.records or rows)
        if stored:
            self._store(batch, draft, rows)
        self._dead_letters(draft)
        if draft.cursor is not None:
            self._put(t.cursor, ("source",), {"source": draft.source, "cursor": draft.cursor})
        if (mark := draft.checkpoint) is not None:
            state = {} if mark.state is None else {"state": mark.state}
            self._put(t.checkpoint, ("consumer",), {"consumer": mark.consumer, "position": mark.position, **state})
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

    def revise(self, source: str, claims: Mapping[int, Claim], received_at: datetime) -> int:
        """See `Journal.revise`."""
        known = held.look_up(self.connection, source, [claim.external_id for claim in claims.values()])
        latest = {found.seq for found in known.values()}
        standing = [claim for seq, claim in claims.items() if seq in latest]
        if standing:
            self.append(Draft(source=source, received_at=received_at, claims=standing))
        return len(standing)

    def _store(self, batch: _Batch, draft: Draft, rows: Sequence[ReadingRow]) -> None:
        row = BatchRow(
            seq=batch.seq,
            source=draft.source,
            received_at=batch.seen_at,
            recorded_at=to_micros(self.recorded_at),
            cursor=draft.cursor,
            adapter_version=draft.adapter_version,
            records=len(batch.records),
            readings=len(rows),
            oldest_at=min([row[1] for row in rows], default=None),
        )
        hashed = readings_hash(rows) if rows else None
        self.digest = batch_digest(self.digest, row, hashed, batch.records)
        self.connection.execute(sa.insert(t.batch), {**row._asdict(), "readings_hash": hashed, "digest": self.digest})
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
        self, batch: _Batch, source: str, claims: Sequence[Claim], cause: int | None, *, whole: bool = False
    ) -> None:
        """Appends those that say something new; of the others only the last-seen time moves. `whole`: what is gone
        leaves nothing of what was said before."""
        if not claims:
            return
        claims = withholding.spoken(source, claims, self.seals)
        known = held.look_up(self.connection, source, [claim.external_id for claim in claims])
        hashes = {external_id: found.content_hash for external_id, found in known.items()}
        changed: list[tuple[Claim, bytes]] = []
        for claim in claims:
            hashed = content_hash(claim, self.seals)
            if hashes.get(claim.external_id) != hashed:
                hashes[claim.external_id] = hashed
                changed.append((claim, hashed))
            elif (found := known.get(claim.external_id)) is not None:
                batch.seen[source, claim.external_id] = max(batch.seen_at, found.last_seen)
                batch.entities[claim.external_id] = found.entity
        if not changed:
            return
        self.seals.ensure([(source, claim.external_id) for claim, _ in changed if says_personal(claim)])
        resolution = self.identity.resolve(self.connection, source, [claim for claim, _ in changed], self.recorded_at)
        changed = withholding.recognized(source, changed, resolution.entities, self.seals)
        words = {} if whole else self._last_words(known, [claim for claim, _ in changed if claim.gone])
        replacements: list[held.Replacement] = []
        for claim, hashed in changed:
            replacements.append(held.Replacement(batch.next, claim, hashed))
            payload = encode_claim(source, claim, resolution.targets, self.seals)
            if (
                claim.gone
                and not whole
                and (last := words.get(claim.external_id)) is not None
                and last[0] == claim.kind
            ):
                payload = encode_gone(payload, *last[1:])
            words[claim.external_id] = (claim.kind, CURRENT[CLAIM], payload)
            batch.records.append(
                StoredRecord(
                    seq=batch.next,
                    batch=batch.seq,
                    kind="claim",
                    type=claim.kind,
                    version=CURRENT[CLAIM],
                    source=source,
                    external_id=claim.external_id,
                    entity=resolution.entities[claim.external_id],
                    cause=cause,
                    payload=payload,
                )
            )
            batch.changed.add((source, claim.external_id))
            batch.seen.pop((source, claim.external_id), None)
        batch.entities.update(resolution.entities)
        held.replace(self.connection, self._dialect, source, known, replacements, batch.seen_at)
        for event in resolution.events:
            self._event(batch, HUB, event)

    def _last_words(self, known: Mapping[str, held.Held], gone: Sequence[Claim]) -> dict[str, tuple[str, int, bytes]]:
        """What was said last of the things that are gone now."""
        seqs = {claim.external_id: known[claim.external_id].seq for claim in gone if claim.external_id in known}
        found = held.last_words(self.connection, list(seqs.values())) if seqs else {}
        return {external_id: found[seq] for external_id, seq in seqs.items() if seq in found}

    def _signals(self, batch: _Batch, source: str, signals: Sequence[Signal]) -> None:
        if not signals:
            return
        subjects = entities_of(self.connection, source, list({signal.subject for signal in signals}))
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
                    payload=encode_signal(signal),
                )
            )

    def _event(self, batch: _Batch, source: str, event: NewEvent) -> None:
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
                stream=event.stream,
                stream_version=current + 1,
                actor=event.actor,
                reason=event.reason,
                cause=event.cause,
                payload=encode_event(event.data),
            )
        )
        self._claims(batch, HUB, event.claims, cause=seq)

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
        self.seals.ensure([(draft.source, name) for name in names])
        for name, letter in zip(names, draft.dead_letters, strict=True):
            self.connection.execute(
                sa.insert(t.dead_letter),
                {
                    "source": draft.source,
                    "sealed_as": name,
                    "key": _storable(letter.raw.key),
                    "received_at": to_micros(letter.raw.received_at),
                    "recorded_at": to_micros(self.recorded_at),
                    "reason": _storable(letter.reason),
                    "where": _storable(letter.where),
                    "adapter_version": draft.adapter_version,
                    "data": self.seals.seal(draft.source, name, letter.raw.data),
                },
            )

    def _replays(self, dead_letter: int) -> bool:
        """Marks it as replayed; whether it was not yet. Raises NotFound."""
        one = t.dead_letter.c.id == dead_letter
        found = self.connection.execute(sa.select(t.dead_letter.c.replayed_at).where(one)).one_or_none()
        if found is None:
            raise NotFound(f"there is no dead letter {dead_letter}: list them")
        if found.replayed_at is None:
            self.connection.execute(sa.update(t.dead_letter).where(one).values(replayed_at=to_micros(self.recorded_at)))
        return found.replayed_at is None

    # ---- commands

    def first_answer(self, command: Command) -> Appended | None:
        """What a command was answered the first time, if it is a repeat. Raises Conflict where it is another one."""
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

    # ---- beside drafts

    def make_series(self, source: str, keys: Sequence[tuple[str, str, str]]) -> list[Series]:
        """The series of (external id, quantity, unit), made where new; a sensor not yet claimed gets its entity id."""
        sensors = list(dict.fromkeys(external_id for external_id, _, _ in keys))
        known = {_key(series): series for series in readings.find_series(self.connection, source, sensors)}
        if new := [key for key in dict.fromkeys(keys) if key not in known]:
            self.identity.name(self.connection, source, list({key[0] for key in new}), self.recorded_at)
            self.connection.execute(
                sa.insert(t.series),
                [
                    {"source": source, "external_id": external_id, "quantity": quantity, "unit": unit}
                    for external_id, quantity, unit in new
                ],
            )
            known = {_key(series): series for series in readings.find_series(self.connection, source, sensors)}
        return [known[key] for key in keys]

    def settle(self) -> None:
        """What the settings' trust in sources now means for the claims there are."""
        if events := self.identity.settle(self.connection, self.recorded_at):
            self.append(Draft(source=HUB, received_at=self.recorded_at, events=events))

    def _put(self, table: sa.Table, key: Sequence[str], row: Mapping[str, object]) -> None:
        put(self.connection, self._dialect, table, key, [row])


def _key(series: Series) -> tuple[str, str, str]:
    return series.external_id, series.quantity, series.unit


def _storable(text: str) -> str:
    """What names a dead letter is told by its source, and must not keep it from being kept: neither NUL nor half a
    character can be stored."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
