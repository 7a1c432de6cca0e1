"""`list` and `list-uncached`: 1,000 assets × 10 fields over HTTP, in requests a second.

Two pages of 500 in one document, 4 connections. Ours: token, policies and audit on. `list`: the graph unchanged, on
the embedded engine, against Mercurius with JIT that serves the same rows from memory. `list-uncached`: the same rows
in memory on both sides and no answer kept, against Strawberry as it comes. Both sides take turns.
"""

import asyncio
import json
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench._load import Side, turns
from bench._peers import child, node, ours
from bench._sides import told
from bench.masks import FIELDS

CONNECTIONS, SECONDS = 4, 5
PAGE = f"query {{ assets(first: 500) {{ nodes {{ {FIELDS} }} pageInfo {{ endCursor }} }} }}"
LIST = f"""query ($after: String!) {{
  one: assets(first: 500) {{ nodes {{ {FIELDS} }} }}
  two: assets(first: 500, after: $after) {{ nodes {{ {FIELDS} }} }} }}"""


def asked(url: str, headers: dict[str, str], document: str, **variables: object) -> Any:
    answer = httpx.post(url, json={"query": document, "variables": variables}, headers=headers, timeout=30)
    body: Any = answer.raise_for_status().json()
    assert "errors" not in body, body
    return body["data"]


async def side(url: str, headers: dict[str, str]) -> tuple[Side, Any]:
    """With what it answers; each side has cursors of its own."""
    first = await asyncio.to_thread(asked, url, headers, PAGE)
    after = first["assets"]["pageInfo"]["endCursor"]
    data = await asyncio.to_thread(asked, url, headers, LIST, after=after)
    return Side(
        url, headers, [orjson.dumps({"query": LIST, "variables": {"after": after}}).decode()], CONNECTIONS
    ), data


async def main() -> None:
    client, peer = await node("load"), await node("list")
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        load = await enter(child("node", "load.js", folder=client))
        kept = json.loads(await (await enter(child(*ours("_asking"), "listed", "embedded", "kept"))).line())
        one, data = await side(kept["url"], {"authorization": f"Bearer {kept['token']}"})
        rows = [*data["one"]["nodes"], *data["two"]["nodes"]]
        assert len({row["id"] for row in rows}) == 1_000
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "rows.json"
        file.write_bytes(orjson.dumps(rows))
        port = await (await enter(child("node", "server.js", file, folder=peer))).line()
        other, same = await side(f"http://127.0.0.1:{port}/graphql", {})
        assert same == data
        await turns(load, (one, other), seconds=SECONDS)
        told("list", "Mercurius with JIT, the same rows in memory", one.rates, other.rates, "requests/s")
        bare = json.loads(await (await enter(child(*ours("_asking"), "listed", "embedded", "memory"))).line())
        one, data = await side(bare["url"], {"authorization": f"Bearer {bare['token']}"})
        file.write_bytes(orjson.dumps([*data["one"]["nodes"], *data["two"]["nodes"]]))
        port = await (await enter(child(*ours("_strawberry"), file))).line()
        other, same = await side(f"http://127.0.0.1:{port}/graphql", {})
        assert same == data
        await turns(load, (one, other), seconds=SECONDS)
        told("list-uncached", "Strawberry as it comes, the same rows in memory", one.rates, other.rates, "requests/s")


if __name__ == "__main__":
    asyncio.run(main())
