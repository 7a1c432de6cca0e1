"""A subscriber to alerts over graphql-transport-ws that keeps its cursor, and resumes from it whatever ends."""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

ALERTS = """subscription Alerts($after: FeedCursor) {
  alerts(after: $after) { cursor type alert { id code state quantity subject { id name } } }
}"""


class Subscriber:
    """Follows until `stop`; `events` are (type, alert's id) in the order of arrival, `closed` the codes by which the
    hub ended connections."""

    def __init__(self, port: int, after: str | None = None) -> None:
        self.events: list[tuple[str, str]] = []
        self.alerts: list[Mapping[str, Any]] = []
        self.closed: list[int] = []
        self.refused: list[object] = []
        self.connections = 0
        self.begin = self.cursor = after
        self._port = port
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="subscriber", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except ConnectionClosed as ended:
                if ended.rcvd is not None:
                    self.closed.append(ended.rcvd.code)
            except (OSError, WebSocketException, TimeoutError):
                pass
            time.sleep(0.1)

    def _follow(self) -> None:
        url = f"ws://127.0.0.1:{self._port}/graphql"
        protocol = Subprotocol("graphql-transport-ws")
        with connect(url, subprotocols=[protocol], open_timeout=5, close_timeout=1) as socket:
            socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(socket.recv(timeout=10))["type"] == "connection_ack"
            payload = {"query": ALERTS, "variables": {"after": self.cursor}}
            socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            self.connections += 1
            while not self._stopping.is_set():
                try:
                    self._take(json.loads(socket.recv(timeout=0.2)))
                except TimeoutError:
                    continue

    def _take(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "next" and message["payload"].get("data"):
            event = message["payload"]["data"]["alerts"]
            self.events.append((event["type"], event["alert"]["id"]))
            self.alerts.append(event["alert"])
            self.cursor = event["cursor"]
        elif message["type"] in ("next", "error", "complete"):  # a gateway tells by a `next` that the hub is away
            self.refused.append(message.get("payload"))
            raise OSError("the subscription ended")

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(20)
