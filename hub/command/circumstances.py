"""What holds in the park at the moment, as policies ask: whose places are threatened, who looks after what, whether an
incident or an exercise is on. In memory, a fold over the log's claims, and answered at once.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from graph_models.entities import IncidentState, PlaceKind, Severity
from hub.clock import Clock
from hub.errors import CausewayError
from hub.journal.ids import is_uuid
from hub.journal.log import Journal
from hub.journal.records import ClaimEntry, Entry, EventEntry, HeldClaim
from hub.telemetry import logger
from hub.topology import Joined, Topology, threat

GRAVE = frozenset({Severity.EXTREME, Severity.SEVERE})
"""How bad an alert is that threatens what lies near it."""

_KINDS = {
    "Place": (),
    "Organization": (),
    "SharingAgreement": ("types", "purposes", "starts_at", "ends_at"),
    "Incident": ("state", "drill"),
    "Alert": ("severity", "returned_at", "closed_at"),
}
_RELATIONS = (
    *("OCCUPIES", "OWNED_BY", "HAS_JURISDICTION_OVER", "SHARED_BY", "SHARED_WITH"),
    *("AT", "PASSES_ON"),
)
_VERSION = 1
_PAGE = 1000
_IDLE_SECONDS = 30.0
_BACK_OFF = 5.0  # seconds after a failure
_log = logger(__name__)


class Places(Protocol):
    """Who folds the places; `hub.warning.engine.Engine` is one."""

    @property
    def topology(self) -> Topology: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What `provider` shows `recipient`: rows of these types, for these purposes, while starts ≤ now < ends."""

    id: str
    provider: str
    recipient: str
    types: tuple[str, ...]
    purposes: tuple[str, ...]
    starts: datetime
    ends: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.starts <= now and (self.ends is None or now < self.ends)


class Circumstances:
    """`run` follows the log until it is cancelled. Before it has read what the log held, nobody is threatened, nobody
    looks after anything and nothing is on: what policies tie to these stays closed.

    `metres`: a danger reaches so far by route. `on_duty` tells who is. All ids are of entities that live.
    """

    def __init__(
        self,
        journal: Journal,
        places: Places,
        clock: Clock,
        *,
        precedence: Mapping[str, int],
        metres: float,
        on_duty: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self.on_duty = on_duty
        self._journal = journal
        self._places = places
        self._clock = clock
        self._precedence = precedence
        self._metres = metres
        self.position = 0
        self._moved = asyncio.Event()
        self._clear()

    def _clear(self) -> None:
        self._joined = Joined(self._precedence, _KINDS, _RELATIONS, _VERSION)
        self._works: dict[str, frozenset[str]] = {}  # organization → the places that it occupies
        self._owner: dict[str, str] = {}  # place → organization
        self._looks_after: dict[str, frozenset[str]] = {}
        self._agreements: dict[str, Agreement] = {}
        self._drills: dict[str, bool] = {}  # open incident → whether it is an exercise
        self._dangers: dict[str, str] = {}  # open grave alert → place
        self._covered: dict[str, str] = {}  # alert that passes on a warning in force → place
        self._changes = 0
        self._kept_for: tuple[int, int, int, int] | None = None
        self._ways: threat.Ways = {}
        self._reached: dict[str, frozenset[str]] = {}  # place with a grave alert → the places that it reaches
        self._threatened: dict[str, tuple[str, ...]] = {}

    # ---- following the log

    async def run(self) -> None:
        while True:
            try:
                await self.take_up()
                while True:
                    await self.step()
            except CausewayError as error:
                _log.warning("circumstances.failed", position=self.position, reason=error.message)
                await asyncio.sleep(_BACK_OFF)

    async def take_up(self) -> None:
        """As the latest claims say; what is recorded meanwhile is read again and changes nothing."""
        position = self._journal.head
        held = [
            one
            for one in await self._journal.live_of(list(_KINDS))
            if one.claim.kind != "Alert" or one.claim.values.get("closed_at") is None
        ]
        ids = {link.target for one in held for link in one.claim.links if is_uuid(link.target)}
        living = await self._journal.resolve(sorted(ids)) if ids else {}
        self._clear()
        for one in held:
            self._joined.apply(_entry(one, living))
        for entity in self._joined.entities():
            self._show(entity)
        self._reach(position)

    async def step(self) -> None:
        """Reads on, and waits at the head."""
        reached, entries = await self._journal.records(self.position, _PAGE)
        for entry in entries:
            if isinstance(entry, EventEntry) and entry.type == "entity.split":
                await self.take_up()  # the parted names are known to the journal
                return
            self._apply(entry)
        if reached > self.position:
            self._reach(reached)
            return
        await self._journal.wait(self.position, _IDLE_SECONDS)

    async def wait_for(self, seq: int, seconds: float) -> bool:
        """True once all up to `seq` is taken in; False when `seconds` passed first."""
        try:
            async with asyncio.timeout(seconds):
                while self.position < seq:
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def _reach(self, position: int) -> None:
        self.position = position
        self._moved.set()
        self._moved = asyncio.Event()

    def _apply(self, entry: Entry) -> None:
        for entity in self._joined.apply(entry):
            self._show(entity)

    def _show(self, entity: str) -> None:
        self._changes += 1
        joined, said = self._joined, self._joined.said(entity)
        for kept in (self._works, self._looks_after, self._owner, self._agreements, self._drills):
            kept.pop(entity, None)
        self._dangers.pop(entity, None)
        self._covered.pop(entity, None)
        if not said:
            return

        def value(name: str) -> object:
            return joined.value(said, name)

        def one(relation: str) -> str | None:
            return next((target for each in said for target in joined.targets(each, relation)), None)

        def all_of(relation: str) -> frozenset[str]:
            return frozenset(target for each in said for target in joined.targets(each, relation))

        match said[0].kind:
            case "Organization":
                self._works[entity] = all_of("OCCUPIES")
                self._looks_after[entity] = all_of("HAS_JURISDICTION_OVER")
            case "Place":
                if (owner := one("OWNED_BY")) is not None:
                    self._owner[entity] = owner
            case "Incident" if value("state") == IncidentState.OPEN:
                self._drills[entity] = value("drill") is True
            case "SharingAgreement":
                provider, recipient = one("SHARED_BY"), one("SHARED_WITH")
                starts, ends = _time(value("starts_at")), _time(value("ends_at"))
                if provider is not None and recipient is not None and starts is not None:
                    types, purposes = _texts(value("types")), _texts(value("purposes"))
                    self._agreements[entity] = Agreement(
                        id=entity, provider=provider, recipient=recipient,
                        types=types, purposes=purposes, starts=starts, ends=ends,
                    )  # fmt: skip
            case "Alert" if value("closed_at") is not None:
                joined.forget(entity)
            case "Alert" if (place := one("AT")) is not None:
                if value("severity") in GRAVE:
                    self._dangers[entity] = place
                if value("returned_at") is None and any(name == "PASSES_ON" for each in said for name, _ in each.links):
                    self._covered[entity] = place

    # ---- asking

    def flags(self) -> frozenset[str]:
        """`incident` while one is open, `drill` while an exercise is."""
        return frozenset("drill" if drill else "incident" for drill in self._drills.values())

    def jurisdiction(self, organization: str) -> tuple[str, ...]:
        """The places that it looks after, with all that lies in them."""
        return tuple(sorted(self._looks_after.get(self._joined.resolve(organization), ())))

    def agreements(self, recipient: str) -> tuple[Agreement, ...]:
        """Those in force now by which it sees what is others'."""
        recipient, now = self._joined.resolve(recipient), self._clock()
        return tuple(
            each for _, each in sorted(self._agreements.items()) if each.recipient == recipient and each.holds(now)
        )

    def places_of(self, organization: str) -> frozenset[str]:
        """Where it works, and what is its own."""
        organization = self._joined.resolve(organization)
        own = frozenset(place for place, owner in self._owner.items() if owner == organization)
        return own | self._works.get(organization, frozenset())

    def threatened_places(self, organization: str) -> frozenset[str]:
        """Its places that an open alert of SEVERE or above reaches, or that a warning in force covers."""
        self._look()
        topology = self._places.topology
        reached = {topology.resolve(place) for place in self._covered.values()}
        for danger in set(self._dangers.values()):
            reached |= self._reach_of(danger)
        return frozenset(place for place in self.places_of(organization) if threat.meets(topology, place, reached))

    def threatened(self, organization: str) -> tuple[str, ...]:
        """The places whose alerts concern it: its own, those beside them, and those from which a grave alert reaches
        one of its own. An alert of the whole park is nobody's in particular: it would open all others' too."""
        self._look()
        if (kept := self._threatened.get(organization)) is None:
            kept = self._threatened[organization] = tuple(sorted(self._concerning(organization)))
        return kept

    def _concerning(self, organization: str) -> set[str]:
        topology, own = self._places.topology, self.places_of(organization)
        found = set(own).union(*(threat.beside(topology, place) for place in own))
        for danger in set(self._dangers.values()):
            reached = self._reach_of(danger)
            if any(threat.meets(topology, place, reached) for place in own):
                found.add(topology.resolve(danger))
        return {place for place in found if place in own or topology.kind(place) != PlaceKind.PARK}

    def _reach_of(self, danger: str) -> frozenset[str]:
        if (kept := self._reached.get(danger)) is None:
            kept = self._reached[danger] = threat.reach(self._places.topology, self._ways, danger, self._metres)
        return kept

    def _look(self) -> None:
        """What was made of places and ways as they were is thrown away."""
        topology = self._places.topology
        key = (id(topology), topology.changes, len(topology.moved_ways), self._changes)
        if key == self._kept_for:
            return
        if self._kept_for is None or key[:3] != self._kept_for[:3]:
            self._ways = threat.ways_of(topology)
            self._reached.clear()
        self._threatened.clear()
        self._kept_for = key


def _entry(held: HeldClaim, living: Mapping[str, str]) -> ClaimEntry:
    """As it was recorded; a link by an entity's id leads to the one that lives."""
    targets = {(link.relation, link.target): living[link.target] for link in held.claim.links if link.target in living}
    return ClaimEntry(
        seq=held.seq,
        batch=0,
        recorded_at=held.recorded_at,
        source=held.source,
        entity=held.entity,
        claim=held.claim,
        targets=targets,
    )


def _time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, tuple | list) else ()
