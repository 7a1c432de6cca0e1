"""An alert as its event carries it, turned into a row that the viewer may see, without the graph."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.graph.selection import Row
from hub.journal.records import HUB
from schema.rows import SNAPSHOT
from schema.scalars import moment
from schema.selection import GRAPHQL_FIELDS
from schema.sight import Grants, Sight, shown, whole

_TIMES = {"opened_at", "acknowledged_at", "returned_at", "closed_at"}


def row_of(alert: Mapping[str, Any], seq: int, sight: Sight) -> Row | None:
    """The snapshot under the mask, or None where no grant holds the alert; its places are those that it had when it
    opened."""
    holding = sight.alert(alert)
    if not holding:
        return None
    row: Row = {"__typename": "Alert", SNAPSHOT: seq, "retired": False}
    for camel, name in GRAPHQL_FIELDS["Alert"].items():
        if name != "retired":
            value = _time(alert[camel]) if name in _TIMES else alert[camel]
            row[name] = value if name == "id" else shown(holding, "Alert", name, value)
    row["sources"], row["observed"] = _provenance(row, holding)
    row["@subject"] = _subject(alert, holding, sight)
    row["@path"] = places_of(alert["path"], sight) if whole(holding, "Alert.path") else []
    return row


def _subject(alert: Mapping[str, Any], holding: Grants, sight: Sight) -> dict[str, Any] | None:
    """What it is about, where both that and the thing itself are shown; a source's own alert is about no thing."""
    subject, path = alert["subject"], [place["id"] for place in alert["path"]]
    of_place = sight.is_subject_place(alert)
    if not whole(holding, f"Alert.{'subject_place' if of_place else 'asset'}"):
        return None
    grants = sight.place(path) if of_place else sight.asset(subject["id"], path)
    return _named(subject, "Place" if of_place else "Asset", grants) if grants else None


def _provenance(row: Row, holding: Grants) -> tuple[list[str], list[str | None]]:
    """The hub's own word, of when something last happened to the alert."""
    if not (whole(holding, "Alert.sources") and whole(holding, "Alert.observed")):
        return [], []
    return [HUB], [max((row[name] for name in _TIMES if row[name] is not None), default=None)]


def places_of(path: Sequence[Mapping[str, Any]], sight: Sight) -> list[dict[str, Any]]:
    """Of a thing's places, the nearest first, those that are shown, as they are called."""
    found = (place_of(path[number:], sight) for number in range(len(path)))
    return [place for place in found if place is not None]


def place_of(path: Sequence[Mapping[str, Any]], sight: Sight) -> dict[str, Any] | None:
    """The nearest of them as it is called; None where it is not shown."""
    grants = sight.place([place["id"] for place in path]) if path else ()
    return _named(path[0], "Place", grants) if grants else None


def _time(given: str | None) -> str | None:
    return None if given is None else moment(datetime.fromisoformat(given))


def _named(thing: Mapping[str, Any], entity: str, grants: Grants) -> dict[str, Any]:
    kind, name = (shown(grants, entity, field, thing[field]) for field in ("kind", "name"))
    return {"id": thing["id"], "kind": kind, "name": name}
