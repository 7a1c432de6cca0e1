"""What must be written so that the graph shows the latest claims of some entities: the difference to what is there.

Nodes that are known are updated, others created; a relation that stands is left alone. A relation whose target is not
in the graph yet waits: whoever makes the target finds who links to it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar, cast

from hub.graph import derive
from hub.graph.rows import Node, label_of, node
from hub.graph.standing import Known, Standing, shared
from hub.graph.store import Step, Store
from hub.journal.claims import LatestClaims
from hub.journal.log import Journal
from hub.journal.records import HeldClaim

ROWS = 1000  # of one statement


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Changes:
    """`after` is how the nodes concerned stand once it is written (None: there is no such node); `deleted` are those
    that lose what links to them, even if they are made anew; `waiting` are the entities with a link whose target is
    not in the graph."""

    steps: tuple[Step, ...] = ()
    after: Mapping[str, Known | None] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()


NOTHING = Changes()


class Planner:
    """Compares claims with the graph. `precedence`: source → rank, the higher wins."""

    def __init__(self, journal: Journal, store: Store, precedence: Mapping[str, int]) -> None:
        self._journal = journal
        self._store = store
        self._precedence = precedence
        self._personal = {label for label, entity in derive.entities().items() if entity.searched_personal}

    async def changes(
        self,
        latest: LatestClaims,
        *,
        generation: int,
        standing: Standing,
        pending: Changes = NOTHING,
        parted: Collection[str] = (),
        referring: bool = True,
    ) -> Changes:
        """Of all that `latest` was asked for, aliases among it. `pending`: what is being written just now, over what
        stands. `parted`: those whose identity changed, so that whoever links to them is looked at again."""
        lives, living = latest.lives, set(latest.claims)
        if not lives:
            return NOTHING
        there = _There(self._store, standing, pending)
        nodes = await self._nodes(latest.claims)
        known = await there.known(living | lives.keys())
        gone = {id_ for id_ in known.keys() - nodes.keys() if id_ in living or lives.get(id_, id_) != id_}
        moved = {id_ for id_, before in known.items() if id_ in nodes and _moves(before, nodes[id_])}
        again: set[str] = set()
        fresh = (
            {id_ for id_ in living if known.get(id_) is None} | moved | {lives[id_] for id_ in parted if id_ in lives}
        )
        if referring and fresh:
            again = await self._journal.linking(sorted(fresh)) - living
        if again:
            others = await self._nodes((await self._journal.latest_claims(sorted(again))).claims)
            known |= await there.known(again)
            # Who is not there yet, moves or leaves has an entry of its own, at which those that link to it are found.
            again = {id_ for id_ in again & others.keys() if known.get(id_) and not _moves(known[id_], others[id_])}
            nodes |= {id_: others[id_] for id_ in again}
        targets = {target for n in nodes.values() for _, target in n.links} - known.keys() - nodes.keys()
        known |= await there.known(targets)
        return await asyncio.to_thread(_difference, nodes, known, living, again, gone | moved, generation)

    async def _nodes(self, claims: Mapping[str, Sequence[HeldClaim]]) -> dict[str, Node]:
        kinds = {held.claim.kind for of_one in claims.values() for held in of_one}
        sealed = [
            held
            for of_one in (() if kinds.isdisjoint(self._personal) else claims.values())
            if label_of(of_one, self._precedence) in self._personal
            for held in of_one
        ]
        clear: dict[str, list[HeldClaim]] = defaultdict(list)
        for held in await self._journal.unseal(sealed) if sealed else ():
            clear[held.entity].append(held)

        def make() -> dict[str, Node]:
            made = (node(id_, of_one, self._precedence, clear.get(id_)) for id_, of_one in claims.items())
            return {one.id: one for one in made if one is not None}

        return await asyncio.to_thread(make)


@dataclass(frozen=True, slots=True)
class _There:
    """Asks the graph for what is not known of it."""

    store: Store
    standing: Standing
    pending: Changes

    async def known(self, ids: Collection[str]) -> dict[str, Known | None]:
        """Of `ids`, those that are there; None for one that is just being removed."""
        found: dict[str, Known | None] = {}
        unread: list[str] = []
        pending, standing, there = self.pending.after, self.standing.known, self.standing.ids
        for id_ in ids:
            if id_ in pending:
                found[id_] = pending[id_]
            elif (node := standing.get(id_)) is not None:
                found[id_] = self._left(node) if self.pending.deleted else node
            elif id_ in there:
                unread.append(id_)
        for some in chunks(sorted(unread)):
            reads = (self._of_label(label, some) for label in derive.entities())
            for read in await asyncio.gather(*reads):
                nodes = {id_: self._left(node) for id_, node in read.items()}
                self.standing.note(nodes)
                found |= nodes
        return found

    def _left(self, node: Known) -> Known:
        """Without the links that go with what is just being deleted."""
        deleted = self.pending.deleted
        if all(target not in deleted for _, target in node.links):
            return node
        return node._replace(links=frozenset(link for link in node.links if link[1] not in deleted))

    async def _of_label(self, label: str, ids: Sequence[str]) -> dict[str, Known]:
        [row] = await self.store.read(derive.known_nodes(label), {"ids": list(ids)})
        rows = cast("list[tuple[str, list[str], list[tuple[str, str]]]]", row["rows"])
        return {
            id_: shared(
                label,
                next((other for other in labels if other != label), None),
                frozenset((relation, target) for relation, target in links if relation in derive.relations()),
            )
            for id_, labels, links in rows
        }


def chunks(items: Iterable[T], size: int = ROWS) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _moves(known: Known | None, wanted: Node) -> bool:
    """Whether the node must be made anew: under another label, or with another second one."""
    return known is not None and (known.label, known.second) != (wanted.label, wanted.second)


def _difference(
    nodes: Mapping[str, Node],
    known: Mapping[str, Known | None],
    living: set[str],
    again: set[str],
    removed: set[str],
    generation: int,
) -> Changes:
    orders: tuple[dict[str, list[object]], ...] = tuple(defaultdict(list) for _ in range(5))  # statement → its rows
    deletes, creates, updates, unlinks, links = orders
    after: dict[str, Known | None] = {}
    waiting: set[str] = set()
    relations = derive.relations()
    deleted = {id_ for id_ in removed if known.get(id_) is not None}
    for id_ in removed:
        before = known.get(id_)
        if before is not None:
            deletes[derive.delete_nodes(before.label)].append(id_)
            after[id_] = None
    for id_ in living | again:
        before = None if id_ in removed else known.get(id_)
        wanted = nodes.get(id_)
        if wanted is None:  # of no declared kind, or not any more
            continue
        row = wanted.properties
        row["generation"] = generation
        standing = before.links if before is not None else frozenset()
        wished = set()
        born_with: tuple[str, str, str] | None = None  # relation, the end's label and id
        for relation, target in wanted.links:
            label = _label(target, nodes, known, removed)
            if label is None:
                waiting.add(id_)
            elif label in relations[relation].end:
                wished.add((relation, target))
                if before is None and born_with is None and target not in removed and known.get(target) is not None:
                    born_with = (relation, label, target)
                elif (relation, target) not in standing or target in removed:
                    links[derive.link_nodes(relation, wanted.label, label)].append([id_, target])
        if born_with is not None:
            relation, label, target = born_with
            creates[derive.create_linked(wanted.label, wanted.second, relation, label)].append([row, target])
        elif before is None:
            creates[derive.create_nodes(wanted.label, wanted.second)].append(row)
        elif id_ in living:
            updates[derive.update_nodes(wanted.label)].append(row)
        if before is not None and standing == wished:
            after[id_] = before
            continue
        for relation, target in standing - wished:
            unlinks[derive.unlink_nodes(relation, wanted.label)].append([id_, target])
        after[id_] = shared(wanted.label, wanted.second, frozenset(wished))
    steps = tuple(
        (statement, {"rows": some})
        for order in orders
        for statement, all_rows in sorted(order.items())
        for some in chunks(all_rows)
    )
    return Changes(steps, after, frozenset(deleted), frozenset(waiting))


def _label(target: str, nodes: Mapping[str, Node], known: Mapping[str, Known | None], removed: set[str]) -> str | None:
    """The label that a link's target has once the nodes are written; None where there is none."""
    if (made := nodes.get(target)) is not None:
        return made.label
    before = None if target in removed else known.get(target)
    return before.label if before is not None else None
