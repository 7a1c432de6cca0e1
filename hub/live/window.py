"""A piece of the log as a feed that ends: what is told elsewhere next, kind by kind, without drills."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from graph_models.entities import WarningStatus
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal
from hub.journal.records import Entry
from hub.live import facts
from hub.live.facts import AlertFact, BreakGlassFact, Fact, IncidentFact, LotFact, SourceFact, WarningFact

F = TypeVar("F", bound=Fact)
KINDS: Mapping[str, Callable[[Entry, str], Fact | None]] = {
    "alerts": facts.alert,
    "warnings": facts.warning,
    "incidents": facts.incident,
    "source_health": facts.source,
}
"""What may be told elsewhere, each with its decoder."""


class Window:
    """Of `kinds`. Exercises are left out: incidents that are drills, warnings whose status is not ACTUAL."""

    def __init__(self, journal: Journal, kinds: Iterable[str]) -> None:
        self._journal = journal
        self._kinds = tuple(kinds)
        self._facts: dict[str, list[Fact]] = {}

    async def load(self, after: int, limit: int) -> int:
        """In place of what it held: up to `limit` entries past `after`. The position that it reaches."""
        reached, entries = await self._journal.records(after, limit)
        epoch = self._journal.epoch
        self._facts = {}
        for kind in self._kinds:
            told = [fact for entry in entries if (fact := KINDS[kind](entry, epoch)) is not None]
            self._facts[kind] = [fact for fact in told if not await self._is_exercise(fact)]
        return reached

    def holds(self, kind: str) -> bool:
        return bool(self._facts.get(kind))

    def recorded_at(self, kind: str, seq: int) -> datetime:
        return next(fact.recorded_at for fact in self._facts[kind] if fact.seq == seq)

    async def _is_exercise(self, fact: Fact) -> bool:
        if isinstance(fact, IncidentFact):
            return fact.incident["drill"] is not False
        if not isinstance(fact, WarningFact):
            return False
        said = fact.values.get("status")
        if said is None:
            held = (await self._journal.claims_of([fact.warning])).get(fact.warning, ())
            said = next((one.claim.values["status"] for one in held if "status" in one.claim.values), None)
        return said is not None and said != WarningStatus.ACTUAL

    def alerts(self, after: str | None) -> AsyncGenerator[AlertFact, None]:
        return self._past("alerts", AlertFact, after)

    def warnings(self, after: str | None) -> AsyncGenerator[WarningFact, None]:
        return self._past("warnings", WarningFact, after)

    def incidents(self, after: str | None) -> AsyncGenerator[IncidentFact, None]:
        return self._past("incidents", IncidentFact, after)

    def sources(self, after: str | None) -> AsyncGenerator[SourceFact, None]:
        return self._past("source_health", SourceFact, after)

    def break_glasses(self, after: str | None) -> AsyncGenerator[BreakGlassFact, None]:
        """None: they stay in the park."""
        return self._past("", BreakGlassFact, after)

    def lots(self, after: str | None) -> AsyncGenerator[LotFact, None]:
        """Likewise."""
        return self._past("", LotFact, after)

    async def _past(self, kind: str, of: type[F], after: str | None) -> AsyncGenerator[F, None]:
        seq = FeedCursor.decode(after).seq if after is not None else 0
        for fact in tuple(self._facts.get(kind, ())):
            if fact.seq > seq and isinstance(fact, of):
                yield fact
