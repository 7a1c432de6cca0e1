"""What the hub itself says of an official warning: which places it covers, and who acknowledged it.

One stream a warning; every event carries all that the hub says so far, so that its claim needs no other.
"""

from collections.abc import Sequence
from datetime import datetime

from adapters.contract import Claim, Link, Value
from hub.journal.records import HUB
from hub.journal.stories import Snapshot, Story
from hub.warning.alerts import Named

COVERED, ACKNOWLEDGED = "warning.covered", "warning.acknowledged"
VERSION = 1


def stream(warning: str) -> str:
    return f"warning:{warning}"


def empty(warning: str, identifier: str) -> Snapshot:
    return {"id": warning, "identifier": identifier, "places": [], "acknowledgedAt": None, "acknowledgedBy": None}


def covering(warning: str, identifier: str, places: Sequence[Named]) -> Snapshot:
    """Without an identifier: no source tells of the warning any more."""
    return {**empty(warning, identifier), "places": [place.snapshot() for place in places]}


def covered(before: Snapshot | None, now: Snapshot) -> Snapshot:
    """The coverage as it is now, with the acknowledgement that there was."""
    if before is None:
        return now
    acknowledged = {name: before[name] for name in ("acknowledgedAt", "acknowledgedBy")}
    return {**now, **acknowledged}


def acknowledged(before: Snapshot, *, at: datetime, by: str) -> Snapshot:
    return {**before, "acknowledgedAt": at.isoformat(), "acknowledgedBy": by}


def claim(warning: Snapshot) -> Claim:
    """What the event means for the graph; gone with the warning's last source."""
    values: dict[str, Value] = {
        "identifier": warning["identifier"],
        "acknowledged_at": warning["acknowledgedAt"],
        "acknowledged_by": warning["acknowledgedBy"],
    }
    if not warning["identifier"]:
        return Claim(kind="Warning", external_id=warning["id"], gone=True)
    return Claim(
        kind="Warning",
        external_id=warning["id"],
        values={name: value for name, value in values.items() if value is not None},
        links=tuple(Link(relation="COVERS", target=place["id"], source=HUB) for place in warning["places"]),
    )


STORY = Story(name="warning", version=VERSION, stream=lambda told: stream(told["id"]), claim=claim)
event, snapshot = STORY.event, STORY.snapshot
