"""The schema: its types together, and how a gateway's references are resolved."""

from typing import Any

import strawberry
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from hub.errors import BadRequest
from hub.graph.selection import MAX_IDS
from schema import reading
from schema.mutation import Mutation
from schema.query import Query
from schema.rows import pick
from schema.scalars import SCALARS
from schema.selection import NODES
from schema.subscription import Subscription


class Schema(strawberry.federation.Schema):
    """A federation subgraph whose references are read together, by the same way as every other read."""

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> Any:
        """What each representation means, or null where it is nothing that the viewer may see."""
        return _entities(info, representations)


async def _entities(info: Info[Any, None], representations: list[Any]) -> list[Any]:
    if len(representations) > MAX_IDS:
        raise BadRequest(f"{len(representations)} representations: ask for at most {MAX_IDS} at once")
    wanted: dict[str, dict[str, None]] = {}
    keys: list[tuple[str, str] | None] = []
    for given in representations:
        match given:
            case {"__typename": str() as entity, "id": str() as id_} if entity in NODES:
                keys.append((entity, id_))
                wanted.setdefault(entity, {})[id_] = None
            case _:
                keys.append(None)
    found = await reading.named(info, {entity: list(ids) for entity, ids in wanted.items()})
    return [None if key is None else found.get(key) for key in keys]


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    federation_version="2.9",
    config=StrawberryConfig(default_resolver=pick, scalar_map=SCALARS),
)
