"""Ids from before a merge: what a filter or a grant names is looked up, so that it finds what it became."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from hub.graph.kinds import KINDS
from hub.graph.selection import Filters, Page, Root, Selection
from hub.viewer import Grant, Mask
from schema.rows import Asked

_NAMING = ("places", "organizations", "people", "without")
"""The parameters of row scopes that name entities."""


async def mask_as_it_lives(info: Asked, mask: Mask) -> Mask:
    """The same grants, of entities that live; each id is asked for once a request."""
    named = [id_ for grant in mask for name in _NAMING for id_ in grant.scope.parameters.get(name, ())]
    if not named:
        return mask
    living = info.context.loaders.living(info.context.services.journal)
    became = dict(zip(named, await living.load_many(named), strict=True))
    return tuple(renamed(grant, became) for grant in mask)


def renamed(grant: Grant, became: Mapping[str, str]) -> Grant:
    parameters = {
        name: tuple(dict.fromkeys(became[id_] for id_ in given)) if name in _NAMING else given
        for name, given in grant.scope.parameters.items()
    }
    return replace(grant, scope=replace(grant.scope, parameters=MappingProxyType(parameters)))


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
