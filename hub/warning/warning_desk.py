"""The desk of official warnings: where a person acknowledges one. It needs the journal alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.clock import Clock
from hub.errors import Conflict, NotFound
from hub.journal.ids import is_uuid
from hub.journal.log import Journal
from hub.journal.records import HUB, Command, Draft, EventEntry, HeldClaim, NewEvent
from hub.viewer import Viewer
from hub.warning import notices

STREAM = "park"
_TRIES = 5


class WarningAlreadyAcknowledged(Conflict):
    """Someone did it before; nothing is left to do."""

    retry = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgedWarning:
    """`warning` is what the hub says of it now, `seq` the number that the graph must reach to show it."""

    warning: Mapping[str, Any]
    seq: int
    repeated: bool


class WarningDesk:
    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    async def acknowledge(self, viewer: Viewer, warning_id: str, note: str | None, key: str) -> AcknowledgedWarning:
        """Once for each `key` of the viewer's: a repeat gets the first answer.

        Raises NotFound, WarningAlreadyAcknowledged, BadRequest, and Conflict where the key was used for something else
        or the warning keeps moving.
        """
        told = await self._told(warning_id)
        warning = told.entity
        for _ in range(_TRIES):
            history = await self._journal.stream(notices.stream(warning))
            done = next((entry for entry in history if entry.type == notices.ACKNOWLEDGED), None)
            # After someone's acknowledgement the draft cannot be stored; the journal still knows a repeated key.
            expected = len(history) if done is None else done.stream_version - 1
            seen = history[expected - 1] if expected else None
            try:
                return await self._append(viewer, told, seen, note, key)
            except Conflict:
                if done is not None:
                    was = notices.snapshot(done)
                    raise WarningAlreadyAcknowledged(
                        f"warning {was['identifier']} was acknowledged by {was['acknowledgedBy']} at "
                        f"{was['acknowledgedAt']}: nothing is left to do."
                    ) from None
                if len(await self._journal.stream(notices.stream(warning))) == len(history):
                    raise  # the stream stands as it stood: it is the key that was used for something else
        raise Conflict(f"warning {told.claim.external_id} changes too quickly to be acknowledged: try again")

    async def _told(self, warning_id: str) -> HeldClaim:
        """A source's word on it, under the id that lives."""
        if is_uuid(warning_id):
            for held in (await self._journal.claims_of([warning_id])).values():
                for one in held:
                    if one.claim.kind == "Warning" and one.source != HUB:
                        return one
        raise NotFound(f"there is no warning {warning_id!r} that a source still tells of")

    async def _append(
        self, viewer: Viewer, told: HeldClaim, seen: EventEntry | None, note: str | None, key: str
    ) -> AcknowledgedWarning:
        now = self._clock()
        identifier = str(told.claim.values.get("identifier") or told.claim.external_id)
        before = notices.empty(told.entity, identifier) if seen is None else notices.snapshot(seen)
        warning = notices.acknowledged({**before, "identifier": identifier}, at=now, by=viewer.subject)
        event = notices.event(
            notices.ACKNOWLEDGED,
            warning,
            expected=0 if seen is None else seen.stream_version,
            actor=viewer.subject,
            cause=told.seq if seen is None else seen.seq,
            note=note,
        )
        said = ["acknowledgeWarning", told.entity, note]
        command = Command.of(viewer.subject, key, said, {"warning": warning})
        appended = await self._journal.append(Draft(source=HUB, received_at=now, events=[event], command=command))
        answer: Any = appended.answer
        return AcknowledgedWarning(warning=answer["warning"], seq=appended.seq, repeated=appended.repeated)


async def locate(journal: Journal, geocodes: tuple[str, ...], now: datetime) -> None:
    """Appends `park.located` where the last one says something else: the engine knows what the log holds."""
    earlier = await journal.stream(STREAM)
    data: dict[str, Any] = {"geocodes": list(geocodes), "takesUnlocated": True}
    if earlier and dict(earlier[-1].data) == data:
        return
    event = NewEvent(
        type="park.located",
        version=2,
        stream=STREAM,
        expected=len(earlier),
        data=data,
        actor=HUB,
    )
    await journal.append(Draft(source=HUB, received_at=now, events=[event]))
