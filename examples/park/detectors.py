"""Smoke detectors that publish over MQTT 3.1.1, QoS 1, each every few seconds: what the demo's gateway would be."""

import itertools
import json
import random
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from paho.mqtt.client import CallbackAPIVersion, Client
from paho.mqtt.enums import MQTTProtocolVersion


class Detectors:
    """`names` are topics' last level; `heat` and `smoke` of one can be set while it publishes."""

    def __init__(self, names: Sequence[str], port: int, *, every: float = 2.0, seed: int = 3) -> None:
        chance = random.Random(seed)
        self.smoke = {name: round(chance.uniform(0.0, 0.4), 2) for name in names}
        self.carbon_monoxide = {name: round(chance.uniform(0.5, 4.0), 1) for name in names}
        self.temperature = {name: round(chance.uniform(18.0, 26.0), 1) for name in names}
        self.humidity = {name: round(chance.uniform(45.0, 65.0), 1) for name in names}
        self._every = every
        self._stop = threading.Event()
        self._numbers = itertools.count(1)
        self._client = Client(CallbackAPIVersion.VERSION2, "demo-detectors", protocol=MQTTProtocolVersion.MQTTv311)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, name="detectors")
        self._thread.start()

    def publish(self, name: str) -> float:
        """Sends one detector's values now; the moment of sending (time.monotonic)."""
        payload = {
            "n": next(self._numbers),
            "at": datetime.now(UTC).isoformat(),
            "smoke": self.smoke[name],
            "co": self.carbon_monoxide[name],
            "temperature": self.temperature[name],
            "humidity": self.humidity[name],
        }
        self._client.publish(f"park/detectors/{name}", json.dumps(payload), qos=1)
        return time.monotonic()

    def _run(self) -> None:
        names = list(self.smoke)
        pause = self._every / len(names)
        for name in itertools.cycle(names):
            if self._stop.wait(pause):
                return
            self.publish(name)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()
