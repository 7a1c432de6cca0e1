"""From the declarations in `graph_models`: constraints, indexes, the statements that write, and the reference's text.

Times are stored as ISO 8601 text in UTC with six digits of a second (`2026-01-31T08:00:00.000000Z`): it sorts as
time does, and no native temporal, which is slow to read and loses its zone on one engine, reaches the driver.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from graph_models.annotations import Indexed, Key, Long, Privacy, Search, Unit
from graph_models.entities import ENTITIES
from graph_models.relations import RELATIONS, Relation
from hub.graph.dialect import Dialect

COMPUTED = ("search", "retired", "sources", "observed", "seq", "generation")
"""What the projector adds to each node: search text, whether its last claim is gone, who claims it and when
each of these saw it, the greatest sequence number among its claims, and which rebuild it was written by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    type: type  # str, int, float, bool, datetime, a StrEnum, or tuple: a list of texts
    required: bool
    key: bool
    indexed: bool
    search: bool
    personal: bool
    long: bool
    unit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A declared kind of node. `second` gives the second label by the value of `kind`."""

    label: str
    meaning: str
    fields: tuple[Field, ...]
    second: Mapping[str, str]

    @property
    def searched(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.search)

    @property
    def searched_personal(self) -> bool:
        """Its search text needs personal values in clear."""
        return any(f.personal for f in self.searched)


class SchemaItem(NamedTuple):
    """A constraint or an index, as both engines tell it; `type` is UNIQUENESS, RANGE or TEXT."""

    label: str
    property: str
    type: str


def _field(name: str, hint: Any, required: bool) -> Field:
    notes = getattr(hint, "__metadata__", ())
    bare = get_args(hint)[0] if notes else hint
    if get_origin(bare) is UnionType:
        [bare] = [part for part in get_args(bare) if part is not NoneType]
    return Field(
        name=name,
        type=get_origin(bare) or bare,
        required=required,
        key=any(isinstance(n, Key) for n in notes),
        indexed=any(isinstance(n, Indexed) for n in notes),
        search=any(isinstance(n, Search) for n in notes),
        personal=Privacy.PERSONAL in notes,
        long=any(isinstance(n, Long) for n in notes),
        unit=next((n.code for n in notes if isinstance(n, Unit)), None),
    )


def _entity(declared: type) -> Entity:
    hints = get_type_hints(declared, include_extras=True)
    found = tuple(_field(f.name, hints[f.name], f.default is MISSING) for f in fields(declared))
    kind = next((f.type for f in found if f.name == "kind" and issubclass(f.type, StrEnum)), None)
    second = {} if kind is None else {member.value: str(member.value).capitalize() for member in kind}
    return Entity(
        label=declared.__name__,
        meaning=(declared.__doc__ or "").strip(),
        fields=found,
        second=MappingProxyType(second),
    )


@cache
def entities() -> Mapping[str, Entity]:
    """By label."""
    return MappingProxyType({declared.__name__: _entity(declared) for declared in ENTITIES})


@cache
def relations() -> Mapping[str, Relation]:
    """By name."""
    return MappingProxyType({relation.name: relation for relation in RELATIONS})


def personal_fields() -> frozenset[str]:
    """`Label.field` of all that is sealed; masks and tests of privacy hold themselves against it."""
    return frozenset(f"{e.label}.{f.name}" for e in entities().values() for f in e.fields if f.personal)


# ---- schema


def declared_schema(dialect: Dialect) -> frozenset[SchemaItem]:
    """What the engine must show, an index for each constraint included."""
    items = set()
    for entity in entities().values():
        for field in entity.fields:
            if field.key:
                items |= {SchemaItem(entity.label, field.name, t) for t in ("UNIQUENESS", "RANGE")}
            elif field.indexed:
                items.add(SchemaItem(entity.label, field.name, "RANGE"))
        if entity.searched and dialect.text_index:
            items.add(SchemaItem(entity.label, "search", "TEXT"))
    return frozenset(items)


def schema_statements(dialect: Dialect) -> Iterator[str]:
    """Idempotent; each in a transaction of its own."""
    items = sorted(declared_schema(dialect))
    keys = {(item.label, item.property) for item in items if item.type == "UNIQUENESS"}
    for label, prop, type_ in items:
        name = f"{label.lower()}_{prop}"
        if type_ == "UNIQUENESS":
            yield f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{label}) REQUIRE n.{prop} IS UNIQUE"
        elif type_ == "TEXT":
            yield f"CREATE TEXT INDEX {name} IF NOT EXISTS FOR (n:{label}) ON (n.{prop})"
        elif (label, prop) not in keys:
            yield f"CREATE INDEX {name} IF NOT EXISTS FOR (n:{label}) ON (n.{prop})"


# ---- writing; rows are parameters, labels and relations come from the declarations


def _labels(label: str, second: str | None) -> str:
    return f"{label}:{second}" if second else label


@cache
def create_nodes(label: str, second: str | None) -> str:
    """`$rows`: the nodes' properties, none of which may exist yet."""
    return f"UNWIND $rows AS row CREATE (n:{_labels(label, second)} {{id: row.id}}) SET n += row"


@cache
def create_linked(label: str, second: str | None, relation: str, end: str) -> str:
    """`$rows`: [a new node's properties, the id of what it links to]. What starts at a new node cannot be there yet:
    its link needs no MERGE, and its start is at hand. A node is made even where the end is missing."""
    link = f"WITH n, row MATCH (b:{end} {{id: row[1]}}) CREATE (n)-[:{relation}]->(b)"
    return f"UNWIND $rows AS row CREATE (n:{_labels(label, second)} {{id: row[0].id}}) SET n += row[0] {link}"


@cache
def update_nodes(label: str) -> str:
    """`$rows`: the nodes' properties, whole; what is not in them is taken away."""
    return f"UNWIND $rows AS row MATCH (n:{label} {{id: row.id}}) SET n = row"


@cache
def delete_nodes(label: str) -> str:
    """`$rows`: ids."""
    return f"UNWIND $rows AS row MATCH (n:{label} {{id: row}}) DETACH DELETE n"


@cache
def link_nodes(relation: str, start: str, end: str) -> str:
    """`$rows`: pairs of ids."""
    pair = f"MATCH (a:{start} {{id: row[0]}}) MATCH (b:{end} {{id: row[1]}})"
    return f"UNWIND $rows AS row {pair} MERGE (a)-[:{relation}]->(b)"


@cache
def unlink_nodes(relation: str, start: str) -> str:
    """`$rows`: pairs of ids; the relation's end may be of any kind."""
    return f"UNWIND $rows AS row MATCH (:{start} {{id: row[0]}})-[r:{relation}]->(b) WHERE b.id = row[1] DELETE r"


def known_nodes(label: str) -> str:
    """`$ids` → one row: [id, labels, [[relation, target's id]]] of those that exist."""
    return (
        f"UNWIND $ids AS id MATCH (n:{label} {{id: id}})"
        " RETURN collect([id, labels(n), [(n)-[r]->(m) | [type(r), m.id]]]) AS rows"
    )


def stale_nodes(label: str) -> str:
    """Ids of nodes that a rebuild of `$generation` left as they were, `$limit` of them."""
    return f"MATCH (n:{label}) WHERE n.generation <> $generation OR n.generation IS NULL RETURN n.id AS id LIMIT $limit"


# ---- words

_TYPE_NAMES: Mapping[type, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "yes or no",
    datetime: "time, UTC",
    tuple: "list of texts",
}


def type_name(field: Field) -> str:
    if issubclass(field.type, StrEnum):
        return " | ".join(member.value for member in field.type)
    return _TYPE_NAMES[field.type]


def reference() -> str:
    """The entity reference in Markdown: each kind with its fields, then each relation."""
    lines = ["# Entities and relations", "", "Generated from `graph_models/`; a test holds it to the declarations."]
    for entity in entities().values():
        lines += ["", f"## {entity.label}", "", entity.meaning, "", "| field | type | |", "|---|---|---|"]
        for field in entity.fields:
            notes = [
                note
                for note, holds in (
                    ("key", field.key),
                    ("required", field.required and not field.key),
                    (f"in {field.unit}", field.unit is not None),
                    ("indexed", field.indexed),
                    ("searchable", field.search),
                    ("personal: sealed", field.personal),
                )
                if holds
            ]
            lines.append(f"| `{field.name}` | {type_name(field).replace('|', chr(92) + '|')} | {', '.join(notes)} |")
    lines += ["", "## Relations", "", "| relation | from | to | meaning |", "|---|---|---|---|"]
    for relation in relations().values():
        one = " At most one." if relation.single else ""
        ends = f"{', '.join(relation.start)} | {', '.join(relation.end)}"
        lines.append(f"| `{relation.name}` | {ends} | {relation.meaning}{one} |")
    return "\n".join(lines) + "\n"
