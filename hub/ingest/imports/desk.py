"""The desk where people enter things by hand: a table, a head count, a blocked way. It needs the journal alone."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adapters.contract import Claim, Value
from hub.clock import Clock
from hub.coordinates import CoordinateSystem
from hub.errors import BadRequest, Conflict, NotFound, nearest
from hub.ingest.collector import only_young
from hub.ingest.imports import moments
from hub.ingest.imports.kind import Circumstances
from hub.ingest.imports.kinds import KINDS
from hub.ingest.imports.occupancy import AHEAD
from hub.ingest.imports.preview import AS_IT_IS, Preview, Rejected, Retirement, preview, stream
from hub.ingest.imports.routes import ROUTES
from hub.ingest.imports.storing import counts, store
from hub.ingest.uploads import Upload
from hub.journal.ids import is_uuid
from hub.journal.log import Journal
from hub.journal.records import HUB, Appended, Command, Draft, HeldClaim, NewEvent

_TRIES = 5
_TOLD = 1000  # rejected rows in an answer that is kept for a repeat
_MOST = 1_000_000  # people in one place


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Who says it, under which idempotency key."""

    actor: str
    key: str

    def command(self, said: Sequence[object], answer: Mapping[str, object]) -> Command:
        """Raises BadRequest without a key."""
        return Command.of(self.actor, self.key, said, answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of a table. `seq`: the number that the graph must reach to show it; None for a dry run."""

    counts: Mapping[str, int]
    rejected: Sequence[Rejected]
    seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """`entity` as it lives now."""

    entity: str
    seq: int


class EntryDesk:
    """`extent`: metres within which all places of the park lie."""

    def __init__(self, journal: Journal, clock: Clock, timezone: ZoneInfo, extent: float) -> None:
        self._journal = journal
        self._clock = clock
        self._timezone = timezone
        self._extent = extent

    async def look(
        self,
        kind: str,
        file: Path,
        *,
        coordinates: CoordinateSystem = CoordinateSystem.WGS84,
        retirement: Retirement = AS_IT_IS,
        progress: Callable[[int], None] = lambda rows: None,
    ) -> Preview:
        """Raises BadRequest, and Refused where too much would be retired."""
        if kind not in KINDS:
            raise BadRequest(f"there is no kind of table {kind!r}; {nearest(kind, KINDS)}")
        circumstances = Circumstances(
            timezone=self._timezone, now=self._clock(), coordinates=coordinates, extent=self._extent
        )
        return await preview(self._journal, KINDS[kind], file, circumstances, retirement=retirement, progress=progress)

    async def import_table(
        self,
        word: Word,
        kind: str,
        upload: Upload,
        *,
        file: str,
        dry_run: bool = False,
        coordinates: CoordinateSystem = CoordinateSystem.WGS84,
        retirement: Retirement = AS_IT_IS,
    ) -> Told:
        """Once for each key: a repeat gets the first answer. `file`: its name, for the record. Raises
        BadRequest, Refused, Conflict."""
        with only_young():
            return await self._import(word, kind, upload, file, dry_run, coordinates, retirement)

    async def _import(
        self,
        word: Word,
        kind: str,
        upload: Upload,
        file: str,
        dry_run: bool,
        coordinates: CoordinateSystem,
        retirement: Retirement,
    ) -> Told:
        shown = await self.look(kind, upload.file, coordinates=coordinates, retirement=retirement)
        if dry_run:
            return Told(counts=counts(shown), rejected=shown.rejected[:_TOLD], seq=None)
        said = [kind, upload.id, coordinates, retirement.missing, retirement.confirmed]
        rejected = [[row.number, row.reason] for row in shown.rejected[:_TOLD]]
        command = Command.of(
            word.actor, word.key, ["import", *said], {"counts": dict(counts(shown)), "rejected": rejected}
        )
        stored = await store(self._journal, shown, file=file, actor=word.actor, now=self._clock(), command=command)
        if stored is None or stored.answer is None:
            return Told(counts=counts(shown), rejected=shown.rejected[:_TOLD], seq=self._journal.head)
        answer: Any = stored.answer
        return Told(
            counts=answer["counts"],
            rejected=[Rejected(number=number, reason=reason) for number, reason in answer["rejected"]],
            seq=stored.seq,
        )

    async def set_occupancy(self, word: Word, place: str, count: int, at: datetime | None) -> Said:
        """Raises NotFound, BadRequest, Conflict."""
        now = self._clock()
        if not 0 <= count <= _MOST:
            raise BadRequest(f"count is {count}: give how many people are inside, from 0 to {_MOST:,}")
        if at is not None and (at.tzinfo is None or at > now + AHEAD):
            raise BadRequest(f"at is {at.isoformat()}: give a time with its offset that is not in the future")
        entity, _ = await self._known(place, "Place")
        claim = Claim(kind="Place", external_id=entity, values={"occupancy": count}, observed_at=at or now)
        data = {"place": entity, "count": count, "at": moments.text(at or now)}
        command = word.command(["occupancy", entity, count, moments.text(at)], {})

        async def event(version: int) -> NewEvent:
            return _event("occupancy.set", f"occupancy:{entity}", version, data, word, claim)

        return await self._say(entity, f"occupancy:{entity}", event, command)

    async def block_route(self, word: Word, route: str, reason: str | None) -> Said:
        """Raises NotFound, Conflict."""
        values: Mapping[str, Value] = {"blocked": True, "blocked_reason": reason}
        return await self._route(word, "route.blocked", route, values, {"reason": reason})

    async def unblock_route(self, word: Word, route: str) -> Said:
        """Raises NotFound, Conflict."""
        values: Mapping[str, Value] = {"blocked": False, "blocked_reason": None}
        return await self._route(word, "route.unblocked", route, values, {})

    async def _route(
        self, word: Word, type_: str, route: str, values: Mapping[str, Value], data: Mapping[str, object]
    ) -> Said:
        entity, _ = await self._known(route, "Route")
        command = word.command([type_, entity, dict(data)], {})

        async def event(version: int) -> NewEvent:
            # In the stream of imported routes: what an import looked at before must not undo it, nor this the import.
            _, held = await self._known(entity, "Route")
            own = next((each.claim for each in held if each.source == HUB), None)
            before = own or Claim(kind="Route", external_id=entity)
            said = {name: value for name, value in {**before.values, **values}.items() if value is not None}
            claim = replace(before, values=said)
            return _event(type_, stream(ROUTES), version, {"route": entity, **data}, word, claim)

        return await self._say(entity, stream(ROUTES), event, command)

    async def _known(self, id_: str, kind: str) -> tuple[str, Sequence[HeldClaim]]:
        """The entity that lives, and what is said of it, the hub's own names by code first."""
        resolved = await self._journal.resolve([id_]) if is_uuid(id_) else {}
        entity = resolved.get(id_)
        held = (await self._journal.claims_of([entity])).get(entity, ()) if entity is not None else ()
        of_kind = sorted(
            (each for each in held if each.claim.kind == kind), key=lambda each: is_uuid(each.claim.external_id)
        )
        if entity is None or not of_kind:
            raise NotFound(f"there is no {kind.lower()} {id_!r}")
        return entity, of_kind

    async def _say(self, entity: str, name: str, event: Callable[[int], Awaitable[NewEvent]], command: Command) -> Said:
        for _ in range(_TRIES):
            version = await self._journal.stream_version(name)
            draft = Draft(source=HUB, received_at=self._clock(), events=[await event(version)], command=command)
            try:
                appended: Appended = await self._journal.append(draft)
            except Conflict:
                if await self._journal.stream_version(name) == version:
                    raise  # the stream stands as it stood: it is the key that was used for something else
            else:
                return Said(entity=entity, seq=appended.seq)
        raise Conflict("others change the same thing too quickly: try again")


def _event(type_: str, name: str, version: int, data: Mapping[str, object], word: Word, claim: Claim) -> NewEvent:
    return NewEvent(type=type_, version=1, stream=name, expected=version, data=data, actor=word.actor, claims=[claim])
