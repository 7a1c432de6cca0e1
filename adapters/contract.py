"""What an adapter is and yields: three records and nothing else.

An adapter translates. It never retries, swallows, sleeps, schedules, merges or writes: the supervisor
owns lifetimes, back-off, staleness and dead letters; intake owns units, times, coordinates, deadband and
identity. Times may be naive where the source's are: intake reads them in the source's declared zone.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import wraps
from types import MappingProxyType, TracebackType
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

P = ParamSpec("P")
T = TypeVar("T")
Value = str | int | float | bool | datetime | tuple[str, ...] | None
"""A time may be naive, or text in ISO 8601; past intake it is text in UTC."""
Cursor = str
"""Where to go on reading, opaque to all but the adapter: a keyset pair, never a bare time."""


class Quality(StrEnum):
    GOOD = "GOOD"
    UNCERTAIN = "UNCERTAIN"
    BAD = "BAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """A name that the world knows the thing by, such as a serial number; `scheme` is one of `graph_models.SCHEMES`."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A relation of the claimed thing to another one of the same source, or of `source` where it is named."""

    relation: str
    target: str  # the target's external id
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Degrees, in the coordinate system that the source declares; WGS-84 once past intake."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """ "This exists, and has these values": one source's word, never the truth.

    `kind` is a declaration's name in `graph_models` (`Place`, `Asset`, …); `values` are its declared fields.
    `gone` says that the source no longer has it; `named_only`, in what `discover` gives, that it has it still, though
    what it says of it cannot be read: nothing about it changes.
    """

    kind: str
    external_id: str
    identifiers: tuple[Identifier, ...] = ()
    values: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    links: tuple[Link, ...] = ()
    position: Position | None = None
    observed_at: datetime | None = None
    gone: bool = False
    named_only: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """ "This was measured." Positional, since a park yields thousands a second.

    `at` is the payload's own time, else None: intake then takes the time of receipt. `redelivered` marks a
    message that the source may have sent before and that carries neither time nor number of its own.
    """

    sensor: str  # the sensor's external id
    quantity: str
    value: float
    unit: str  # UCUM, or what `hub.units` knows to mean a UCUM unit
    at: datetime | None = None
    quality: Quality = Quality.GOOD
    redelivered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """ "This happened": a device's own event, such as a line crossed or a panel in alarm."""

    type: str
    subject: str  # the subject's external id
    at: datetime | None = None
    values: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    evidence: tuple[str, ...] = ()


Record = Claim | Reading | Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Bytes as they came, with what names their origin: a topic, a URL, a unit and address."""

    key: str
    received_at: datetime
    data: bytes
    redelivered: bool = False


class Unreadable(ValueError):
    """A payload that `decode` cannot read. Says why, and where in it; becomes a dead letter. `bug` is an error of the
    adapter's own, where that is why."""

    def __init__(self, reason: str, *, where: str = "", bug: Exception | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where
        self.bug = bug


def guarded(decode: Callable[P, T]) -> Callable[P, T]:
    """`decode`, of which Unreadable alone escapes, so that a bug costs one payload and not the stream: what ends `read`
    is never acknowledged, and comes again for ever."""

    @wraps(decode)
    def safe(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return decode(*args, **kwargs)
        except Unreadable:
            raise
        except Exception as bug:
            raise Unreadable(f"a bug of the adapter: {bug!r}", bug=bug) from bug

    return safe


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A payload that could not be read, on its way to be kept; intake logs the `bug`, where one is why."""

    raw: Raw
    reason: str
    where: str = ""
    bug: Exception | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, raw: Raw, unreadable: Unreadable) -> Self:
        return cls(raw=raw, reason=unreadable.reason, where=unreadable.where, bug=unreadable.bug)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A part of the source that gave nothing, such as one of many devices; becomes a health text."""

    where: str
    reason: str  # says what to do


async def _nothing_to_acknowledge() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is stored in one transaction, after which `ack` tells the source that it may forget."""

    records: Sequence[Record] = ()
    received_at: datetime
    unreadable: Sequence[DeadLetter] = ()
    faults: Sequence[Fault] = ()
    cursor: Cursor | None = None
    ack: Callable[[], Awaitable[None]] = _nothing_to_acknowledge


class HealthState(StrEnum):
    OK = "OK"
    DEGRADED = "DEGRADED"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`text` says what was found and, where it is not OK, what to do."""

    state: HealthState
    text: str = ""
    version: str | None = None  # of the device or the server


class SourceError(Exception):
    """The source as a whole fails; says what to do. The supervisor backs off and opens the adapter anew."""


class Unreachable(SourceError):
    """Nobody answers at the address."""


class CredentialsRefused(SourceError):
    """The source answers and refuses user, password or key: a retry will not help before a person mends it."""


class CertificateRefused(SourceError):
    """TLS fails: unknown authority, wrong name, expired."""


class AdapterConfig(BaseModel):
    """The base of every adapter's own settings; a wrong key is refused with the nearest right one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Adapter(Protocol):
    """One source's translator: an async context manager that holds its connection."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def check(self) -> Health:
        """Can it be reached, are the credentials right, what version is it. Raises SourceError when not."""
        ...

    def discover(self) -> AsyncIterator[Claim]:
        """Always the whole set: a run that ends without error is a snapshot, against which deletions are found."""
        ...

    def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """From `cursor` on. Ends: a poll, run again each `every`. Never ends: a stream."""
        ...

    def decode(self, raw: Raw) -> Sequence[Record]:
        """Pure; raises Unreadable and nothing else. `read` uses it, or the same decoders, as `guarded`; the replay of a
        dead letter uses it too."""
        ...


class StreamSource(BaseModel):
    """Where a camera's picture can be had; secret, never journalled."""

    model_config = ConfigDict(frozen=True)
    url: str
    username: str | None = None
    password: str | None = Field(default=None, repr=False)


class Streams(Protocol):
    """An adapter of cameras also has this."""

    async def open(self, external_id: str) -> StreamSource: ...


ConfigT = TypeVar("ConfigT", bound=AdapterConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an adapter is told of the source that it reads, beside its own config."""

    id: str
    organization: str | None = None  # whose records it holds; None: the park's own
    confirmed: Callable[[], Mapping[str, str]] = (
        dict  # what a person confirmed for it, by what it is of; ask anew each poll
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Generic[ConfigT]):
    """What an entry point of the group `causeway.adapters` names: how to make the adapter, and what it is."""

    name: str
    version: str
    summary: str  # one sentence for `causeway adapters list`
    config: type[ConfigT]
    factory: Callable[[Source, ConfigT], Adapter]
    polls: bool  # True: read() ends, and is run each `every`
    confirms: bool = False  # True: it asks a person, whose answers `Source.confirmed` gives
    discovers_all: bool = True  # False: things also show themselves in traffic, so what discover() lacks is not gone
    listens: bool = False  # True: peers connect to it; that none does is silence, and no error


AnyDefinition = Definition[Any]
