"""How a subgraph resolves a gateway's references: together, one read a type, and nothing of theirs is believed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import strawberry
from strawberry.federation.schema import FederationAny
from strawberry.types import Info

from hub.errors import BadRequest
from hub.graph.selection import MAX_IDS

Reference = Mapping[str, object]
"""What a gateway says of an entity: `__typename`, and the fields of a key."""
Found = Callable[[Any, Mapping[str, Sequence[Reference]]], Awaitable[Mapping[str, Sequence[object | None]]]]
"""Type → what each of its references is, in their order; None for what there is not, or is not for the viewer."""


class Schema(strawberry.federation.Schema):
    """A federation subgraph. `entities` are the types that `found` knows: a reference to another one is null."""

    def __init__(self, *, entities: frozenset[str], found: Found, **given: Any) -> None:
        super().__init__(**given)
        self._entities = entities
        self._found = found

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> Any:
        """What each representation means, or null where it is nothing that the viewer may see."""
        return self._resolved(info, representations)

    async def _resolved(self, info: Info[Any, None], representations: Sequence[Any]) -> list[Any]:
        if len(representations) > MAX_IDS:
            raise BadRequest(f"{len(representations)} representations: ask for at most {MAX_IDS} at once")
        wanted: dict[str, list[Reference]] = {}
        places: list[tuple[str, int] | None] = []
        for given in representations:
            match given:
                case {"__typename": str() as entity} if entity in self._entities:
                    those = wanted.setdefault(entity, [])
                    places.append((entity, len(those)))
                    those.append(given)
                case _:
                    places.append(None)
        found = await self._found(info, wanted)
        return [None if place is None else found[place[0]][place[1]] for place in places]
