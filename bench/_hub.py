"""The hub of the bench `latency`: a real journal, feed, schema and server; it appends alerts at a steady rate.

Prints the URL; begins when a line arrives on standard input; at the end prints for each alert its sequence
number and when COMMIT returned (CLOCK_MONOTONIC, nanoseconds, which all processes of a machine share).
"""

import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import uuid4

import orjson
import uvloop

from hub.clock import now
from hub.ingest.collector import spare_collector
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft, NewEvent
from hub.live.feed import Feed
from hub.telemetry import Metrics
from hub.viewer import Mask
from hub.web.application import create_application
from hub.web.config import WebConfig
from hub.web.health import Probes
from hub.web.operation import Asker
from hub.web.server import serve
from schema.context import Context, Services
from schema.schema import schema

PLACES = ("配电间 3F-2", "B2 三层", "B2 号楼", "园区")
KINDS = ("ZONE", "STOREY", "BUILDING", "PARK")


def alert() -> dict[str, object]:
    return {
        "id": str(uuid4()),
        "rule": "cabinet-hot",
        "severity": "SEVERE",
        "state": "UNACKNOWLEDGED",
        "code": "limit.above",
        "openedAt": now().isoformat(timespec="microseconds"),
        "acknowledgedAt": None,
        "acknowledgedBy": None,
        "returnedAt": None,
        "closedAt": None,
        "quantity": "temperature",
        "value": 71.5,
        "limit": 70.0,
        "unit": "Cel",
        "subject": {"id": str(uuid4()), "kind": "SENSOR", "name": "配电柜 3 温度"},
        "path": [{"id": str(uuid4()), "kind": k, "name": n} for k, n in zip(KINDS, PLACES, strict=True)],
    }


def note_commits(journal: Journal) -> list[int]:
    """The moments at which COMMIT returned, noted on the writer's own thread, right after it."""
    moments: list[int] = []
    writer = cast(Any, journal)._writer
    recovered = writer._recovered

    def noted() -> None:
        moments.append(time.monotonic_ns())
        recovered()

    writer._recovered = noted
    return moments


async def append_alerts(journal: Journal, moments: list[int], seconds: float, rate: float) -> list[tuple[int, int]]:
    """(sequence, moment of COMMIT's return) of each alert; one is appended at each tick, whether or not the clients
    keep up, and each is alone in its commit."""
    noted: list[tuple[int, int]] = []
    begun = time.monotonic()
    for number in range(int(seconds * rate)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        told = alert()
        event = NewEvent(
            type="alert.opened",
            version=2,
            stream=f"alert:{told['id']}",
            expected=0,
            data={"alert": told},
            actor="hub",
        )
        moments.clear()
        appended = await journal.append(Draft(source=HUB, received_at=now(), events=(event,)))
        assert len(moments) == 1
        noted.append((appended.seq, moments[0]))
    return noted


async def main(seconds: float, rate: float) -> None:
    with TemporaryDirectory() as folder:
        journal = await Journal.open(JournalConfig(url="sqlite", folder=Path(folder)))
        moments = note_commits(journal)
        feed = Feed(journal)
        absent = cast(Any, None)  # neither graph nor sources: an alert's snapshot needs none
        services = Services(
            journal=journal,
            store=absent,
            feed=feed,
            sources=absent,
            desk=absent,
            warning_desk=absent,
            incident_desk=absent,
            break_glasses=absent,
            reserve=absent,
            projection=absent,
            clock=now,
            uploads=absent,
            precedence={},
        )

        def context(asker: Asker, mask: Mask) -> Context:
            return Context(services=services, viewer=asker.viewer, mask=mask, language=asker.language)

        config = WebConfig(port=0)
        application = create_application(schema, context, config, metrics=Metrics(), probes=Probes())
        spare_collector()  # as the hub does
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(feed.run())
            group.create_task(serve(application, config, stop, lambda url: print(url, flush=True)))
            await asyncio.to_thread(sys.stdin.readline)
            noted = await append_alerts(journal, moments, seconds, rate)
            await asyncio.to_thread(sys.stdin.readline)  # the clients have what they were sent
            print(orjson.dumps(noted).decode(), flush=True)
            stop.set()
            reader.cancel()
        await journal.close()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]), float(sys.argv[2])))
