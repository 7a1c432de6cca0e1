"""Casts payloads of every version ever released up to the newest: pure, one small step a version."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from hub.errors import JournalCorrupt
from hub.journal import payloads
from hub.journal.records import HUB, Json

CLAIM = "claim"
SIGNAL = "signal"

CURRENT: Mapping[str, int] = MappingProxyType(
    {CLAIM: payloads.CLAIM[0], SIGNAL: payloads.SIGNAL[0]}
    | {name: version for name, (version, _) in payloads.EVENTS.items()}
)
"""The newest version of every event type, and of the payloads of claims and signals: what appends write."""

Step = Callable[[Json], Json]


def _passes_nothing_on(data: Json) -> Json:
    """Before there were official warnings no alert passed one on."""
    alert = data["alert"]
    return {**data, "alert": {**alert, "warning": None}} if isinstance(alert, Mapping) else data


def _has_a_number(data: Json) -> Json:
    """Version 1 was declared before a person could open an incident: it knows no number, no kind and no drill."""
    was = data["incident"]
    if not isinstance(was, Mapping):
        return data
    incident = {
        "id": was["id"],
        "number": was["id"],
        "kind": "OTHER",
        "state": "OPEN" if was["closedAt"] is None else "CLOSED",
        "drill": False,
        "openedAt": was["openedAt"],
        "openedBy": HUB,
        "closedAt": was["closedAt"],
        "closedBy": None if was["closedAt"] is None else HUB,
        "places": [] if was["place"] is None else [was["place"]],
    }
    return {**data, "incident": incident}


def _takes_none_without_area(data: Json) -> Json:
    """Warnings without an area raised nothing then, and a replay must say so."""
    return {**data, "takesUnlocated": False}


def _stands_for_nothing(data: Json) -> Json:
    """Rows of lists alone could be corrected then, and a list is not read again before it changes."""
    return {**data, "lot": None, "standsFor": None}


STEPS: Mapping[tuple[str, int], Step] = MappingProxyType(
    {(f"alert.{what}", 1): _passes_nothing_on for what in ("opened", "acknowledged", "returned", "closed")}
    | {(f"incident.{what}", 1): _has_a_number for what in ("opened", "closed")}
    | {("park.located", 1): _takes_none_without_area}
    | {("row.corrected", 1): _stands_for_nothing}
)
"""(type, version) to what makes the next version of it; `version + 1` is what comes out."""


def upcast(
    type: str,  # noqa: A002 - the name that the log gives it
    version: int,
    data: Json,
    *,
    current: Mapping[str, int] = CURRENT,
    steps: Mapping[tuple[str, int], Step] = STEPS,
) -> tuple[int, Json]:
    """The newest version of the payload. Raises JournalCorrupt for a type or version that this hub does not know."""
    newest = current.get(type)
    if newest is None:
        raise JournalCorrupt(f"the log holds an event of the unknown type {type!r}; a newer hub wrote it: upgrade")
    if not 1 <= version <= newest:
        raise JournalCorrupt(
            f"the log holds version {version} of {type!r} and this hub reads up to {newest}: upgrade the hub"
        )
    while version < newest:
        data = steps[type, version](data)
        version += 1
    return version, data
