"""The few statements whose words differ between SQLite and PostgreSQL, and those that others share."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hub.journal import tables as t
from hub.journal.engine import Dialect

_CHUNK = 500  # well below what either engine takes as parameters
T = TypeVar("T")

LIVING: sa.ColumnElement[Any] = sa.func.coalesce(t.alias.c.into, t.external.c.entity)
"""The entity that lives, of a row of NAMED."""

NAMED = t.external.outerjoin(t.alias, t.alias.c.old == t.external.c.entity)


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def within(
    connection: sa.Connection, column: sa.ColumnElement[Any], values: Sequence[str] | Sequence[int]
) -> sa.ColumnElement[bool]:
    """Whether the column is one of many values: one parameter, so that the statement is the same for any number."""
    if connection.dialect.name == "sqlite":
        each = sa.func.json_each(sa.literal(orjson.dumps(values).decode())).table_valued("value")
        return column.in_(sa.select(each.c.value))
    return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(column.type)))


def put(
    connection: sa.Connection,
    dialect: Dialect,
    table: sa.Table,
    key: Sequence[str],
    rows: Sequence[Mapping[str, object]],
) -> None:
    """The rows as given, whether a row of the same key was there or not; all name the same columns."""
    if not rows:
        return
    insert: Any = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    others = [name for name in rows[0] if name not in key]
    if others:
        insert = insert.on_conflict_do_update(
            index_elements=list(key), set_={name: insert.excluded[name] for name in others}
        )
    else:
        insert = insert.on_conflict_do_nothing()
    connection.execute(insert, [dict(row) for row in rows])


def members(living: Sequence[str]) -> sa.CompoundSelect[Any]:
    """The ids under which the things of these entities stand in `external`."""
    return sa.union(
        sa.select(t.external.c.entity).where(t.external.c.entity.in_(living)),
        sa.select(t.alias.c.old).where(t.alias.c.into.in_(living)),
    )


def things_of(connection: sa.Connection, living: Sequence[str]) -> dict[str, str]:
    """The ids under which the things of these entities stand in `external`, each to its entity."""
    query = sa.select(t.alias.c.old, t.alias.c.into).where(within(connection, t.alias.c.into, living))
    return {id_: id_ for id_ in living} | dict(connection.execute(query).all())


def entities_of(connection: sa.Connection, source: str, external_ids: Sequence[str]) -> dict[str, str]:
    """The known external ids of a source to the entities that live."""
    query = (
        sa.select(t.external.c.external_id, LIVING)
        .select_from(NAMED)
        .where(t.external.c.source == source, within(connection, t.external.c.external_id, external_ids))
    )
    return dict(connection.execute(query).all())


def resolve(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    """Each known id or alias to the entity that lives."""
    query = (
        sa.select(t.external.c.entity, LIVING)
        .distinct()
        .select_from(NAMED)
        .where(within(connection, t.external.c.entity, ids))
    )
    return dict(connection.execute(query).all())


def kinds_of(connection: sa.Connection, ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """Each known id or alias to the kinds that sources claim of the entity which lives: one, but where a person said
    that things of two kinds are one."""
    living = resolve(connection, ids)
    parts = things_of(connection, list(set(living.values())))
    query = (
        sa.select(t.external.c.entity, t.external.c.kind)
        .distinct()
        .where(within(connection, t.external.c.entity, list(parts)), t.external.c.kind.is_not(None))
    )
    kinds: dict[str, set[str]] = {}
    for part, kind in connection.execute(query):
        kinds.setdefault(parts[part], set()).add(kind)
    return {id_: frozenset(kinds.get(entity, ())) for id_, entity in living.items()}


def asked_for(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    """Each entity that lives to those of `ids` that lead to it."""
    asked: dict[str, list[str]] = {}
    for id_, entity in resolve(connection, ids).items():
        asked.setdefault(entity, []).append(id_)
    return asked
