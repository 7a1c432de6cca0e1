"""An alert as its event carries it, turned into a row that the viewer may see, without the graph."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.graph.selection import Row
from hub.journal.records import HUB
from hub.viewer import Grant, Mask, Visibility, least_restrictive
from schema.rows import SNAPSHOT, masked
from schema.scalars import moment
from schema.selection import GRAPHQL_FIELDS

_TIMES = {"opened_at", "acknowledged_at", "returned_at", "closed_at"}


def row_of(alert: Mapping[str, Any], seq: int, mask: Mask) -> Row | None:
    """The snapshot under the mask, or None where no grant holds the alert. A within-scope holds it where it holds
    a place of the path as it was when the alert opened."""
    path: list[Mapping[str, Any]] = list(alert["path"])
    holding = _holding(mask, path)
    if not holding:
        return None
    row: Row = {"__typename": "Alert", SNAPSHOT: seq, "retired": False}
    for camel, name in GRAPHQL_FIELDS["Alert"].items():
        if name != "retired":
            value = _time(alert[camel]) if name in _TIMES else alert[camel]
            row[name] = value if name == "id" else masked("Alert", name, value, _shown(holding, f"Alert.{name}"))
    row["sources"], row["observed"] = _provenance(row, holding)
    subject = alert["subject"]
    relation = "subject_place" if path and subject["id"] == path[0]["id"] else "asset"
    entity = "Place" if relation == "subject_place" else "Asset"
    row["@subject"] = _named(subject, entity, holding) if _whole(holding, f"Alert.{relation}") else None
    shown = path if _whole(holding, "Alert.path") else []
    row["@path"] = [
        _named(place, "Place", grants)
        for number, place in enumerate(shown)
        if (grants := _holding(mask, path[number:]))
    ]
    return row


def _provenance(row: Row, holding: list[Grant]) -> tuple[list[str], list[str | None]]:
    """The hub's own word, of when something last happened to the alert."""
    if not (_whole(holding, "Alert.sources") and _whole(holding, "Alert.observed")):
        return [], []
    return [HUB], [max((row[name] for name in _TIMES if row[name] is not None), default=None)]


def places_of(path: Sequence[Mapping[str, Any]], mask: Mask) -> list[dict[str, Any]]:
    """Of a thing's places, the nearest first, those that are shown, as they are called."""
    return [
        _named(place, "Place", grants)
        for number, place in enumerate(path)
        if (grants := _holding(mask, list(path[number:])))
    ]


def shown_in(path: Sequence[Mapping[str, Any]], mask: Mask, entity: str, name: str, value: str | None) -> str | None:
    """A text of a thing that is in these places, as far as it is shown."""
    found: str | None = shown_value(path, mask, entity, name, value)
    return found


def shown_value(path: Sequence[Mapping[str, Any]], mask: Mask, entity: str, name: str, value: Any) -> Any:
    """Any other field of it, likewise."""
    return masked(entity, name, value, _shown(_holding(mask, list(path)), f"{entity}.{name}"))


def _time(given: str | None) -> str | None:
    return None if given is None else moment(datetime.fromisoformat(given))


def _holding(mask: Mask, path: list[Mapping[str, Any]]) -> list[Grant]:
    ids = {place["id"] for place in path}
    return [grant for grant in mask if grant.scope.name == "everything" or ids & set(grant.scope.parameters["places"])]


def _shown(grants: list[Grant], name: str) -> Visibility:
    found = Visibility.HIDE
    for grant in grants:
        found = least_restrictive(found, grant.visibility(name))
    return found


def _whole(grants: list[Grant], name: str) -> bool:
    return _shown(grants, name) is Visibility.SHOW


def _named(thing: Mapping[str, Any], entity: str, grants: list[Grant]) -> dict[str, Any]:
    kind, name = (
        masked(entity, field, thing[field], _shown(grants, f"{entity}.{field}")) for field in ("kind", "name")
    )
    return {"id": thing["id"], "kind": kind, "name": name}
