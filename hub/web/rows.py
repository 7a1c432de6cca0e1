"""Rows compiled to output: of a selection one function from a row to its dict, without a resolver a leaf.

What is compiled is kept with the document (`Templates`) and bound to each request's arguments. It gives what the
executor would give, or raises: a null where none may be, a leaf of a wrong type, an error, something to wait for.
Then the row is completed the long way, which says what is wrong and where. A resolver beside the leaves is called as
Strawberry would call it, but that its `info.path` lacks the numbers of the rows.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from types import CoroutineType
from typing import Any, NamedTuple

from graphql import (
    GraphQLAbstractType,
    GraphQLBoolean,
    GraphQLField,
    GraphQLID,
    GraphQLInterfaceType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLString,
    GraphQLUnionType,
    Undefined,
    get_argument_values,
    get_named_type,
    is_enum_type,
    is_leaf_type,
)
from graphql.pyutils import Path
from strawberry.schema.schema_converter import GraphQLCoreConverter, get_arguments
from strawberry.types.field import StrawberryField

from schema.rows import KEPT, pick

_UNSIZED = 10  # rows, of a list that does not say how long it may be
_TYPENAME = "__typename"
_PLAIN = frozenset({str, int, float, bool, datetime})
_AS_THEY_ARE = {GraphQLString: "str", GraphQLID: "str", GraphQLBoolean: "bool"}

Complete = Callable[[Any], Any]
"""From a value to its output, an object's to a dict. Raises anything for what is not as it should be."""


class Unusual(Exception):
    """To be completed the long way."""


class Bound(NamedTuple):
    complete: Complete
    weight: int  # rows within it at most, about


class Field(NamedTuple):
    """A field in one execution: `info` is its own, `size` how long the lists right below it may be."""

    executor: Any
    info: Any
    size: int = _UNSIZED


Bind = Callable[[Field], Bound]
"""What was compiled, for one execution."""


def compiled(executor: Any, type_: Any, details: Sequence[Any]) -> Bind | None:
    """How the value of a field of this type is completed; `details` is what was collected of the field. None where
    something in it has to be awaited, or is not of Strawberry's making."""
    if isinstance(type_, GraphQLNonNull):
        return _there(executor, type_.of_type, details)
    bind = _there(executor, type_, details)
    return None if bind is None else _or_null(bind)


def _or_null(bind: Bind) -> Bind:
    def bound(at: Field) -> Bound:
        complete, weight = bind(at)
        return Bound(lambda value: None if value is None else complete(value), weight)

    return bound


def _there(executor: Any, type_: Any, details: Sequence[Any]) -> Bind | None:
    """Of a value that is not null."""
    if isinstance(type_, GraphQLList):
        return _listed(executor, type_, details)
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return _abstract(executor, type_, details)
    if isinstance(type_, GraphQLObjectType):
        return _row(executor, type_, details)
    return _leaf(type_)


def _leaf(type_: GraphQLLeafType) -> Bind:
    coerce = type_.coerce_output_value

    def coerced(value: Any) -> Any:
        found = coerce(value)
        if found is None or found is Undefined:
            raise Unusual
        return found

    finding = _remembering(coerced) if is_enum_type(type_) else coerced

    def bound(at: Field) -> Bound:
        def complete(value: Any) -> Any:
            if value.__class__ not in _PLAIN:
                _be_plain(value, at.executor)
            return finding(value)

        return Bound(complete, 0)

    return bound


def _remembering(complete: Complete) -> Complete:
    """An enum has few texts."""
    known: dict[str, Any] = {}

    def remembered(value: Any) -> Any:
        if value.__class__ is not str:
            return complete(value)
        if (found := known.get(value)) is None:
            found = known[value] = complete(value)
        return found

    return remembered


def _listed(executor: Any, type_: GraphQLList[Any], details: Sequence[Any]) -> Bind | None:
    bind = compiled(executor, type_.of_type, details)
    if bind is None:
        return None

    def bound(at: Field) -> Bound:
        item, weight = bind(at._replace(size=_UNSIZED))

        def complete(values: Any) -> list[Any]:
            if values.__class__ is not list and values.__class__ is not tuple:
                raise Unusual
            return [item(value) for value in values]

        return Bound(complete, at.size * weight)

    return bound


def _abstract(executor: Any, type_: GraphQLAbstractType, details: Sequence[Any]) -> Bind | None:
    rows: dict[str, Bind] = {}
    for each in executor.schema.get_possible_types(type_):
        row = _row(executor, each, details)
        if row is None:
            return None
        rows[each.name] = row
    resolve = type_.resolve_type or executor.type_resolver

    def bound(at: Field) -> Bound:
        made = {name: row(at) for name, row in rows.items()}

        def complete(value: Any) -> Any:
            _be_plain(value, at.executor)
            name = resolve(value, at.info, type_)
            if name.__class__ is not str:
                raise Unusual
            return made[name].complete(value)

        return Bound(complete, max(each.weight for each in made.values()))

    return bound


def _be_plain(value: Any, executor: Any) -> None:
    """Raises Unusual for what is no value yet, or never."""
    if isinstance(value, CoroutineType):
        value.close()  # the long way makes one anew
        raise Unusual
    if value is None or value is Undefined or isinstance(value, Exception) or executor.is_awaitable(value):
        raise Unusual


# Objects


class _Part(NamedTuple):
    """One field of a row, as an expression of `row`, in which `c0`, `c1` … are what `bind` gives, in their order."""

    key: str
    read: str  # of a row of the graph
    read_other: str  # of any other object
    bind: Callable[[Field], tuple[tuple[Any, ...], int]]
    arguments: int


def _row(executor: Any, type_: GraphQLObjectType, details: Sequence[Any]) -> Bind | None:
    parts: list[_Part] = []
    count = 0
    for key, nodes in executor.collect_subfields(type_, details).grouped_field_set.items():
        field = executor.schema.get_field(type_, nodes[0].node.name.value)
        if field is None:
            continue  # as the executor leaves it out
        part = _part(executor, type_, field, key, nodes, count)
        if part is None:
            return None
        parts.append(part)
        count += part.arguments
    make = _made(parts, count)
    is_type_of = type_.is_type_of

    def bound(at: Field) -> Bound:
        values: list[Any] = []
        weight = 1
        for part in parts:
            given, heavy = part.bind(at)
            values += given
            weight += heavy
        return Bound(make(at, is_type_of, *values), weight)

    return bound


def _made(parts: Sequence[_Part], count: int) -> Callable[..., Complete]:
    check = "if is_type_of is not None and is_type_of(row, info) is not True: raise Unusual"
    source = f"""
def make(at, is_type_of, {"".join(f"c{number}, " for number in range(count))}):
    info, executor = at.info, at.executor
    def complete(row):
        if row.__class__ is not dict:
            return complete_other(row)
        {check}
        return {{{", ".join(f"{part.key!r}: {part.read}" for part in parts)}}}
    def complete_other(row):
        be_plain(row, executor)
        {check}
        return {{{", ".join(f"{part.key!r}: {part.read_other}" for part in parts)}}}
    return complete
"""
    names: dict[str, Any] = {"Unusual": Unusual, "be_plain": _be_plain}
    exec(source, names)
    made: Callable[..., Complete] = names["make"]
    return made


def _part(
    executor: Any, type_: GraphQLObjectType, field: GraphQLField, key: str, nodes: list[Any], number: int
) -> _Part | None:
    if nodes[0].node.name.value == _TYPENAME:
        name = repr(type_.name)
        return _Part(key, name, name, lambda _: ((), 0), 0)
    of = field.extensions.get("strawberry-definition")
    if not isinstance(of, StrawberryField) or of.extensions or of.is_async:
        return None
    completing = compiled(executor, field.type, nodes)
    if completing is None:
        return None
    source, source_other = _sources(of, key, number + 1)
    return _Part(
        key,
        _value(field.type, source, number),
        _value(field.type, source_other, number),
        _binding(type_, field, of, key, [each.node for each in nodes], completing),
        2,
    )


def _sources(of: StrawberryField, key: str, number: int) -> tuple[str, str]:
    """What gives a field's value, of a row of the graph and of any other object."""
    called = f"c{number}(row)"
    if of.base_resolver is not None:
        kept = KEPT in vars(of.base_resolver.wrapped_func)
        return (f"row[{'@' + key!r}]", "row[None]") if kept else (called, called)
    return (f"row[{of.python_name!r}]", called) if of.default_resolver is pick else (called, called)


def _value(type_: Any, source: str, number: int) -> str:
    """A leaf that is as it should be is taken as it is."""
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    fast = _AS_THEY_ARE.get(inner) if isinstance(inner, GraphQLScalarType) else None
    if fast is None:
        return f"c{number}({source})"
    null = "" if isinstance(type_, GraphQLNonNull) else " or value is None"
    return f"(value if (value := {source}).__class__ is {fast}{null} else c{number}(value))"


def _binding(
    type_: GraphQLObjectType, field: GraphQLField, of: StrawberryField, key: str, nodes: list[Any], completing: Bind
) -> Callable[[Field], tuple[tuple[Any, ...], int]]:
    """Gives how the value is completed, and what gives it."""
    leaf = is_leaf_type(get_named_type(field.type))

    def bound(at: Field) -> tuple[tuple[Any, ...], int]:
        if of.base_resolver is None and leaf and not field.args:
            return (completing(at).complete, partial(_by_name, of)), 0
        executor = at.executor
        info = executor.build_resolve_info(field, nodes, type_, Path(at.info.path, key, type_.name))
        given: dict[str, Any] = {}
        if field.args or nodes[0].arguments:
            given = get_argument_values(field, nodes[0], executor.variable_values, None, executor.hide_suggestions)
        size = given.get("first", at.size)
        complete, weight = completing(Field(executor, info, size if isinstance(size, int) else _UNSIZED))
        return (complete, _resolver(of, info, given)), weight

    return bound


def _by_name(of: StrawberryField, row: Any) -> Any:
    return of.default_resolver(row, of.python_name)


def _resolver(of: StrawberryField, info: Any, given: dict[str, Any]) -> Callable[[Any], Any]:
    """The field's resolver with all but the row, as Strawberry calls it. Raises what is wrong with the arguments."""
    resolver = of.base_resolver
    if resolver is None:
        return partial(_by_name, of)
    called: Any = resolver.wrapped_func  # Strawberry has unwrapped what stands in a class
    strawberry = info.schema.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    config = strawberry.config
    first, named = get_arguments(
        field=of,
        source=_ROW,
        info=config.info_class(_raw_info=info, _field=of),
        kwargs=given,
        config=config,
        scalar_registry=strawberry.schema_converter.scalar_registry,
    )
    function = partial(called, **{name: value for name, value in named.items() if value is not _ROW})
    rows = [name for name, value in named.items() if value is _ROW]
    match first, rows:
        case [], []:
            return lambda row: function()
        case [], [name]:
            return lambda row: function(**{name: row})
        case [_], []:
            return function
        case _:
            return lambda row: function(row, **dict.fromkeys(rows, row))


_ROW = object()
"""Stands for the row until there is one."""
