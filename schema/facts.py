"""Where shown values come from: the sources of a row by the graph, each field's claims by the journal."""

from collections.abc import Sequence
from typing import Any

from hub.errors import BadRequest
from hub.graph.derive import entities
from hub.graph.rows import fit
from hub.graph.selection import Row
from hub.journal.choice import best_first
from hub.journal.records import HUB, HeldClaim
from hub.viewer import Visibility
from schema.rows import Asked, masked, visibility
from schema.selection import GRAPHQL_FIELDS, NODES
from schema.showing import PERSONAL, personal


def fresh(info: Asked) -> frozenset[str]:
    """The sources that keep their promise; one that is no longer read keeps none."""
    kept = [status.id for status in info.context.services.sources.statuses() if not status.stale]
    return frozenset((HUB, *kept))


def provenance(row: Row, info: Asked) -> list[dict[str, Any]]:
    """The sources that tell of the row, by the graph alone."""
    kept = fresh(info)
    sources, observed = row["sources"] or (), row["observed"] or ()
    return [
        {"source": source, "observed_at": at, "stale": source not in kept}
        for source, at in zip(sources, observed or (None,) * len(sources), strict=True)
    ]


async def facts(row: Row, info: Asked, names: Sequence[str] | None) -> list[dict[str, Any]]:
    """Each field's chosen value with its source, and what other sources say instead; none where the sources are not
    shown."""
    entity = row["__typename"]
    known = {
        camel: name for camel, name in GRAPHQL_FIELDS[entity].items() if (entity, name) in _DECLARED and name != "id"
    }
    for name in names or ():
        if name not in known:
            raise BadRequest(f"{entity} has no field {name!r} with facts: there are {', '.join(known)}")
    if visibility(row, info.context.mask, f"{entity}.sources") is not Visibility.SHOW:
        return []  # a fact is a source's word
    services = info.context.services
    held = await info.context.loaders.claims(services.journal, personal=entity in PERSONAL).load(row["id"])
    kept = fresh(info)
    believed = [claim for claim in best_first(held, services.precedence) if claim.claim.kind == entity]
    told = []
    for camel in known if names is None else dict.fromkeys(names):
        shown = visibility(row, info.context.mask, f"{entity}.{known[camel]}")
        said = [(claim, value) for claim in believed if (value := _claimed(claim, entity, known[camel])) is not None]
        if shown is Visibility.HIDE or not said:
            continue
        first = masked(entity, known[camel], said[0][1], shown)
        if first is not None and personal(info.context.ledger, entity, known[camel], row["id"], first) is None:
            continue  # withheld
        chosen, *others = (
            _fact(camel, claim, masked(entity, known[camel], value, shown), kept) for claim, value in said
        )
        differing = [fact for fact, (_, value) in zip(others, said[1:], strict=True) if value != said[0][1]]
        told.append({**chosen, "chosen": True, "conflicting": differing})
    info.context.ledger.rows(f"{entity} facts", 1, (fact["field"] for fact in told))
    return told


def _claimed(held: HeldClaim, entity: str, name: str) -> object | None:
    """The value as the projector would take it."""
    position = held.claim.position
    if position is not None and name in ("latitude", "longitude"):
        return position.latitude if name == "latitude" else position.longitude
    value = held.claim.values.get(name)
    return None if value is None else fit(_DECLARED[entity, name], value)


_DECLARED = {(entity, field.name): field for entity in NODES for field in entities()[entity].fields}


def _fact(field: str, held: HeldClaim, value: Any, kept: frozenset[str]) -> dict[str, Any]:
    return {
        "field": field,
        "value": value,
        "source": held.source,
        "observed_at": held.claim.observed_at or held.recorded_at,
        "last_seen_at": held.last_seen,
        "stale": held.source not in kept,
        "chosen": False,
        "conflicting": [],
    }
