"""`latency`: from COMMIT's return to receipt by each of 100 subscribers, at 200 alerts/s; the limit is 100 ms at p99.

Tokens, policies and audit on. 60 s after 10 s of warm-up.
"""

import asyncio
import json
import os
import sys
import time
from collections import defaultdict

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from bench._peers import child, ours
from bench._sides import told_of_limit
from hub.journal.cursors import FeedCursor

SUBSCRIBERS = 100
RATE = 200.0  # alerts/s
WARM_UP = 10.0  # seconds
MEASURED = float(os.environ.get("BENCH_SECONDS", "60"))
LIMIT_MS = 100.0
DOCUMENT = """subscription {
  alerts {
    cursor type
    alert {
      id rule severity state code openedAt quantity value limit unit
      subject { id kind name } placePath { id kind name }
    }
  }
}"""


async def subscribe(url: str, token: str) -> ClientConnection:
    socket = await connect(
        url.replace("http://", "ws://") + "/graphql",
        subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
        compression=None,
    )
    await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    assert json.loads(await socket.recv())["type"] == "connection_ack"
    await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": DOCUMENT}}))
    await socket.send('{"type":"ping"}')  # the answer comes after the subscription was taken up
    assert json.loads(await socket.recv())["type"] == "pong"
    return socket


async def listen(socket: ClientConnection, count: int) -> list[tuple[int, str | bytes]]:
    """When each message was received (CLOCK_MONOTONIC, nanoseconds), and the message, read later."""
    heard: list[tuple[int, str | bytes]] = []
    async with asyncio.timeout(WARM_UP + MEASURED + 60):
        while len(heard) < count:
            message = await socket.recv(decode=False)
            heard.append((time.monotonic_ns(), message))
    return heard


async def main() -> None:
    count = int((WARM_UP + MEASURED) * RATE)
    async with child(*ours("_hub")) as hub:
        at = json.loads(await hub.line())
        sockets = [await subscribe(at["url"], at["token"]) for _ in range(SUBSCRIBERS)]
        hub.tell(f"steady {WARM_UP + MEASURED} {RATE}")
        heard = await asyncio.gather(*(listen(socket, count) for socket in sockets))
        committed: dict[int, int] = dict(json.loads(await hub.line()))
        await asyncio.gather(*(socket.close() for socket in sockets))
    assert len(committed) == count
    warm = min(committed.values()) + WARM_UP * 1e9
    late: list[float] = []
    for messages in heard:
        told: dict[int, int] = defaultdict(int)
        for moment, message in messages:
            event = json.loads(message)["payload"]["data"]["alerts"]
            assert len(event["alert"]["placePath"]) == 4
            seq = FeedCursor.decode(event["cursor"]).seq
            told[seq] += 1
            if committed[seq] >= warm:
                late.append((moment - committed[seq]) / 1e6)
        assert told == dict.fromkeys(committed, 1)  # each alert, once
    late.sort()
    p50, p99 = (late[int(len(late) * share)] for share in (0.5, 0.99))
    print(f"{len(late)} receipts, p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {late[-1]:.1f} ms", file=sys.stderr)
    told_of_limit("latency", p99, LIMIT_MS, "ms at p99")


if __name__ == "__main__":
    uvloop.run(main())
