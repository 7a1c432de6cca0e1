"""Readings at their rate: one small object a series holds all that a reading needs, so that most cost a lookup.

A reading that is odd in any way (a naive or unbelievable time, a quality, an integer, no number) takes the
slower path; what cannot be taken at all comes back as a reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.contract import Quality, Reading
from hub.clock import EPOCH, to_micros
from hub.errors import BadRequest, nearest
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.journal.readings import Flag, flags_of
from hub.journal.records import ReadingRow, Series
from hub.units import Conversion, Quantity, UnitError, conversion

_SECOND = 1_000_000
_LARGEST = 1.7976931348623157e308
_REFUSED = 10_000
NEVER = -(2**62)

Key = tuple[str, str, str]
"""(sensor's external id, quantity, unit as the source writes it)."""


class SeriesState:
    """What is known of one series while the hub runs; times in microseconds since 1970."""

    __slots__ = ("deadband", "factor", "flags", "heartbeat", "last", "last_at", "offset", "received", "series")

    def __init__(self, quantity: Quantity, conversion: Conversion | None) -> None:
        self.series = 0
        self.deadband = quantity.deadband
        self.heartbeat = int(quantity.heartbeat.total_seconds() * _SECOND)
        self.factor, self.offset = conversion or (1.0, 0.0)
        self.last = 0.0
        self.last_at = NEVER
        self.flags = 0  # of the last stored reading, REDELIVERED left out
        self.received = NEVER  # the last time of receipt that a reading was stored under


@dataclass(slots=True, kw_only=True)
class Taken:
    """What became of a batch's readings."""

    rows: list[ReadingRow] = field(default_factory=list)
    refused: list[tuple[Reading, str]] = field(default_factory=list)
    unchanged: int = 0
    skewed: list[tuple[str, int]] = field(default_factory=list)  # (sensor, microseconds off), one a sensor


class Readings:
    """One source's series. Deadbands go on where the journal's newest readings stand."""

    def __init__(self, journal: Journal, spec: SourceSpec, quantities: Mapping[str, Quantity]) -> None:
        self._journal = journal
        self._spec = spec
        self._quantities = quantities
        self._states: dict[Key, SeriesState] = {}
        self._refused: dict[Key, str] = {}  # the series whose readings cannot be taken, and why
        self._max_skew = int(spec.max_skew.total_seconds() * _SECOND)

    def forget(self) -> None:
        """What was taken did not get stored: the journal knows best what the last values are."""
        self._states.clear()

    async def learn(self, readings: Sequence[Reading]) -> None:
        """Makes known the series that `readings` need; costs the journal two statements, once a series."""
        wanted: dict[Key, SeriesState] = {}
        if len(self._refused) > _REFUSED:
            self._refused.clear()  # names without end must not take memory without end
        for key in dict.fromkeys((r.sensor, r.quantity, r.unit) for r in readings):
            if key not in self._states and key not in self._refused:
                judged = self._judge(*key)
                if isinstance(judged, str):
                    self._refused[key] = judged
                else:
                    wanted[key] = judged
        if not wanted:
            return
        made = await self._made(wanted)
        latest = await self._journal.latest(sorted({series.sensor for series in made.values()}))
        newest = {each.series.id: each.row for rows in latest.values() for each in rows}
        for key, series in made.items():
            state = wanted[key]
            state.series = series.id
            if (row := newest.get(series.id)) is not None:
                state.last, state.last_at, state.flags = row.value, row.at, row.flags & ~Flag.REDELIVERED
            self._states[key] = state

    async def _made(self, wanted: Iterable[Key]) -> dict[Key, Series]:
        """Their series; one whose names the journal cannot store is refused by itself."""
        keys = list(wanted)
        names = [(sensor, quantity, self._quantities[quantity].unit) for sensor, quantity, _ in keys]
        try:
            return dict(zip(keys, await self._journal.series(self._spec.id, names), strict=True))
        except BadRequest as refused:
            if len(keys) == 1:
                self._refused[keys[0]] = f"the journal refuses its names: {refused.message}"
                return {}
        made: dict[Key, Series] = {}
        for key in keys:
            made |= await self._made([key])
        return made

    def _judge(self, sensor: str, quantity: str, unit: str) -> SeriesState | str:
        if not sensor:
            return "the reading names no sensor"
        found = self._quantities.get(quantity)
        if found is None:
            hint = nearest(quantity, self._quantities)
            return f"the quantity {quantity!r} is not declared ({hint}); add it as a [[quantity]]"
        try:
            return SeriesState(found, conversion(unit, found.unit))
        except UnitError as error:
            return f"{quantity} of {sensor}: {error}"

    async def take(self, readings: Sequence[Reading], received_at: datetime) -> Taken:
        """Raises nothing for a bad reading: it comes back in `refused`."""
        taken = Taken()
        received = to_micros(received_at)
        start = 0
        while (start := self._take(readings, start, received, taken)) < len(readings):
            await self.learn(readings[start:])
        return taken

    def _take(self, readings: Sequence[Reading], start: int, received: int, taken: Taken) -> int:
        """Goes on to the first reading of an unknown series, and returns its index."""
        states, add, good = self._states, taken.rows.append, Quality.GOOD
        latest, earliest, epoch = received + self._max_skew, received - self._max_skew, EPOCH
        for index in range(start, len(readings)):
            reading = readings[index]
            state = states.get((reading.sensor, reading.quantity, reading.unit))
            if state is None:
                reason = self._refused.get((reading.sensor, reading.quantity, reading.unit))
                if reason is None:
                    return index
                taken.refused.append((reading, reason))
                continue
            value, moment = reading.value, reading.at
            if (
                value.__class__ is not float
                or (received <= state.received if moment is None else moment.tzinfo is not UTC)
                or reading.quality is not good
                or reading.redelivered
            ):
                self._take_odd(reading, state, received, taken)
                continue
            if moment is None:
                at = received
            else:
                passed = moment - epoch
                at = passed.days * 86_400_000_000 + passed.seconds * 1_000_000 + passed.microseconds
            value = value * state.factor + state.offset
            if not (earliest <= at <= latest and -_LARGEST <= value <= _LARGEST):
                self._take_odd(reading, state, received, taken)
                continue
            since = at - state.last_at
            if (
                0 <= since < state.heartbeat
                and not state.flags
                and -state.deadband <= value - state.last <= state.deadband
            ):
                taken.unchanged += 1
                continue
            if moment is None:
                state.received = at
            if since < 0:
                add(ReadingRow(state.series, at, value, 0, None))
                continue
            state.last, state.last_at, state.flags = value, at, 0
            add(ReadingRow(state.series, at, value, 0, None))
        return len(readings)

    def _take_odd(self, reading: Reading, state: SeriesState, received: int, taken: Taken) -> None:
        given: object = reading.value
        if isinstance(given, bool) or not isinstance(given, int | float):
            taken.refused.append((reading, f"the value is no number but {type(given).__name__}"))
            return
        try:
            value = float(given) * state.factor + state.offset
            at = received if reading.at is None else self._micros(reading.at)
        except (OverflowError, ValueError) as error:
            taken.refused.append((reading, f"the value or its time cannot be kept: {error}"))
            return
        if not -_LARGEST <= value <= _LARGEST:
            taken.refused.append((reading, f"the value {given!r} is not finite; a device often means a fault by it"))
            return
        flags = flags_of(reading.quality, redelivered=reading.redelivered)
        device_at = None
        if at - received > self._max_skew or (received - at > self._max_skew and not self._spec.buffered_history):
            taken.skewed.append((reading.sensor, at - received))
            device_at, at = at, received
            if reading.quality is Quality.GOOD:
                flags |= Flag.UNCERTAIN
        stamped = reading.at is None or device_at is not None
        if stamped and at <= state.received:
            at = state.received + 1  # several in one batch: each keeps a key of its own
        lasting = flags & ~Flag.REDELIVERED
        since = at - state.last_at
        if 0 <= since < state.heartbeat and lasting == state.flags and abs(value - state.last) <= state.deadband:
            taken.unchanged += 1
            return
        if since >= 0:
            state.last, state.last_at, state.flags = value, at, lasting
        if stamped:
            state.received = at
        taken.rows.append(ReadingRow(state.series, at, value, flags, device_at))

    def _micros(self, moment: datetime) -> int:
        return to_micros(moment if moment.tzinfo is not None else moment.replace(tzinfo=self._spec.timezone))
