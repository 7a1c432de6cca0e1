"""Sources: how each that the park is read from fares."""

from datetime import datetime

import strawberry
from strawberry import Parent

from adapters.contract import HealthState
from hub.ingest.source import SourceStatus


def _dead_letters(status: Parent[SourceStatus]) -> int:
    return status.counts.dead_letters


@strawberry.type(description="One source that the park is read from.")
class Source:
    id: strawberry.ID = strawberry.field(description="Its id in the park file.")
    adapter: str = strawberry.field(description="The adapter that reads it.")
    version: str | None = strawberry.field(description="The version of its device or server, where it tells one.")
    state: HealthState = strawberry.field(description="How it fares.")
    text: str = strawberry.field(description="What was found and, where it is not OK, what to do.")
    since: datetime = strawberry.field(description="Since when it has been in this state.")
    last_batch_at: datetime | None = strawberry.field(description="When data last came.")
    lag_seconds: float | None = strawberry.field(
        description="From the newest stored record's own time to its being stored, in seconds."
    )
    stale: bool = strawberry.field(description="It has been silent for longer than it promised: its facts may be old.")
    dead_letters: int = strawberry.field(
        resolver=_dead_letters, description="Payloads since the hub's start that could not be read, and were kept."
    )
    confirm_retirement: bool = strawberry.field(
        description="Its last snapshot would retire so much that a person is asked first."
    )
