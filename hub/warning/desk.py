"""The desk: where a person acknowledges an alert. It needs the journal alone, so it works with the graph down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.clock import Clock
from hub.errors import Conflict, NotFound
from hub.journal.ids import is_uuid
from hub.journal.log import Journal
from hub.journal.records import HUB, Command, Draft, EventEntry
from hub.viewer import Viewer
from hub.warning import alerts

_TRIES = 5


class AlreadyAcknowledged(Conflict):
    """Someone did it before; nothing is left to do."""

    retry = False


class AlertClosed(Conflict):
    """The alert has ended; a new episode is a new alert."""

    retry = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """`alert` is the snapshot after the acknowledgement, `seq` the number that the graph must reach to show it."""

    alert: Mapping[str, Any]
    seq: int
    repeated: bool


class AlertDesk:
    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    async def acknowledge(self, viewer: Viewer, alert_id: str, note: str | None, key: str) -> Acknowledged:
        """Once for each `key` of the viewer's: a repeat gets the first answer.

        Raises NotFound, AlreadyAcknowledged, AlertClosed, BadRequest, and Conflict where the key was used for
        something else or the alert keeps moving.
        """
        if not is_uuid(alert_id):
            raise NotFound(f"there is no alert {alert_id!r}")
        for _ in range(_TRIES):
            history = await self._journal.stream(alerts.stream(alert_id))
            if not history:
                raise NotFound(f"there is no alert {alert_id!r}")
            done = next((entry for entry in history if entry.type == alerts.ACKNOWLEDGED), None)
            # After someone's acknowledgement the draft cannot be stored; the journal still knows a repeated key.
            expected = history[-1].stream_version if done is None else done.stream_version - 1
            try:
                return await self._append(viewer, history[expected - 1], note, key)
            except Conflict:
                if done is not None:
                    raise _refusal(history, done) from None
                now = await self._journal.stream(alerts.stream(alert_id))
                if len(now) == len(history):
                    raise  # the stream stands as it stood: it is the key that was used for something else
        raise Conflict(f"alert {alert_id} changes too quickly to be acknowledged: try again")

    async def _append(self, viewer: Viewer, seen: EventEntry, note: str | None, key: str) -> Acknowledged:
        now = self._clock()
        snapshot = alerts.acknowledged(alerts.snapshot(seen), at=now, by=viewer.subject)
        event = alerts.event(
            alerts.ACKNOWLEDGED,
            snapshot,
            expected=seen.stream_version,
            actor=viewer.subject,
            cause=seen.seq,
            note=note,
        )
        command = Command.of(viewer.subject, key, ["acknowledge", snapshot["id"], note], {"alert": snapshot})
        appended = await self._journal.append(Draft(source=HUB, received_at=now, events=[event], command=command))
        answer: Any = appended.answer
        return Acknowledged(alert=answer["alert"], seq=appended.seq, repeated=appended.repeated)


def _refusal(history: Sequence[EventEntry], done: EventEntry) -> Conflict:
    alert = alerts.snapshot(history[-1])
    who, when = alert["acknowledgedBy"], alert["acknowledgedAt"]
    if history[-1].type == alerts.CLOSED:
        return AlertClosed(
            f"alert {alert['id']} ended at {alert['closedAt']}, acknowledged by {who} at {when}. "
            "If the danger is there again it is a new alert: read the list."
        )
    return AlreadyAcknowledged(f"alert {alert['id']} was acknowledged by {who} at {when}: nothing is left to do.")
