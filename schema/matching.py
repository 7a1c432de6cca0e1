"""What may be one thing: matches that wait for a person, and the person's word."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from graph_models.schemes import SCHEMES
from hub.errors import BadRequest, Conflict, Forbidden, NotFound, Refused
from hub.journal.decisions import Decided, Decisions, Word
from hub.journal.match import AlreadyDecided, OneEntity, OpenMatch
from hub.viewer import Action
from schema import reading
from schema.enums import MatchReason
from schema.nodes.node import Node
from schema.problems import (
    DecisionConflict,
    EntitiesAlreadyOne,
    EntityNotFound,
    MatchAlreadyDecided,
    MatchNotFound,
    MergeTooWide,
    NotAnAlias,
)
from schema.rows import Asked
from schema.showing import PERSONAL
from schema.sight import opens_record, sees_park

PROJECTED_SECONDS = 2.0
"""How long a decision's answer waits for the graph to show it."""
MAX_MATCHES = 100

_PERSONAL = frozenset(scheme.name for scheme in SCHEMES if scheme.personal)


@strawberry.type(description="What speaks for a match.")
class MatchEvidence:
    scheme: str = strawberry.field(description="The identifier's scheme; `name_and_place` for what only looks alike.")
    value: str | None = strawberry.field(description="What both have of it; null where that is personal.")


def _evidence(match: Parent[OpenMatch]) -> list[MatchEvidence]:
    return [
        MatchEvidence(scheme=each["scheme"], value=None if each["scheme"] in _PERSONAL else each["value"])
        for each in match.evidence
    ]


async def _left(match: Parent[OpenMatch], info: Asked) -> Node | None:
    return await reading.side_of_match(info, match.left_kind, match.left)  # type: ignore[return-value]


async def _right(match: Parent[OpenMatch], info: Asked) -> Node | None:
    return await reading.side_of_match(info, match.right_kind, match.right)  # type: ignore[return-value]


@strawberry.type(description="Two entities that may be one: a person is to say.")
class Match:
    id: strawberry.ID = strawberry.field(description="Its id.")
    reason: MatchReason = strawberry.field(
        resolver=lambda root: MatchReason(root.reason), description="Why they were not joined without being asked."
    )
    evidence: list[MatchEvidence] = strawberry.field(resolver=_evidence, description="What speaks for it.")
    proposed_at: datetime = strawberry.field(description="When it was found.")
    left: Node | None = strawberry.field(resolver=_left, description="The one.")
    right: Node | None = strawberry.field(resolver=_right, description="The other.")


_First = Annotated[
    int, strawberry.argument(description=f"How many at most, from 0 to {MAX_MATCHES}, the oldest first.")
]
_After = Annotated[strawberry.ID | None, strawberry.argument(description="Begins after this match.")]


async def matches(info: Asked, first: _First = 50, after: _After = None) -> list[Match]:
    if not 0 <= first <= MAX_MATCHES:
        raise BadRequest(f"first is {first}: ask for 0 to {MAX_MATCHES} matches, then for those after the last one")
    may = opens_record(info.context, "Match")
    found = await info.context.services.journal.open_matches(after or "", first) if first and may else []
    seen = await _seen(info, [id_ for each in found for id_ in (each.left, each.right)], Action.READ)
    told = [each for each in found if seen is None or {each.left, each.right} <= seen]
    for each in told:
        for kind, id_ in ((each.left_kind, each.left), (each.right_kind, each.right)):
            if kind in PERSONAL:
                info.context.ledger.named(kind, id_)
    return told  # type: ignore[return-value]


async def _seen(info: Asked, ids: Sequence[str], action: Action = Action.WRITE) -> set[str] | None:
    """Those of the ids that the viewer may see; None is all: what one may not see one may neither judge."""
    sees_all = sees_park(info.context) and sees_park(info.context, action)
    return None if sees_all else await reading.visible(info, ids, action=action)


# ---- what a decision is answered with


async def _entity(root: Parent[Any], info: Asked) -> Node | None:
    return await reading.any_node(info, root.ids[0])  # type: ignore[return-value]


async def _both(root: Parent[Any], info: Asked) -> list[Node | None]:
    return [await reading.any_node(info, id_) for id_ in root.ids]  # type: ignore[misc]


_PROJECTED = "Whether queries show it already; else they will."


@strawberry.type(description="The two are one: the decision is in the log.")
class AcceptMatchSuccess:
    ids: strawberry.Private[Sequence[str]]
    entity: Node | None = strawberry.field(resolver=_entity, description="The one entity, as the graph shows it.")
    projected: bool = strawberry.field(description=_PROJECTED)


@strawberry.type(description="The two stay apart: the decision is in the log.")
class RefuseMatchSuccess:
    ids: strawberry.Private[Sequence[str]]
    entities: list[Node | None] = strawberry.field(resolver=_both, description="Both, as the graph shows them.")
    projected: bool = strawberry.field(description=_PROJECTED)


@strawberry.type(description="The two are one: the decision is in the log.")
class MergeEntitiesSuccess:
    ids: strawberry.Private[Sequence[str]]
    entity: Node | None = strawberry.field(resolver=_entity, description="The one entity, as the graph shows it.")
    projected: bool = strawberry.field(description=_PROJECTED)


@strawberry.type(description="What was one is two again: the decision is in the log.")
class SplitEntitySuccess:
    ids: strawberry.Private[Sequence[str]]
    entities: list[Node | None] = strawberry.field(
        resolver=_both, description="What remains and what was split from it, as the graph shows them."
    )
    projected: bool = strawberry.field(description=_PROJECTED)


AcceptMatchResult = Annotated[
    AcceptMatchSuccess | MatchNotFound | MatchAlreadyDecided | EntitiesAlreadyOne | MergeTooWide | DecisionConflict,
    strawberry.union(name="AcceptMatchResult", description="What became of an acceptance."),
]
RefuseMatchResult = Annotated[
    RefuseMatchSuccess | MatchNotFound | MatchAlreadyDecided | EntitiesAlreadyOne | DecisionConflict,
    strawberry.union(name="RefuseMatchResult", description="What became of a refusal."),
]
MergeEntitiesResult = Annotated[
    MergeEntitiesSuccess | EntityNotFound | EntitiesAlreadyOne | MergeTooWide | DecisionConflict,
    strawberry.union(name="MergeEntitiesResult", description="What became of a merge."),
]
SplitEntityResult = Annotated[
    SplitEntitySuccess | EntityNotFound | NotAnAlias | DecisionConflict,
    strawberry.union(name="SplitEntityResult", description="What became of a split."),
]

_Match = Annotated[strawberry.ID, strawberry.argument(name="id", description="The match's id.")]
_Why = Annotated[str | None, strawberry.argument(description="Why, for the record.")]
_Wide = Annotated[
    bool, strawberry.argument(description="Also if it joins more records than are joined without being asked.")
]
_Key = Annotated[
    str, strawberry.argument(description="A new random text for each decision; a repeat gets the first answer.")
]


async def accept(
    info: Asked, id_: _Match, idempotency_key: _Key, reason: _Why = None, wide: _Wide = False
) -> AcceptMatchResult:
    try:
        sides = await _sides(info, id_)
        done = await _decisions(info).accept(id_, _word(info, idempotency_key, reason), wide=wide)
    except _MENDABLE as error:
        return _problem(error, MatchNotFound)  # type: ignore[no-any-return]
    return AcceptMatchSuccess(ids=sides, projected=await _projected(info, done))


async def refuse(info: Asked, id_: _Match, idempotency_key: _Key, reason: _Why = None) -> RefuseMatchResult:
    try:
        sides = await _sides(info, id_)
        done = await _decisions(info).refuse(id_, _word(info, idempotency_key, reason))
    except _MENDABLE as error:
        return _problem(error, MatchNotFound)  # type: ignore[no-any-return]
    return RefuseMatchSuccess(ids=sides, projected=await _projected(info, done))


_One = Annotated[strawberry.ID, strawberry.argument(description="The one.")]
_Other = Annotated[strawberry.ID, strawberry.argument(description="The other.")]


async def merge(
    info: Asked, one: _One, other: _Other, idempotency_key: _Key, reason: _Why = None, wide: _Wide = False
) -> MergeEntitiesResult:
    try:
        await _must_see(info, (one, other))
        done = await _decisions(info).merge(one, other, _word(info, idempotency_key, reason), wide=wide)
    except _MENDABLE as error:
        return _problem(error, EntityNotFound)  # type: ignore[no-any-return]
    return MergeEntitiesSuccess(ids=(one,), projected=await _projected(info, done))


_Alias = Annotated[strawberry.ID, strawberry.argument(description="An id that was merged into another's.")]
_Together = Annotated[
    list[strawberry.ID] | None, strawberry.argument(description="Other aliases of the same entity that belong to it.")
]


async def split(
    info: Asked, alias: _Alias, idempotency_key: _Key, together: _Together = None, reason: _Why = None
) -> SplitEntityResult:
    try:
        await _must_see(info, (alias, *(together or ())))
        whole = (await info.context.services.journal.resolve([alias])).get(alias, alias)
        word = _word(info, idempotency_key, reason)
        done = await _decisions(info).split(alias, word, together=together or ())
    except BadRequest as error:
        return NotAnAlias(code=error.code, message=error.message)
    except _MENDABLE as error:
        return _problem(error, EntityNotFound)  # type: ignore[no-any-return]
    return SplitEntitySuccess(ids=(whole, alias), projected=await _projected(info, done))


_MENDABLE = (NotFound, Conflict, Refused)


def _problem(error: NotFound | Conflict | Refused, unknown: type[MatchNotFound | EntityNotFound]) -> Any:
    problems: tuple[tuple[type[Exception], type[Any]], ...] = (
        (NotFound, unknown),
        (AlreadyDecided, MatchAlreadyDecided),
        (OneEntity, EntitiesAlreadyOne),
        (Refused, MergeTooWide),
        (Conflict, DecisionConflict),
    )
    of = next(problem for kind, problem in problems if isinstance(error, kind))
    return of(code=error.code, message=error.message)


def _decisions(info: Asked) -> Decisions:
    """Raises Forbidden for a viewer who decides on no match."""
    if not opens_record(info.context, "Match", Action.WRITE):
        raise Forbidden("whether two records are one thing is not for you to say")
    return Decisions(info.context.services.journal)


def _word(info: Asked, key: str, reason: str | None) -> Word:
    return Word(actor=info.context.viewer.subject, key=key, reason=reason)


async def _projected(info: Asked, done: Decided) -> bool:
    return await info.context.services.projection.wait_for(done.seq, PROJECTED_SECONDS)


async def _sides(info: Asked, match_id: str) -> tuple[str, str]:
    sides = await info.context.services.journal.match_sides(match_id)
    seen = None if sides is None else await _seen(info, sides)
    if sides is None or (seen is not None and not seen >= set(sides)):
        raise NotFound(f"there is no match {match_id}")
    return sides


async def _must_see(info: Asked, ids: Sequence[str]) -> None:
    seen = await _seen(info, ids)
    if seen is not None and (hidden := [id_ for id_ in ids if id_ not in seen]):
        raise NotFound(f"there is no entity {hidden[0]}")
