"""The peer of the bench `list-uncached`: Strawberry as it comes, the rows in memory.

`python -m bench._strawberry ROWS` with a file of rows as JSON; prints its port and ends with its standard input.
"""

import asyncio
import sys
from enum import Enum
from pathlib import Path

import orjson
import strawberry
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL

from tests.servers.process import free_port


@strawberry.enum
class AssetKind(Enum):
    CAMERA = "CAMERA"
    EQUIPMENT = "EQUIPMENT"
    PANEL = "PANEL"
    RECORDER = "RECORDER"
    SENSOR = "SENSOR"


@strawberry.type
class Asset:
    id: strawberry.ID
    kind: AssetKind
    name: str | None
    manufacturer: str | None
    model: str | None
    serial_number: str | None
    firmware: str | None
    device_type: str | None
    channel: str | None
    online: bool | None


@strawberry.type
class PageInfo:
    end_cursor: str | None


@strawberry.type
class Assets:
    nodes: list[Asset]
    page_info: PageInfo


def schema(rows: list[dict[str, object]]) -> strawberry.Schema:
    names = {"serialNumber": "serial_number", "deviceType": "device_type"}
    held = [
        Asset(**{names.get(name, name): AssetKind(value) if name == "kind" else value for name, value in row.items()})  # type: ignore[arg-type]
        for row in rows
    ]
    places = {asset.id: index for index, asset in enumerate(held)}

    @strawberry.type
    class Query:
        @strawberry.field
        def assets(self, first: int, after: str | None = None) -> Assets:
            begin = 0 if after is None else places[strawberry.ID(after)] + 1
            nodes = held[begin : begin + first]
            return Assets(nodes=nodes, page_info=PageInfo(end_cursor=nodes[-1].id if nodes else None))

    return strawberry.Schema(query=Query)


async def main(rows: list[dict[str, object]]) -> None:
    application = GraphQL(schema(rows))
    port = free_port()
    config = uvicorn.Config(
        Starlette(routes=[Route("/graphql", application)]), port=port, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  it tells nobody
        await asyncio.sleep(0.01)
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    uvloop.run(main(orjson.loads(Path(sys.argv[1]).read_bytes())))
