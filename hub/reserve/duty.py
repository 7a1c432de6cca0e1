"""Who is on duty, and whether a viewer is: an issuer's word for a person, their shifts as the log tells them, the time.

Answers at once, from memory. What is not known yet is not on duty: what policies tie to it stays closed.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from hub.clock import Clock
from hub.errors import CausewayError
from hub.journal.log import Journal
from hub.reserve.reserve import Reserve
from hub.reserve.stock import Stock
from hub.telemetry import logger
from hub.viewer import PersonName, Viewer

_KEPT_NAMES = 20_000
_BACK_OFF = 5.0  # seconds after a failure
_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Roster:
    """Who was found on duty, and while what was found it stands: since ≤ now < until."""

    stock: Stock
    changes: int
    since: datetime
    until: datetime
    people: frozenset[str]
    ids: tuple[str, ...]


class Duty:
    """`run` keeps up with the log what names mean, until it is cancelled."""

    def __init__(self, journal: Journal, reserve: Reserve, clock: Clock) -> None:
        self._journal = journal
        self._reserve = reserve
        self._clock = clock
        self._roster: _Roster | None = None
        self._known: OrderedDict[PersonName, str | None] = OrderedDict()  # the people met → their ids
        self._as_of: tuple[Stock, int] = (reserve.stock, reserve.stock.names)

    async def run(self) -> None:
        while True:
            moves = self._reserve.moves
            if self._known and self._as_of != self._names:
                try:
                    await self._look_up(tuple(self._known))
                except CausewayError as error:
                    _log.warning("duty.names_failed", reason=error.message)
                    await asyncio.sleep(_BACK_OFF)
                    continue
            await moves.wait()

    async def meet(self, name: PersonName) -> None:
        """Looks up whom it means, where that is not known: before a viewer of this name is let in."""
        if name in self._known:
            self._known.move_to_end(name)
            return
        try:
            await self._look_up((name,))
        except CausewayError as error:  # they are let in, and are nobody's shift
            _log.warning("duty.name_failed", reason=error.message)

    def on_duty(self) -> tuple[str, ...]:
        """The ids of the people on duty, in order; the same tuple while nothing changes."""
        return self._now().ids

    def person(self, viewer: Viewer) -> str | None:
        """The id of the person who the viewer is; None where that is not known."""
        person = None if viewer.person is None else self._known.get(viewer.person)
        return None if person is None else self._reserve.stock.resolve(person)

    def holds(self, viewer: Viewer) -> bool:
        """Whether the viewer is a person who is on duty."""
        return self.person(viewer) in self._now().people

    @property
    def _names(self) -> tuple[Stock, int]:
        return self._reserve.stock, self._reserve.stock.names

    async def _look_up(self, names: Collection[PersonName]) -> None:
        as_of = self._names
        found = await self._journal.people_named(names)
        for name in names:
            self._known[name] = found.get(name)
        while len(self._known) > _KEPT_NAMES:
            self._known.popitem(last=False)
        if len(names) == len(self._known):
            self._as_of = as_of

    def _now(self) -> _Roster:
        stock, now, kept = self._reserve.stock, self._clock(), self._roster
        if kept is None or (kept.stock, kept.changes) != (stock, stock.changes) or not kept.since <= now < kept.until:
            people = frozenset(stock.resolve(person) for person in stock.on_duty(now))
            kept = self._roster = _Roster(
                stock=stock,
                changes=stock.changes,
                since=now,
                until=stock.duty_stands_until(now),
                people=people,
                ids=tuple(sorted(people)),
            )
        return kept
