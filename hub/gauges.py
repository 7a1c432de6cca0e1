"""What the hub tells of itself at /metrics: how far each part is, and how each source fares."""

from collections.abc import Callable, Sequence

from hub.graph.projector import Projector
from hub.ingest.source import SourceStatus
from hub.journal.log import Journal
from hub.live.feed import Feed
from hub.reserve.reserve import Reserve
from hub.telemetry import Metrics, SourceSample
from hub.warning.engine import Engine


def show(
    metrics: Metrics,
    *,
    journal: Journal,
    projector: Projector,
    engine: Engine,
    reserve: Reserve,
    feed: Feed,
    statuses: Callable[[], Sequence[SourceStatus]],
) -> None:
    """Adds the gauges; each is asked for when somebody looks."""

    def behind(position: int) -> int:
        return journal.head - position

    for name, help_, value in (
        ("journal_head", "The last committed sequence number.", lambda: journal.head),
        ("graph_behind", "Sequence numbers that the graph lags.", lambda: behind(projector.position)),
        ("warning_behind", "Sequence numbers that the rules lag.", lambda: behind(engine.position)),
        ("reserve_behind", "Sequence numbers that the stock in memory lags.", lambda: behind(reserve.position)),
        ("graph_position", "The sequence number up to which the graph shows the log.", lambda: projector.position),
        ("subscribers", "Open subscriptions to alerts.", lambda: feed.subscribers),
    ):
        metrics.gauge(name, help_, value)
    metrics.sources(lambda: [_sample(status) for status in statuses()])


def _sample(status: SourceStatus) -> SourceSample:
    counts = status.counts
    return SourceSample(
        source=status.id,
        state=status.state.value,
        lag_seconds=status.lag_seconds,
        stale=status.stale,
        appended={"reading": counts.readings, "claim": counts.claims, "signal": counts.signals},
        dead_letters=counts.dead_letters + counts.not_kept,
    )
