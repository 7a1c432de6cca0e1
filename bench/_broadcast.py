"""The limit of the bench `fanout`: a bare Starlette WebSocket route that sends one finished text to all.

Prints its URL; the first line on standard input is the text, each further one says how often it is sent to all, and
is answered by when that began (CLOCK_MONOTONIC, nanoseconds).
"""

import asyncio
import sys
import time

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from hub.web.server import allow_many_connections
from tests.servers.process import free_port


async def main() -> None:
    allow_many_connections()
    sockets: set[WebSocket] = set()

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        sockets.add(socket)
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            sockets.discard(socket)

    port = free_port()
    config = uvicorn.Config(
        Starlette(routes=[WebSocketRoute("/", listen)]),
        port=port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_config=None,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  it tells nobody
        await asyncio.sleep(0.01)
    print(f"http://127.0.0.1:{port}/", flush=True)
    text = (await asyncio.to_thread(sys.stdin.readline)).strip()
    while order := await asyncio.to_thread(sys.stdin.readline):
        began = time.monotonic_ns()
        for _ in range(int(order)):
            for socket in sockets:
                await socket.send_text(text)
        print(began, flush=True)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    uvloop.run(main())
