"""`idle`: what 5,000 subscriptions that hear nothing cost the hub, each over its own connection; the limit is 60 KB.

The hub of the bench `latency`; its resident memory with them, less that with none, for each.
"""

import asyncio
import json
import sys

from bench._peers import child, node, ours
from bench._sides import told_of_limit

SUBSCRIBERS, LIMIT_KB = 5_000, 60.0


async def main() -> None:
    folder = await node("fanout")
    async with child(*ours("_hub")) as hub:
        at = json.loads(await hub.line())
        url = at["url"].replace("http://", "ws://") + "/graphql"
        async with child("node", "client.js", url, "1", "graphql-transport-ws", at["token"], folder=folder) as first:
            assert await first.line() == "ready"  # what the first of its kind costs is not counted
        before = int(await hub.ask("memory"))
        arguments = ("node", "client.js", url, str(SUBSCRIBERS), "graphql-transport-ws", at["token"])
        async with child(*arguments, folder=folder) as clients:
            assert await clients.line() == "ready"
            after = int(await hub.ask("memory"))
    cost = (after - before) / SUBSCRIBERS / 1000
    print(f"{before / 1e6:.0f} MB, and {after / 1e6:.0f} MB with {SUBSCRIBERS} subscriptions", file=sys.stderr)
    told_of_limit("idle", cost, LIMIT_KB, "KB a subscription")


if __name__ == "__main__":
    asyncio.run(main())
