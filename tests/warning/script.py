"""Scripted logs for the tests of warning: entries with numbers and times as the journal would give them."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.contract import Claim, Link, Signal, Value
from hub.clock import Clock, to_micros
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import (
    HUB,
    ClaimEntry,
    Draft,
    Entry,
    EventEntry,
    ReadingRow,
    ReadingsEntry,
    Series,
    SignalEntry,
)
from hub.topology import Topology
from hub.warning.alerts import Step
from hub.warning.limits import Direction
from hub.warning.machine import Machine
from hub.warning.rules import AnyRule, LimitRule, RuleSet, SignalRule, SilenceRule, SourceRule

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
TEMPERATURE = Series(id=1, source="cabinets", external_id="c-1", quantity="temperature", unit="Cel", sensor="e-c1")
SMOKE = Series(id=2, source="cabinets", external_id="c-2", quantity="smoke", unit="%/m", sensor="e-c2")
SERIES = (TEMPERATURE, SMOKE)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def limit(**given: object) -> LimitRule:
    made = {
        "id": "hot",
        "quantity": "temperature",
        "direction": Direction.HIGH,
        "limit": 60.0,
        "severity": "SEVERE",
        "code": "temperature_high",
    }
    return LimitRule.model_validate(made | given)


def silence(**given: object) -> SilenceRule:
    made = {
        "id": "silent",
        "quantity": "temperature",
        "after": timedelta(seconds=120),
        "severity": "MINOR",
        "code": "sensor_silent",
    }
    return SilenceRule.model_validate(made | given)


def signal_rule(**given: object) -> SignalRule:
    made = {"id": "fire", "signals": ("fire_alarm",), "severity": "EXTREME", "code": "fire_alarm"}
    return SignalRule.model_validate(made | given)


def source_rule(**given: object) -> SourceRule:
    made = {"id": "gone", "severity": "MODERATE", "code": "source_unavailable"}
    return SourceRule.model_validate(made | given)


class Script:
    """Writes a log by hand: every entry has a number divisible by ten, so that a timer's event fits between."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.now = START
        self._versions: dict[str, int] = {}

    @property
    def next(self) -> int:
        return 10 * (len(self.entries) + 1)

    def wait(self, for_: float) -> "Script":
        self.now += seconds(for_)
        return self

    def readings(self, *values: float, series: int = 1, flags: int = 0) -> int:
        at = to_micros(self.now)
        rows = [ReadingRow(series, at + number, value, flags, None) for number, value in enumerate(values)]
        seq = self.next
        self.entries.append(ReadingsEntry(seq=seq, recorded_at=self.now, source="cabinets", rows=rows))
        return seq

    def event(self, type: str, stream: str, data: Mapping[str, object]) -> int:  # noqa: A002
        seq = self.next
        self._versions[stream] = version = self._versions.get(stream, 0) + 1
        self.entries.append(
            EventEntry(
                seq=seq,
                batch=seq - 1,
                recorded_at=self.now,
                type=type,
                version=1,
                stream=stream,
                stream_version=version,
                data=data,
                actor="someone",
                reason=None,
                cause=None,
            )
        )
        return seq

    def located(self, *geocodes: str, takes_unlocated: bool = True) -> int:
        data = {"geocodes": list(geocodes), "takesUnlocated": takes_unlocated}
        return self.event("park.located", "park", data)

    def signal(self, type: str, state: str | None = None, *, subject: str = "c-1") -> int:  # noqa: A002
        seq = self.next
        values = {} if state is None else {"state": state}
        self.entries.append(
            SignalEntry(
                seq=seq,
                batch=seq - 1,
                recorded_at=self.now,
                source="cabinets",
                entity=f"e-{subject.replace('-', '')}",
                signal=Signal(type=type, subject=subject, at=self.now, values=values),
            )
        )
        return seq

    def rules(self, *rules: AnyRule) -> int:
        return self.event("rules.replaced", "rules", RuleSet(digest=str(self.next), rules=rules).recorded())

    def acknowledge(self, alert: str) -> int:
        return self.event("alert.acknowledged", f"alert:{alert}", {"alert": {"id": alert}})

    def claim(
        self,
        external_id: str,
        entity: str,
        *,
        type: str = "Asset",  # noqa: A002
        source: str = "cabinets",
        gone: bool = False,
        links: Sequence[Link] = (),
        targets: Mapping[tuple[str, str], str] | None = None,
        **values: Value,
    ) -> int:
        seq = self.next
        self.entries.append(
            ClaimEntry(
                seq=seq,
                batch=seq - 1,
                recorded_at=self.now,
                source=source,
                entity=entity,
                claim=Claim(kind=type, external_id=external_id, values=values, links=tuple(links), gone=gone),
                targets=targets or {},
            )
        )
        return seq

    def place(self, id_: str, part_of: str | None = None, **values: Value) -> int:
        """Its id is its external id."""
        links = (Link(relation="PART_OF", target=part_of),) if part_of else ()
        targets = {("PART_OF", part_of): part_of} if part_of else {}
        return self.claim(id_, id_, type="Place", source="plan", links=links, targets=targets, **values)

    def warn(self, id_: str, *, refers_to: Sequence[str] = (), source: str = "cap", **values: Value) -> int:
        """An actual warning; its id is its external id."""
        made: dict[str, Value] = {
            "identifier": id_,
            "status": "ACTUAL",
            "message_type": "ALERT",
            "severity": "SEVERE",
            "event": "暴雨",
            "sender_name": "重庆市气象台",
            "sent": self.now.isoformat(timespec="microseconds"),
            "colour": "RED",
        }
        return self.claim(
            id_,
            id_,
            type="Warning",
            source=source,
            links=[Link(relation="REFERS_TO", target=target) for target in refers_to],
            targets={("REFERS_TO", target): target for target in refers_to},
            **made | values,
        )


def machine() -> Machine:
    made = Machine(Topology({}), "epoch-1")
    made.know(SERIES)
    return made


def run(entries: Iterable[Entry], on: Machine | None = None) -> list[Step]:
    on = on or machine()
    return [step for entry in entries for step in on.apply(entry)]


def told(steps: Iterable[Step]) -> list[tuple[str, str, int]]:
    """Type, rule, cause."""
    return [(step.type.removeprefix("alert."), step.rule, step.cause) for step in steps]


@asynccontextmanager
async def open_journal(folder: Path, clock: Clock) -> AsyncIterator[Journal]:
    journal = await Journal.open(JournalConfig(url="sqlite", folder=folder, clock=clock))
    try:
        yield journal
    finally:
        await journal.close()


async def sensor(journal: Journal, now: datetime, *, quantity: str = "temperature", unit: str = "Cel") -> Series:
    """A sensor `c-1` named 柜 in zone Z-A of building B1, in the journal."""
    places = (
        Claim(kind="Place", external_id="B1", values={"kind": "BUILDING", "name": "一号楼", "code": "B1"}),
        Claim(
            kind="Place",
            external_id="Z-A",
            values={"kind": "ZONE", "name": "A区", "code": "Z-A"},
            links=(Link(relation="PART_OF", target="B1"),),
        ),
    )
    await journal.append(Draft(source=HUB, received_at=now, claims=places))
    asset = Claim(
        kind="Asset",
        external_id="c-1",
        values={"kind": "SENSOR", "name": "柜"},
        links=(Link(relation="LOCATED_IN", target="Z-A", source=HUB),),
    )
    await journal.append(Draft(source="cabinets", received_at=now, claims=[asset]))
    return (await journal.series("cabinets", [("c-1", quantity, unit)]))[0]


async def read_value(journal: Journal, series: Series, now: datetime, value: float) -> int:
    row = ReadingRow(series.id, to_micros(now), value, 0, None)
    return (await journal.append(Draft(source=series.source, received_at=now, readings=[row]))).batch
