"""What can be watched live."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from schema import live
from schema.break_glass import BreakGlassEvent
from schema.break_glass import watched as watched_glasses
from schema.enums import AlertEventType
from schema.incidents import IncidentEvent
from schema.incidents import events as incident_events
from schema.nodes.alerts import Alert
from schema.rows import Asked
from schema.scalars import FeedCursor
from schema.snapshots import row_of


@strawberry.type(description="One thing that happened to an alert.")
class AlertEvent:
    cursor: FeedCursor = strawberry.field(description="Resumes right after this event.")
    type: AlertEventType = strawberry.field(description="What happened.")
    alert: Alert = strawberry.field(description="The alert as it was then, by the event itself.")


async def _alerts(info: Asked, after: live.After = None) -> AsyncGenerator[AlertEvent, None]:
    context = info.context
    async with aclosing(context.services.feed.alerts(after)) as facts:
        async for fact in facts:
            sight = await live.sight(context, "Alert", fact.seq)
            row = row_of(fact.alert["alert"], fact.seq, sight)
            if row is not None:
                yield AlertEvent(cursor=FeedCursor(fact.cursor), type=AlertEventType(fact.type), alert=row)  # type: ignore[arg-type]


@strawberry.type(description="What can be watched live; resumable, nothing lost, nothing twice.")
class Subscription:
    alerts: AlertEvent = strawberry.subscription(  # type: ignore[assignment]
        resolver=_alerts, description="What happens to alerts, in the log's order; from now on without `after`."
    )
    warnings: live.WarningEvent = strawberry.subscription(  # type: ignore[assignment]
        resolver=live.warnings, description="What is said of official warnings, and who acknowledged them; likewise."
    )
    incidents: IncidentEvent = strawberry.subscription(  # type: ignore[assignment]
        resolver=incident_events, description="Which incidents are opened, and which closed; likewise."
    )
    break_glasses: BreakGlassEvent = strawberry.subscription(  # type: ignore[assignment]
        resolver=watched_glasses,
        description="Who breaks the glass, when that ends and what a review finds, for a second person; likewise.",
    )
    source_health: live.SourceHealthEvent = strawberry.subscription(  # type: ignore[assignment]
        resolver=live.sources, description="Which sources are lost, and which are back; likewise."
    )
    lots: live.LotEvent = strawberry.subscription(  # type: ignore[assignment]
        resolver=live.lots,
        description="What sources say of lots, each time that it is something new; likewise. "
        "A lot that is moved is told by where it is now.",
    )
