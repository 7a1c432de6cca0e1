"""The limit of the bench `graph`: a Starlette route a question that runs one Cypher (`bench/cypher`) and encodes with
orjson.

`python -m bench._cypher ENGINE` with the address of a Neo4j; prints its port and ends with its standard input.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, LiteralString, cast

import neo4j
import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.servers.process import free_port

FOLDER = Path(__file__).parent / "cypher"
_LISTED = ("id", "kind", "name", "manufacturer", "model", "serialNumber", "firmware", "deviceType", "channel", "online")

Values = Sequence[Any]


def _place(values: Values) -> dict[str, Any]:
    *own, above = values
    names = ("id", "kind", "name") if len(above) == 3 else ("id", "name")
    return dict(zip(names, own, strict=True)) | {"partOf": dict(zip(names, above, strict=True))}


def asset(values: Values) -> dict[str, Any]:
    names = ("id", "kind", "name", "manufacturer", "model", "serialNumber", "firmware", "online")
    return dict(zip(names, values[:-1], strict=True)) | {"place": _place(values[-1])}


def assets(rows: Sequence[Values]) -> list[dict[str, Any]]:
    return [dict(zip(_LISTED, row, strict=True)) for row in rows]


def buildings(rows: Sequence[Values]) -> list[dict[str, Any]]:
    return [
        {
            "id": building,
            "name": name,
            "parts": [
                {
                    "id": zone,
                    "name": called,
                    "assets": [
                        {
                            "id": id_,
                            "name": it,
                            "alerts": [{"id": a, "severity": s, "openedAt": at} for a, s, at in alerts_],
                        }
                        for id_, it, alerts_ in things
                    ],
                }
                for zone, called, things in zones
            ],
        }
        for building, name, zones in rows
    ]


def alerts(rows: Sequence[Values]) -> list[dict[str, Any]]:
    return [
        {
            "id": id_,
            "rule": rule,
            "severity": severity,
            "state": state,
            "openedAt": at,
            "asset": {"id": thing[0], "kind": thing[1], "name": thing[2]},
            "place": _place(place),
        }
        for id_, rule, severity, state, at, thing, place in rows
    ]


QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "asset": asset, "assets": assets, "buildings": buildings, "alerts": alerts,
}  # fmt: skip


def route(driver: neo4j.AsyncDriver, name: str) -> Route:
    statement, read = cast(LiteralString, (FOLDER / f"{name}.cypher").read_text()), QUESTIONS[name]

    async def answer(request: Request) -> Response:
        async with driver.session(default_access_mode=neo4j.READ_ACCESS) as session:
            result = await session.run(statement, orjson.loads(await request.body()))
            record = await result.single(strict=True)
        return Response(orjson.dumps({"data": read(record[0])}), media_type="application/json")

    return Route(f"/{name}", answer, methods=["POST"])


async def main(engine: str) -> None:
    async with neo4j.AsyncGraphDatabase.driver(engine) as driver:
        port = free_port()
        routes = [route(driver, name) for name in QUESTIONS]
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)
        print(port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True
        await serving


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
