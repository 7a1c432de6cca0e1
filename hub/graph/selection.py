"""What a reader asks of the graph: a frozen tree of entities, fields, relations and pages; it knows no query language.

Times are ISO-8601 UTC text with microseconds; ids are plain text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from hub.errors import BadRequest
from hub.graph.derive import Entity, entities
from hub.graph.fragments import BELOW
from hub.graph.kinds import KINDS

MAX_FIRST = 500
"""The most rows that one page gives."""
MAX_IDS = 500
"""The most ids that one read names."""

Row = dict[str, Any]
"""A decoded row: its graph fields by name, `__typename`, each relation under `@` and its alias, and, where
asked for, `@key` (the sort key) and `@grants` (which grants of the mask hold the row)."""

GRANTS = "@grants"


@dataclass(frozen=True, slots=True)
class Field:
    """`text`: a mask can show a part of it. `required`: the declaration says that it is always there. `sealed`: its
    text is to be unsealed by whoever shows it."""

    text: bool
    required: bool
    sealed: bool = False


PROVENANCE = ("sources", "observed")
"""The sources that say something of the node, and when each saw it last; no fields of the declaration."""


def _fields(entity: Entity) -> Mapping[str, Field]:
    declared = {
        field.name: Field(text=field.type is str, required=field.required, sealed=field.personal and not field.search)
        for field in entity.fields
    }
    computed = {name: Field(text=False, required=False) for name in KINDS[entity.label].computed}
    bare = {"retired": Field(text=False, required=True)} | {n: Field(text=False, required=False) for n in PROVENANCE}
    return declared | computed | bare


FIELDS: Mapping[str, Mapping[str, Field]] = {name: _fields(entities()[name]) for name in KINDS}
"""By kind: its fields, those that are computed included."""

MASKABLE: Mapping[str, frozenset[str]] = {
    name: frozenset(FIELDS[name]) | {step.removesuffix(BELOW) for step in kind.steps} for name, kind in KINDS.items()
}
"""By kind: every name that a mask is asked about, relations included."""


class Order(StrEnum):
    """What rows are sorted by, their id being the tie-break; a minus sorts downwards."""

    ID = "id"
    NAME = "name"
    NAME_DOWN = "-name"
    CODE = "code"
    CODE_DOWN = "-code"
    LEVEL = "level"
    LEVEL_DOWN = "-level"
    OPENED_AT = "opened_at"
    OPENED_AT_DOWN = "-opened_at"
    SKILL = "skill"
    EXPIRES_AT = "expires_at"
    STARTS_AT = "starts_at"
    STARTS_AT_DOWN = "-starts_at"
    SCORE = "score"
    SCORE_DOWN = "-score"
    REVIEW_DUE = "review_due"
    HAZARD_CLASS = "hazard_class"
    SENT = "sent"
    SENT_DOWN = "-sent"
    EXPIRES = "expires"
    AT_DOWN = "-at"

    @property
    def field(self) -> str:
        return self.value.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.value.startswith("-")


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page ended: the last row's sort key and id."""

    value: str | int | float
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """`conditions`: by the name of a condition of the kind, its parameter; all must hold. `ids` and `within` (places
    whose subtrees are meant, themselves included) are known of all; `search` takes pieces of search text, as
    `hub.graph.search_text` makes them."""

    conditions: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    include_retired: bool = False

    @classmethod
    def of(cls, *, include_retired: bool = False, **conditions: object) -> Self:
        """Of those that are given: None is none."""
        given = {name: value for name, value in conditions.items() if value is not None}
        return cls(conditions=given, include_retired=include_retired)


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The first rows after a key. `want_rows` and `want_total` say which of the two was asked for."""

    first: int = 50
    after: Key | None = None
    order: Order = Order.ID
    filters: Filters = NO_FILTERS
    want_rows: bool = True
    want_total: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.first <= MAX_FIRST:
            raise BadRequest(f"first is {self.first}: ask for 0 to {MAX_FIRST} rows, then for the next page")
        for name, value in self.filters.conditions.items():
            if isinstance(value, tuple) and len(value) > MAX_IDS:
                raise BadRequest(f"{len(value)} values of {name}: ask for at most {MAX_IDS} at once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Fields of one entity by their graph names, and its relations."""

    entity: str
    fields: tuple[str, ...] = ()
    nested: "tuple[Nested, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """A relation's rows under `alias`; paged where the relation leads to many (`page` given), else bare."""

    alias: str
    relation: str
    selection: Selection
    page: Page | None = None
    include_retired: bool = False  # where there is no page


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Where a read begins: rows of the named ids, or a page of all."""

    selection: Selection
    ids: tuple[str, ...] | None = None
    include_retired: bool = False  # where ids are named
    page: Page | None = None

    def __post_init__(self) -> None:
        if (self.ids is None) == (self.page is None):
            raise BadRequest("a read names either ids or a page")
        if self.ids is not None and len(self.ids) > MAX_IDS:
            raise BadRequest(f"{len(self.ids)} ids: ask for at most {MAX_IDS} at once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page as it was read. `total` counts the rows that the viewer may see, before paging; `position` is the
    log's sequence that the graph held when the read began; `epoch` is that log's."""

    rows: list[Row]
    has_next: bool
    has_previous: bool
    total: int | None
    order: Order
    position: int
    epoch: str | None
