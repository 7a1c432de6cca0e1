"""An incident's life, as the log tells it: opened by a person under a number of the park's own, and closed by one.

    opened ─▶ OPEN ──closed─▶ CLOSED

One stream an incident, called by its number, so that two can never have the same one. Every event carries all that is
known so far: its claim, and whoever reads it, need no other.
"""

from collections.abc import Sequence
from datetime import datetime

from adapters.contract import Claim, Link, Value
from graph_models.entities import IncidentKind, IncidentState
from hub.journal.records import HUB
from hub.journal.stories import Snapshot, Story
from hub.warning.alerts import Named

OPENED, CLOSED = "incident.opened", "incident.closed"
VERSION = 2


def stream(number: str) -> str:
    return f"incident:{number}"


def number(year: int, count: int) -> str:
    """Such as 2026-0001; the year is the park's own calendar's."""
    return f"{year}-{count:04d}"


def opened(
    *,
    id: str,  # noqa: A002 - the snapshot's own name for it
    number: str,
    kind: IncidentKind,
    drill: bool,
    at: datetime,
    by: str,
    places: Sequence[Named],
) -> Snapshot:
    return {
        "id": id,
        "number": number,
        "kind": kind.value,
        "state": IncidentState.OPEN.value,
        "drill": drill,
        "openedAt": at.isoformat(),
        "openedBy": by,
        "closedAt": None,
        "closedBy": None,
        "places": [place.snapshot() for place in places],
    }


def closed(incident: Snapshot, *, at: datetime, by: str) -> Snapshot:
    return {**incident, "state": IncidentState.CLOSED.value, "closedAt": at.isoformat(), "closedBy": by}


def claim(incident: Snapshot) -> Claim:
    """What the event means for the graph."""
    values: dict[str, Value] = {
        "number": incident["number"],
        "kind": incident["kind"],
        "state": incident["state"],
        "drill": incident["drill"],
        "opened_at": incident["openedAt"],
        "opened_by": incident["openedBy"],
        "closed_at": incident["closedAt"],
        "closed_by": incident["closedBy"],
    }
    return Claim(
        kind="Incident",
        external_id=incident["id"],
        values={name: value for name, value in values.items() if value is not None},
        links=tuple(Link(relation="AFFECTS", target=place["id"], source=HUB) for place in incident["places"]),
        observed_at=datetime.fromisoformat(incident["closedAt"] or incident["openedAt"]),
    )


STORY = Story(name="incident", version=VERSION, stream=lambda told: stream(told["number"]), claim=claim)
event, snapshot = STORY.event, STORY.snapshot
