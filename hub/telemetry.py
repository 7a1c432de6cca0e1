"""JSON logs (a name and fields, one line each) and figures for Prometheus; never a personal value in either."""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO

import orjson
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Logger:
    """`log.info("source.recovered", source="cabinets")`: the event's name, then its fields."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: object) -> None:
        self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: object) -> None:
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: object) -> None:
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, **fields: object) -> None:
        self._logger.error(event, extra={"fields": fields})

    def exception(self, event: str, **fields: object) -> None:
        """Within an except block: the same with the traceback."""
        self._logger.exception(event, extra={"fields": fields})


def logger(name: str) -> Logger:
    return Logger(name)


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def configure_logs(level: str = "INFO", to: IO[str] | None = None) -> None:
    """All of the process's logs as JSON lines on `to` (standard error)."""
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    for ours in ("hub", "schema", "adapters"):
        logging.getLogger(ours).setLevel(level)  # libraries' DEBUG tells what goes over the wire, secrets and names too
    for library in ("httpx", "alembic"):  # each of an adapter's requests, each start's look at the tables
        logging.getLogger(library).setLevel(logging.WARNING)


class Metrics:
    """The process's figures for Prometheus, in a registry of its own; labels come from closed or configured lists."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # resident memory, CPU seconds, open files
        GCCollector(registry=self.registry)
        self._requests = Counter(
            "causeway_web_requests",
            "GraphQL operations by transport (http, sse, websocket) and outcome (ok, or the first error's code).",
            ["transport", "outcome"],
            registry=self.registry,
        )
        self._loop_lag = Histogram(
            "causeway_event_loop_lag_seconds",
            "How late a timer of the event loop fires.",
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
            registry=self.registry,
        )

    def request(self, transport: str, outcome: str) -> None:
        self._requests.labels(transport, outcome).inc()

    def gauge(self, name: str, says: str, value: Callable[[], float]) -> None:
        """A figure that is read when it is asked for, such as the journal's head; `name` without the prefix."""
        Gauge(f"causeway_{name}", says, registry=self.registry).set_function(value)

    def sources(self, samples: Callable[[], "Iterable[SourceSample]"]) -> None:
        """One line a source and state, read when asked for."""
        self.registry.register(_Sources(samples))

    async def watch_loop(self, every_seconds: float = 0.5) -> None:
        """Measures the event loop's lag until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + every_seconds
            await asyncio.sleep(every_seconds)
            self._loop_lag.observe(max(0.0, loop.time() - due))

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSample:
    """How a source fares at this moment; `lag_seconds` is from its newest stored record's own time to its commit.

    `appended` counts records by kind (reading, claim, signal), like `dead_letters` since the hub's start.
    """

    source: str
    state: str
    lag_seconds: float | None
    stale: bool
    appended: Mapping[str, int] = field(default_factory=dict)
    dead_letters: int = 0


class _Sources(Collector):
    def __init__(self, samples: Callable[[], Iterable[SourceSample]]) -> None:
        self._samples = samples

    def collect(self) -> Iterable[Metric]:
        state = GaugeMetricFamily(
            "causeway_source_state", "1 at the state that a source is in.", labels=["source", "state"]
        )
        lag = GaugeMetricFamily(
            "causeway_source_lag_seconds", "From a record's own time to its commit.", labels=["source"]
        )
        stale = GaugeMetricFamily("causeway_source_stale", "1 where a source broke its promise.", labels=["source"])
        appended = CounterMetricFamily(
            "causeway_appended", "Records of a source that the journal took.", labels=["source", "kind"]
        )
        letters = CounterMetricFamily("causeway_dead_letters", "Payloads that could not be read.", labels=["source"])
        for sample in self._samples():
            state.add_metric([sample.source, sample.state], 1)
            if sample.lag_seconds is not None:
                lag.add_metric([sample.source], sample.lag_seconds)
            stale.add_metric([sample.source], float(sample.stale))
            for kind, count in sample.appended.items():
                appended.add_metric([sample.source, kind], count)
            letters.add_metric([sample.source], sample.dead_letters)
        return (state, lag, stale, appended, letters)
