"""The one engine that runs the rules: it follows the log, decides, appends, and keeps its place.

A position is stored only together with the state that belongs to it. Where that state is small it goes with
every event that it led to; where it is large it follows within seconds, and after a crash the engine decides
again what it had decided, with the same ids, and finds it already told.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import orjson

from hub.clock import Clock, from_micros, to_micros
from hub.errors import Conflict
from hub.journal.log import Journal
from hub.journal.records import HUB, Checkpoint, Draft, Entry, EventEntry, NewEvent
from hub.telemetry import logger
from hub.topology import Topology
from hub.warning import alerts, states
from hub.warning.alerts import Step
from hub.warning.decider import Decider
from hub.warning.machine import Machine
from hub.warning.publishing import Publisher

CONSUMER = "warning"
PLACES = "warning.topology"
DAILY = "warning@"
TIMERS = "timer"

_log = logger(__name__)
_PAGE = 2000
_SMALL = 64 * 1024  # bytes of state that go with every append
_STATE_EVERY = timedelta(seconds=5)
_PLACES_EVERY = timedelta(seconds=60)
_BACK_OFF = (0.2, 1.0, 5.0)  # seconds after a failure, the last one again and again
_LONGEST_WAIT = 1.0  # seconds; the machine's clock may be set meanwhile


class Engine:
    """`run` is its one task. `precedence` is the sources', for the names that it shows; daily states are kept
    for `keep`, the longest retention of readings."""

    def __init__(
        self, journal: Journal, clock: Clock, *, precedence: Mapping[str, int], keep: timedelta = timedelta(days=90)
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._precedence = precedence
        self._keep = keep
        self.failing: str | None = None  # what stops it, for the health page
        self.position = 0
        self._decider = Decider(self._empty(Topology(precedence)), self._empty)
        self._publisher = Publisher(journal, clock)
        self._old_epoch_until = 0
        self._settled_at = 0  # from this position on, all that was decided is behind it in the log
        self._unstored = False
        self._stored_at = self._places_at = clock() - _PLACES_EVERY
        self._places: bytes | None = None
        self._state_size = 0
        self._day: date | None = None

    @property
    def machine(self) -> Machine:
        return self._decider.machine

    @property
    def topology(self) -> Topology:
        """The places and ways as of `position`."""
        return self._decider.machine.topology

    def _empty(self, topology: Topology) -> Machine:
        return Machine(topology, self._journal.epoch)

    async def run(self) -> None:
        """Follows the log until it is cancelled; whatever fails, it takes up its stored state and tries again."""
        failures = 0
        while True:
            try:
                await self.take_up()
                while True:
                    await self.step()
                    if failures:
                        failures, self.failing = 0, None
                        _log.info("warning.recovered", position=self.position)
            except Exception as error:  # noqa: BLE001 - the rule engine is one of the three places
                if not failures:
                    _log.exception("warning.failed", position=self.position)
                self.failing = f"{type(error).__name__}: {error}"
                await asyncio.sleep(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])
                failures += 1

    async def take_up(self) -> None:
        """The stored position and the state that belongs to it; the beginning where there is none."""
        journal = self._journal
        position, state = await journal.checkpoint(CONSUMER)
        if state is None:
            position = 0
        topology = Topology(self._precedence)
        await self._take_up_places(topology, position)
        machine = self._empty(topology)
        series = await journal.all_series()
        if state is None:
            machine.know(series)
        else:
            states.load(machine, state, series)
        self._decider = Decider(machine, self._empty)
        self._old_epoch_until = self._settled_at = journal.head
        self.position = position
        self._publisher = Publisher(journal, self._clock)
        self._unstored = False

    async def _take_up_places(self, topology: Topology, position: int) -> None:
        at, places = await self._journal.checkpoint(PLACES)
        if places is None or at > position:
            at = 0
        else:
            try:
                topology.load(places)
            except ValueError:  # of an earlier version, which told less: the log tells all of it
                at = 0
        self._places = None if at == 0 else places
        while at < position:
            entries = await self._journal.read(at, _PAGE)
            if not entries:
                break
            for entry in entries:
                if entry.seq <= position:
                    topology.apply(entry)
            at = entries[-1].seq

    async def step(self) -> None:
        """Reads on; at the head it fires what is due, stores what is new, and waits."""
        head = self._journal.head
        entries = await self._journal.read(self.position, _PAGE)
        if entries:
            await self._digest(entries)
            return
        self.position = max(self.position, head)  # numbers may be taken by batches that hold no entry
        now = self._clock()
        due = self.machine.next_deadline()
        if due is not None and due[0] <= to_micros(now):
            await self._fire(*due)
            return
        await self._store()
        seconds = _LONGEST_WAIT
        if due is not None:
            seconds = min(seconds, max(0.0, (from_micros(due[0]) - self._clock()).total_seconds()))
        await self._journal.wait(self.position, seconds)

    async def catch_up(self) -> None:
        """Reads to the head and fires what is due there, without waiting for more."""
        while True:
            head = self._journal.head
            entries = await self._journal.read(self.position, _PAGE)
            if entries:
                await self._digest(entries)
                continue
            self.position = max(self.position, head)
            due = self.machine.next_deadline()
            if due is None or due[0] > to_micros(self._clock()):
                return
            await self._fire(*due)

    async def _digest(self, entries: Sequence[Entry]) -> None:
        decider = self._decider
        if decider.machine.unknown(entries):
            decider.machine.know(await self._journal.all_series())
        steps: list[Step] = []
        for entry in entries:
            if entry.seq > self._old_epoch_until:
                decider.machine.epoch = self._journal.epoch
            steps += decider.decide(entry)
            if isinstance(entry, EventEntry) and entry.type in alerts.EVENTS:
                self._publisher.read(entry)
        position = entries[-1].seq
        self._unstored = True
        checkpoint = self._checkpoint(position) if steps and self._state_size <= _SMALL else None
        if steps:
            await self._publisher.publish(steps, checkpoint)
            self._settled_at = max(self._settled_at, self._journal.head)
        self.position = position
        if checkpoint is not None:
            self._stored()
        await self._store()

    def _checkpoint(self, position: int) -> Checkpoint:
        state = states.dump(self.machine)
        self._state_size = len(state)
        return Checkpoint(consumer=CONSUMER, position=position, state=state)

    def _stored(self) -> None:
        self._stored_at = self._clock()
        self._unstored = False

    async def _fire(self, deadline: int, key: tuple[str, int]) -> None:
        """Nothing else passed the deadline: the timer's own event does. What it means is decided on reading it,
        after all that was recorded before it."""
        event = NewEvent(
            type="timer.fired",
            version=1,
            stream=TIMERS,
            expected=self.machine.timer_version,
            data={
                "deadline": from_micros(deadline).isoformat(),
                "subject": self.machine.subject(key),
                "rule": key[0],
            },
            actor=alerts.ENGINE,
        )
        try:
            await self._journal.append(Draft(source=HUB, received_at=self._clock(), events=[event]))
        except Conflict:
            if self._journal.head <= self.position:  # not that another timer stands unread: something is wrong
                raise

    async def _store(self) -> None:
        """The state, where it is due: every few seconds; the topology every minute; all of it once a day."""
        now = self._clock()
        if not self._unstored or now - self._stored_at < _STATE_EVERY:
            return
        await self._append(self._checkpoint(self.position))
        self._stored()
        if now - self._places_at >= _PLACES_EVERY:
            places = self.machine.topology.dump()
            changed = places != self._places
            await self._append(Checkpoint(consumer=PLACES, position=self.position, state=places if changed else None))
            self._places, self._places_at = places, now
        if now.date() != self._day and self.position >= self._settled_at:
            await self._store_day(now.date())

    async def _store_day(self, day: date) -> None:
        """A state from which a replay can begin: all that was decided before it stands before it in the log."""
        self._day = day
        held = await self._journal.checkpoints(DAILY)
        name = f"{DAILY}{day.isoformat()}"
        if any(consumer == name for consumer, _ in held):
            return
        state = orjson.dumps(
            {
                "machine": orjson.Fragment(states.dump(self.machine)),
                "topology": orjson.Fragment(self.machine.topology.dump()),
            }
        )
        await self._append(Checkpoint(consumer=name, position=self.position, state=state))
        oldest = f"{DAILY}{(day - self._keep - timedelta(days=1)).isoformat()}"
        for consumer, position in held:
            if consumer < oldest and (await self._journal.checkpoint(consumer))[1]:
                await self._append(Checkpoint(consumer=consumer, position=position, state=b""))  # of no use any more

    async def _append(self, checkpoint: Checkpoint) -> None:
        await self._journal.append(Draft(source=HUB, received_at=self._clock(), checkpoint=checkpoint))
