"""MQTT 3.1.1 and 5: topics of a broker as readings, each message acknowledged once it is stored."""

from collections.abc import AsyncIterator, Iterable, Sequence
from types import TracebackType
from typing import Self

import orjson

from adapters.contract import (
    Batch,
    Claim,
    Cursor,
    DeadLetter,
    Definition,
    Fault,
    Health,
    HealthState,
    Identifier,
    Link,
    Raw,
    Record,
    Source,
    Unreadable,
    Value,
)
from adapters.iot.mqtt_config import DeclaredSensor, MqttConfig
from adapters.iot.mqtt_payload import NotAskedFor, Routes
from adapters.iot.mqtt_session import Session
from adapters.iot.mqtt_stream import Message
from adapters.iot.topics import TopicPattern
from hub.clock import now

MOST = 500
"""Messages of one batch."""

HUB = "hub"


class Mqtt:
    """The adapter. The broker keeps the session, so that what was not acknowledged comes again."""

    def __init__(self, source: Source, config: MqttConfig) -> None:
        self._config = config
        self._client_id = config.client_id or f"causeway-{source.id}"
        self._routes = Routes(config)
        self._declared = {sensor.id: sensor for sensor in config.sensors}
        self._seen: dict[str, Claim] = {}  # sensors of which only traffic tells
        self._session: Session | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def check(self) -> Health:
        """Under a name of its own, so that a hub that runs keeps its session."""
        session = Session(self._config, f"{self._client_id}-check", lasting=False)
        try:
            await session.open()
            await session.subscribe(self._filters())
        finally:
            await session.close()
        return Health(state=HealthState.OK, text=f"{self._config.address} takes the user and the subscriptions")

    async def discover(self) -> AsyncIterator[Claim]:
        """The declared sensors, and those that have shown themselves."""
        for sensor in self._declared.values():
            yield _declared(sensor)
        for claim in list(self._seen.values()):
            yield claim

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        numbers: dict[str, int] = orjson.loads(cursor) if cursor else {}
        session = self._session = Session(self._config, self._client_id, lasting=True)
        try:
            await session.open()
            await session.subscribe(self._filters())
            while True:
                await session.wait()
                inbox = session.inbox
                taken = [inbox.popleft() for _ in range(min(len(inbox), MOST))]
                yield self._batch(session, taken, numbers)
        finally:
            await session.close()

    def _filters(self) -> Iterable[str]:
        return dict.fromkeys(TopicPattern.parse(s.topic).filter for s in self._config.subscriptions)

    def _batch(self, session: Session, messages: Sequence[Message], numbers: dict[str, int]) -> Batch:
        received_at = now()
        records: list[Record] = []
        unreadable: list[DeadLetter] = []
        faults: dict[str, Fault] = {}
        route, known, declared = self._routes.route, self._seen, self._declared
        for message in messages:
            try:
                if message.cut is not None:
                    raise self._too_long(message.cut)
                decode, place = route(message.topic)
                readings, sensor, number = decode(message.payload, message.again)
            except NotAskedFor:
                faults[message.topic] = Fault(
                    where=message.topic,
                    reason="the broker sends it for a subscription of earlier; it is let go. To end it, "
                    "choose another client_id",
                )
                continue
            except Unreadable as error:
                raw = Raw(key=message.topic, received_at=received_at, data=message.payload, redelivered=message.again)
                unreadable.append(DeadLetter.of(raw, error))
                continue
            if number is not None:
                if message.again and self._is_repeat(numbers.get(sensor), number):
                    continue
                numbers[sensor] = number
            if sensor not in known and sensor not in declared:
                known[sensor] = _seen(sensor, place)
                records.append(known[sensor])
            records += readings

        async def ack() -> None:
            session.acknowledge(messages)

        return Batch(
            records=records,
            unreadable=unreadable,
            faults=list(faults.values()),
            received_at=received_at,
            cursor=orjson.dumps(numbers).decode() if numbers else None,
            ack=ack,
        )

    def _is_repeat(self, last: int | None, number: int) -> bool:
        """Stored before a crash and not acknowledged; a number far below is a device that began to count anew."""
        return last is not None and last - self._config.max_in_flight < number <= last

    def _too_long(self, size: int) -> Unreadable:
        return Unreadable(
            f"a message of {size} bytes is past max_payload, {self._config.max_payload}: only its beginning was kept"
        )

    def decode(self, raw: Raw) -> Sequence[Record]:
        """The key is the topic, the data the payload. Before the readings stands the sensor, which may have sent
        nothing else."""
        if len(raw.data) > self._config.max_payload:
            raise self._too_long(len(raw.data))
        decode, place = self._routes.route(raw.key)
        readings, sensor, _ = decode(raw.data, raw.redelivered)
        return readings if sensor in self._declared else [_seen(sensor, place), *readings]


def _declared(sensor: DeclaredSensor) -> Claim:
    values: dict[str, Value] = {"kind": "SENSOR", "name": sensor.name or sensor.id}
    given = {"manufacturer": sensor.manufacturer, "model": sensor.model, "serial_number": sensor.serial_number}
    values |= {field: value for field, value in given.items() if value is not None}
    numbered = sensor.manufacturer is not None and sensor.serial_number is not None
    serial = Identifier(scheme="serial_number", value=f"{sensor.manufacturer}/{sensor.serial_number}")
    return Claim(
        kind="Asset",
        external_id=sensor.id,
        identifiers=(serial,) if numbered else (),
        values=values,
        links=_located(sensor.place),
    )


def _seen(sensor: str, place: str | None) -> Claim:
    return Claim(kind="Asset", external_id=sensor, values={"kind": "SENSOR", "name": sensor}, links=_located(place))


def _located(place: str | None) -> tuple[Link, ...]:
    return (Link(relation="LOCATED_IN", target=place, source=HUB),) if place else ()


ADAPTER = Definition(
    name="mqtt",
    version="1",
    summary="MQTT 3.1.1 and 5: JSON or plain numbers by topic, acknowledged once stored.",
    config=MqttConfig,
    factory=Mqtt,
    polls=False,
    discovers_all=False,
)
