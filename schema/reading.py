"""What resolvers call: the park's things from the graph, readings from the journal."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub.clock import EPOCH, from_micros
from hub.errors import BadRequest, Forbidden, GraphBehind, GraphUnavailable
from hub.graph.counting import Counts, count
from hub.graph.select import select
from hub.graph.selection import Found, Page, Root, Row, Selection
from hub.journal.cursors import FeedCursor
from hub.journal.readings import quality_of
from hub.journal.records import Latest, ReadingRow, Series
from hub.viewer import EVERYTHING, Visibility
from hub.warning import alerts, notices
from schema.facts import fresh
from schema.living import as_they_live
from schema.loaders import Window
from schema.personal import unsealed
from schema.rows import SNAPSHOT, Asked, visibility
from schema.selection import NODES, Asker
from schema.snapshots import places_of, row_of

MAX_READINGS = 1000
SCOPE_SECONDS = 2.0
"""How long a command waits for the graph to say whether the viewer may see what it acts upon."""
BEHIND_SECONDS = 0.5
"""How long a field of an event waits for the graph before it is null."""


async def _read(info: Asked, roots: Sequence[Root]) -> list[Any]:
    context = info.context
    living = await as_they_live(info, roots)
    async with context.loaders.reads:
        found = await select(context.services.store, living, context.viewer, context.mask)
    await unsealed(info, living, found)
    return found


def _asker(info: Asked) -> Asker:
    return Asker(info._raw_info, info.context.mask, info.context.services.clock())


async def listed(info: Asked, entity: str) -> Found:
    """The page that the field at hand asks for."""
    (found,) = await _read(info, [_asker(info).page(entity)])
    return found  # type: ignore[no-any-return]


async def one(info: Asked, entity: str, id_: str, *, include_retired: bool = False) -> Row | None:
    """The entity of this id, or None where there is none that the viewer may see."""
    found = await named(info, {entity: (id_,)}, include_retired=include_retired)
    return found.get((entity, id_))


async def named(
    info: Asked, ids: Mapping[str, Sequence[str]], *, include_retired: bool = False
) -> dict[tuple[str, str], Row]:
    """(entity, given id) → row of those that the viewer may see, read together. An alias finds what it became."""
    asker = _asker(info)

    async def rows(wanted: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], Row]:
        roots = [
            Root(selection=asker.one(entity), ids=tuple(given), include_retired=include_retired)
            for entity, given in wanted.items()
        ]
        answers = await _read(info, roots) if roots else []
        return {(row["__typename"], row["id"]): row for each in answers for row in each}

    found = await rows(ids)
    missing = sorted({id_ for entity, given in ids.items() for id_ in given if (entity, id_) not in found})
    living = await info.context.services.journal.resolve(missing) if missing else {}
    aliases = {old: new for old, new in living.items() if old != new}
    became = {entity: [aliases[id_] for id_ in given if id_ in aliases] for entity, given in ids.items()}
    again = await rows(became) if aliases else {}
    for entity, given in ids.items():
        for id_ in given:
            row = again.get((entity, aliases.get(id_, id_)))
            if row is not None:
                found.setdefault((entity, id_), row)
    return found


async def sees_alert(info: Asked, id_: str) -> bool:
    """Whether a grant holds the alert: what a viewer may not see it may not act upon. The graph says so; where it
    does not answer, or has not yet taken the alert in, the alert's own snapshot does."""
    context = info.context
    if any(grant.scope == EVERYTHING for grant in context.mask):
        return True
    root = Root(selection=Selection(entity="Alert"), ids=(id_,), include_retired=True)
    try:
        async with asyncio.timeout(SCOPE_SECONDS):
            (rows,) = await _read(info, [root])
    except (GraphUnavailable, TimeoutError):
        rows = None
    if rows:
        return True
    history = await context.services.journal.stream(alerts.stream(id_))
    if not history or (rows is not None and context.services.projection.position >= history[0].seq):
        return False
    alert: Any = history[-1].data["alert"]
    return row_of(alert, history[-1].seq, context.mask) is not None


async def sees_warning(info: Asked, id_: str) -> bool:
    """The same of an official warning; where the graph does not answer, the places that it covers decide."""
    context = info.context
    if any(grant.scope == EVERYTHING for grant in context.mask):
        return True
    root = Root(selection=Selection(entity="Warning"), ids=(id_,), include_retired=True)
    try:
        async with asyncio.timeout(SCOPE_SECONDS):
            (rows,) = await _read(info, [root])
            return bool(rows)
    except (GraphUnavailable, TimeoutError):
        history = await context.services.journal.stream(notices.stream(id_))
        places = notices.snapshot(history[-1])["places"] if history else []
        topology = context.services.reserve.topology
        paths = ([each._asdict() for each in topology.path(place["id"])] for place in places)
        return any(places_of(path, context.mask) for path in paths)


async def any_node(info: Asked, id_: str) -> Row | None:
    """Whatever has this id; one statement looks among all kinds."""
    found = await named(info, dict.fromkeys(NODES, (id_,)))
    return next((found[entity, id_] for entity in NODES if (entity, id_) in found), None)


async def counted(info: Asked, entity: str, keys: Sequence[str], smallest: int) -> Counts:
    """The count that the field at hand asks for."""
    context = info.context
    page = Page(filters=_asker(info).filters())
    (root,) = await as_they_live(info, [Root(selection=Selection(entity=entity), page=page)])
    filters = page.filters if root.page is None else root.page.filters
    async with context.loaders.reads:
        return await count(context.services.store, entity, keys, filters, smallest, context.viewer, context.mask)


async def named_by(info: Asked, entity: str, id_: str | None) -> Row | None:
    """The entity of a group, read together with those of the others."""
    return None if id_ is None else await info.context.loaders.sides(info).load((entity, id_))


async def visible(info: Asked, ids: Sequence[str]) -> set[str]:
    """Those of the ids, aliases among them, that lead to something which the viewer may see; one statement."""
    living = await info.context.services.journal.resolve(list(ids))
    wanted = tuple({living.get(id_, id_) for id_ in ids})
    roots = [Root(selection=Selection(entity=entity), ids=wanted, include_retired=True) for entity in NODES]
    found = {row["id"] for rows in await _read(info, roots) for row in rows} if wanted else set()
    return {id_ for id_ in ids if living.get(id_, id_) in found}


async def side_of_match(info: Asked, kind: str, id_: str) -> Row | None:
    """The entity, read together with what the same field asks for in the list's other matches."""
    return await info.context.loaders.sides(info).load((kind, id_))


async def sides(info: Asked, keys: Sequence[tuple[str, str]]) -> list[Row | None]:
    """By kind (any, where it is of none that is declared) and id."""
    wanted: dict[str, list[str]] = {}
    for kind, id_ in keys:
        for entity in (kind,) if kind in NODES else NODES:
            wanted.setdefault(entity, []).append(id_)
    found = await named(info, wanted, include_retired=True)
    return [
        next((found[e, id_] for e in ((kind,) if kind in NODES else NODES) if (e, id_) in found), None)
        for kind, id_ in keys
    ]


async def deeper(row: Row, info: Asked, key: str) -> Any:
    """A relation of what came as a snapshot: read once the graph holds the event, else GraphBehind."""
    if not await info.context.services.projection.wait_for(row[SNAPSHOT], BEHIND_SECONDS):
        raise GraphBehind("the graph has not yet taken in this event: ask again for what lies beyond the snapshot")
    selection: Selection = _asker(info).field(row["__typename"])
    (rows,) = await _read(info, [Root(selection=selection, ids=(row["id"],), include_retired=True)])
    return rows[0][key] if rows else None


def read_at(found: Found, info: Asked) -> str:
    """The cursor of the log's position that the graph held when the page was read."""
    return FeedCursor(epoch=found.epoch or info.context.services.journal.epoch, seq=found.position).encode()


# Readings


async def latest(row: Row, info: Asked) -> list[dict[str, Any]]:
    """The newest reading of each quantity by each source: one series each, but where the park changed its unit."""
    _must_show(row, info, "latest")
    services = info.context.services
    found = await info.context.loaders.latest(services.journal).load(row["id"])
    newest: dict[tuple[str, str], Latest] = {}
    for each in found:
        key = each.series.quantity, each.series.source
        if key not in newest or newest[key].row.at < each.row.at:
            newest[key] = each
    kept = fresh(info)
    return [_reading(each.series, each.row, kept) for each in newest.values()]


async def quantities(row: Row, info: Asked) -> list[str]:
    """The quantities that the sensor has read so far."""
    found = await info.context.loaders.latest(info.context.services.journal).load(row["id"])
    return list(dict.fromkeys(each.series.quantity for each in found))


async def past(
    row: Row, info: Asked, quantity: str | None, since: datetime | None, until: datetime | None, first: int
) -> list[dict[str, Any]]:
    """Readings with since ≤ at < until, newest first."""
    _must_show(row, info, "readings")
    if not 0 <= first <= MAX_READINGS:
        raise BadRequest(f"first is {first}: ask for 0 to {MAX_READINGS} readings, then for those until the last one")
    context = info.context
    window = Window(
        sensor=row["id"],
        quantity=quantity,
        since=since or EPOCH,
        until=until or context.services.clock() + timedelta(days=366),
        first=first,
    )
    found = await context.loaders.readings(context.services.journal).load(window)
    kept = fresh(info)
    return [_reading(series, reading, kept) for series, reading in found]


def _reading(series: Series, row: ReadingRow, kept: frozenset[str]) -> dict[str, Any]:
    return {
        "quantity": series.quantity,
        "value": row.value,
        "unit": series.unit,
        "at": from_micros(row.at),
        "quality": quality_of(row.flags),
        "device_at": None if row.device_at is None else from_micros(row.device_at),
        "source": series.source,
        "stale": series.source not in kept,
    }


def _must_show(row: Row, info: Asked, name: str) -> None:
    if visibility(row, info.context.mask, f"Asset.{name}") is not Visibility.SHOW:
        raise Forbidden(f"this sensor's {name} is not shown to you")
