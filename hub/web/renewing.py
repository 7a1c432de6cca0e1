"""Streams over server-sent events that a client opens anew with a newer token: the older one goes on for a while, so
that no event falls between, and then ends.

A renewal is told by what it is: the same subject's same operation, going on `after` an event, under a token that lasts
longer. Two pages of one person that watch the same each keep their own stream.
"""

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from hub.viewer import Viewer

OVERLAP = 5.0
"""Seconds that the older stream goes on once the newer one is open."""


@dataclass(slots=True, eq=False)
class _Open:
    until: datetime | None  # the token's end
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Renewals:
    """All streams over server-sent events that are open."""

    def __init__(self, overlap: float = OVERLAP) -> None:
        self._overlap = overlap
        self._streams: dict[Hashable, list[_Open]] = {}

    @contextmanager
    def open(self, viewer: Viewer, operation: Hashable, *, goes_on: bool) -> Iterator[asyncio.Event]:
        """What is set once a newer stream has taken this one's place. Those before it stay where this one itself ends
        within the overlap, as one that is refused does."""
        place = (viewer.issuer, viewer.subject, viewer.client, viewer.purpose, operation)
        mine = _Open(viewer.expires_at)
        streams = self._streams.setdefault(place, [])
        older = [each for each in streams if goes_on and _is_older(each, mine)]
        streams.append(mine)
        loop = asyncio.get_running_loop()
        ending = [loop.call_later(self._overlap, each.over.set) for each in older]
        try:
            yield mine.over
        finally:
            for each in ending:
                each.cancel()
            streams.remove(mine)
            if not streams:
                self._streams.pop(place, None)


def _is_older(one: _Open, other: _Open) -> bool:
    return one.until is not None and other.until is not None and one.until < other.until
