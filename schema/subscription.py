"""What can be watched live."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

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
from schema.watching import OfAlerts, Watched


@strawberry.type(description="One thing that happened to an alert.")
class AlertEvent:
    cursor: FeedCursor = strawberry.field(description="Resumes right after this event.")
    type: AlertEventType = strawberry.field(description="What happened.")
    alert: Alert = strawberry.field(description="The alert as it was then, by the event itself.")


_ASKED_OF_ALERTS = {"severity": "severity", "code": "code", "asset_kind": "asset", "within": "path", "near": "path"}


async def _alerts(
    info: Asked,
    after: live.After = None,
    filter: OfAlerts = None,  # noqa: A002  GraphQL's word
) -> AsyncGenerator[AlertEvent, None]:
    context = info.context
    watched = Watched(context, "Alert", filter, _ASKED_OF_ALERTS)
    async with aclosing(context.services.feed.alerts(after)) as facts:
        async for fact in facts:
            if not _wanted(watched, fact.alert["alert"], fact.type):
                continue
            sight = await live.sight(context, "Alert", fact.seq)
            row = row_of(fact.alert["alert"], fact.seq, sight)
            if row is not None:
                yield AlertEvent(cursor=FeedCursor(fact.cursor), type=AlertEventType(fact.type), alert=row)  # type: ignore[arg-type]


def _wanted(watched: Watched, alert: Mapping[str, Any], event: str) -> bool:
    path = [place["id"] for place in alert["path"]]
    subject: str = alert["subject"]["kind"]
    return watched.holds(
        [path], type=AlertEventType(event), severity=alert["severity"], code=alert["code"], asset_kind=subject
    )


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
