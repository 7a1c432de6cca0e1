"""The constant pieces of Cypher that a selected read is put together from: one a relation, filter, order and scope.

In each, HERE stands for the variable of the row at hand, THERE for the related one's, and `$` alone for the
piece's parameter.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import LiteralString


class Many(Enum):
    ONE = "ONE"  # at most one row
    LIST = "LIST"  # few, in the relation's own order
    PAGE = "PAGE"  # any number, paged


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one relation is walked. `depth` is the order of a LIST, by the length of its path."""

    target: str
    match: LiteralString
    many: Many


STEPS: Mapping[tuple[str, str], Step] = {
    ("Place", "assets"): Step(target="Asset", many=Many.PAGE, match="MATCH (HERE)<-[:LOCATED_IN]-(THERE:Asset)"),
    ("Place", "assets_below"): Step(
        target="Asset", many=Many.PAGE, match="MATCH (HERE)<-[:PART_OF*0..]-(:Place)<-[:LOCATED_IN]-(THERE:Asset)"
    ),
    ("Place", "parts"): Step(target="Place", many=Many.PAGE, match="MATCH (HERE)<-[:PART_OF]-(THERE:Place)"),
    ("Place", "part_of"): Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:PART_OF]->(THERE:Place)"),
    ("Place", "path"): Step(target="Place", many=Many.LIST, match="MATCH path = (HERE)-[:PART_OF*1..]->(THERE:Place)"),
    ("Place", "adjacent"): Step(target="Place", many=Many.PAGE, match="MATCH (HERE)-[:ADJACENT_TO]-(THERE:Place)"),
    ("Place", "monitored_by"): Step(target="Asset", many=Many.PAGE, match="MATCH (HERE)<-[:MONITORS]-(THERE:Asset)"),
    ("Place", "alerts"): Step(
        target="Alert", many=Many.PAGE, match="MATCH (HERE)<-[:PART_OF*0..]-(:Place)<-[:AT]-(THERE:Alert)"
    ),
    ("Asset", "place"): Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:LOCATED_IN]->(THERE:Place)"),
    ("Asset", "monitors_places"): Step(target="Place", many=Many.PAGE, match="MATCH (HERE)-[:MONITORS]->(THERE:Place)"),
    ("Asset", "monitors_assets"): Step(target="Asset", many=Many.PAGE, match="MATCH (HERE)-[:MONITORS]->(THERE:Asset)"),
    ("Asset", "monitored_by"): Step(target="Asset", many=Many.PAGE, match="MATCH (HERE)<-[:MONITORS]-(THERE:Asset)"),
    ("Asset", "alerts"): Step(target="Alert", many=Many.PAGE, match="MATCH (HERE)<-[:CONCERNS]-(THERE:Alert)"),
    ("Alert", "asset"): Step(target="Asset", many=Many.ONE, match="MATCH (HERE)-[:CONCERNS]->(THERE:Asset)"),
    ("Alert", "subject_place"): Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:CONCERNS]->(THERE:Place)"),
    ("Alert", "place"): Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:AT]->(THERE:Place)"),
    ("Alert", "path"): Step(
        target="Place", many=Many.LIST, match="MATCH path = (HERE)-[:AT]->(:Place)-[:PART_OF*0..]->(THERE:Place)"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A filter, and the field that it would tell about: refused where a mask hides that."""

    predicate: LiteralString
    tells: LiteralString | None


CONDITIONS: Mapping[tuple[str, str], Condition] = {
    ("Place", "ids"): Condition(tells=None, predicate="HERE.id IN $"),
    ("Place", "kinds"): Condition(tells="kind", predicate="HERE.kind IN $"),
    ("Place", "within"): Condition(
        tells="part_of", predicate="EXISTS { MATCH (HERE)-[:PART_OF*0..]->(within:Place) WHERE within.id = $ }"
    ),
    ("Place", "terms"): Condition(
        tells="name", predicate="all(term IN $ WHERE coalesce(HERE.search, '') CONTAINS term)"
    ),
    ("Asset", "ids"): Condition(tells=None, predicate="HERE.id IN $"),
    ("Asset", "kinds"): Condition(tells="kind", predicate="HERE.kind IN $"),
    ("Asset", "within"): Condition(
        tells="place",
        predicate="EXISTS { MATCH (HERE)-[:LOCATED_IN]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id = $ }",
    ),
    ("Asset", "terms"): Condition(
        tells="name", predicate="all(term IN $ WHERE coalesce(HERE.search, '') CONTAINS term)"
    ),
    ("Alert", "ids"): Condition(tells=None, predicate="HERE.id IN $"),
    ("Alert", "states"): Condition(tells="state", predicate="HERE.state IN $"),
    ("Alert", "severities"): Condition(tells="severity", predicate="HERE.severity IN $"),
    ("Alert", "within"): Condition(
        tells="place",
        predicate="EXISTS { MATCH (HERE)-[:AT]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id = $ }",
    ),
}

SORT_KEYS: Mapping[tuple[str, str], LiteralString] = {
    ("Place", "id"): "HERE.id",
    ("Place", "name"): "coalesce(HERE.name, '')",
    ("Place", "code"): "coalesce(HERE.code, '')",
    ("Place", "level"): "coalesce(HERE.level, -2147483648)",
    ("Asset", "id"): "HERE.id",
    ("Asset", "name"): "coalesce(HERE.name, '')",
    ("Alert", "id"): "HERE.id",
    ("Alert", "opened_at"): "HERE.opened_at",
}
"""A row without the field sorts as the least, so that a keyset predicate needs no case for null."""

LABELS: Mapping[str, LiteralString] = {
    "Place": "MATCH (HERE:Place)",
    "Asset": "MATCH (HERE:Asset)",
    "Alert": "MATCH (HERE:Alert)",
}
BY_ID: Mapping[str, LiteralString] = {
    "Place": "UNWIND $ AS wanted MATCH (HERE:Place {id: wanted})",
    "Asset": "UNWIND $ AS wanted MATCH (HERE:Asset {id: wanted})",
    "Alert": "UNWIND $ AS wanted MATCH (HERE:Alert {id: wanted})",
}

SCOPES: Mapping[str, Mapping[str, LiteralString] | None] = {
    "everything": None,
    "within_places": {
        "Place": "EXISTS { MATCH (HERE)-[:PART_OF*0..]->(scope:Place) WHERE scope.id IN $ }",
        "Asset": "EXISTS { MATCH (HERE)-[:LOCATED_IN]->(:Place)-[:PART_OF*0..]->(scope:Place) WHERE scope.id IN $ }",
        "Alert": "EXISTS { MATCH (HERE)-[:AT]->(:Place)-[:PART_OF*0..]->(scope:Place) WHERE scope.id IN $ }",
    },
}
"""Row scopes of grants; None holds every row. `$` is the scope's `places`."""

LIVING: LiteralString = "coalesce(HERE.retired, false) = false"

PLAIN: LiteralString = "HERE.FIELD"
LAST_FOUR: LiteralString = (
    "CASE WHEN HERE.FIELD IS NULL THEN null"
    " WHEN size(HERE.FIELD) > 4 THEN '****' + right(HERE.FIELD, 4) ELSE '****' END"
)
THAT_IT_IS: LiteralString = "CASE WHEN HERE.FIELD IS NULL THEN null ELSE '****' END"

POSITION: LiteralString = (
    "OPTIONAL MATCH (projection:Projection {name: 'graph'})\n"
    "WITH projection.position AS position, projection.epoch AS epoch"
)
"""Taken before the rest of the statement: what is committed meanwhile is newer than it says, never older."""


def fill(fragment: LiteralString, *, here: str = "", there: str = "", parameter: str = "", field: str = "") -> str:
    """The piece with its names put in; all of them are our own, none comes from a caller."""
    names = {"HERE": here, "THERE": there, "FIELD": field, "$": f"${parameter}"}
    return _NAMES.sub(lambda found: names[found[0]], fragment)


_NAMES = re.compile(r"\b(?:HERE|THERE|FIELD)\b|\$")
