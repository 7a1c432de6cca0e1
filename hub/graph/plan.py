"""From a read's shape to its one statement, and to what decodes the one row of nested lists that it returns.

A shape is a read without its values: they stand in it as names of parameters, so that reads which differ only
in values share a plan, and the engine's own plan.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple

from hub.graph import fragments
from hub.graph.fragments import BELOW, Many, fill
from hub.graph.grants import CERTAIN, GrantShape
from hub.graph.kinds import KINDS
from hub.graph.selection import FIELDS, GRANTS, Found, Order, Row
from hub.viewer import Visibility


class PageShape(NamedTuple):
    limit: str  # the parameter that holds one row more than asked for, which tells of a next page
    after: tuple[str, str] | None
    order: Order
    filters: tuple[tuple[str, str], ...]
    rows: bool
    total: bool


class SelectionShape(NamedTuple):
    entity: str
    fields: tuple[str, ...]
    nested: "tuple[NestedShape, ...]"


class NestedShape(NamedTuple):
    alias: str
    relation: str
    include_retired: bool
    page: PageShape | None
    selection: SelectionShape


class RootShape(NamedTuple):
    ids: str | None
    include_retired: bool
    page: PageShape | None
    selection: SelectionShape


class Shape(NamedTuple):
    grants: tuple[GrantShape, ...]
    roots: tuple[RootShape, ...]


class At(NamedTuple):
    """What decoding needs beside the row."""

    position: int
    epoch: str | None
    parameters: Mapping[str, Any]


Result = Row | list[Row] | Found | None
_Record = Mapping[str, Any]
_Decode = Callable[[Sequence[Any], At], Row]
_Read = Callable[[_Record, At], Result]


class Plan(NamedTuple):
    """`readers` take the record: a Found for a page, the rows for ids; in the order of the roots."""

    statement: str
    readers: tuple[_Read, ...]


@lru_cache(maxsize=512)
def plan(shape: Shape) -> Plan:
    """The plan of a shape, made once."""
    writer = Writer(shape.grants)
    lines: list[str] = [fragments.POSITION]
    columns = ["position", "epoch"]
    readers = []
    for root in shape.roots:
        entity, there = root.selection.entity, writer.variable()
        page = root.page
        if page is None:
            began = Begun(fill(fragments.BY_ID, here=there, label=entity, parameter=root.ids or ""), (), distinct=False)
        else:
            began = begin(entity, there, page.filters)
            page = page._replace(filters=began.filters)
        walk = Walk(
            match=began.match,
            there=there,
            imported=(),
            shown="true",
            many=Many.PAGE,
            page=page,
            include_retired=root.include_retired,
            selection=root.selection,
            distinct=began.distinct,
        )
        readers.append(writer.walk(walk, lines, columns))
    lines.append(f"RETURN {', '.join(columns)}")
    return Plan("\n".join(lines), tuple(readers))


class Begun(NamedTuple):
    """How all of a kind are found, and the filters that are left; `distinct`: several ways lead to one row."""

    match: str
    filters: tuple[tuple[str, str], ...]
    distinct: bool


def begin(entity: str, there: str, filters: tuple[tuple[str, str], ...]) -> Begun:
    """From the places down where rows are wanted within some, else from the kind."""
    within, inside = dict(filters).get("within"), KINDS[entity].inside
    if within is None or not inside:
        return Begun(fill(fragments.LABELLED, here=there, label=entity), filters, distinct=False)
    match = fill(fragments.DOWN + inside, here=there, there=f"within_{there}", parameter=within)
    return Begun(match, tuple(each for each in filters if each[0] != "within"), distinct=True)


class Walk(NamedTuple):
    """One step from what is bound to a relation's rows. `shown`: when the relation itself is shown."""

    match: str
    there: str
    imported: tuple[str, ...]
    shown: str
    many: Many
    page: PageShape | None
    include_retired: bool
    selection: SelectionShape
    distinct: bool = False

    def matched(self, *more: str) -> str:
        where = list(more)
        if not self.include_retired:
            where.append(fill(fragments.LIVING, here=self.there))
        if self.shown != "true":
            where.append(self.shown)
        for name, parameter in self.page.filters if self.page is not None else ():
            where.append(fill(_condition(self.selection.entity, name), here=self.there, parameter=parameter))
        return f"{self.match} WHERE {' AND '.join(f'({each})' for each in where)}" if where else self.match

    def once(self) -> list[str]:
        """Each row once, though several ways lead to it; where there is one, an index's order is kept."""
        return [f"WITH DISTINCT {self.there}"] if self.imported or self.distinct else [f"WITH {self.there}"]

    def called(self, body: Sequence[str]) -> str:
        return "\n".join([f"CALL ({', '.join(self.imported)}) {{", *body, "}"])


class Writer:
    """Writes one statement; every variable carries a number of its own."""

    def __init__(self, grants: tuple[GrantShape, ...]) -> None:
        self._grants = grants
        self._count = 0

    def variable(self) -> str:
        self._count += 1
        return f"n{self._count}"

    def walk(self, walk: Walk, lines: list[str], columns: list[str]) -> _Read:
        """Adds the subqueries of a relation's rows and total, and the names of what they give; returns the reader."""
        page, there = walk.page, walk.there
        rows = total = ""
        decode: _Decode | None = None
        if page is None or page.rows:
            rows = f"rows_{there}"
            body, decode = self._rows(walk, rows)
            lines.append(walk.called(body))
            columns.append(rows)
        if page is not None and page.total:
            total = f"total_{there}"
            scope, _ = self.scope(there, walk.selection.entity, ())
            lines.append(
                walk.called(
                    [walk.matched(), *walk.once(), *scope, f"RETURN count({there}) AS {total}"],
                )
            )
            columns.append(total)
        return _reader(walk, rows, total, decode)

    def _rows(self, walk: Walk, result: str) -> tuple[list[str], _Decode]:
        there, page, selection = walk.there, walk.page, walk.selection
        entity = selection.entity
        key = f"key_{there}"
        carried: tuple[str, ...] = ()
        if page is not None:
            key_is = fill(_sort_key(entity, page.order), here=there)
            down = " DESC" if page.order.descending else ""
            first = f"{key_is}{down}, {there}.id{down}" if page.order is not Order.ID else key_is
            order, limit = f"{key}{down}, {there}.id{down}", f" LIMIT ${page.limit}"
            lines = [walk.matched(*_after(page, key_is, there)), *walk.once()]
        elif walk.many is Many.LIST:
            key_is, order, limit = f"depth_{there}", f"{key}, {there}.id", ""
            first = order
            carried = (key_is,)
            lines = [walk.matched(), f"WITH {there}, min(length(path)) AS {key_is}"]
        else:
            key_is, order, limit = f"{there}.id", key, " LIMIT 1" if walk.many is Many.ONE else ""
            first = order
            lines = [walk.matched(), *walk.once()]
        hanging = [*selection.fields, *(each.relation.removesuffix(BELOW) for each in selection.nested)]
        scope, grants = self.scope(there, entity, hanging, carried)
        kept = [there, *(grant for grant in grants if grant not in CERTAIN)]
        lines += [*scope, f"WITH {', '.join([*kept, f'{key_is} AS {key}'])} ORDER BY {first}{limit}"]
        kept.append(key)

        names = ["id", *selection.fields]
        values = [f"{there}.id", *(self._field(entity, name, there, grants) for name in selection.fields)]
        if page is not None and page.order is not Order.ID:
            names.append("@key")
            values.append(key)
        readers: list[tuple[str, _Read]] = []
        for each in selection.nested:
            columns: list[str] = []
            readers.append((f"@{each.alias}", self._nested(each, entity, there, grants, lines, columns)))
            kept += columns
            names += columns
            values += columns
        if selection.nested:
            lines.append(f"WITH {', '.join(kept)} ORDER BY {order}")
        lines.append(f"RETURN collect([{', '.join(values)}]) AS {result}")
        return lines, _decoder(entity, names, readers)

    def _nested(
        self, each: NestedShape, entity: str, here: str, grants: Sequence[str], lines: list[str], columns: list[str]
    ) -> _Read:
        step = KINDS[entity].steps[each.relation]
        there = self.variable()
        shown = self._held(entity, each.relation.removesuffix(BELOW), grants, Visibility.SHOW)
        hanging = () if shown in CERTAIN else tuple(shown.split(_OR))
        walk = Walk(
            match=fill(step.match, here=here, there=there),
            there=there,
            imported=(here, *hanging),
            shown=shown,
            many=step.many,
            page=each.page,
            include_retired=each.include_retired,
            selection=each.selection,
        )
        return self.walk(walk, lines, columns)

    def scope(
        self, there: str, entity: str, hanging: Sequence[str], carried: Sequence[str] = ()
    ) -> tuple[list[str], list[str]]:
        """The lines that keep visible rows alone, and what says of each grant whether it holds the row: `true`,
        `false`, or a column, which is made where the row's visibility or one of the fields in `hanging` hangs on it."""
        holding = [grant.holds(entity, there) for grant in self._grants]
        opening = [grant for grant, holds in zip(self._grants, holding, strict=True) if holds != "false"]
        everything = "true" in holding
        differing = any(
            len({grant.visibility(entity, name) for grant in opening}) > 1 for name in hanging if name != GRANTS
        )
        needed = not everything or differing or GRANTS in hanging
        columns, made = [], []
        for number, holds in enumerate(holding):
            if holds in CERTAIN:
                columns.append(holds)
            elif not needed:
                columns.append("true")
            else:
                columns.append(f"grant{number}_{there}")
                made.append(f"({holds}) AS grant{number}_{there}")
        lines = [f"WITH {', '.join([there, *carried, *made])}"] if made else []
        if not everything:
            asked = [column for column in columns if column not in CERTAIN]
            lines.append(f"WITH {', '.join([there, *carried, *asked])} WHERE {_OR.join(asked) or 'false'}")
        return lines, columns

    def _field(self, entity: str, name: str, there: str, grants: Sequence[str]) -> str:
        """The field under the least restrictive visibility among the grants that hold the row; `id` is not asked."""
        if name == GRANTS:
            return f"[{', '.join(grants)}]"
        cases = ""
        for visibility, expression in _expressions(entity, name):
            value = fill(expression, here=there, field=name)
            held = self._held(entity, name, grants, visibility)
            if held == "true":
                return f"CASE{cases} ELSE {value} END" if cases else value
            if held != "false":
                cases += f" WHEN {held} THEN {value}"
        return f"CASE{cases} ELSE null END" if cases else "null"

    def _held(self, entity: str, name: str, grants: Sequence[str], visibility: Visibility) -> str:
        """When some grant that holds the row gives `entity.name` this visibility."""
        holding = [
            column
            for grant, column in zip(self._grants, grants, strict=True)
            if column != "false" and grant.visibility(entity, name) is visibility
        ]
        return "true" if "true" in holding else _OR.join(holding) or "false"


_OR = " OR "


def _expressions(entity: str, name: str) -> tuple[tuple[Visibility, LiteralString], ...]:
    """How a field is written under each visibility that shows something of it, the most open first."""
    computed, field = KINDS[entity].computed.get(name), FIELDS[entity][name]
    if computed is not None:
        return ((Visibility.SHOW, computed.expression),)
    if not field.text:
        return ((Visibility.SHOW, fragments.PLAIN),)
    return (
        (Visibility.SHOW, fragments.PLAIN),
        (Visibility.MASK_LAST4, fragments.SEALED_LAST_FOUR if field.sealed else fragments.LAST_FOUR),
        (Visibility.MASK_ALL, fragments.THAT_IT_IS),
    )


def _condition(entity: str, name: str) -> LiteralString:
    found = KINDS[entity].condition(name)
    assert found is not None  # noqa: S101  `hub.graph.select` has looked
    return found.predicate


def _sort_key(entity: str, order: Order) -> LiteralString:
    found = KINDS[entity].order(order.field)
    assert found is not None  # noqa: S101  `hub.graph.select` has looked
    return found


def _after(page: PageShape, key: str, there: str) -> tuple[str, ...]:
    if page.after is None:
        return ()
    value, last = page.after
    if page.order is Order.ID:
        return (f"{there}.id > ${last}",)
    than = "<" if page.order.descending else ">"
    return (
        f"{key} {than}= ${value}",  # lets an index begin at the key
        f"{key} {than} ${value} OR {there}.id {than} ${last}",
    )


def _decoder(entity: str, names: Sequence[str], readers: Sequence[tuple[str, _Read]]) -> _Decode:
    keys = ("__typename", *names)

    def decode(values: Sequence[Any], at: At) -> Row:
        row = dict(zip(keys, (entity, *values), strict=True))
        for name, read in readers:
            row[name] = read(row, at)
        return row

    return decode


def _reader(walk: Walk, rows: str, total: str, decode: _Decode | None) -> _Read:
    page = walk.page
    if page is None:
        one = walk.many is Many.ONE

        def read_rows(record: _Record, at: At) -> Result:
            found = [decode(values, at) for values in record[rows]] if decode is not None else []
            return found if not one else found[0] if found else None

        return read_rows

    def read_page(record: _Record, at: At) -> Result:
        listed = record[rows] if decode is not None else []
        first = at.parameters[page.limit] - 1
        return Found(
            rows=[decode(values, at) for values in listed[:first]] if decode is not None else [],
            has_next=len(listed) > first,
            has_previous=page.after is not None,
            total=record[total] if total else None,
            order=page.order,
            position=at.position,
            epoch=at.epoch,
        )

    return read_page
