"""The desk of incidents: where a person opens one and closes it. It needs the journal alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from graph_models.entities import IncidentKind
from hub.clock import Clock
from hub.command import incidents
from hub.errors import BadRequest, Conflict, NotFound
from hub.journal.ids import is_uuid, uuid7
from hub.journal.log import Journal
from hub.journal.records import HUB, Command, Draft, EventEntry, NewEvent
from hub.journal.stories import Snapshot
from hub.viewer import Viewer
from hub.warning.alerts import Named

MOST_PLACES = 100
_TRIES = 20  # of opening, where others open at the same moment


class IncidentClosed(Conflict):
    """Someone closed it before; nothing is left to do."""

    retry = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`incident` is the snapshot after it, `seq` the number that the graph must reach to show it."""

    incident: Snapshot
    seq: int
    repeated: bool


class IncidentDesk:
    """`timezone` is the park's: its calendar gives the year of a number."""

    def __init__(self, journal: Journal, clock: Clock, timezone: ZoneInfo) -> None:
        self._journal = journal
        self._clock = clock
        self._timezone = timezone

    async def open(
        self, viewer: Viewer, places: Sequence[Named], kind: IncidentKind, *, drill: bool, note: str | None, key: str
    ) -> Told:
        """Once for each `key` of the viewer's: a repeat gets the first answer.

        Raises BadRequest, and Conflict where the key was used for something else.
        """
        if not 0 < len(places) <= MOST_PLACES:
            raise BadRequest(f"an incident is in 1 to {MOST_PLACES} places: name them, or the park")
        asked = ["openIncident", sorted(place.id for place in places), kind.value, drill, note]
        year = self._clock().astimezone(self._timezone).year
        for _ in range(_TRIES):
            now = self._clock()
            count = 1 + max((count for of, count in await self._numbers() if of == year), default=0)
            incident = incidents.opened(
                id=uuid7(now),
                number=incidents.number(year, count),
                kind=kind,
                drill=drill,
                at=now,
                by=viewer.subject,
                places=places,
            )
            event = incidents.event(incidents.OPENED, incident, expected=0, actor=viewer.subject, cause=None, note=note)
            try:
                return await self._append(viewer, event, incident, asked, key, now)
            except Conflict:
                if not await self._journal.stream_version(incidents.stream(incident["number"])):
                    raise  # nobody took the number: it is the key that was used for something else
        raise Conflict("others open incidents faster than this one gets a number: try again")

    async def close(self, viewer: Viewer, incident_id: str, note: str | None, key: str) -> Told:
        """Likewise. Raises also NotFound, IncidentClosed."""
        history = await self._history(incident_id)
        done = next((entry for entry in history if entry.type == incidents.CLOSED), None)
        # After someone closed it the draft cannot be stored; the journal still knows a repeated key.
        seen = history[0] if done is not None else history[-1]
        now = self._clock()
        incident = incidents.closed(incidents.snapshot(seen), at=now, by=viewer.subject)
        event = incidents.event(
            incidents.CLOSED,
            incident,
            expected=seen.stream_version,
            actor=viewer.subject,
            cause=seen.seq,
            note=note,
        )
        try:
            return await self._append(viewer, event, incident, ["closeIncident", incident["id"], note], key, now)
        except Conflict:
            for entry in await self._history(incident_id):
                if entry.type == incidents.CLOSED:
                    was = incidents.snapshot(entry)
                    raise IncidentClosed(
                        f"incident {was['number']} was closed by {was['closedBy']} at {was['closedAt']}: "
                        "nothing is left to do."
                    ) from None
            raise  # it is the key that was used for something else

    async def told(self, incident_id: str) -> Snapshot:
        """The incident as it stands. Raises NotFound."""
        return incidents.snapshot((await self._history(incident_id))[-1])

    async def _history(self, incident_id: str) -> Sequence[EventEntry]:
        if is_uuid(incident_id):
            for held in (await self._journal.claims_of([incident_id])).values():
                for one in held:
                    if one.claim.kind == "Incident" and one.source == HUB:
                        return await self._journal.stream(incidents.stream(str(one.claim.values["number"])))
        raise NotFound(f"there is no incident {incident_id!r}")

    async def _numbers(self) -> list[tuple[int, int]]:
        """(year, count) of all that were given."""
        found = []
        for held in await self._journal.live_of(["Incident"]):
            year, _, count = str(held.claim.values.get("number", "")).partition("-")
            if year.isdecimal() and count.isdecimal():
                found.append((int(year), int(count)))
        return found

    async def _append(
        self, viewer: Viewer, event: NewEvent, incident: Snapshot, asked: Sequence[object], key: str, now: datetime
    ) -> Told:
        command = Command.of(viewer.subject, key, asked, {"incident": incident})
        draft = Draft(source=HUB, received_at=now, events=[event], command=command)
        appended = await self._journal.append(draft)
        answer: Any = appended.answer
        return Told(incident=answer["incident"], seq=appended.seq, repeated=appended.repeated)
