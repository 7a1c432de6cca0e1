"""From intake to the journal, then back to the source: while one commit runs the next is gathered, in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from hub.errors import BadRequest, StorageFull
from hub.ingest.flood import Flood
from hub.ingest.health import SourceHealth
from hub.ingest.intake import Accepted
from hub.ingest.refused import store_apart
from hub.journal.log import Journal
from hub.journal.records import Draft
from hub.telemetry import logger

log = logger(__name__)

MOST_WAITING = 10_000
"""Records of one source that wait for their commit; past it, reading waits."""
_CLAIM = 5
"""A claim weighs as many readings: some 3 kB of objects."""
_RETRY = 0.2, 5.0  # seconds, first and most, between tries to write to a full disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    accepted: Accepted
    ack: Callable[[], Awaitable[None]]
    sign: bool  # of life: data came from the source

    @property
    def weight(self) -> int:
        draft = self.accepted.draft
        return 1 + len(draft.readings) + _CLAIM * len(draft.claims) + len(draft.signals) + len(draft.dead_letters)


class Committer:
    """One session's way into the journal. Nothing is acknowledged before `append` has returned."""

    def __init__(self, journal: Journal, health: SourceHealth, flood: Flood) -> None:
        self._journal = journal
        self._health = health
        self._flood = flood
        self._waiting = deque[Pending]()
        self._weight = 0
        self._working = False
        self._changed = asyncio.Condition()

    async def put(self, pending: Pending) -> None:
        """Waits while too much waits already."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._weight < MOST_WAITING)
            self._waiting.append(pending)
            self._weight += pending.weight
            self._changed.notify_all()

    async def drain(self) -> None:
        """Until all that was put is stored and acknowledged."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._waiting and not self._working)

    async def run(self) -> None:
        """Never ends; raises what the journal or an acknowledgement raises; a full disk is waited for, and what the
        journal refuses is kept as dead letters."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._waiting))
                group = self._gather()
                self._working = True
            draft = _merged(group)
            if not _is_empty(draft):
                await self._store(draft)
            for pending in group:
                await pending.ack()
                self._health.stored(pending.accepted)
            if any(pending.sign for pending in group):
                self._health.seen()
            async with self._changed:
                self._weight -= sum(pending.weight for pending in group)
                self._working = False
                self._changed.notify_all()

    def _gather(self) -> list[Pending]:
        """What can share a transaction: claims go alone, since their order decides what stands."""
        group = [self._waiting.popleft()]
        while self._waiting and not group[-1].accepted.draft.claims and not self._waiting[0].accepted.draft.claims:
            group.append(self._waiting.popleft())
        return group

    async def _store(self, draft: Draft) -> None:
        try:
            await self._append(draft)
        except BadRequest as refused:
            log.warning("source.refused", source=draft.source, reason=refused.message)
            self._health.refused(await store_apart(self._append, self._journal, draft))
        self._flood.stored(draft.dead_letters)

    async def _append(self, draft: Draft) -> None:
        delay, most = _RETRY
        while True:
            try:
                await self._journal.append(draft)
            except StorageFull as full:
                if self._health.full is None:
                    log.warning("source.storage_full", source=draft.source, text=full.message)
                self._health.full = full.message
                await asyncio.sleep(delay)
                delay = min(most, delay * 2)
            else:
                if self._health.full is not None:
                    log.info("source.storage_back", source=draft.source)
                    self._health.full = None
                return


def _merged(group: Sequence[Pending]) -> Draft:
    drafts = [pending.accepted.draft for pending in group]
    if len(drafts) == 1:
        return drafts[0]
    return replace(
        drafts[-1],
        readings=[row for draft in drafts for row in draft.readings],
        signals=[signal for draft in drafts for signal in draft.signals],
        dead_letters=[letter for draft in drafts for letter in draft.dead_letters],
        cursor=next((draft.cursor for draft in reversed(drafts) if draft.cursor is not None), None),
    )


def _is_empty(draft: Draft) -> bool:
    return not (draft.readings or draft.claims or draft.signals or draft.dead_letters or draft.cursor is not None)
