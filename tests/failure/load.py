"""A load that knows what it sent: numbered MQTT messages (QoS 1) and a counting Modbus register."""

import json
import random
import threading
import time
from collections.abc import Mapping

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers.modbus import ModbusServer

KINDS = ("timed", "counted", "bare")
"""By time; by a number of their own; by neither, so that a crash may repeat some, which are flagged."""
WAVE = 40  # messages of one rise and fall of a timed sensor's temperature


def temperature(number: int) -> float:
    """Above the limit for the second half of each wave; no two are equal, since what is sent again after a broken
    connection comes in another order, and a value equal to the one before it is not stored."""
    return (90.0 if number % WAVE >= WAVE // 2 else 20.0) + number / 100_000


class Publisher:
    """Sends to a broker until `stop`, and waits until the broker has taken it all. A broker that is away is waited for:
    what it had not taken comes again, as QoS 1 has it."""

    def __init__(self, port: int, *, sensors: int = 6, per_second: float = 300, name: str = "load") -> None:
        self.sent: dict[str, int] = {f"{kind}-{n}": 0 for n in range(sensors) for kind in KINDS}
        """Messages of each sensor; they carry the numbers from 1 on."""
        self._pause = 1 / per_second
        self._last_at = 0
        self._connected = threading.Event()
        self._stopping = threading.Event()
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        client.max_inflight_messages_set(1000)
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(1, 1)
        client.on_connect = lambda *_: self._connected.set()
        client.on_publish = self._on_taken
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert self._connected.wait(10)
        self._published = self._taken = 0
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> "Publisher":
        self._thread.start()
        return self

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            for sensor in self.sent:
                self.publish(sensor)
                due += self._pause
            time.sleep(max(0.0, due - time.monotonic()))

    def publish(self, sensor: str) -> None:
        """The sensor's next message."""
        self.sent[sensor] = number = self.sent.get(sensor, 0) + 1
        kind = sensor.partition("-")[0]
        self._last_at = at = max(self._last_at + 1, time.time_ns() // 1_000_000)
        body: Mapping[str, object] = {"n": number}
        if kind == "timed":
            body = {"n": number, "t": temperature(number), "at": at}
        payload = str(number) if kind == "bare" else json.dumps(body)
        self.raw(f"{kind}/{sensor}", payload)

    def raw(self, topic: str, payload: str | bytes) -> None:
        self._published += 1
        self._client.publish(topic, payload, qos=1)

    def _on_taken(self, *_: object) -> None:
        self._taken += 1

    def taken(self, seconds: float = 60) -> None:
        """Until the broker has acknowledged all that was sent."""
        deadline = time.monotonic() + seconds
        while self._taken < self._published and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self._taken == self._published, f"the broker took {self._taken} of {self._published} messages"

    def stop(self) -> None:
        """Ends the load, with all of it taken by the broker."""
        if self._thread.is_alive():
            self._stopping.set()
            self._thread.join(30)
        self.taken()
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def total(self) -> int:
        return sum(self.sent.values())


class Counting:
    """Counts up a Modbus server's register, until `stop`."""

    def __init__(self, server: ModbusServer, *, per_second: float = 10) -> None:
        self.number = 0
        self._server = server
        self._pause = 1 / per_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="counting", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            number = self.number + 1
            self._server.set_registers(0, [number >> 16, number & 0xFFFF, round(temperature(number) * 10)])
            self.number = number

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)


def moments(count: int, seed: int, least: float, most: float) -> list[float]:
    """Random seconds; the seed tells them again."""
    chance = random.Random(seed)
    return [chance.uniform(least, most) for _ in range(count)]
