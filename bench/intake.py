"""Messages a second from a broker's queue to the last acknowledgement, against paho that decodes and acknowledges.

mosquitto holds 100,000 messages over 300 topics for each side's session. Ours is the hub's supervisor, intake and
journal (SQLite, synchronous FULL), from its start to the last acknowledgement, each after its commit; the peer decodes
with orjson and acknowledges in the callback.
"""

import asyncio
import math
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from adapters.iot.mqtt import ADAPTER
from adapters.iot.mqtt_config import MqttConfig
from bench._sides import Ingest, journal, settle, told
from hub.journal.log import Journal
from hub.units import Quantity
from tests.servers.mosquitto import Mosquitto, Options

MESSAGES, TOPICS, ROUNDS = 100_000, 300, 3
FILTER = "bench/+/telemetry"
QUANTITIES = {"temperature": Quantity(name="temperature", unit="Cel", deadband=0.2)}


def client(name: str) -> paho.Client:
    return paho.Client(
        CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
    )


def lasting() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = 1000
    return properties


def keep_session(port: int, name: str) -> None:
    """From here on the broker queues for `name`."""
    made = client(name)
    made.on_connect = lambda *_: made.subscribe(FILTER, qos=1)
    made.on_subscribe = lambda *_: made.disconnect()
    made.connect("127.0.0.1", port, clean_start=False, properties=lasting())
    made.loop_forever()


def fill(port: int, first: int) -> float:
    """Publishes the messages; returns the sum of their values, by which the sides' answers are compared."""
    sender = client("sender")
    sender.max_inflight_messages_set(1000)
    sender.connect("127.0.0.1", port)
    sender.loop_start()
    total, began = 0.0, datetime.now(UTC)
    sent: list[paho.MQTTMessageInfo] = []
    for i in range(MESSAGES):
        at = began + timedelta(microseconds=first + i)
        value = float((i // TOPICS) % 50 + (i % 7) / 8)
        total += value
        payload = orjson.dumps({"at": at, "v": value})
        sent.append(sender.publish(f"bench/s{i % TOPICS}/telemetry", payload, qos=1))
        if len(sent) == 20_000 or i == MESSAGES - 1:  # a session numbers 65,535 messages at most
            for each in sent:
                each.wait_for_publish(60)
            sent.clear()
    sender.disconnect()
    sender.loop_stop()
    return total


def theirs(port: int) -> tuple[float, float]:
    """Seconds, and the sum of the values."""
    seen, total = 0, 0.0
    peer = client("peer")

    def on_message(_client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        nonlocal seen, total
        total += orjson.loads(message.payload)["v"]
        peer.ack(message.mid, message.qos)
        seen += 1
        if seen == MESSAGES:
            peer.disconnect()

    peer.on_message = on_message
    began = time.perf_counter()
    peer.connect("127.0.0.1", port, clean_start=False, properties=lasting())
    peer.loop_forever()
    return time.perf_counter() - began, total


async def ours(port: int, folder: Path) -> tuple[float, float]:
    config = MqttConfig.model_validate(
        {
            "host": "127.0.0.1",
            "port": port,
            "client_id": "ours",
            "subscriptions": [
                {
                    "topic": "bench/{sensor}/telemetry",
                    "format": "json",
                    "values": [{"path": "v", "quantity": "temperature", "unit": "Cel"}],
                    "time_path": "at",
                }
            ],
            "sensors": [{"id": f"s{i}"} for i in range(TOPICS)],
        }
    )
    async with journal(folder) as log:
        ingest = Ingest(log, ADAPTER, config, QUANTITIES)
        began = time.perf_counter()
        async with ingest.run():
            await ingest.until(MESSAGES)
            took = time.perf_counter() - began
        return took, await stored_sum(log)


async def stored_sum(log: Journal) -> float:
    since, until = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
    ids = [series.id for series in await log.all_series()]
    rows = await log.readings(ids, since, until, MESSAGES)
    return math.fsum(row.value for each in rows.values() for row in each)


def main() -> int:
    our_rates, their_rates = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto.start(folder / "broker", Options(max_inflight=1000, max_queued=0, persistence=False))
        try:
            for session in ("ours", "peer"):
                keep_session(broker.port, session)
            for number in range(ROUNDS):
                total = fill(broker.port, number)
                results = {}
                for side in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
                    settle(spared=True)
                    if side == "ours":
                        results[side] = asyncio.run(ours(broker.port, folder / f"journal{number}"))
                    else:
                        results[side] = theirs(broker.port)
                    assert math.isclose(results[side][1], total), f"{side} has other values than were sent"
                our_rates.append(MESSAGES / results["ours"][0])
                their_rates.append(MESSAGES / results["theirs"][0])
                print(f"round {number}: {our_rates[-1]:.0f} {their_rates[-1]:.0f}", file=sys.stderr)
        finally:
            broker.stop()
    told("intake", "paho-mqtt with orjson", our_rates, their_rates, "messages/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
