"""What can be watched live."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from schema.enums import AlertEventType
from schema.nodes.alerts import Alert
from schema.rows import Asked
from schema.scalars import FeedCursor
from schema.snapshots import row_of


@strawberry.type(description="One thing that happened to an alert.")
class AlertEvent:
    cursor: FeedCursor = strawberry.field(description="Resumes right after this event.")
    type: AlertEventType = strawberry.field(description="What happened.")
    alert: Alert = strawberry.field(description="The alert as it was then, by the event itself.")


_After = Annotated[
    FeedCursor | None,
    strawberry.argument(description="Begins after this position: a list's `readAt`, or the last event's cursor."),
]


async def _alerts(info: Asked, after: _After = None) -> AsyncGenerator[AlertEvent, None]:
    context = info.context
    async with aclosing(context.services.feed.alerts(after)) as facts:
        async for fact in facts:
            row = row_of(fact.alert["alert"], fact.seq, context.mask)
            if row is not None:
                yield AlertEvent(cursor=FeedCursor(fact.cursor), type=AlertEventType(fact.type), alert=row)  # type: ignore[arg-type]


@strawberry.type(description="What can be watched live; resumable, nothing lost, nothing twice.")
class Subscription:
    alerts: AlertEvent = strawberry.subscription(  # type: ignore[assignment]
        resolver=_alerts, description="What happens to alerts, in the log's order; from now on without `after`."
    )
