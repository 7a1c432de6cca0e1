"""MQTT over a real mosquitto: nothing lost, nothing acknowledged too early, and failures called by their name."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import orjson
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from adapters.contract import (
    Batch,
    CertificateRefused,
    Claim,
    CredentialsRefused,
    HealthState,
    Raw,
    Reading,
    Record,
    Source,
    SourceError,
    Unreachable,
    Unreadable,
)
from adapters.counterpart import Traits, closing
from adapters.iot import mqtt_payload
from adapters.iot.json_paths import at
from adapters.iot.mqtt import ADAPTER, Mqtt
from adapters.iot.mqtt_config import MqttConfig
from adapters.iot.mqtt_session import Session
from adapters.testing import contract_tests
from hub.clock import now
from tests.servers.certificates import Certificates
from tests.servers.mosquitto import Mosquitto, Options
from tests.servers.process import ServerMissing, free_port

TELEMETRY: Mapping[str, object] = {
    "topic": "park/{place}/{sensor}/telemetry",
    "format": "json",
    "values": [{"path": "v", "quantity": "temperature", "unit": "Cel"}],
    "time_path": "at",
    "place": "{place}",
}


def publish(port: int, messages: Sequence[tuple[str, bytes]], *, retain: bool = False, **account: str) -> None:
    """Returns when the broker has taken them all."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    if account:
        client.username_pw_set(account["username"], account["password"])
    client.max_inflight_messages_set(1000)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for sent in [client.publish(topic, payload, qos=1, retain=retain) for topic, payload in messages]:
        sent.wait_for_publish(20)
    client.disconnect()
    client.loop_stop()


def mqtt(port: int, *subscriptions: Mapping[str, object], **more: object) -> Mqtt:
    config = {"host": "127.0.0.1", "port": port, "subscriptions": subscriptions or [TELEMETRY], **more}
    adapter = ADAPTER.factory(Source(id="broker"), MqttConfig.model_validate(config))
    assert isinstance(adapter, Mqtt)
    return adapter


async def take(adapter: Mqtt, n: int, *, acknowledge: bool = True, seconds: float = 8) -> list[Batch]:
    """Batches until they hold `n` readings and dead letters, or time is over."""
    taken: list[Batch] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), closing(adapter.read(None)) as batches:
            async for batch in batches:
                taken.append(batch)
                if acknowledge:
                    await batch.ack()
                if len(readings(taken)) + len(letters(taken)) >= n:
                    break
    return taken


def readings(batches: Sequence[Batch]) -> list[Reading]:
    return [record for batch in batches for record in batch.records if isinstance(record, Reading)]


def letters(batches: Sequence[Batch]) -> list[str]:
    return [letter.reason for batch in batches for letter in batch.unreadable]


def keep_session(adapter: Mqtt) -> None:
    """The broker has heard of the session: from here on it keeps what is published."""

    async def run() -> None:
        session = Session(adapter._config, adapter._client_id, lasting=True)
        await session.open()
        await session.subscribe(adapter._filters())
        await session.close()

    asyncio.run(run())


class Broker:
    """A mosquitto that asks for a password, with a session that it keeps, for the contract."""

    traits: ClassVar[Traits] = Traits(credentials=True, acknowledges=True, bound=100, patience=8.0)
    protocol = "5"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._broker: Mosquitto | None = None
        self._next = 0
        self._last: list[tuple[str, bytes]] = []

    @property
    def broker(self) -> Mosquitto:
        assert self._broker is not None
        return self._broker

    def start(self) -> None:
        try:
            self._broker = Mosquitto.start(self._folder, Options(users={"hub": "right"}, max_inflight=100))
        except ServerMissing as missing:
            pytest.skip(str(missing))
        (self._folder / "right").write_text("right", encoding="utf-8")
        (self._folder / "wrong").write_text("wrong", encoding="utf-8")
        config = ADAPTER.config.model_validate(self.config())
        adapter = ADAPTER.factory(Source(id="contract"), config)
        assert isinstance(adapter, Mqtt)
        keep_session(adapter)

    def stop(self) -> None:
        if self._broker is not None:
            self._broker.stop()

    def pause(self) -> None:
        self.broker.stop()

    def resume(self) -> None:
        self.broker.restart()

    def config(self) -> Mapping[str, object]:
        return {
            "host": "127.0.0.1",
            "port": self.broker.port,
            "protocol": self.protocol,
            "username": "hub",
            "password": {"file": str(self._folder / "right")},
            "max_in_flight": 100,
            "subscriptions": [TELEMETRY],
            "sensors": [{"id": "s1"}],
        }

    def refused_config(self) -> Mapping[str, object]:
        return {**self.config(), "password": {"file": str(self._folder / "wrong")}}

    def produce(self, n: int) -> Sequence[Record]:
        made: list[Record] = []
        self._last = []
        for _ in range(n):
            self._next += 1
            payload = orjson.dumps({"at": "2026-03-01T00:00:00Z", "v": self._next / 4})
            self._last.append(("park/B1/s1/telemetry", payload))
            made.append(Reading("s1", "temperature", self._next / 4, "Cel"))
        publish(self.broker.port, self._last, username="hub", password="right")
        return made

    def spoil(self) -> None:
        publish(self.broker.port, [("park/B1/s1/telemetry", b"{not json")], username="hub", password="right")

    def payloads(self) -> Sequence[Raw]:
        return [Raw(key=topic, received_at=now(), data=payload) for topic, payload in self._last]


class OlderBroker(Broker):
    protocol = "3.1.1"


globals().update(contract_tests(ADAPTER, Broker))
globals().update({f"{name}_311": test for name, test in contract_tests(ADAPTER, OlderBroker).items()})

BOTH = pytest.mark.parametrize("protocol", ["3.1.1", "5"])


def decode(payload: bytes, topic: str = "park/B1/s1/telemetry", **changed: object) -> list[Reading]:
    adapter = mqtt(1, {**TELEMETRY, **changed})
    records = adapter.decode(Raw(key=topic, received_at=now(), data=payload))
    return [record for record in records if isinstance(record, Reading)]


@pytest.mark.parametrize(
    ("payload", "told", "where"),
    [
        (b'{"at": "2026-03-01T00:00:00Z", "w": 1}', "nothing stands at 'v': there is 'at', 'w'", "v"),
        (b'{"at": "2026-03-01T00:00:00Z", "v": "23.5"}', "the text '23.5' stands where a number is due", "v"),
        (b'{"at": "2026-03-01T00:00:00Z", "v": null}', "null stands where a number is due", "v"),
        (b'{"at": "2026-03-01T00:00:00Z", "v": NaN}', "not JSON", ""),
        (b'{"at": "2026-03-01T00:00:00Z", "v": 1e999}', "not JSON", ""),
        (b'{"at": "2026-03-01T00:00:00Z", "v": "\xff"}', "not JSON", ""),
        (b'{"at": "yesterday", "v": 1}', '"yesterday" is no ISO 8601 time', "at"),
        (b'{"v": 1}', "nothing stands at 'at'", "at"),
        (b"[1, 2]", "nothing stands at 'at': there is a list", "at"),
        (b"", "not JSON", ""),
    ],
)
def test_a_payload_that_cannot_be_read_says_why_and_where(payload: bytes, told: str, where: str) -> None:
    with pytest.raises(Unreadable, match=told) as unreadable:
        decode(payload)
    assert unreadable.value.where == where


def test_text_is_a_number_where_the_park_file_says_so() -> None:
    (reading,) = decode(b'{"at": "2026-03-01T00:00:00Z", "v": "23.5"}', accept_text_numbers=True)
    assert reading.value == 23.5
    for text in (b"nan", b"inf", b"1_0", b"warm"):
        with pytest.raises(Unreadable, match="is no number"):
            decode(b'{"at": "2026-03-01T00:00:00Z", "v": "' + text + b'"}', accept_text_numbers=True)


def test_many_values_by_paths_and_the_sensor_from_the_payload() -> None:
    read = decode(
        b'{"dev": {"id": "co-7"}, "t": 1772323200500, "list": [{"x": 4}, {"x": 5}], "a/b": true}',
        time_path="t",
        time_format="epoch_ms",
        sensor_path="dev.id",
        values=[
            {"path": "list.1.x", "quantity": "co", "unit": "[ppm]"},
            {"path": "/a~1b", "quantity": "door_{place}"},
            {"path": "battery", "quantity": "battery", "optional": True},
        ],
    )
    assert [(r.sensor, r.quantity, r.value, r.unit) for r in read] == [
        ("co-7", "co", 5.0, "[ppm]"),
        ("co-7", "door_B1", 1.0, "1"),
    ]
    assert read[0].at is not None
    assert read[0].at.isoformat() == "2026-03-01T00:00:00.500000+00:00"


def test_a_plain_number() -> None:
    adapter = mqtt(1, {"topic": "m/{sensor}/{quantity}", "format": "number", "quantity": "{quantity}", "unit": "V"})
    raw = Raw(key="m/s1/u", received_at=now(), data=b" 230.5\n")
    assert list(adapter.decode(raw))[1:] == [Reading("s1", "u", 230.5, "V")]
    for payload in (b"", b"on", b"NaN", b"\xff", b"1 V"):
        with pytest.raises(Unreadable, match="is no number"):
            adapter.decode(Raw(key="m/s1/u", received_at=now(), data=payload))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"topic": "park/{a}+/x"}, "a wildcard is a whole level"),
        ({"topic": "#/{sensor}"}, "'#' stands at the end only"),
        ({"sensor": "{device}"}, "has no level {device}"),
        ({"time_path": "a..b"}, "is no path"),
        ({"values": []}, "at least 1 item"),
    ],
)
def test_a_subscription_that_cannot_work_is_refused(changed: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        mqtt(1, {**TELEMETRY, **changed})


@BOTH
def test_unacknowledged_messages_come_again_and_acknowledged_ones_do_not(mosquitto: Mosquitto, protocol: str) -> None:
    adapter = mqtt(mosquitto.port, protocol=protocol)
    keep_session(adapter)
    sent = [("park/B1/s1/telemetry", b'{"at": "2026-03-01T00:00:00Z", "v": %d}' % i) for i in range(10)]
    publish(mosquitto.port, sent)

    async def first() -> None:
        async with adapter, closing(adapter.read(None)) as batches:
            seen: list[Batch] = []
            async for batch in batches:
                seen.append(batch)
                if len(seen) == 1:
                    await batch.ack()
                if len(readings(seen)) == 10:
                    publish(mosquitto.port, [("park/B1/s1/telemetry", b'{"at": "2026-03-01T00:00:00Z", "v": 99}')])
                if len(readings(seen)) == 11:
                    break  # the second batch was never acknowledged

    asyncio.run(first())
    again = readings(asyncio.run(take(mqtt(mosquitto.port, protocol=protocol), 11, seconds=1.0)))
    values = [reading.value for reading in again]
    assert 99 in values
    assert 0 not in values
    assert not readings(asyncio.run(take(mqtt(mosquitto.port, protocol=protocol), 1, seconds=0.7)))


@BOTH
def test_a_restarted_broker_loses_nothing(mosquitto: Mosquitto, protocol: str) -> None:
    adapter = mqtt(mosquitto.port, protocol=protocol)
    keep_session(adapter)
    publish(mosquitto.port, [("park/B1/s1/telemetry", b'{"at": "2026-03-01T00:00:00Z", "v": 1}')])

    async def run() -> None:
        async with adapter, closing(adapter.read(None)) as batches:
            held = await anext(batches)
            await asyncio.to_thread(mosquitto.restart)
            with pytest.raises(Unreachable, match="was lost"):
                await anext(batches)
            await held.ack()  # too late, and harmless
        publish(mosquitto.port, [("park/B1/s2/telemetry", b'{"at": "2026-03-01T00:00:00Z", "v": 2}')])
        async with adapter:
            found = readings(await take(adapter, 2))
        assert sorted((r.sensor, r.value) for r in found) == [("s1", 1.0), ("s2", 2.0)]

    asyncio.run(run())


def test_a_repeat_is_marked_where_the_message_has_neither_time_nor_number(mosquitto: Mosquitto) -> None:
    anonymous = {**TELEMETRY, "time_path": None}
    keep_session(mqtt(mosquitto.port, anonymous))
    publish(mosquitto.port, [("park/B1/s1/telemetry", b'{"v": 1}')])
    first = readings(asyncio.run(take(mqtt(mosquitto.port, anonymous), 1, acknowledge=False)))
    second = readings(asyncio.run(take(mqtt(mosquitto.port, anonymous), 1)))
    assert [r.redelivered for r in first + second] == [False, True]


def test_a_repeat_with_a_number_of_its_own_is_stored_once(mosquitto: Mosquitto) -> None:
    """The batch was stored with its cursor, and the hub died before it could acknowledge."""
    numbered = {**TELEMETRY, "time_path": None, "number_path": "n"}
    keep_session(mqtt(mosquitto.port, numbered))
    publish(mosquitto.port, [("park/B1/s1/telemetry", b'{"v": 1, "n": 7}')])
    (batch,) = asyncio.run(take(mqtt(mosquitto.port, numbered), 1, acknowledge=False))
    publish(mosquitto.port, [("park/B1/s1/telemetry", b'{"v": 2, "n": 8}')])

    async def resumed() -> list[Reading]:
        adapter, seen = mqtt(mosquitto.port, numbered), list[Batch]()
        async with adapter, closing(adapter.read(batch.cursor)) as batches:
            async for found in batches:
                seen.append(found)
                await found.ack()
                if readings(seen):
                    return readings(seen)
        return []

    assert [reading.value for reading in asyncio.run(resumed())] == [2.0]


@BOTH
def test_a_message_of_50_megabytes_is_a_dead_letter_and_the_stream_goes_on(mosquitto: Mosquitto, protocol: str) -> None:
    adapter = mqtt(mosquitto.port, protocol=protocol, max_payload=10_000)
    keep_session(adapter)
    huge = b'{"at": "2026-03-01T00:00:00Z", "v": 1, "x": "' + b"x" * 50_000_000 + b'"}'
    publish(mosquitto.port, [("park/B1/s1/telemetry", huge)])
    publish(mosquitto.port, [("park/B1/s1/telemetry", b'{"at": "2026-03-01T00:00:00Z", "v": 2}')])
    taken = asyncio.run(take(adapter, 2))
    assert letters(taken) == [f"a message of {len(huge)} bytes is past max_payload, 10000: only its beginning was kept"]
    kept = [letter.raw for batch in taken for letter in batch.unreadable]
    assert len(kept[0].data) == 10_001
    assert [reading.value for reading in readings(taken)] == [2.0]


def test_a_bug_of_ours_costs_one_message_and_not_the_stream(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def buggy(document: object, path: tuple[str, ...]) -> datetime:
        if at(document, path) == "sick":
            raise ZeroDivisionError("a bug")
        return now()

    monkeypatch.setitem(mqtt_payload._TIMES, "iso8601", buggy)
    adapter = mqtt(mosquitto.port)
    keep_session(adapter)
    sick, well = b'{"at": "sick", "v": 1.0}', b'{"at": "2026-03-01T00:00:00Z", "v": 2.0}'
    publish(mosquitto.port, [("park/B1/s1/telemetry", sick), ("park/B1/s1/telemetry", well)])
    taken = asyncio.run(take(adapter, 2))
    assert [reading.value for reading in readings(taken)] == [2.0]
    (letter,) = [letter for batch in taken for letter in batch.unreadable]
    assert (letter.raw.data, "ZeroDivisionError" in letter.reason) == (sick, True)
    assert isinstance(letter.bug, ZeroDivisionError)
    assert not asyncio.run(take(mqtt(mosquitto.port), 1, seconds=1)), "nothing comes again"


def test_a_sensor_is_claimed_when_it_is_first_seen_and_discovered_from_then_on(mosquitto: Mosquitto) -> None:
    declared = [{"id": "s1", "name": "Kitchen", "place": "B1", "manufacturer": "X", "serial_number": "9"}]
    adapter = mqtt(mosquitto.port, sensors=declared)
    keep_session(adapter)
    payload = b'{"at": "2026-03-01T00:00:00Z", "v": 1}'
    publish(mosquitto.port, [(f"park/B2/{sensor}/telemetry", payload) for sensor in ("s1", "s2", "s2")])

    async def run() -> tuple[list[Record], list[Claim]]:
        async with adapter:
            taken = await take(adapter, 3)
            return [record for batch in taken for record in batch.records], [c async for c in adapter.discover()]

    records, discovered = asyncio.run(run())
    (claim,) = [record for record in records if isinstance(record, Claim)]
    assert (claim.external_id, claim.values["kind"]) == ("s2", "SENSOR")
    assert [(link.relation, link.target, link.source) for link in claim.links] == [("LOCATED_IN", "B2", "hub")]
    assert records.index(claim) < next(i for i, r in enumerate(records) if isinstance(r, Reading) and r.sensor == "s2")
    assert [c.external_id for c in discovered] == ["s1", "s2"]
    assert discovered[0].identifiers[0].value == "X/9"


def test_topics_of_an_older_subscription_are_told_and_let_go(mosquitto: Mosquitto) -> None:
    keep_session(mqtt(mosquitto.port, {**TELEMETRY, "topic": "old/{place}/{sensor}"}))
    publish(mosquitto.port, [("old/B1/s1", b"1")])
    publish(mosquitto.port, [("park/B1/s1/telemetry", b'{"at": "2026-03-01T00:00:00Z", "v": 1}')])
    keep_session(mqtt(mosquitto.port))
    publish(mosquitto.port, [("old/B1/s1", b"1"), ("park/B1/s1/telemetry", b'{"at": "2026-03-01T00:00:00Z", "v": 1}')])
    taken = asyncio.run(take(mqtt(mosquitto.port), 1))
    assert not letters(taken)
    assert {fault.where for batch in taken for fault in batch.faults} == {"old/B1/s1"}


def test_a_check_beside_a_running_hub_leaves_its_session_alone(mosquitto: Mosquitto) -> None:
    running = mqtt(mosquitto.port)

    async def run() -> float:
        async with running, closing(running.read(None)) as batches:
            first = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(0.3)
            async with mqtt(mosquitto.port) as other:
                assert (await other.check()).state is HealthState.OK
            await asyncio.to_thread(
                publish, mosquitto.port, [("park/B1/s1/telemetry", b'{"at": "2026-03-01T00:00:00Z", "v": 3}')]
            )
            return readings([await first])[0].value

    assert asyncio.run(run()) == 3.0


def failure(adapter: Mqtt) -> SourceError:
    async def run() -> SourceError:
        async with adapter:
            with pytest.raises(SourceError) as checked:
                await adapter.check()
            with pytest.raises(SourceError) as read:
                await anext(adapter.read(None))
        assert type(checked.value) is type(read.value)
        assert str(checked.value) == str(read.value)
        return checked.value

    return asyncio.run(run())


@BOTH
def test_a_wrong_password_is_told(tmp_path: Path, protocol: str) -> None:
    with broker(tmp_path, Options(users={"hub": "right"})) as server:
        (tmp_path / "password").write_text("wrong", encoding="utf-8")
        told = failure(
            mqtt(server.port, protocol=protocol, username="hub", password={"file": str(tmp_path / "password")})
        )
    assert isinstance(told, CredentialsRefused)
    assert "compare username and password" in str(told)


def test_a_password_that_is_not_there_is_told() -> None:
    told = failure(mqtt(free_port(), username="hub", password={"env": "NO_SUCH_VARIABLE_HERE"}))
    assert isinstance(told, CredentialsRefused)
    assert "NO_SUCH_VARIABLE_HERE is not set" in str(told)


@BOTH
def test_nobody_at_the_address_is_told(protocol: str) -> None:
    port = free_port()
    told = failure(mqtt(port, protocol=protocol))
    assert isinstance(told, Unreachable)
    assert f"127.0.0.1:{port}" in str(told)
    assert "is the broker on" in str(told)


@contextlib.contextmanager
def broker(folder: Path, options: Options) -> Iterator[Mosquitto]:
    try:
        server = Mosquitto.start(folder / "mosquitto", options)
    except ServerMissing as missing:
        pytest.skip(str(missing))
    try:
        yield server
    finally:
        server.stop()


def test_tls_with_the_right_authority_reads_and_every_wrong_one_is_told(tmp_path: Path) -> None:
    right = Certificates.make(tmp_path / "right", "127.0.0.1")
    other = Certificates.make(tmp_path / "other", "127.0.0.1")
    with broker(tmp_path, Options(tls=right)) as server:
        secure = {"ca_file": str(right.authority)}
        adapter = mqtt(server.port, tls=secure)

        async def run() -> list[Reading]:
            async with adapter, closing(adapter.read(None)) as batches:
                first = asyncio.ensure_future(anext(batches))
                await asyncio.sleep(0.3)
                await asyncio.to_thread(publish_tls, server.port, right)
                taken = [await first]
                while len(readings(taken)) < 300:
                    await taken[-1].ack()
                    taken.append(await anext(batches))
                return readings(taken)

        assert len(asyncio.run(run())) == 300
        unknown = failure(mqtt(server.port, tls={"ca_file": str(other.authority)}))
        assert isinstance(unknown, CertificateRefused)
        assert "tls.ca_file" in str(unknown)
        wrong_name = failure(mqtt(server.port, tls={**secure, "server_name": "broker.park"}))
        assert isinstance(wrong_name, CertificateRefused)
        assert "broker.park" in str(wrong_name)
        plain = failure(mqtt(server.port, timeout_seconds=2.0))
        assert isinstance(plain, Unreachable)


def publish_tls(port: int, certificates: Certificates) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
    client.tls_set(ca_certs=str(certificates.authority))
    client.connect("127.0.0.1", port)
    client.loop_start()
    payload = b'{"at": "2026-03-01T00:00:00Z", "v": 1}'
    for sent in [client.publish(f"park/B1/s{i}/telemetry", payload, qos=1) for i in range(300)]:
        sent.wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_an_expired_certificate_and_a_name_of_its_own(tmp_path: Path) -> None:
    named = Certificates.make(tmp_path / "named", "broker.park")
    with broker(tmp_path / "a", Options(tls=named)) as server:
        adapter = mqtt(server.port, tls={"ca_file": str(named.authority), "server_name": "broker.park"})

        async def check() -> HealthState:
            async with adapter:
                return (await adapter.check()).state

        assert asyncio.run(check()) is HealthState.OK
    old = Certificates.make(tmp_path / "old", "127.0.0.1", expired=True)
    with broker(tmp_path / "b", Options(tls=old)) as server:
        told = failure(mqtt(server.port, tls={"ca_file": str(old.authority)}))
        assert isinstance(told, CertificateRefused)
        assert "expired" in str(told)


def test_a_broker_that_wants_our_certificate(tmp_path: Path) -> None:
    made = Certificates.make(tmp_path / "made", "127.0.0.1")
    with broker(tmp_path, Options(tls=made, client_certificates=True)) as server:
        secure = {"ca_file": str(made.authority)}
        told = failure(mqtt(server.port, tls=secure))
        assert isinstance(told, CertificateRefused)
        assert "tls.certificate_file" in str(told)
        shown = {**secure, "certificate_file": str(made.client), "key_file": str(made.client_key)}

        async def check() -> HealthState:
            async with mqtt(server.port, tls=shown) as adapter:
                return (await adapter.check()).state

        assert asyncio.run(check()) is HealthState.OK


def test_a_silent_peer_is_unreachable_within_the_timeout() -> None:

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        told = failure(mqtt(silent.getsockname()[1], timeout_seconds=0.5))
    assert isinstance(told, Unreachable)
    assert "is it an MQTT broker" in str(told)
    assert time.monotonic() - started < 10
