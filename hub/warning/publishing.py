"""Decisions into the log: each as one event on its alert's stream, once, whoever else writes there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.clock import Clock
from hub.errors import Conflict
from hub.journal.log import Journal
from hub.journal.records import HUB, Checkpoint, Draft, EventEntry, NewEvent
from hub.journal.stories import Snapshot
from hub.telemetry import logger
from hub.warning import alerts, notices
from hub.warning.alerts import Step

_log = logger(__name__)
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Told:
    """What a stream says of its alert so far."""

    version: int = 0
    alert: Snapshot | None = None
    types: frozenset[str] = frozenset()

    def and_then(self, type: str, version: int, alert: Snapshot) -> "Told":  # noqa: A002
        return Told(version, alert, self.types | {type})


class _Said(NamedTuple):
    """What a warning's stream holds."""

    type: str
    cause: int | None
    warning: Snapshot


class Publisher:
    """Appends the engine's decisions. One that already stands in its stream, from before a crash, is passed over."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._told: dict[str, Told] = {}

    def read(self, entry: EventEntry) -> None:
        """An alert's event was met in the log: what a person did need not be asked for."""
        alert = entry.stream.removeprefix("alert:")
        told = self._told.get(alert)
        if told is not None and entry.stream_version == told.version + 1:
            self._keep(alert, told.and_then(entry.type, entry.stream_version, alerts.snapshot(entry)))

    async def publish(self, steps: Sequence[Step], checkpoint: Checkpoint | None) -> None:
        """One transaction: the events of the decisions, and the checkpoint. Raises what the journal raises."""
        for attempt in range(_TRIES):
            events, told = await self._events(steps)
            if not events and checkpoint is None:
                return
            draft = Draft(source=HUB, received_at=self._clock(), events=events, checkpoint=checkpoint)
            try:
                await self._journal.append(draft)
            except Conflict:
                if attempt == _TRIES - 1:
                    raise
                for step in (
                    step for step in steps if step.type != notices.COVERED
                ):  # a person was quicker: read what stands there now
                    self._told.pop(step.alert, None)
                    self._told[step.alert] = await self._stream(step.alert)
                continue
            for alert, now in told.items():
                self._keep(alert, now)
            return

    async def _events(self, steps: Sequence[Step]) -> tuple[list[NewEvent], dict[str, Told]]:
        events: list[NewEvent] = []
        told: dict[str, Told] = {}
        said: dict[str, list[_Said]] = {}
        for step in steps:
            if step.type == notices.COVERED:
                events += await self._covering(step, said)
                continue
            before = told.get(step.alert) or self._told.get(step.alert)
            if before is None:
                before = Told() if step.opening is not None else await self._stream(step.alert)
            if step.type in before.types:
                told[step.alert] = before
                continue
            snapshot = _after(before, step)
            if snapshot is None:
                _log.error("warning.stream-missing", alert=step.alert, type=step.type, seq=step.decided)
                continue
            events.append(
                alerts.event(step.type, snapshot, expected=before.version, actor=alerts.ENGINE, cause=step.cause)
            )
            told[step.alert] = before.and_then(step.type, before.version + 1, snapshot)
        return events, told

    async def _covering(self, step: Step, said: dict[str, list["_Said"]]) -> list[NewEvent]:
        """Which places a warning covers, unless that stands there already."""
        if step.opening is None:
            return []
        if step.alert not in said:
            history = await self._journal.stream(notices.stream(step.alert))
            said[step.alert] = [_Said(e.type, e.cause, notices.snapshot(e)) for e in history]
        before = said[step.alert]
        if any(one.type == notices.COVERED and one.cause == step.cause for one in before):
            return []
        now = notices.covered(before[-1].warning if before else None, step.opening)
        event = notices.event(notices.COVERED, now, expected=len(before), actor=alerts.ENGINE, cause=step.cause)
        before.append(_Said(notices.COVERED, step.cause, now))
        return [event]

    async def _stream(self, alert: str) -> Told:
        told = Told()
        for entry in await self._journal.stream(alerts.stream(alert)):
            told = told.and_then(entry.type, entry.stream_version, alerts.snapshot(entry))
        return told

    def _keep(self, alert: str, told: Told) -> None:
        if alerts.CLOSED in told.types:
            self._told.pop(alert, None)
        else:
            self._told[alert] = told


def _after(told: Told, step: Step) -> Snapshot | None:
    if step.opening is not None:
        return step.opening
    if told.alert is None:
        return None
    if step.type == alerts.RETURNED:
        return alerts.returned(told.alert, at=step.at)
    return alerts.closed(told.alert, at=step.at)
