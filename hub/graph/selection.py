"""What a reader asks of the graph: a frozen tree of entities, fields, relations and pages; it knows no query language.

Times are ISO-8601 UTC text with microseconds; ids are plain text.
"""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from graph_models import entities
from graph_models.annotations import Privacy
from hub.errors import BadRequest

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
    """`text`: a mask can show a part of it. `required`: the declaration says that it is always there."""

    text: bool
    required: bool


def _declared(entity: type) -> Iterator[tuple[str, Field]]:
    hints = get_type_hints(entity, include_extras=True)
    for declared in fields(entity):
        hint = hints[declared.name]
        notes: tuple[object, ...] = ()
        if get_origin(hint) is Annotated:
            hint, *rest = get_args(hint)
            notes = tuple(rest)
        if Privacy.PERSONAL in notes:  # sealed in the graph: read where it is unsealed, never here
            continue
        optional = get_origin(hint) in (Union, types.UnionType)
        plain = [arg for arg in get_args(hint) if arg is not type(None)] if optional else [hint]
        yield declared.name, Field(text=plain == [str], required=not optional)


SELECTABLE = (entities.Place, entities.Asset, entities.Alert)
FIELDS: Mapping[str, Mapping[str, Field]] = {
    entity.__name__: dict(_declared(entity)) | {"retired": Field(text=False, required=True)} for entity in SELECTABLE
}


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
    """All that are set must hold. `within` is a place whose subtree is meant, itself included; `terms` are
    pieces of `search` text, as the projector makes it."""

    ids: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    within: str | None = None
    states: tuple[str, ...] | None = None
    severities: tuple[str, ...] | None = None
    terms: tuple[str, ...] | None = None
    include_retired: bool = False

    def given(self) -> Iterator[tuple[str, object]]:
        """(filter, value) of those that are set; a tuple as a list, which is what drivers take."""
        for name in ("ids", "kinds", "within", "states", "severities", "terms"):
            value = getattr(self, name)
            if value is not None:
                yield name, list(value) if isinstance(value, tuple) else value


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
        if self.filters.ids is not None and len(self.filters.ids) > MAX_IDS:
            raise BadRequest(f"{len(self.filters.ids)} ids: ask for at most {MAX_IDS} at once")


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
