"""Which things are one entity: a pure function of claims, shared identifiers and people's decisions.

Things that share a trusted identifier, directly or through others, form a component. A component without a
contradiction is one entity. In one with a contradiction nothing is joined by itself: no order of arrival, and no
later claim, decides which of two contradicting pairs was right. What a person accepted holds in any case.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from hub.journal.identifiers import Key
from hub.journal.payloads import MatchReason


class Word(NamedTuple):
    """One source's word about a thing, as far as contradictions go; `organization` "" is the park's own."""

    source: str
    kind: str
    organization: str
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What has an id of its own; entities are made of these."""

    id: str
    made_at: int  # microseconds since 1970
    words: Sequence[Word]


Pair = tuple[str, str]
"""Two ids, the smaller first."""


def pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Two entities that may be one, and what speaks for it."""

    left: str
    right: str
    reason: MatchReason
    evidence: Sequence[Key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    roots: Mapping[str, str]  # thing → the entity it is part of: its oldest thing's id
    proposals: Sequence[Proposal]


class Union:
    """Disjoint sets of ids."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._size: dict[str, int] = {}

    def find(self, one: str) -> str:
        parent = self._parent.setdefault(one, one)
        while parent != one:
            grand = self._parent[parent]
            self._parent[one] = grand
            one, parent = parent, grand
        return one

    def join(self, one: str, other: str) -> None:
        one, other = self.find(one), self.find(other)
        if one != other:
            if self.size(one) < self.size(other):
                one, other = other, one
            self._size[one] = self.size(one) + self.size(other)
            self._parent[other] = one

    def size(self, one: str) -> int:
        return self._size.get(self.find(one), 1)


def partition(
    things: Mapping[str, Thing],
    holders: Mapping[Key, Collection[str]],
    accepted: Iterable[Pair],
    refused: Collection[Pair],
    *,
    limit: int,
) -> Partition:
    """`holders` are of trusted identifiers alone. A component of more than `limit` things is proposed, not merged."""
    clusters, components = Union(), Union()
    for one, other in accepted:
        clusters.join(one, other)
        components.join(one, other)
    for held_by in holders.values():
        for one, other in combinations(held_by, 2):
            if pair(one, other) not in refused:
                components.join(one, other)
    members = defaultdict[str, list[Thing]](list)
    for thing in things.values():
        members[components.find(thing.id)].append(thing)
    sound = {at: _contradiction(group, clusters, refused, limit) for at, group in members.items()}
    groups = defaultdict[str, list[Thing]](list)
    for at, group in members.items():
        for thing in group:
            groups[at if sound[at] is None else clusters.find(thing.id) + "/"].append(thing)
    roots = {thing.id: oldest(group).id for group in groups.values() for thing in group}
    broken = {thing.id: reason for at, group in members.items() if (reason := sound[at]) for thing in group}
    return Partition(roots=roots, proposals=_proposals(things, holders, refused, roots, broken))


def oldest(things: Iterable[Thing]) -> Thing:
    return min(things, key=lambda thing: (thing.made_at, thing.id))


def why_not(one: Thing, other: Thing) -> MatchReason | None:
    """What contradicts that the two are one thing."""
    live = {word.source for word in one.words if word.live} & {word.source for word in other.words if word.live}
    if live:
        return "SAME_SOURCE"
    if len({word.organization for word in (*one.words, *other.words)}) > 1:
        return "TWO_ORGANIZATIONS"
    if len({word.kind for word in (*one.words, *other.words)}) > 1:
        return "TWO_KINDS"
    return None


def _contradiction(
    group: Sequence[Thing], clusters: Union, refused: Collection[Pair], limit: int
) -> MatchReason | None:
    by_cluster = defaultdict[str, list[Thing]](list)
    for thing in group:
        by_cluster[clusters.find(thing.id)].append(thing)
    if len(by_cluster) == 1:
        return None
    if len(group) > limit:
        return "WIDE"
    merged = [
        Thing(id="", made_at=0, words=[word for thing in cluster for word in thing.words])
        for cluster in by_cluster.values()
    ]
    if any(why_not(one, other) for one, other in combinations(merged, 2)):
        return "CONFLICT_NEARBY"
    if any(pair(one.id, other.id) in refused for one, other in combinations(group, 2)):
        return "CONFLICT_NEARBY"
    return None


def _proposals(
    things: Mapping[str, Thing],
    holders: Mapping[Key, Collection[str]],
    refused: Collection[Pair],
    roots: Mapping[str, str],
    broken: Mapping[str, MatchReason],
) -> Sequence[Proposal]:
    """For each identifier all pairs that do not contradict each other, and of those that do each holder with its
    oldest other one: enough for a person to join what belongs together, and not every pair."""
    found = dict[Pair, tuple[MatchReason, list[Key]]]()
    for key, held_by in holders.items():
        by_age = sorted((things[each] for each in held_by), key=lambda thing: (thing.made_at, thing.id))
        for position, thing in enumerate(by_age):
            contradicted = False
            for older in by_age[:position]:
                left, right = roots[older.id], roots[thing.id]
                if left == right or pair(older.id, thing.id) in refused or pair(left, right) in refused:
                    continue
                contradiction = why_not(older, thing)
                if contradiction is None or not contradicted:
                    contradicted = contradicted or contradiction is not None
                    reason = contradiction or broken[thing.id]
                    found.setdefault(pair(left, right), (reason, []))[1].append(key)
    return [
        Proposal(left=left, right=right, reason=reason, evidence=evidence)
        for (left, right), (reason, evidence) in found.items()
    ]
