"""`causeway replay --check`: the rules run once more over the log, and what they say is held against what was said.

It begins at the oldest stored state all of whose readings remain. Who was quicker, the engine or a person, is no
difference; what opened, returned or closed, of which rule and subject, because of which record, is.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from hub.clock import from_micros
from hub.journal.log import Journal
from hub.journal.records import Entry, EventEntry, Series
from hub.topology import VERSION as TOPOLOGY
from hub.topology import Topology
from hub.warning import alerts, notices, states
from hub.warning.alerts import Step
from hub.warning.decider import Decider
from hub.warning.engine import CONSUMER, DAILY
from hub.warning.machine import Machine
from hub.warning.official import RULE as OFFICIAL
from hub.warning.signals import TIMER as SIGNAL
from hub.warning.signals import rule_of

_PAGE = 5000
_DECIDED = frozenset({alerts.OPENED, alerts.RETURNED, alerts.CLOSED, notices.COVERED})

_Fact = tuple[str, str, str, str, int]
"""Type, alert, rule, subject, causing sequence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`recorded`: the log says it and the rules do not; else the rules say it and the log does not."""

    what: str
    seq: int
    recorded: bool

    def __str__(self) -> str:
        says = "recorded, but the rules do not say it" if self.recorded else "not recorded, but the rules say it"
        return f"{self.what} (seq {self.seq}): {says}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """`since` is None where the replay began with the log; `compared` counts decisions, `timers` timer events."""

    position: int
    since: datetime | None
    until: int
    compared: int
    timers: int
    differences: Sequence[Difference]

    @property
    def agrees(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    position: int
    state: bytes | None
    epoch: str | None
    quantities: frozenset[str]


class _Tolerant(Machine):
    """Alerts from before a restore bear ids of an earlier epoch: of the known epochs the one is right that the log
    shows."""

    def __init__(self, topology: Topology, epoch: str, epochs: Sequence[str], recorded: frozenset[str]) -> None:
        super().__init__(topology, epoch)
        self._epochs = epochs
        self._recorded = recorded

    def identify(self, rule: str, subject: str, opening: str) -> str:
        found = (alerts.alert_id(epoch, rule, subject, opening) for epoch in self._epochs)
        return next((alert for alert in found if alert in self._recorded), super().identify(rule, subject, opening))


async def check(journal: Journal, precedence: Mapping[str, int]) -> ReplayReport:
    """Reads the log twice: once for what was said and what expired, once to run the rules."""
    stored = [await _read(journal, consumer) for consumer, _ in await journal.checkpoints(DAILY)]
    starts = [_Start(position=0, state=None, epoch=None, quantities=frozenset()), *(s for s in stored if s.state)]
    engine_at, engine_state = await journal.checkpoint(CONSUMER)
    until = journal.head
    series = await journal.all_series()
    events = [entry async for entry in _events(journal, until)]
    start = _oldest_whole(starts, events, {one.id: one for one in series})
    epochs = {journal.epoch, *(s.epoch for s in stored if s.epoch)}
    if engine_state:
        epochs.add(states.epoch_of(engine_state))
    recorded = frozenset(e.stream.removeprefix("alert:") for e in events if e.type == alerts.OPENED)

    def empty(topology: Topology) -> Machine:
        return _Tolerant(topology, journal.epoch, tuple(sorted(epochs)), recorded)

    decider = Decider(_taken_up(start, empty(Topology(precedence)), series), empty)
    since = from_micros(decider.machine.clock) if start.state else None
    steps: list[Step] = []
    timers, differences = 0, list[Difference]()
    async for entry in _entries(journal, start.position, until):
        if isinstance(entry, EventEntry) and entry.type == "timer.fired":
            timers += 1
            differences += _wrong_timer(entry, decider.machine)
        steps += decider.decide(entry)
    differences += _compare([e for e in events if e.seq > start.position], steps, engine_at)
    return ReplayReport(
        position=start.position,
        since=since,
        until=until,
        compared=len(steps),
        timers=timers,
        differences=sorted(differences, key=lambda d: d.seq),
    )


async def _read(journal: Journal, consumer: str) -> _Start:
    position, state = await journal.checkpoint(consumer)
    if not state:
        return _Start(position=position, state=None, epoch=None, quantities=frozenset())
    kept: Any = orjson.loads(state)
    if kept["topology"]["version"] != TOPOLOGY:  # it told less than the rules ask for now
        return _Start(position=position, state=None, epoch=kept["machine"]["epoch"], quantities=frozenset())
    machine = kept["machine"]
    return _Start(
        position=position,
        state=state,
        epoch=machine["epoch"],
        quantities=frozenset(rule["quantity"] for rule in machine["rules"]["rules"] if "quantity" in rule),
    )


def _oldest_whole(starts: Sequence[_Start], events: Sequence[EventEntry], series: Mapping[int, Series]) -> _Start:
    """The oldest start after which no reading expired that a rule asked for."""
    expired = list[tuple[datetime, frozenset[str]]]()
    asked = list[tuple[int, frozenset[str]]]()
    for entry in events:
        data: Any = entry.data
        if entry.type == "readings.expired":
            of = frozenset(series[one].quantity for one in data["series"] if one in series)
            expired.append((datetime.fromisoformat(data["before"]), of))
        elif entry.type == "rules.replaced":
            asked.append((entry.seq, frozenset(rule["quantity"] for rule in data["rules"] if "quantity" in rule)))
    for start in sorted(starts, key=lambda s: s.position):
        quantities = start.quantities.union(*(of for seq, of in asked if seq > start.position))
        began = _clock_of(start)
        if not any(of & quantities and (began is None or before > began) for before, of in expired):
            return start
    return max(starts, key=lambda s: s.position)


def _clock_of(start: _Start) -> datetime | None:
    return from_micros(orjson.loads(start.state)["machine"]["clock"]) if start.state else None


def _taken_up(start: _Start, machine: Machine, series: Iterable[Series]) -> Machine:
    if start.state is None:
        machine.know(series)
        return machine
    kept: Any = orjson.loads(start.state)
    machine.topology.load(orjson.dumps(kept["topology"]))
    states.load(machine, orjson.dumps(kept["machine"]), series)
    return machine


async def _entries(journal: Journal, after: int, until: int) -> AsyncIterator[Entry]:
    while after < until and (entries := await journal.read(after, _PAGE)):
        for entry in entries:
            if entry.seq <= until:
                yield entry
        after = entries[-1].seq


async def _events(journal: Journal, until: int) -> AsyncIterator[EventEntry]:
    kinds = {*_DECIDED, "readings.expired", "rules.replaced"}
    async for entry in _entries(journal, 0, until):
        if isinstance(entry, EventEntry) and entry.type in kinds:
            yield entry


def _wrong_timer(entry: EventEntry, machine: Machine) -> Iterable[Difference]:
    """A timer may come late, or after its reason has gone; it cannot come early, nor of a rule that is not there."""
    rule, deadline = str(entry.data["rule"]), datetime.fromisoformat(str(entry.data["deadline"]))
    what = f"timer.fired {rule} {entry.data['subject']} {deadline.isoformat()}"
    known = rule in machine.book.by_id or (rule.startswith(SIGNAL) and rule_of(rule) in machine.book.by_id)
    known = known or rule.startswith(OFFICIAL)
    if deadline > entry.recorded_at or not known:
        yield Difference(what=what, seq=entry.seq, recorded=True)


def _fact(entry: EventEntry) -> _Fact:
    if entry.type == notices.COVERED:
        warning = entry.stream.removeprefix("warning:")
        return entry.type, warning, OFFICIAL, warning, entry.cause or 0
    alert: Any = entry.data["alert"]
    told = entry.stream.removeprefix("alert:")
    return entry.type, told, alert["rule"], alert["subject"]["id"], entry.cause or 0


def _compare(recorded: Sequence[EventEntry], steps: Sequence[Step], engine_at: int) -> Iterable[Difference]:
    said = Counter[_Fact]()
    where = dict[_Fact, int]()
    for entry in recorded:
        if entry.type in _DECIDED:
            fact = _fact(entry)
            said[fact] += 1
            where[fact] = entry.seq
    found = Counter[_Fact]()
    for step in steps:
        fact = (step.type, step.alert, step.rule, step.subject, step.cause)
        if fact not in said and step.decided > engine_at:
            continue  # the engine has not come so far
        found[fact] += 1
        where.setdefault(fact, step.decided)
    for fact in (said - found) + (found - said):
        yield Difference(
            what=f"{fact[0]} {fact[1]} of rule {fact[2]} on {fact[3]}, because of {fact[4]}",
            seq=where[fact],
            recorded=said[fact] > found[fact],
        )
