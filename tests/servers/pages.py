"""A real HTTP server of pages that change under the reader: ETags, passwords, TLS, and each way to fail."""

import base64
import contextlib
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers.process import free_port


@dataclass(kw_only=True)
class Answer:
    """What stands at a path. `cut`: the connection ends in the middle of the body."""

    data: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    etag: bool = True


class Pages:
    """`pages` by path, with the query where there is one; `asked` are the requests, with their headers."""

    def __init__(
        self,
        *,
        account: tuple[str, str] | None = None,
        certificate: tuple[Path, Path] | None = None,
        admits: Callable[[Mapping[str, str]], bool] = lambda headers: True,
    ) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[tuple[str, Mapping[str, str], int]] = []
        self.port = free_port()
        self._account = account
        self._certificate = certificate
        self._admits = admits
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self.port}"

    def put(self, path: str, data: bytes, **more: object) -> str:
        self.pages[path] = Answer(data=data, **more)  # type: ignore[arg-type]
        return self.url + path

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"pages": self})
        server = _Server(("127.0.0.1", self.port), handler)
        if self._certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Nobody answers at the address any more; `start` brings it back."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.hang_up()

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        if self._account is not None:
            wanted = "Basic " + base64.b64encode(":".join(self._account).encode()).decode()
            if headers.get("Authorization") != wanted:
                return Answer(status=401, headers={"WWW-Authenticate": "Basic"})
        if not self._admits(headers):
            return Answer(status=403)
        page = self.pages.get(path) or self.pages.get(path.partition("?")[0])
        if page is None:
            return Answer(status=404)
        tag = f'"{hashlib.sha256(page.data).hexdigest()[:16]}"'
        if page.etag and page.status == 200 and not page.cut:
            if headers.get("If-None-Match") == tag:
                return Answer(status=304, headers={"ETag": tag})
            return Answer(data=page.data, headers={**page.headers, "ETag": tag})
        return page


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or does not like the certificate, is no error of the server's."""

    def hang_up(self) -> None:
        """Connections that were kept open would go on being answered."""
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    pages: Pages
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = self.pages.answer(self.path, self.headers)  # type: ignore[arg-type]
        self.pages.asked.append((self.path, dict(self.headers), answer.status))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.data)))
        self.end_headers()
        if answer.cut:
            self.wfile.write(answer.data[: len(answer.data) // 2])
            self.close_connection = True
        else:
            self.wfile.write(answer.data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        return None
