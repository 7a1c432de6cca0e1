"""A device's own time of an event: many recorders and cameras write local time and mark it as UTC."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from adapters.contract import Fault, Signal, Value

Stamps = Literal["detect", "utc", "local"]
ZONE_STEP = timedelta(minutes=15)
FARTHEST = timedelta(hours=14)
NEAR = timedelta(minutes=2)
"""A stamp so near a whole zone's offset from its receipt was taken from a local clock."""


def read_stamp(text: str | None, received_at: datetime, stamps: Stamps) -> tuple[datetime | None, dict[str, Value]]:
    """The event's time, naive where the source's zone is to decide; with what is odd about its stamp.

    A stamp that cannot be read costs the time and not the event: it may be a fire.
    """
    if text is None:
        return None, {}
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return None, {"device_stamp": text[:40], "clock": "unreadable"}
    if not text.upper().endswith("Z") or stamps == "utc":
        return stamp, {}
    local = stamp.replace(tzinfo=None)
    if stamps == "local":
        return local, {}
    off = stamp - received_at.astimezone(UTC)
    zone = round(off / ZONE_STEP) * ZONE_STEP
    if zone and abs(zone) <= FARTHEST and abs(off - zone) <= NEAR:
        return local, {"device_stamp": text[:40], "clock": "local time marked as UTC"}
    return stamp, {}


def odd_clock(record: Signal) -> Fault:
    """What the source's health says of a signal whose values hold `clock`."""
    stamp = record.values.get("device_stamp")
    if record.values["clock"] == "unreadable":
        return Fault(where=record.subject, reason=f"its stamp {stamp!r} is no time: the time of receipt stands")
    return Fault(
        where=record.subject,
        reason=f"it stamps local time as UTC ({stamp}), which is put right by the source's timezone; set stamps = "
        "'local' to have it always so",
    )
