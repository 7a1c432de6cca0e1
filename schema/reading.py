"""What resolvers call: the park's things from the graph, readings from the journal."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub.clock import EPOCH, from_micros
from hub.errors import BadRequest, Forbidden, GraphBehind, GraphUnavailable
from hub.graph.counting import Counts, count
from hub.graph.select import select
from hub.graph.selection import GRANTS, Found, Page, Root, Row, Selection
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal
from hub.journal.readings import quality_of
from hub.journal.records import Latest, ReadingRow, Series
from hub.viewer import Action, Grant, Visibility, sees_all
from hub.warning import alerts, notices
from schema import pseudonyms
from schema.facts import fresh
from schema.living import as_they_live, mask_as_it_lives
from schema.loaders import Window
from schema.personal import unsealed
from schema.rows import SNAPSHOT, Asked
from schema.selection import NODES, Asker
from schema.showing import note
from schema.sight import Sight, acts_on_all

MAX_READINGS = 1000
SCOPE_SECONDS = 2.0
"""How long a command waits for the graph to say whether the viewer may see what it acts upon."""
SMALLEST_GROUP = 5
"""What is counted for whoever does not see each row of the kind."""
_GUESSES = frozenset({"ids", "search"})
"""Filters that single out a row, which is for whoever sees the row."""
BEHIND_SECONDS = 0.5
"""How long a field of an event waits for the graph before it is null."""


async def _read(info: Asked, roots: Sequence[Root], action: Action = Action.READ) -> list[Any]:
    context = info.context
    mask = await mask_as_it_lives(info, context.allowed(action))
    living = pseudonyms.with_grants(await as_they_live(info, roots), mask)
    async with context.loaders.reads:
        found = await select(context.services.store, living, context.viewer, mask)
    await unsealed(info, living, found)
    note(context.ledger, living, found, mask)
    pseudonyms.put(context, living, found, mask)
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
    if acts_on_all(context, "Alert"):
        return True
    root = Root(selection=Selection(entity="Alert"), ids=(id_,), include_retired=True)
    try:
        async with asyncio.timeout(SCOPE_SECONDS):
            rows = await _acted_upon(info, [root], Action.WRITE)
    except (GraphUnavailable, TimeoutError):
        rows = None
    if rows:
        return True
    history = await context.services.journal.stream(alerts.stream(id_))
    if not history or (rows is not None and context.services.projection.position >= history[0].seq):
        return False
    alert: Any = history[-1].data["alert"]
    return all(Sight.of(context, action).alert(alert) for action in (Action.READ, Action.WRITE))


async def sees_warning(info: Asked, id_: str) -> bool:
    """The same of an official warning; where the graph does not answer, the places that it covers decide."""
    context = info.context
    if acts_on_all(context, "Warning"):
        return True
    root = Root(selection=Selection(entity="Warning"), ids=(id_,), include_retired=True)
    try:
        async with asyncio.timeout(SCOPE_SECONDS):
            return bool(await _acted_upon(info, [root], Action.WRITE))
    except (GraphUnavailable, TimeoutError):
        covered = await covered_by(context.services.journal, id_)
        return all(Sight.of(context, action).warning(covered) for action in (Action.READ, Action.WRITE))


async def _acted_upon(info: Asked, roots: Sequence[Root], action: Action) -> set[str]:
    """The ids of those rows that may be read, and acted upon as well; one statement where one mask says both."""
    context = info.context
    apart = context.allowed(action) != context.mask
    actions = (Action.READ, action) if apart else (action,)
    found = [{row["id"] for rows in await _read(info, roots, each) for row in rows} for each in actions]
    return set.intersection(*found)


async def covered_by(journal: Journal, warning: str) -> Sequence[str]:
    """The places that the warning is known to cover, by the log."""
    history = await journal.stream(notices.stream(warning))
    return [place["id"] for place in notices.snapshot(history[-1])["places"]] if history else []


async def any_node(info: Asked, id_: str) -> Row | None:
    """Whatever has this id: the log knows of what kind it is, the graph is asked for that alone."""
    wanted = await _by_kind(info, [id_])
    opened = {kind: ids for kind, ids in wanted.items() if any(grant.opens(kind) for grant in info.context.mask)}
    found = await named(info, opened)
    return next((found[entity, id_] for entity in NODES if (entity, id_) in found), None)


async def _by_kind(info: Asked, ids: Sequence[str]) -> dict[str, list[str]]:
    """Each declared kind to those of the ids that are claimed to be of it."""
    loader = info.context.loaders.kinds(info.context.services.journal)
    found: dict[str, list[str]] = {}
    for id_, kinds in zip(ids, await loader.load_many(ids), strict=True):
        for kind in kinds.intersection(NODES):
            found.setdefault(kind, []).append(id_)
    return found


async def counted(info: Asked, entity: str, keys: Sequence[str], smallest: int) -> Counts:
    """The count that the field at hand asks for."""
    context = info.context
    page = Page(filters=_asker(info).filters())
    (root,) = await as_they_live(info, [Root(selection=Selection(entity=entity), page=page)])
    filters = page.filters if root.page is None else root.page.filters
    mask = await mask_as_it_lives(info, context.allowed(Action.AGGREGATE))
    blind = context.allowed(Action.AGGREGATE) != context.mask and not sees_all(context.mask, entity)
    if blind and not _GUESSES.isdisjoint(filters.conditions):
        raise Forbidden(f"you see counts of {entity}, not each row: count without {', '.join(sorted(_GUESSES))}")
    if not sees_all(context.mask, entity):
        smallest = max(smallest, SMALLEST_GROUP)
    async with context.loaders.reads:
        found = await count(context.services.store, entity, keys, filters, smallest, context.viewer, mask)
    return Counts(groups=[], other=0, total=0) if blind and found.total < smallest else found


async def named_by(info: Asked, entity: str, id_: str | None) -> Row | None:
    """The entity of a group, read together with those of the others."""
    return None if id_ is None else await info.context.loaders.sides(info).load((entity, id_))


async def visible(info: Asked, ids: Sequence[str], *kinds: str, action: Action = Action.WRITE) -> set[str]:
    """Those of the ids, aliases among them, that lead to something of the kinds (of any) which the viewer may act
    upon; one statement."""
    living = await info.context.services.journal.resolve(list(ids))
    wanted = await _by_kind(info, sorted({living.get(id_, id_) for id_ in ids}))
    roots = [
        Root(selection=Selection(entity=entity), ids=tuple(given), include_retired=True)
        for entity, given in wanted.items()
        if not kinds or entity in kinds
    ]
    found = await _acted_upon(info, roots, action) if roots else set()
    return {id_ for id_ in ids if living.get(id_, id_) in found}


async def side_of_match(info: Asked, kind: str, id_: str) -> Row | None:
    """The entity, read together with what the same field asks for in the list's other matches."""
    return await info.context.loaders.sides(info).load((kind, id_))


async def sides(info: Asked, keys: Sequence[tuple[str, str]]) -> list[Row | None]:
    """By kind (any, where it is of none that is declared) and id."""
    wanted = await _by_kind(info, [id_ for kind, id_ in keys if kind not in NODES])
    for kind, id_ in keys:
        if kind in NODES:
            wanted.setdefault(kind, []).append(id_)
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
    _must_show(row, info, "latest")
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
    """Readings are a record of their own: shown under a grant that holds the sensor and opens them."""
    grants = (grant for grant, holds in zip(info.context.mask, row[GRANTS], strict=True) if holds)
    if not any(_opens_readings(grant, f"Asset.{name}") for grant in grants):
        raise Forbidden(f"this sensor's {name} is not shown to you")


def _opens_readings(grant: Grant, name: str) -> bool:
    whole = grant.visibility("Reading.record") is Visibility.SHOW
    return grant.opens("Reading") and whole and grant.fields.get(name, Visibility.SHOW) is Visibility.SHOW
