"""Sends rounds of one reading a sensor to a broker, as fast as it takes them. Arguments: port, sensors, rounds."""

import sys
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

IN_FLIGHT = 2000


def flood(port: int, sensors: int, rounds: int) -> None:
    room = threading.Semaphore(IN_FLIGHT)
    connected = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="flood")
    client.on_publish = lambda *_: room.release()
    client.on_connect = lambda *_: connected.set()
    client.max_inflight_messages_set(IN_FLIGHT)
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert connected.wait(10)
    at = 0
    for number in range(rounds):
        at = max(at + 1, time.time_ns() // 1_000_000)
        for sensor in range(sensors):
            room.acquire()
            body = f'{{"n": {number}, "at": {at}}}'
            client.publish(f"timed/s{sensor}", body, qos=1)
    for _ in range(IN_FLIGHT):
        room.acquire()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    flood(*map(int, sys.argv[1:4]))
