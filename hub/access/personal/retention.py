"""What is personal goes when its time is over: of what sources no longer tell of, by the declarations; of a response,
after its incident was closed. A legal hold keeps it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from graph_models.entities import ENTITIES, kept_of
from hub.access.personal import holds
from hub.access.personal.desk import GraphFiles
from hub.clock import Clock
from hub.journal import erasing
from hub.journal.erasing import Thing
from hub.journal.fold import Fold
from hub.journal.log import Journal
from hub.journal.records import Appended, NewEvent
from hub.journal.sealing import Keyring
from hub.telemetry import logger

log = logger(__name__)

STREAM = "personal_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Things that were emptied: by their declared time, and of responses."""

    lapsed: int
    responses: int


class PersonalRetention:
    """`response`: how long what was taken in for a response is kept after its incident was closed."""

    def __init__(
        self,
        journal: Journal,
        keyring: Keyring,
        clock: Clock,
        response: timedelta,
        files: GraphFiles | None = None,
    ) -> None:
        self._journal = journal
        self._keyring = keyring
        self._clock = clock
        self._response = response
        self._files = files

    async def expire(self) -> Expired:
        """Raises StorageFull."""
        at = self._clock()
        held = await holds.standing(self._journal)
        lapsed: list[Thing] = []
        for entity in ENTITIES:
            kept = kept_of(entity)
            if kept:
                before = at - timedelta(days=max(each.days for each in kept.values()))
                found = await self._journal.look_up(partial(erasing.lapsed, kind=entity.__name__, before=before))
                lapsed += [thing for thing in found if not thing.subjects & held.keys()]
        if lapsed:
            await self._empty(lapsed, {"why": "RETENTION", "incident": None, "things": len(lapsed)}, at)
        responses = 0
        for incident in await self._journal.live_of(["Incident"]):
            number, closed = (incident.claim.values.get(name) for name in ("number", "closed_at"))
            if closed is None or datetime.fromisoformat(str(closed)) > at - self._response or number in held:
                continue
            found = await self._journal.look_up(partial(erasing.of_response, number=str(number)))
            found = [thing for thing in found if not thing.subjects & held.keys()]
            if found:
                await self._empty(found, {"why": "RESPONSE_OVER", "incident": str(number), "things": len(found)}, at)
                responses += len(found)
        done = Expired(lapsed=len(lapsed), responses=responses)
        if (lapsed or responses) and self._files is not None:
            await self._files.renew()
        return done

    async def _empty(self, things: Sequence[Thing], data: dict[str, object], at: datetime) -> None:
        """Keys first: a thing whose values cannot be read is found again, and emptied, if the hub dies in between."""
        if self._files is not None:
            self._files.condemn()
        pairs = [(thing.source, thing.external_id) for thing in things]
        await asyncio.to_thread(self._keyring.erase, pairs, bar=False)

        def work(fold: Fold) -> Appended:
            event = NewEvent(
                type="personal_data.expired",
                version=1,
                stream=STREAM,
                expected=erasing.version(fold, STREAM),
                data=data,
                actor="hub",
                reason="retention",
            )
            return erasing.empty(fold, things, erasing.Order(event=event, command=None, at=at))

        await self._journal.carry_out(work)
        log.info("personal.expired", **{name: value for name, value in data.items() if value is not None})
