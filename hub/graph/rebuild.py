"""Writes the graph anew from the journal without ever showing an empty one: each living entity is written in place
as of a new generation, then what is left of the old one is swept.

A rebuild that was broken off leaves `building` on the Projection node, so that the next one takes a later number and
sweeps what it had written.
"""

from collections.abc import Callable, Sequence
from typing import LiteralString

from hub.graph import derive
from hub.graph.changes import Planner, chunks
from hub.graph.standing import Standing
from hub.graph.store import Store
from hub.journal.log import Journal
from hub.telemetry import logger

log = logger(__name__)

PAGE = 1000

Progress = Callable[[int], None]
"""Is told the number of entities written so far."""

BEGIN: LiteralString = "MERGE (p:Projection {name: 'graph'}) SET p.building = $generation"


async def rebuild(
    journal: Journal, store: Store, planner: Planner, generation: int, progress: Progress | None = None
) -> int:
    """The number of entities. Whoever calls it writes nothing else meanwhile, and then notes the position that the
    journal had before; what came since is projected again, to no harm."""
    log.info("rebuild.begun", generation=generation)
    await store.write([(BEGIN, {"generation": generation})])
    count, after = 0, ""
    waiting: set[str] = set()
    standing = await Standing.of(store)
    while page := await journal.entities(after, PAGE):
        waiting |= await _write(journal, store, planner, page, generation, standing)
        count, after = count + len(page), page[-1]
        if progress is not None:
            progress(count)
    for some in chunks(sorted(waiting)):
        await _write(journal, store, planner, some, generation, standing)
    swept = await _sweep(store, generation)
    log.info("rebuild.done", generation=generation, entities=count, swept=swept)
    return count


async def _write(
    journal: Journal, store: Store, planner: Planner, ids: Sequence[str], generation: int, standing: Standing
) -> frozenset[str]:
    latest = await journal.latest_claims(ids)
    changes = await planner.changes(latest, generation=generation, standing=standing, referring=False)
    if changes.steps:
        await store.write(changes.steps)
        standing.note(changes.after, changes.deleted)
    return changes.waiting


async def _sweep(store: Store, generation: int) -> int:
    swept = 0
    for label in derive.entities():
        while True:
            rows = await store.read(derive.stale_nodes(label), {"generation": generation, "limit": PAGE})
            if not rows:
                break
            await store.write([(derive.delete_nodes(label), {"rows": [row["id"] for row in rows]})])
            swept += len(rows)
    return swept
