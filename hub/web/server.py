"""The server under the web face: uvicorn on a socket of ours, told by an event when to stop."""

import asyncio
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from hub.errors import SettingsError
from hub.web.config import WebConfig


class _Sockets(WebSocketsSansIOProtocol):
    """Lets the application send a text without waiting, and end a connection whose peer takes nothing: closing would
    wait for it for ever."""

    _PATIENCE = 10.0  # seconds that a peer has to take what was sent already

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # the handshake was in order
            self.scope["state"]["let_go"] = self.let_go
            self.scope["state"]["offer"] = self.offer

    def let_go(self, code: int, reason: str) -> None:
        """Says so behind what the peer has not taken yet; what it still sends is dropped meanwhile."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.close_sent = True
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_timer = self.loop.call_later(self._PATIENCE, self.transport.abort)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def offer(self, text: bytes) -> bool:
        """One whole message, in UTF-8; False where the peer is behind, or gone: then nothing of it was sent."""
        if not self.writable.is_set() or self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.conn.send_text(text)
        self.transport.write(b"".join(self.conn.data_to_send()))
        return True


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listens.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the hub's own: it also drains the sources


async def serve(
    application: Starlette,
    config: WebConfig,
    stop: asyncio.Event,
    listening: Callable[[str], None] = lambda url: None,
) -> None:
    """Until `stop` is set and what was open has ended, at most `drain_seconds` later: sockets are closed with
    1012 (service restart), streams end, requests are answered. `listening` is called with the URL.

    Raises SettingsError where the address cannot be had.
    """
    allow_many_connections()
    with closing(_listen(config)) as listener:
        server = _Server(
            uvicorn.Config(
                application,
                http="h11",
                ws=_Sockets,
                ws_max_size=config.body_limit,
                ws_per_message_deflate=False,  # a burst of alerts to many is not the time to compress each for each
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=int(config.drain_seconds),
            )
        )
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]))
            watching = group.create_task(application.state.sessions.run())
            await server.listens.wait()
            listening(_url(listener))
            await stop.wait()
            application.state.closing.set()
            server.should_exit = True
            await serving
            watching.cancel()


def allow_many_connections() -> None:
    """Each is an open file, and the usual soft limit of 1,024 is soon reached: it is raised to the hard one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(config: WebConfig) -> socket.socket:
    host = config.host.strip("[]")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, config.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise SettingsError(
            f"[web] cannot listen on {config.host} port {config.port}: {error.strerror}. "
            "Choose another port, or 0 for any free one."
        ) from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
