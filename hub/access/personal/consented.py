"""A mask held to what people consent to: a field that someone withdrew for the purpose is shown of everybody else."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from hub.viewer import Grant, Mask, Visibility

WITHOUT = "without"
"""The scope's parameter of people whose rows, and what is theirs, it does not hold."""


def with_consents(mask: Mask, withheld: Mapping[str, tuple[str, ...]]) -> Mask:
    """`withheld`: field → people. Each grant that shows such a field goes on without it, and another one shows it in
    the same rows but those people's."""
    return tuple(part for grant in mask for part in _parts(grant, withheld)) if withheld else mask


def _parts(grant: Grant, withheld: Mapping[str, tuple[str, ...]]) -> Iterator[Grant]:
    shown = {name: grant.visibility(name) for name in withheld if grant.opens(name.partition(".")[0])}
    shown = {name: how for name, how in shown.items() if how is not Visibility.HIDE}
    if not shown:
        yield grant
        return
    yield replace(grant, fields=MappingProxyType({**grant.fields, **dict.fromkeys(shown, Visibility.HIDE)}))
    by_people: dict[tuple[str, ...], dict[str, Visibility]] = {}
    for name, how in shown.items():
        by_people.setdefault(withheld[name], {})[name] = how
    for people, fields in by_people.items():
        scope = replace(grant.scope, parameters=MappingProxyType({**grant.scope.parameters, WITHOUT: people}))
        types = frozenset(name.partition(".")[0] for name in fields)
        yield Grant(scope=scope, types=types, fields=MappingProxyType(fields), default=Visibility.HIDE)
