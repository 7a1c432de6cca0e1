"""A small park in the real parts: journal, embedded graph, projector, feed, desk; asked in GraphQL's own text."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from strawberry.types import ExecutionResult

from adapters.contract import Claim, HealthState, Identifier, Link
from graph_models.entities import Severity
from hub.access.break_glass.desk import BreakGlasses
from hub.access.rights import Everything
from hub.clock import now, to_micros
from hub.command.incident_desk import IncidentDesk
from hub.graph.projector import Projector
from hub.graph.store import GraphConfig, Store
from hub.ingest.source import Counts, SourceStatus
from hub.ingest.uploads import Uploads
from hub.journal.identity import SourceTrust
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft, NewEvent, ReadingRow
from hub.journal.sealing import Keyring, KeyringConfig
from hub.live.feed import Feed
from hub.reserve.distances import Pace
from hub.reserve.reserve import Reserve
from hub.viewer import LOCAL_ADMINISTRATOR, SHOW_ALL, Mask
from hub.warning import alerts
from hub.warning.desk import AlertDesk
from hub.warning.engine import Engine
from hub.warning.warning_desk import WarningDesk
from schema.context import Context, Services
from schema.schema import schema

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
PRECEDENCE = {"cabinets": 60, "survey": 40}


@dataclass
class Statuses:
    """What the supervisor would say: `survey` has fallen silent, the others work."""

    ids: Sequence[str] = tuple(PRECEDENCE)
    stale: set[str] = field(default_factory=lambda: {"survey"})

    def statuses(self) -> Sequence[SourceStatus]:
        return [
            SourceStatus(
                id=id_,
                adapter="modbus",
                state=HealthState.UNAVAILABLE if id_ in self.stale else HealthState.OK,
                text="nothing since 08:00" if id_ in self.stale else "",
                since=START,
                stale=id_ in self.stale,
                last_batch_at=START,
                lag_seconds=0.25,
                counts=Counts(dead_letters=3),
                version="1.2",
            )
            for id_ in self.ids
        ]


class Hub:
    """`ids`: the external id of a thing → its entity id."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        projector: Projector,
        feed: Feed,
        folder: Path,
        sources: Sequence[str] = (),
    ) -> None:
        self.journal = journal
        self.store = store
        self.projector = projector
        self.ids: dict[str, str] = {}
        self.services = Services(
            journal=journal,
            store=store,
            feed=feed,
            sources=Statuses(ids=sources or tuple(PRECEDENCE)),
            desk=AlertDesk(journal, now),
            warning_desk=WarningDesk(journal, now),
            incident_desk=IncidentDesk(journal, now, ZoneInfo("Asia/Shanghai")),
            break_glasses=BreakGlasses(journal, now, Everything),
            reserve=Reserve(
                journal,
                Engine(journal, now, precedence=PRECEDENCE),
                now,
                precedence=PRECEDENCE,
                pace=Pace(),
            ),
            projection=projector,
            clock=now,
            precedence=PRECEDENCE,
            uploads=Uploads(folder / "uploads", 50_000_000),
        )

    async def sent(self, content: str | bytes) -> str:
        """A file, as POST /uploads takes it; its id."""

        async def chunks() -> AsyncIterator[bytes]:
            yield content.encode() if isinstance(content, str) else content

        return (await self.services.uploads.receive(chunks())).id

    def context(self, mask: Mask = SHOW_ALL, **services: Any) -> Context:
        changed = {name: getattr(self.services, name) for name in Services.__slots__} | services
        return Context(services=Services(**changed), viewer=LOCAL_ADMINISTRATOR, mask=mask)

    async def execute(
        self, document: str, *, mask: Mask = SHOW_ALL, services: Mapping[str, Any] | None = None, **variables: Any
    ) -> ExecutionResult:
        result = await schema.execute(
            document, variable_values=variables, context_value=self.context(mask, **(services or {}))
        )
        assert isinstance(result, ExecutionResult)
        return result

    async def ask(self, document: str, *, mask: Mask = SHOW_ALL, **variables: Any) -> dict[str, Any]:
        """The data of an operation that has no error."""
        result = await self.execute(document, mask=mask, **variables)
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    async def append(self, **parts: Any) -> int:
        """Into the journal, and on into the graph; the sequence."""
        appended = await self.journal.append(Draft(**({"source": HUB, "received_at": now()} | parts)))
        self.ids |= appended.entities
        assert await self.projector.wait_for(appended.seq, 60)  # a busy machine makes a new engine slow
        return appended.seq

    async def open_alert(self, number: str, *, sensor: str = "boiler", at: datetime = START) -> str:
        id_ = alerts.alert_id(self.journal.epoch, "hot", sensor, number)
        path = ["east", "park"] if sensor != "door" else ["west", "park"]
        opened = alerts.opened(
            id=id_,
            rule="hot",
            severity=Severity.SEVERE,
            code="limit.above",
            at=at,
            measured=alerts.Measured(quantity="temperature", unit="Cel", value=81.5, limit=80.0),
            subject=alerts.Named(id=self.ids[sensor], kind="SENSOR", name=sensor.title()),
            path=[
                alerts.Named(id=self.ids[p], kind="PARK" if p == "park" else "BUILDING", name=p.title()) for p in path
            ],
        )
        await self.append(events=[self.event(opened)])
        return id_

    def event(self, opened: alerts.Snapshot) -> NewEvent:
        return alerts.event(alerts.OPENED, opened, expected=0, actor=HUB, cause=None)

    async def furnish(self) -> None:
        """A park, two buildings, three sensors, one of which two sources know."""
        place = lambda id_, kind, *links: Claim(  # noqa: E731
            kind="Place", external_id=id_, values={"kind": kind, "name": id_.title()}, links=links
        )
        in_park = Link(relation="PART_OF", target="park")
        await self.append(
            source="plan",
            claims=[place("park", "PARK"), place("east", "BUILDING", in_park), place("west", "BUILDING", in_park)],
        )
        await self.append(
            source="cabinets",
            claims=[
                self._sensor("boiler", "east", model="B-1"),
                self._sensor("cabinet", "east"),
                self._sensor("door", "west"),
            ],
        )
        await self.append(source="survey", claims=[self._sensor("kessel", None, number="boiler", model="B-2")])
        (series,) = await self.journal.series("cabinets", [("boiler", "temperature", "Cel")])
        rows = [
            ReadingRow(series.id, to_micros(START + timedelta(minutes=minute)), 20.0 + minute, 0, None)
            for minute in range(5)
        ]
        await self.append(source="cabinets", readings=rows)

    def _sensor(self, id_: str, place: str | None, *, number: str | None = None, **values: str) -> Claim:
        return Claim(
            kind="Asset",
            external_id=id_,
            values={"kind": "SENSOR", "name": id_.title(), "serial_number": f"SN-{number or id_}", **values},
            identifiers=(Identifier(scheme="serial_number", value=f"ACME/{number or id_}"),),
            links=() if place is None else (Link(relation="LOCATED_IN", target=place, source="plan"),),
            observed_at=START,
        )


TRUST = {
    name: SourceTrust(precedence=rank, trusted_schemes=frozenset({"serial_number"}))
    for name, rank in PRECEDENCE.items()
}


@asynccontextmanager
async def running(
    folder: Path,
    graph: GraphConfig,
    trust: Mapping[str, SourceTrust] = TRUST,
    furnish: Callable[[Hub], Awaitable[None]] = Hub.furnish,
) -> AsyncIterator[Hub]:
    keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder / "park.key"))
    journal = await Journal.open(JournalConfig(url="sqlite", folder=folder / "state", trust=trust, keyring=keyring))
    store = await Store.open(graph)
    projector = Projector(journal, store, now, PRECEDENCE)
    feed = Feed(journal)
    hub = Hub(journal, store, projector, feed, folder, tuple(trust))
    tasks = [asyncio.create_task(projector.run()), asyncio.create_task(feed.run())]
    try:
        await furnish(hub)
        yield hub
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await store.close()
        await journal.close()
        keyring.close()
