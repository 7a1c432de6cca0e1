"""What the journal takes and what it gives back: frozen values that know no database.

Sequence numbers: a batch takes one number, its records take the following ones, and its readings carry the
batch's. One counter numbers all, so a position in the log is one integer; with the epoch it is a cursor.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, Self

import orjson

from adapters.contract import Claim, Cursor, DeadLetter, Signal
from hub.errors import BadRequest

HUB = "hub"
"""The source of what the hub itself, or a person through it, says."""

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One quantity of one sensor: `sensor` is its entity id, `external_id` its source's name for it."""

    id: int
    source: str
    external_id: str
    quantity: str
    unit: str  # UCUM
    sensor: str


class ReadingRow(NamedTuple):
    """A reading as it is stored; a tuple, since thousands a second go to the database as they are.

    `at` and `device_at` are microseconds since 1970, UTC; `flags` is `hub.journal.readings.Flag`;
    `device_at` stands where the device's own stamp was not believed.
    """

    series: int
    at: int
    value: float
    flags: int
    device_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to append. `expected` is the stream's version that its author saw, 0 for a new stream; a
    different one in the journal raises `Conflict`. Its effect on the graph is its claims, of source `hub`."""

    type: str
    version: int
    stream: str
    expected: int
    data: Json
    actor: str
    reason: str | None = None
    cause: int | None = None  # the sequence of what led to it
    claims: Sequence[Claim] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A mutation's idempotency key: a repeat by the same actor with the same key gets the first answer and
    appends nothing; the same key with another `fingerprint` raises `Conflict`."""

    actor: str
    key: str
    fingerprint: str
    answer: Json = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, actor: str, key: str, said: Sequence[object], answer: Json) -> Self:
        """`said`: what is asked for, by which a repeat is told from another command. Raises BadRequest without a
        key."""
        if not key:
            raise BadRequest("idempotencyKey is empty: send a new random text with each command")
        return cls(actor=actor, key=key, fingerprint=hashlib.sha256(orjson.dumps(said)).hexdigest(), answer=answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A consumer's position (and state), moved in the same transaction as what it appended."""

    consumer: str
    position: int
    state: bytes | None = None  # None leaves the stored state as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What one transaction takes. Claims and signals are normalised by intake: aware UTC, WGS-84, UCUM."""

    source: str
    received_at: datetime
    claims: Sequence[Claim] = ()
    erases: Sequence[Claim] = ()  # that things are gone, whole: nothing that was said before is carried over
    readings: Sequence[ReadingRow] = ()
    signals: Sequence[Signal] = ()
    events: Sequence[NewEvent] = ()
    dead_letters: Sequence[DeadLetter] = ()
    adapter_version: str = ""
    cursor: Cursor | None = None
    command: Command | None = None
    checkpoint: Checkpoint | None = None
    replayed: int | None = None  # the dead letter that this was; what was replayed before is not stored again


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of a draft. `seq` is the last number it took; where nothing needed storing (all claims
    unchanged, say) it is the head as it was. `answer` is the first answer of a repeated command."""

    batch: int
    seq: int
    recorded_at: datetime
    entities: Mapping[str, str]  # external id → entity id, of the draft's claims and its events' claims
    answer: Json | None = None
    repeated: bool = False  # the command, or the dead letter, was carried out before


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEntry:
    """A claim in the log; personal values are still sealed in it."""

    seq: int
    batch: int
    recorded_at: datetime
    source: str
    entity: str
    claim: Claim
    targets: Mapping[tuple[str, str], str]  # (relation, target external id) → the target's entity id
    cause: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalEntry:
    seq: int
    batch: int
    recorded_at: datetime
    source: str
    entity: str | None  # the subject's, where it is known
    signal: Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEntry:
    """An event as of the newest version of its type: older payloads were cast up."""

    seq: int
    batch: int
    recorded_at: datetime
    type: str
    version: int
    stream: str
    stream_version: int
    data: Json
    actor: str
    reason: str | None
    cause: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsEntry:
    """A batch's readings, at the batch's own number."""

    seq: int
    recorded_at: datetime
    source: str
    rows: Sequence[ReadingRow]


Entry = ClaimEntry | SignalEntry | EventEntry | ReadingsEntry


class HeldClaim(NamedTuple):
    """A source's latest claim of an entity, as the projector and `facts` read it; a tuple, since a catching-up
    projector makes thousands a second."""

    seq: int
    source: str
    entity: str
    claim: Claim
    targets: Mapping[tuple[str, str], str]  # (relation, target external id) → the target's entity id
    recorded_at: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """A series' newest reading."""

    series: Series
    row: ReadingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDeadLetter:
    """A kept payload that could not be read; `data` is None where its key was forgotten."""

    id: int
    source: str
    key: str
    received_at: datetime
    recorded_at: datetime
    reason: str
    where: str
    adapter_version: str
    data: bytes | None
    replayed_at: datetime | None


class Pruned(NamedTuple):
    """How many went by age."""

    dead_letters: int
    commands: int
