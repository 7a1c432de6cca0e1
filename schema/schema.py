"""The schema: its types together, and how a gateway's references are resolved."""

from collections.abc import Mapping, Sequence
from typing import Any

from strawberry.schema.config import StrawberryConfig

from schema import reading
from schema.entities import Reference, Schema
from schema.mutation import Mutation
from schema.query import Query
from schema.rows import pick
from schema.scalars import SCALARS
from schema.selection import NODES
from schema.subscription import Subscription


async def _found(info: Any, wanted: Mapping[str, Sequence[Reference]]) -> Mapping[str, Sequence[object | None]]:
    """By id, in the same way as every other read."""
    ids = {entity: [_id(each) for each in those] for entity, those in wanted.items()}
    asked = {entity: list(dict.fromkeys(id_ for id_ in given if id_ is not None)) for entity, given in ids.items()}
    rows = await reading.named(info, {entity: given for entity, given in asked.items() if given})
    return {
        entity: [None if id_ is None else rows.get((entity, id_)) for id_ in given] for entity, given in ids.items()
    }


def _id(reference: Reference) -> str | None:
    given = reference.get("id")
    return given if isinstance(given, str) else None


schema = Schema(
    entities=frozenset(NODES),
    found=_found,
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    federation_version="2.9",
    config=StrawberryConfig(default_resolver=pick, scalar_map=SCALARS),
)
