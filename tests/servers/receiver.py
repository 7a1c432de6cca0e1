"""A webhook's receiver: a real HTTP server that takes, fails, hangs or redirects as it is told, and checks signatures
by the text of the Standard Webhooks specification."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_STATUS = {"hang": 0, "flood": 200}
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.told["type"])

    def is_signed(self, secret: str = SECRET, tolerance: int = 300) -> bool:
        """Specification 1.0, "Verifying webhook authenticity": any one of the signatures, and a recent timestamp."""
        timestamp = self.headers["webhook-timestamp"]
        if abs(time.time() - int(timestamp)) > tolerance:
            return False
        key = base64.b64decode(secret[len("whsec_") :])
        signed = b".".join((self.id.encode(), timestamp.encode(), self.body))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        given = [one.split(",", 1) for one in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(made, expected) for version, made in given)


class Receiver:
    """`answers`: what it does next, request by request; then 204. A number is a status; `hang` says nothing until the
    client goes away, `flood` answers without end, a text beginning with / redirects there."""

    def __init__(self, port: int = 0) -> None:
        self.all: list[Received] = []
        self.answers: list[int | str] = []
        self.always: int | str = 204
        self._changed = threading.Condition()
        self._closing = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver._take(self)

            do_GET = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def taken(self) -> list[Received]:
        return [one for one in self.all if 200 <= one.status < 300]

    def wait(self, holds: Callable[["Receiver"], bool], seconds: float = 30) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self), seconds), [(one.status, one.type) for one in self.all]

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self._changed:
            answer = self.answers.pop(0) if self.answers else self.always
            status = answer if isinstance(answer, int) else 307 if answer.startswith("/") else _STATUS[answer]
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.all.append(Received(handler.path, headers, body, status))
            self._changed.notify_all()
        if answer == "hang":
            self._closing.wait(20)
            handler.close_connection = True
        elif answer == "flood":
            self._flood(handler)
        else:
            handler.send_response(status)
            if isinstance(answer, str):
                handler.send_header("Location", answer)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

    def _flood(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()
        handler.close_connection = True
        try:
            while not self._closing.is_set():
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()
