"""What a person decides about matches: accept, refuse, merge, split.

Each method runs in the journal's writer transaction (`Journal.decide`), changes identity's tables and returns
the events to append in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

import orjson
import sqlalchemy as sa

from hub.clock import from_micros, to_micros
from hub.errors import BadRequest, Conflict, NotFound, Refused
from hub.journal.components import Pair, pair
from hub.journal.identity import Identity
from hub.journal.ids import uuid7
from hub.journal.neighbourhood import chunks
from hub.journal.records import NewEvent
from hub.journal.tables import alias, external, match


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMatch:
    """Two entities that may be one: a person is to say. A side's kind is what its sources call it."""

    id: str
    left: str  # entity ids, as of now
    right: str
    left_kind: str
    right_kind: str
    reason: str  # payloads.MatchReason
    evidence: Sequence[Mapping[str, str]]
    proposed_at: datetime


def open_matches(connection: sa.Connection, *, after: str = "", limit: int = 100) -> Sequence[OpenMatch]:
    """The oldest first. A match whose sides have become one entity meanwhile is not open."""
    into_left, into_right = alias.alias("into_left"), alias.alias("into_right")
    left = sa.func.coalesce(into_left.c.into, match.c.left)
    right = sa.func.coalesce(into_right.c.into, match.c.right)
    statement = (
        sa.select(match, left.label("left_now"), right.label("right_now"))
        .select_from(
            match.outerjoin(into_left, into_left.c.old == match.c.left).outerjoin(
                into_right, into_right.c.old == match.c.right
            )
        )
        .where(match.c.state == "proposed", match.c.id > after, left != right)
        .order_by(match.c.id)
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    kinds = _kinds(connection, {id_ for row in rows for id_ in (row.left, row.right)})
    return [
        OpenMatch(
            id=row.id,
            left=row.left_now,
            right=row.right_now,
            left_kind=kinds.get(row.left, ""),
            right_kind=kinds.get(row.right, ""),
            reason=row.reason,
            evidence=orjson.loads(row.evidence),
            proposed_at=from_micros(row.proposed_at),
        )
        for row in rows
    ]


def _kinds(connection: sa.Connection, ids: Collection[str]) -> dict[str, str]:
    """What was claimed of things by their own ids."""
    found: dict[str, str] = {}
    for some in chunks(ids):
        query = sa.select(external.c.entity, external.c.kind).where(external.c.entity.in_(some))
        found |= {row.entity: row.kind for row in connection.execute(query) if row.kind is not None}
    return found


def sides(connection: sa.Connection, match_id: str) -> tuple[str, str] | None:
    """The ids of a match's two sides, decided or not."""
    row = connection.execute(sa.select(match.c.left, match.c.right).where(match.c.id == match_id)).one_or_none()
    return None if row is None else (row.left, row.right)


class AlreadyDecided(Conflict):
    """Someone decided the match before; nothing is left to do."""

    retry = False


class OneEntity(Conflict):
    """The two are one already."""

    retry = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decides, when, and why: stands on every event that follows."""

    actor: str
    at: datetime
    reason: str | None = None


class Matches:
    """A person's decisions hold whatever claims say: what was accepted stays one, what was refused stays apart
    and is never proposed again."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def accept(
        self, connection: sa.Connection, match_id: str, decision: Decision, *, wide: bool = False
    ) -> list[NewEvent]:
        """One entity of both sides. Raises NotFound, Conflict (decided already), Refused (more things than the
        limit; `wide` does it all the same)."""
        row = self._proposed(connection, match_id)
        return self._join(connection, row.left, row.right, decision, wide=wide)

    def refuse(self, connection: sa.Connection, match_id: str, decision: Decision) -> list[NewEvent]:
        """Both sides stay apart. Raises NotFound, Conflict (decided already, or one entity meanwhile)."""
        row = self._proposed(connection, match_id)
        aliases = self._identity.aliases(connection)
        left, right = aliases.members(row.left), aliases.members(row.right)
        if left & right:
            raise OneEntity("the two are one entity by now: split it instead")
        self._set(connection, [(row.left, row.right)], "refused", decision)
        self._set(connection, (pair(*each) for each in product(left, right)), "refused", decision)
        decided = self._decided(connection, "match.refused", match_id, row.left, row.right, decision)
        return [decided, *self._evaluate(connection, left | right, decision)]

    def merge(
        self, connection: sa.Connection, one: str, other: str, decision: Decision, *, wide: bool = False
    ) -> list[NewEvent]:
        """One entity of two that nobody proposed. Raises NotFound, Conflict (one already), Refused (too wide)."""
        self._exist(connection, {one, other})
        return self._join(connection, one, other, decision, wide=wide)

    def split(
        self, connection: sa.Connection, old: str, decision: Decision, *, together: Collection[str] = ()
    ) -> list[NewEvent]:
        """Gives the alias `old` its id back, with those other aliases that belong to it; the rest stays one.
        Raises NotFound, BadRequest (not an alias, or of different entities)."""
        aliases = self._identity.aliases(connection)
        moved = {old, *together}
        self._exist(connection, moved)
        root = aliases.root(old)
        if root in moved:
            raise BadRequest(f"{root} is the entity's own id: name the alias that is to be split from it")
        rest = aliases.members(root) - moved
        if any(aliases.root(one) != root for one in moved):
            raise BadRequest("these are not aliases of one entity")
        self._set(connection, (pair(*each) for each in product(moved, rest)), "refused", decision)
        for group in (moved, rest):
            first, *others = sorted(group)
            self._set(connection, (pair(first, one) for one in others), "accepted", decision)
        return self._evaluate(connection, moved | rest, decision)

    def _join(
        self, connection: sa.Connection, one: str, other: str, decision: Decision, *, wide: bool
    ) -> list[NewEvent]:
        aliases = self._identity.aliases(connection)
        left, right = aliases.members(one), aliases.members(other)
        if aliases.root(one) == aliases.root(other):
            raise OneEntity("the two are one entity already")
        if len(left) + len(right) > self._identity.merge_limit and not wide:
            raise Refused(
                f"this would join {len(left) + len(right)} records and the limit is {self._identity.merge_limit}: "
                "look at what they are, then confirm that it may be so wide"
            )
        for some in chunks(left):
            for side, far in ((match.c.left, match.c.right), (match.c.right, match.c.left)):
                rows = connection.execute(
                    sa.select(match.c.id, far).where(side.in_(some), match.c.state == "refused")
                ).all()
                for ids in chunks(row.id for row in rows if row[1] in right):
                    connection.execute(sa.delete(match).where(match.c.id.in_(ids)))
        joined = pair(one, other)
        (match_id,) = self._set(connection, [joined], "accepted", decision)
        decided = self._decided(connection, "match.accepted", match_id, *joined, decision)
        return [decided, *self._evaluate(connection, left | right, decision)]

    def _evaluate(self, connection: sa.Connection, seeds: set[str], decision: Decision) -> list[NewEvent]:
        return self._identity.evaluate(connection, seeds, decision.at, actor=decision.actor, reason=decision.reason)

    def _proposed(self, connection: sa.Connection, match_id: str) -> sa.Row[Any]:
        row = connection.execute(sa.select(match).where(match.c.id == match_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no match {match_id}")
        if row.state != "proposed":
            raise AlreadyDecided(f"the match was {row.state} already")
        return row

    def _exist(self, connection: sa.Connection, ids: Collection[str]) -> None:
        known = set(connection.scalars(sa.select(external.c.entity).where(external.c.entity.in_(ids))))
        if missing := sorted(set(ids) - known):
            raise NotFound(f"there is no entity {missing[0]}")

    def _set(self, connection: sa.Connection, pairs: Iterable[Pair], state: str, decision: Decision) -> list[str]:
        """Writes the state of each pair, with a row of its own where nothing had proposed it; the rows' ids."""
        decided_at = to_micros(decision.at)
        ids = list[str]()
        for left, right in sorted(pairs):
            of_pair = (match.c.left == left) & (match.c.right == right)
            id_ = connection.scalar(sa.select(match.c.id).where(of_pair))
            if id_ is None:
                id_ = uuid7(decision.at)
                connection.execute(
                    sa.insert(match).values(
                        id=id_,
                        left=left,
                        right=right,
                        state=state,
                        reason="DECIDED",
                        evidence=b"[]",
                        proposed_at=decided_at,
                        decided_at=decided_at,
                    )
                )
            else:
                connection.execute(sa.update(match).where(of_pair).values(state=state, decided_at=decided_at))
            ids.append(id_)
        return ids

    def _decided(
        self, connection: sa.Connection, type_: str, match_id: str, left: str, right: str, decision: Decision
    ) -> NewEvent:
        data = {"match": match_id, "left": left, "right": right}
        return self._identity.event(connection, type_, f"match:{match_id}", data, decision.actor, decision.reason)
