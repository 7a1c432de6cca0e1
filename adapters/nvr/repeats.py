"""A lasting event, which devices post once a second until it ends, told when it changes and from time to time."""

from collections.abc import Hashable
from datetime import datetime, timedelta

from adapters.contract import Signal

MOST = 10_000
"""Events that are remembered; past it all are forgotten, and each is told once more."""


class Repeats:
    """Of one connection: after a new one each state is told again."""

    def __init__(self, seconds: float) -> None:
        """0: nothing is a repeat."""
        self._every = timedelta(seconds=seconds)
        self._told: dict[Hashable, tuple[Hashable, datetime]] = {}

    def is_one(self, signal: Signal, at: datetime) -> bool:
        """Whether this was told just now; an end is told once, and that nothing is the matter (a heartbeat) too.

        Only a post that counts itself on is a repeat: two lines crossed one after the other are two events.
        """
        if not self._every:
            return False
        state, posts = signal.values.get("state"), signal.values.get("posts")
        beside = {"state", "posts", "device_stamp", "clock"}
        rest = frozenset((name, value) for name, value in signal.values.items() if name not in beside)
        key = (signal.type, signal.subject) if state == "inactive" else (signal.type, signal.subject, rest)
        before = self._told.get((signal.type, signal.subject))
        if state == "inactive":
            told = before is not None and before[0] == "inactive"
        else:
            last = self._told.get(key)
            told = last is not None and isinstance(posts, int) and posts > 1 and at - last[1] < self._every
        if not told:
            if len(self._told) > MOST:
                self._told.clear()
            self._told[key] = self._told[(signal.type, signal.subject)] = (state, at)
        return told
