"""Deadlines in order: the earliest first, ties in the order of their keys, so that every run fires them alike."""

import heapq

Key = tuple[str, int]
"""A rule's id and a series' number."""


class Timers:
    """One deadline a key, in microseconds since 1970; a replaced or removed one is skipped when it comes up."""

    def __init__(self) -> None:
        self._deadlines: dict[Key, int] = {}
        self._heap: list[tuple[int, Key]] = []

    def __len__(self) -> int:
        return len(self._deadlines)

    def __contains__(self, key: Key) -> bool:
        return key in self._deadlines

    def arm(self, key: Key, deadline: int) -> None:
        if self._deadlines.get(key) != deadline:
            self._deadlines[key] = deadline
            heapq.heappush(self._heap, (deadline, key))

    def disarm(self, key: Key) -> None:
        self._deadlines.pop(key, None)

    def clear(self) -> None:
        self._deadlines.clear()
        self._heap.clear()

    def first(self) -> tuple[int, Key] | None:
        heap = self._heap
        while heap:
            if self._deadlines.get(heap[0][1]) == heap[0][0]:
                return heap[0]
            heapq.heappop(heap)
        return None

    def pop(self) -> tuple[int, Key] | None:
        first = self.first()
        if first is not None:
            heapq.heappop(self._heap)
            del self._deadlines[first[1]]
        return first
