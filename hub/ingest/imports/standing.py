"""What is known already of the kinds that a table speaks of: the hub's own claims, and other sources' codes."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from adapters.contract import Claim
from graph_models.relations import RELATIONS
from hub.ingest.imports.naming import code_of
from hub.journal.ids import is_uuid
from hub.journal.log import Journal
from hub.journal.records import HUB, HeldClaim

_ENDS = {relation.name: relation.end for relation in RELATIONS}
_MEANT = {
    "THREATENS": "Place",
    "MONITORS": "Place",
}  # of relations that may lead to several kinds, the one that a code names


def meant(relation: str) -> str:
    """The kind that a code in a column of this relation names."""
    return _MEANT.get(relation, _ENDS[relation][0])


class Standing:
    """`held`: the latest live claims of the kinds at hand, by every source, personal values in clear."""

    def __init__(self, held: Iterable[HeldClaim]) -> None:
        self._mine: dict[str, HeldClaim] = {}
        self._of_entity: dict[str, list[HeldClaim]] = {}
        self._by_code: dict[tuple[str, str], dict[str, HeldClaim]] = {}
        for each in held:
            self._of_entity.setdefault(each.entity, []).append(each)
            if each.source == HUB:
                self._mine[each.claim.external_id] = each
            code = each.claim.values.get("code")
            if isinstance(code, str):
                self._by_code.setdefault((each.claim.kind, code), {})[each.entity] = each

    @classmethod
    async def read(cls, journal: Journal, kinds: Sequence[str]) -> Self:
        return await asyncio.to_thread(cls, await journal.unseal(await journal.live_of(kinds)))

    def claim(self, external_id: str) -> Claim | None:
        """The hub's own claim under this name."""
        held = self._mine.get(external_id)
        return None if held is None else held.claim

    def claims(self, kind: str) -> Mapping[str, Claim]:
        """The hub's own claims of this kind that people entered, by external id: not what it says of others' things."""
        return {name: held.claim for name, held in self._mine.items() if held.claim.kind == kind and not is_uuid(name)}

    def entity(self, external_id: str) -> str | None:
        held = self._mine.get(external_id)
        return None if held is None else held.entity

    def own_claims(self, entity: str) -> Sequence[HeldClaim]:
        """All that the hub says of the entity, under whatever name."""
        return [held for held in self._of_entity.get(entity, ()) if held.source == HUB]

    def find(self, kind: str, name: str) -> tuple[str, str, str] | str:
        """(source, external id, entity) of what a table calls `name` (as `external_id` makes it): entered here, by
        id, or by the code that one other source gives it. Else the reason."""
        held = self._mine.get(name)
        if held is not None and held.claim.kind == kind:
            return HUB, name, held.entity
        if is_uuid(name):
            of = [each for each in self._of_entity.get(name, ()) if each.claim.kind == kind]
            return (of[0].source, of[0].claim.external_id, name) if of else f"no {kind} has the id {name}"
        code = code_of(name)
        others = self._by_code.get((kind, code), {})
        if len(others) == 1:
            ((entity, other),) = others.items()
            return other.source, other.claim.external_id, entity
        if others:
            return f"{len(others)} things of other sources have the code {code}; give the id of the one that is meant"
        return f"no {_WORDS.get(kind, kind)} has the code {code}; add its row"

    def linking(self, external_id: str) -> list[str]:
        """The hub's own claims that lead to this one."""
        return sorted(
            name
            for name, held in self._mine.items()
            if any(link.target == external_id and (link.source or HUB) == HUB for link in held.claim.links)
        )


_WORDS = {"Place": "place", "Organization": "organization", "Person": "person"}
