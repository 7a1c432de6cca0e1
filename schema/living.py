"""Ids from before a merge: what a filter names is looked up, so that it finds what it became."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hub.graph.kinds import KINDS
from hub.graph.selection import Filters, Page, Root, Selection
from schema.rows import Asked


async def as_they_live(info: Asked, roots: Sequence[Root]) -> Sequence[Root]:
    """The same roots whose filters name entities that live; each id is asked for once a request."""
    named = [id_ for root in roots for id_ in _named(root.selection, root.page)]
    if not named:
        return roots
    living = info.context.loaders.living(info.context.services.journal)
    became = dict(zip(named, await living.load_many(named), strict=True))
    if all(old == new for old, new in became.items()):
        return roots
    return [
        replace(
            root, page=_page(root.selection.entity, root.page, became), selection=_selection(root.selection, became)
        )
        for root in roots
    ]


def _ids(entity: str, filters: Filters) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The conditions that name entities, with the ids."""
    for name, value in filters.conditions.items():
        condition = KINDS[entity].condition(name)
        if condition is not None and condition.ids and isinstance(value, tuple):
            yield name, value


def _named(selection: Selection, page: Page | None) -> Iterator[str]:
    if page is not None:
        for _, ids in _ids(selection.entity, page.filters):
            yield from ids
    for nested in selection.nested:
        yield from _named(nested.selection, nested.page)


def _page(entity: str, page: Page | None, became: dict[str, str]) -> Page | None:
    if page is None:
        return None
    living = {name: tuple(dict.fromkeys(became[id_] for id_ in ids)) for name, ids in _ids(entity, page.filters)}
    return replace(page, filters=replace(page.filters, conditions={**page.filters.conditions, **living}))


def _selection(selection: Selection, became: dict[str, str]) -> Selection:
    nested = tuple(
        replace(
            each,
            page=_page(each.selection.entity, each.page, became),
            selection=_selection(each.selection, became),
        )
        for each in selection.nested
    )
    return replace(selection, nested=nested)
