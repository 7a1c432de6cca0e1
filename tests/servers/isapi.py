"""A Hikvision device of our own, written from the protocol: digest, lists as XML, and an alert stream in chunks.

It answers what a recording of a real device holds: `{"System/deviceInfo": {"response": …}}`, the elements as dicts with
`@attribute` and `#text`, or `{"status_code": 403}`. It shares no code with the adapter.
"""

import hashlib
import re
import secrets
import socket
from collections import deque
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tests.servers.certificates import Certificates
from tests.servers.http_device import HttpDevice

REALM = "DS-TEST"
BOUNDARY = "boundary"

Recording = Mapping[str, Mapping[str, Any]]


def element(name: str, value: Any) -> str:
    """One element as text, from what an XML-to-dict recording made of it."""
    if isinstance(value, list):
        return "".join(element(name, each) for each in value)
    if value is None:
        return f"<{name}/>"
    if not isinstance(value, Mapping):
        return f"<{name}>{escape(str(value))}</{name}>"
    attributes = "".join(f" {key[1:]}={quoteattr(str(each))}" for key, each in value.items() if key.startswith("@"))
    inner = "".join(element(key, each) for key, each in value.items() if not key.startswith(("@", "#")))
    return f"<{name}{attributes}>{escape(str(value.get('#text', '')))}{inner}</{name}>"


def document(response: Mapping[str, Any]) -> bytes:
    [(name, value)] = response.items()
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + element(name, value)).encode()


def refusal(status: str, sub: str) -> bytes:
    return document({"ResponseStatus": {"statusCode": "4", "statusString": status, "subStatusCode": sub}})


def part(body: bytes, kind: str = 'application/xml; charset="UTF-8"', length: int | None = -1) -> bytes:
    """`length`: as the header says; -1: the right one, None: no such header."""
    head = f"--{BOUNDARY}\r\nContent-Type: {kind}\r\n"
    if length is not None:
        head += f"Content-Length: {len(body) if length < 0 else length}\r\n"
    return head.encode() + b"\r\n" + body + b"\r\n"


class IsapiDevice(HttpDevice):
    """`say` puts bytes on the alert stream; what nobody hears waits for the next listener."""

    def __init__(
        self, recording: Recording, user: str, password: str, certificates: Certificates | None = None
    ) -> None:
        super().__init__(certificates)
        self.recording = recording
        self.refuses_alerts = False
        self.lock_told = False
        self._user, self._password = user, password
        self._nonces: set[str] = set()
        self._unheard: deque[bytes] = deque()

    def say(self, data: bytes) -> None:
        with self._news:
            self._unheard.append(data)
            self._news.notify_all()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path
        if not self._is_known(request):
            nonce = secrets.token_hex(16)
            self._nonces.add(nonce)
            body = b"<userCheck><lockStatus>lock</lockStatus></userCheck>" if self.lock_told else b"Unauthorized"
            request.send_response(401)
            request.send_header("WWW-Authenticate", f'Digest qop="auth", realm="{REALM}", nonce="{nonce}"')
            self._end(request, body)
            return
        if path == "/ISAPI/Event/notification/alertStream":
            self._stream(request)
            return
        found = self.recording.get(path.removeprefix("/ISAPI/"))
        if found is None:
            request.send_response(404)
            self._end(request, refusal("Invalid Operation", "notSupport"))
        elif "response" in found:
            request.send_response(200)
            self._end(request, found.get("raw") or document(found["response"]))
        else:
            request.send_response(found["status_code"])
            self._end(request, refusal("Invalid Operation", "invalidOperation"))

    def _end(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        request.send_header("Content-Type", 'application/xml; charset="UTF-8"')
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _stream(self, request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        if self.refuses_alerts:
            request.send_response(403)
            self._end(request, refusal("Invalid Operation", "notSupport"))
            return
        request.send_response(200)
        request.send_header("Content-Type", f"multipart/mixed; boundary={BOUNDARY}")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        server = self._server
        while True:
            with self._news:
                self._news.wait_for(lambda: self._unheard or self._server is not server, timeout=0.05)
                if self._server is not server:
                    return
                said = self._unheard.popleft() if self._unheard else b""
            try:
                if self._is_gone(request.connection):
                    raise BrokenPipeError
                for start in range(0, len(said), 60_000):
                    piece = said[start : start + 60_000]
                    request.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            except OSError:
                with self._news:
                    if said:
                        self._unheard.appendleft(said)
                raise

    def _is_gone(self, connection: socket.socket) -> bool:
        if self._certificates is not None:
            return False
        connection.setblocking(False)
        try:
            return connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        finally:
            connection.setblocking(True)

    def _is_known(self, request: BaseHTTPRequestHandler) -> bool:
        """RFC 7616 with MD5 and qop=auth, as these devices ask for it."""
        said = request.headers.get("Authorization", "")
        if not said.startswith("Digest "):
            return False
        given = {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', said)}
        if given.get("nonce") not in self._nonces or given.get("username") != self._user:
            return False

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        secret = md5(f"{self._user}:{REALM}:{self._password}")
        asked = md5(f"{request.command}:{given.get('uri', '')}")
        wanted = md5(
            f"{secret}:{given['nonce']}:{given.get('nc', '')}:{given.get('cnonce', '')}:{given.get('qop', '')}:{asked}"
        )
        return given.get("uri") == request.path and secrets.compare_digest(wanted, given.get("response", ""))
