"""A sensor fallen silent: when it counts as such, and how short a silence may be asked for."""

from datetime import timedelta

HEARTBEATS = 2
"""An unchanged value is stored once a heartbeat; one that is late or lost must not count as silence."""


def deadline(after: int, seen: int, recovered: int, since: int) -> int:
    """When a series last seen at `seen` counts as silent: `after` past that or past its source's recovery,
    and not before the rule began at `since`. All in microseconds, times since 1970."""
    return max(max(seen, recovered) + after, since)


def shortest(heartbeat: timedelta) -> timedelta:
    """The shortest silence that a quantity of this heartbeat can show."""
    return HEARTBEATS * heartbeat
