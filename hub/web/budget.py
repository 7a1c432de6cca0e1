"""How much each client may ask for in a window: a bucket of values a client, which fills up evenly.

A client is an issuer's subject; without a token, a network address.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from hub.errors import CostExceeded, RateLimited
from hub.viewer import Viewer

_CLIENTS = 20_000
"""Kept at most; who was longest away begins anew with a full bucket."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float  # seconds of the clock


class Budget:
    """`size` values in `window_seconds`; 0: nobody is limited. `clock` gives seconds that only grow."""

    def __init__(self, size: int, window_seconds: float, clock: Callable[[], float]) -> None:
        self._size = size
        self._window_seconds = window_seconds
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, ...], _Bucket] = OrderedDict()

    def spend(self, viewer: Viewer, address: str, cost: int) -> int | None:
        """What is left then; None where there is no limit. Raises RateLimited, and CostExceeded for what is more than
        a whole window's."""
        if not self._size:
            return None
        if cost > self._size:
            raise CostExceeded(
                f"The operation could answer {cost} values, and a client may ask for {self._size} in "
                f"{self._window_seconds:g} s. Ask for fewer rows by `first`."
            )
        now = self._clock()
        key = (viewer.issuer, viewer.subject) if viewer.issuer is not None else (address,)
        bucket = self._buckets.pop(key, None) or _Bucket(self._size, now)
        self._buckets[key] = bucket
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        rate = self._size / self._window_seconds
        bucket.left = min(self._size, bucket.left + (now - bucket.at) * rate)
        bucket.at = now
        if cost > bucket.left:
            seconds = math.ceil((cost - bucket.left) / rate)
            raise RateLimited(
                f"You may ask for {self._size} values in {self._window_seconds:g} s, and have asked for more. "
                f"Ask again in {seconds} s, or for fewer rows by `first`.",
                seconds,
            )
        bucket.left -= cost
        return int(bucket.left)
