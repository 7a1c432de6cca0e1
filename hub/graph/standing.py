"""What stands in the graph, as its one writer remembers it, so that not every batch has to ask the engine.

Which ids there are is known of all; what is known of a node beside that is kept for the most recent ones. Whoever
loses touch with the engine must take it up anew with `Standing.of`: another graph may stand there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import LiteralString, NamedTuple, Self, cast

from hub.graph.store import Store

KEPT = 20_000  # nodes, of about 200 bytes where many stand alike
_SECONDS = 60.0

IDS: LiteralString = "MATCH (n) WHERE n.id IS NOT NULL RETURN collect(n.id) AS ids"


class Known(NamedTuple):
    """A node as it stands in the graph."""

    label: str
    second: str | None
    links: frozenset[tuple[str, str]]


@lru_cache(maxsize=4096)
def shared(label: str, second: str | None, links: frozenset[tuple[str, str]]) -> Known:
    """One for all nodes that stand alike, as those of a kind do in one place."""
    return Known(label, second, links)


@dataclass(slots=True)
class Standing:
    ids: set[str]
    known: dict[str, Known] = field(default_factory=dict)

    @classmethod
    async def of(cls, store: Store) -> Self:
        """From the engine: all ids. Raises GraphUnavailable, DeadlineExceeded."""
        [row] = await store.read(IDS, {}, seconds=_SECONDS)
        return cls(set(cast("list[str]", row["ids"])))

    def note(self, nodes: Mapping[str, Known | None], deleted: Collection[str] = ()) -> None:
        """What was written, or read (None: there is no such node). `deleted` took with them what linked to them."""
        if deleted:
            for id_ in [one for one, node in self.known.items() if any(to in deleted for _, to in node.links)]:
                del self.known[id_]
        standing = self.known
        for id_, node in nodes.items():
            standing.pop(id_, None)  # the newest are the last
            if node is None:
                self.ids.discard(id_)
            else:
                self.ids.add(id_)
                standing[id_] = node
        for id_ in list(islice(standing, max(0, len(standing) - KEPT))):
            del standing[id_]
