"""Which adapters there are: the hub's own, and those that other distributions name by entry point."""

import importlib
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points

from adapters.contract import AnyDefinition, Definition
from hub.errors import nearest

GROUP = "causeway.adapters"
COUNTERPARTS = "causeway.adapters.counterparts"
"""The group in which a third party names, under its adapter's name, the class of its test counterpart."""

BUILT_IN: Mapping[str, str] = {
    "cap": "adapters.government.cap:ADAPTER",
    "cma": "adapters.government.cma:ADAPTER",
    "earthquakes": "adapters.government.earthquakes:ADAPTER",
    "gb26875": "adapters.iot.gb26875:ADAPTER",
    "isapi": "adapters.nvr.isapi:ADAPTER",
    "modbus": "adapters.iot.modbus:ADAPTER",
    "mqtt": "adapters.iot.mqtt:ADAPTER",
    "stock_files": "adapters.inventory.files:ADAPTER",
    "onvif": "adapters.nvr.onvif:ADAPTER",
    "sql": "adapters.inventory.sql:ADAPTER",
}
"""As pyproject.toml has them, for a checkout that is not installed."""


class UnknownAdapter(LookupError):
    """No adapter of that name, or what is registered under it is none; says what to do."""


def names() -> Sequence[str]:
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))})


def find(name: str) -> AnyDefinition:
    """Raises UnknownAdapter, with the nearest name that is known."""
    return _definition(name, _load(name, GROUP, BUILT_IN))


def counterpart(name: str) -> object:
    """The class of the adapter's test counterpart (`adapters.testing.Counterpart`); raises UnknownAdapter."""
    try:
        return _load(name, COUNTERPARTS, {})
    except UnknownAdapter as error:
        raise UnknownAdapter(
            f"no counterpart is installed for {name!r}: name its class in the entry-point group {COUNTERPARTS}"
        ) from error


def describe() -> Sequence[Mapping[str, object]]:
    """A row for each adapter: name, version, summary, `reads` ("poll" or "stream") and its settings' JSON schema."""
    return [
        {
            "name": name,
            "version": definition.version,
            "summary": definition.summary,
            "reads": "poll" if definition.polls else "stream",
            "settings": definition.config.model_json_schema(),
        }
        for name, definition in ((name, find(name)) for name in names())
    ]


def _load(name: str, group: str, built_in: Mapping[str, str]) -> object:
    for point in entry_points(group=group, name=name):
        try:
            loaded: object = point.load()
        except (ImportError, AttributeError) as error:
            raise UnknownAdapter(f"the adapter {name!r} cannot be loaded from {point.value}: {error}") from error
        return loaded
    if name in built_in:
        module, _, attribute = built_in[name].partition(":")
        found: object = getattr(importlib.import_module(module), attribute)
        return found
    raise UnknownAdapter(f"there is no adapter {name!r}; {nearest(name, names())}")


def _definition(name: str, found: object) -> AnyDefinition:
    if not isinstance(found, Definition):
        raise UnknownAdapter(f"the entry point {name!r} of {GROUP} names {found!r}, which is no Definition")
    return found
