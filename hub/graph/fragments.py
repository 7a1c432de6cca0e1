"""What a selected read is put together from: constant pieces of Cypher, one a relation, filter, order and scope.

The pieces of each kind of node stand in `hub.graph.queries`, as a `Kind`. In each, HERE stands for the variable of
the row at hand, THERE for the related one's, LABEL for the kind, FIELD for a field, and `$` alone for the piece's
parameter.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import LiteralString


class Many(Enum):
    ONE = "ONE"  # at most one row
    LIST = "LIST"  # few, in the order of the length of `path`
    PAGE = "PAGE"  # any number, paged


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one relation is walked. `at`: the condition that the moment asked for sets."""

    target: str
    match: LiteralString
    many: Many = Many.PAGE
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A filter, and the fields that it would tell about: refused where a mask hides one. `through`: the kinds whose
    rows it looks at beside the row itself. `ids`: its parameter is ids of entities, which may be from before a merge.
    """

    predicate: LiteralString
    tells: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    ids: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What rows are counted by: a field's value, or the id of the one row THERE, of kind `target`, that `match` leads
    to; the fields that this tells about."""

    tells: tuple[str, ...]
    value: LiteralString = ""
    match: LiteralString = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A field that is made of others: shown where all of them are shown."""

    expression: LiteralString
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """All that can be asked of one kind of node.

    `within`: whether the row lies in one of the places `$`, as a filter and as a grant's row scope; `placed_by` are
    the fields that this tells about. `owned`: whether it is of one of the organizations `$`. `personal`: whether it is
    one of the people `$`, or something of theirs. `inside`: the end of the
    walk there from the places, behind DOWN, by which a list of all rows within them need not look at each row; ""
    where that is more than one walk. `orders`: by each field that rows can be sorted by, the sort key; a row without
    the field has one too, so that a keyset predicate needs no case for null. A relation's key is the GraphQL field's
    name in the graph's spelling; one that ends in `_below` is taken where the argument `below` is true.
    """

    entity: str
    within: LiteralString
    owned: LiteralString
    personal: LiteralString = "false"
    placed_by: tuple[str, ...]
    inside: LiteralString = ""
    steps: Mapping[str, Step]
    searched: tuple[str, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=lambda: MappingProxyType({}))
    orders: Mapping[str, LiteralString] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, Group] = field(default_factory=lambda: MappingProxyType({}))
    computed: Mapping[str, Computed] = field(default_factory=lambda: MappingProxyType({}))

    def condition(self, name: str) -> Condition | None:
        if name == "ids":
            return _IDS
        if name == "within":
            return Condition(predicate=self.within, tells=self.placed_by, through=("Place",), ids=True)
        if name == "search" and self.searched:
            return Condition(predicate=_SEARCH, tells=self.searched)
        return self.conditions.get(name)

    def order(self, name: str) -> LiteralString | None:
        return "HERE.id" if name == "id" else self.orders.get(name)

    def behind(self, name: str) -> tuple[str, ...]:
        """The field, and what it is made of."""
        made = self.computed.get(name)
        return (name,) if made is None else (name, *made.of)


BELOW = "_below"
"""Ends the name of a relation that also goes to what lies deeper; masks name it without."""

_IDS = Condition(predicate="HERE.id IN $", ids=True)
_SEARCH: LiteralString = "all(term IN $ WHERE coalesce(HERE.search, '') CONTAINS term)"

LABELLED: LiteralString = "MATCH (HERE:LABEL)"
DOWN: LiteralString = "UNWIND $ AS wanted MATCH (THERE:Place {id: wanted})<-[:PART_OF*0..]-"
BY_ID: LiteralString = "UNWIND $ AS wanted MATCH (HERE:LABEL {id: wanted})"

SCOPES = {
    "everything": "",
    "shared": "",
    "within_places": "places",
    "own_organization": "organizations",
    "people_on_duty": "people",
}
"""Row scopes of grants, each with its parameter: those that hold every row, and those that hold a kind's rows by its
`within`, its `owned` or its `personal`."""

TERMS: LiteralString = "coalesce(HERE.sharing, 'NOT_SHARED') IN $"
"""Whether a lot is shared on one of the terms."""

WITHOUT: Mapping[str, LiteralString] = {
    "Person": "NOT HERE.id IN $",
    "Qualification": "NOT EXISTS { MATCH (HERE)-[:HELD_BY]->(whose:Person) WHERE whose.id IN $ }",
}
"""By kind: whether the row is not one of these people, nor theirs."""

PLACE_OWNED: LiteralString = (  # works in it, or owns it
    "EXISTS { MATCH (HERE)-[:PART_OF*0..]->(:Place)-[:OCCUPIES|OWNED_BY]-(own:Organization) WHERE own.id IN $ }"
)
OWNED_BY: LiteralString = "EXISTS { MATCH (HERE)-[:OWNED_BY]->(own:Organization) WHERE own.id IN $ }"

LIVING: LiteralString = "coalesce(HERE.retired, false) = false"

PLAIN: LiteralString = "HERE.FIELD"
LAST_FOUR: LiteralString = (
    "CASE WHEN HERE.FIELD IS NULL THEN null"
    " WHEN size(HERE.FIELD) > 4 THEN '****' + right(HERE.FIELD, 4) ELSE '****' END"
)
THAT_IT_IS: LiteralString = "CASE WHEN HERE.FIELD IS NULL THEN null ELSE '****' END"
SEALED_LAST_FOUR: LiteralString = "'****' + HERE.FIELD"
"""A sealed text that is to be masked when it was unsealed."""

POSITION: LiteralString = (
    "OPTIONAL MATCH (projection:Projection {name: 'graph'})\n"
    "WITH projection.position AS position, projection.epoch AS epoch"
)
"""Taken before the rest of the statement: what is committed meanwhile is newer than it says, never older."""


def fill(
    fragment: LiteralString, *, here: str = "", there: str = "", parameter: str = "", field: str = "", label: str = ""
) -> str:
    """The piece with its names put in; all of them are our own, none comes from a caller."""
    names = {"HERE": here, "THERE": there, "FIELD": field, "LABEL": label, "$": f"${parameter}"}
    return _NAMES.sub(lambda found: names[found[0]], fragment)


_NAMES = re.compile(r"\b(?:HERE|THERE|FIELD|LABEL)\b|\$")
