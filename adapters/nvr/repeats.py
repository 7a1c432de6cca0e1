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
        self._active: dict[Hashable, datetime] = {}  # when it was last told
        self._begun: dict[Hashable, int] = {}  # the number of the last beginning of a type at a subject
        self._ended: dict[Hashable, int] = {}  # the number of the last beginning before an end was told
        self._number = 0

    def is_one(self, signal: Signal, at: datetime) -> bool:
        """Whether this was told just now; an end is told once, and that nothing is the matter (a heartbeat) too.

        Only a post that counts itself on is a repeat: two lines crossed one after the other are two events. An end is
        told again once anything of its type has begun since, for many do not say which of several it ends.
        """
        if not self._every:
            return False
        state, posts = signal.values.get("state"), signal.values.get("posts")
        beside = {"posts", "device_stamp", "clock"}
        group = (signal.type, signal.subject)
        key = (group, frozenset((name, value) for name, value in signal.values.items() if name not in beside))
        if len(self._active) + len(self._ended) > MOST:
            self._active.clear()
            self._ended.clear()
            self._begun.clear()
        if state == "inactive":
            begun = self._begun.get(group, 0)
            if self._ended.get(key) == begun:
                return True
            self._ended[key] = begun
            return False
        last = self._active.get(key)
        if last is not None and isinstance(posts, int) and posts > 1 and at - last < self._every:
            return True
        self._number += 1
        self._active[key] = at
        self._begun[group] = self._number
        return False
