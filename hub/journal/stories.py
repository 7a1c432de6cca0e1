"""Facts that are told in a stream each, such as an alert's: every event carries all that is known of one so far, so
that its claim, and whoever reads it, need no other event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.contract import Claim
from hub.journal.records import EventEntry, NewEvent

Snapshot = Mapping[str, Any]
"""All that is known of one, as `hub.journal.payloads` types it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`name` is where an event's payload has the snapshot. `stream` and `claim` make of a snapshot the name of its
    stream, and what it means for the graph."""

    name: str
    version: int
    stream: Callable[[Snapshot], str]
    claim: Callable[[Snapshot], Claim]

    def event(
        self,
        type: str,  # noqa: A002 - the log's own name for it
        snapshot: Snapshot,
        *,
        expected: int,
        actor: str,
        cause: int | None,
        note: str | None = None,
    ) -> NewEvent:
        """`expected` is the stream's version before it, `cause` the record that led to it."""
        return NewEvent(
            type=type,
            version=self.version,
            stream=self.stream(snapshot),
            expected=expected,
            data={self.name: snapshot} | ({"note": note} if note is not None else {}),
            actor=actor,
            cause=cause,
            claims=(self.claim(snapshot),),
        )

    def snapshot(self, entry: EventEntry) -> Snapshot:
        found: Any = entry.data[self.name]
        told: Snapshot = found
        return told
