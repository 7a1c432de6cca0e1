"""A source as the supervisor runs it, and what is known of how it does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.contract import AdapterConfig, AnyDefinition, HealthState, Source
from hub.coordinates import CoordinateSystem


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One `[[source]]` of the park file, with its adapter found and its config checked."""

    id: str
    definition: AnyDefinition
    config: AdapterConfig
    every: timedelta = timedelta(seconds=10)
    discover_every: timedelta = timedelta(hours=1)
    expect_within: timedelta = timedelta(seconds=60)  # past it without data, the source is unavailable
    max_skew: timedelta = timedelta(minutes=5)
    timezone: ZoneInfo = ZoneInfo("UTC")  # noqa: RUF009  (of naive stamps)
    coordinates: CoordinateSystem = CoordinateSystem.WGS84
    precedence: int = 50
    trusted_schemes: frozenset[str] = frozenset()
    organization: str | None = None
    retire_guard: float = 0.3  # the share of its entities that one snapshot may retire unasked
    buffered_history: bool = False  # stamps in the past are the device's buffer, not a wrong clock
    dead_letters_per_hour: int = 10_000  # kept; past it they are only counted

    @property
    def source(self) -> Source:
        """What its adapter is told of it."""
        return Source(id=self.id, organization=self.organization)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Since the hub started. `unchanged` readings stayed within their deadband; they count as seen. Dead letters
    `not_kept` are like one that is, or came past the hour's bound."""

    batches: int = 0
    readings: int = 0
    unchanged: int = 0
    claims: int = 0
    signals: int = 0
    dead_letters: int = 0
    not_kept: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """How a source does at this moment.

    `stale`: no data within the promise, so its facts may be out of date. `lag_seconds`: from the newest stored
    record's own time to its commit. `confirm_retirement`: a snapshot waits for a person.
    """

    id: str
    adapter: str
    state: HealthState
    text: str
    since: datetime
    stale: bool
    last_batch_at: datetime | None
    lag_seconds: float | None
    counts: Counts
    version: str | None
    confirm_retirement: bool = False
