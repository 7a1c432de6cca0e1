"""`graph-*` and `cypher-*`: four questions to a park of 10,000 assets on Neo4j, over HTTP, in requests a second.

`asset`: one by its id, with its zone and building; `assets`: 1,000 with ten fields; `buildings`: 20, with their zones,
the assets there, the open alerts about these; `alerts`: the 50 latest open ones, with asset, zone and building. What is
asked for differs from request to request, and no answer is kept. Ours: token, policies and audit on. `graph-*`'s peer
is @neo4j/graphql with Apollo Server, `cypher-*`'s a bare Starlette route with one Cypher; all on the same Neo4j, in
turn, 16 connections. The answers are compared first.
"""

import asyncio
import json
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import neo4j
import orjson

from bench._load import Side, turns
from bench._peers import child, node, ours
from bench._sides import told
from bench.masks import FIELDS
from hub.graph.selection import Order
from schema import cursors
from tests.servers.neo4j import Neo4j
from tests.servers.process import ServerMissing

CONNECTIONS, ASKED, COMPARED = 16, 300, 5  # connections, different requests, those that are compared
OPEN = "[UNACKNOWLEDGED, ACKNOWLEDGED]"
OPEN_THERE = '{in: ["UNACKNOWLEDGED", "ACKNOWLEDGED"]}'

Variables = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Three ways to ask; `ours` and `theirs` are documents. `variables` makes what the Cypher takes, and so does the
    peer; `of_ours` and `of_theirs` bring an answer to the form of the Cypher's."""

    name: str
    ours: str
    theirs: str
    of_ours: Callable[[Any], Any]
    of_theirs: Callable[[Any], Any]
    mine: Callable[[Variables], Variables] = lambda given: given


def single(of: Any, *names: str) -> Any:
    """Relations to one as one: the peer has lists of them."""
    if isinstance(of, list):
        return [single(each, *names) for each in of]
    if not isinstance(of, dict):
        return of
    return {n: single(v[0] if n in names and isinstance(v, list) else v, *names) for n, v in of.items()}


def bare(of: Any) -> Any:
    """Pages as lists."""
    if isinstance(of, list):
        return [bare(each) for each in of]
    if not isinstance(of, dict):
        return of
    return bare(of["nodes"]) if set(of) == {"nodes"} else {name: bare(value) for name, value in of.items()}


def pages(given: Variables) -> Variables:
    """Two of 500."""
    return {f"after{n}": cursors.encode({"id": id_}, Order.ID) for n, id_ in enumerate(given["both"])}


_ASSET = "id kind name manufacturer model serialNumber firmware online place { id kind name partOf { id kind name } }"
_ALERT = "id rule severity state openedAt asset { id kind name } place { id name partOf { id name } }"
QUESTIONS = (
    Question(
        name="asset",
        ours=f"query ($id: ID!) {{ asset(id: $id) {{ {_ASSET} }} }}",
        theirs=f"query ($id: String!) {{ assets(where: {{id: {{eq: $id}}}}) {{ {_ASSET} }} }}",
        of_ours=lambda data: data["asset"],
        of_theirs=lambda data: single(data["assets"][0], "place", "partOf"),
    ),
    Question(
        name="assets",
        ours=f"""query ($after0: String!, $after1: String!) {{
          one: assets(first: 500, after: $after0) {{ nodes {{ {FIELDS} }} }}
          two: assets(first: 500, after: $after1) {{ nodes {{ {FIELDS} }} }} }}""",
        theirs=f"""query ($after: String!) {{
          assets(where: {{id: {{gt: $after}}}}, sort: [{{id: ASC}}], limit: 1000) {{ {FIELDS} }} }}""",
        of_ours=lambda data: data["one"]["nodes"] + data["two"]["nodes"],
        of_theirs=lambda data: data["assets"],
        mine=pages,
    ),
    Question(
        name="buildings",
        ours=f"""query ($ids: [ID!]!) {{ places(first: 20, filter: {{ids: $ids}}) {{ nodes {{ id name
          parts(first: 20) {{ nodes {{ id name assets(first: 20) {{ nodes {{ id name
            alerts(first: 20, filter: {{state: {OPEN}}}) {{ nodes {{ id severity openedAt }} }} }} }} }} }} }} }} }}""",
        theirs=f"""query ($ids: [String!]!) {{ places(where: {{id: {{in: $ids}}}}, sort: [{{id: ASC}}]) {{ id name
          parts(sort: [{{id: ASC}}]) {{ id name assets(sort: [{{id: ASC}}]) {{ id name
            alerts(where: {{state: {OPEN_THERE}}}, sort: [{{openedAt: DESC}}]) {{ id severity openedAt }}
          }} }} }} }}""",
        of_ours=lambda data: bare(data["places"]),
        of_theirs=lambda data: data["places"],
    ),
    Question(
        name="alerts",
        ours=f"""query ($before: DateTime!) {{
          alerts(first: 50, filter: {{state: {OPEN}, openedBefore: $before}}) {{ nodes {{ {_ALERT} }} }} }}""",
        theirs=f"""query ($before: String!) {{
          alerts(where: {{state: {OPEN_THERE}, openedAt: {{lt: $before}}}}, sort: [{{openedAt: DESC}}], limit: 50) {{
            {_ALERT} }} }}""",
        of_ours=lambda data: data["alerts"]["nodes"],
        of_theirs=lambda data: single(data["alerts"], "asset", "place", "partOf"),
    ),
)


def asked_for(uri: str) -> dict[str, list[Variables]]:
    """By question: what is asked for, one after the other."""
    dice = random.Random(6)
    with neo4j.GraphDatabase.driver(uri) as driver:

        def of(statement: Any) -> list[str]:
            return driver.execute_query(statement, result_transformer_=lambda found: found.value())

        assets = of("MATCH (a:Asset) RETURN a.id ORDER BY a.id")
        buildings = of("MATCH (p:Place {kind: 'BUILDING'}) RETURN p.id")
        moments = of("MATCH (l:Alert) RETURN l.opened_at ORDER BY l.opened_at")
    starts = [dice.randrange(len(assets) - 1_001) for _ in range(ASKED)]
    return {
        "asset": [{"id": id_} for id_ in dice.sample(assets, ASKED)],
        "assets": [{"after": assets[n], "both": (assets[n], assets[n + 500])} for n in starts],
        "buildings": [{"ids": dice.sample(buildings, 20)} for _ in range(ASKED)],
        "alerts": [{"before": at} for at in dice.sample(moments[len(moments) // 2 :], ASKED)],
    }


def documented(document: str, variables: Sequence[Variables]) -> list[str]:
    return [orjson.dumps({"query": document, "variables": each}).decode() for each in variables]


async def answers(side: Side) -> list[Any]:
    """Of the first few, asked twice: a server that was just started may not be in time for its first ones. Raises
    SystemExit."""
    async with httpx.AsyncClient(headers={"content-type": "application/json", **side.headers}, timeout=60) as http:
        for body in (bodies := side.bodies[:COMPARED]):
            await http.post(side.url, content=body)
        found = [(await http.post(side.url, content=body)).raise_for_status().json() for body in bodies]
    if wrong := next((each["errors"] for each in found if "errors" in each), None):
        raise SystemExit(f"{side.url}: {wrong}")
    return [each["data"] for each in found]


async def measured(uri: str, names: Sequence[str], seconds: float = 10, warm: float = 5) -> None:
    client, peer = await node("load"), await node("graph")
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        load = await enter(child("node", "load.js", folder=client))
        hub = json.loads(await (await enter(child(*ours("_asking"), "park", uri))).line())
        wanted = await asyncio.to_thread(asked_for, uri)
        there = f"http://127.0.0.1:{await (await enter(child('node', 'server.js', uri, folder=peer))).line()}/"
        limit = f"http://127.0.0.1:{await (await enter(child(*ours('_cypher'), uri))).line()}"
        for each in (question for question in QUESTIONS if question.name in names):
            given = wanted[each.name]
            mine = documented(each.ours, [each.mine(variables) for variables in given])
            plain = [{name: value for name, value in variables.items() if name != "both"} for variables in given]
            side = Side(hub["url"], {"authorization": f"Bearer {hub['token']}"}, mine, CONNECTIONS)
            theirs = Side(there, {}, documented(each.theirs, plain), CONNECTIONS)
            least = Side(f"{limit}/{each.name}", {}, [orjson.dumps(v).decode() for v in plain], CONNECTIONS)
            right = await answers(least)
            if [each.of_ours(data) for data in await answers(side)] != right:
                raise SystemExit(f"graph-{each.name}: ours answers otherwise than the Cypher")
            if [each.of_theirs(data) for data in await answers(theirs)] != right:
                raise SystemExit(f"graph-{each.name}: the peer answers otherwise than the Cypher")
            await turns(load, (side, theirs, least), warm=warm, seconds=seconds)
            told(f"graph-{each.name}", "@neo4j/graphql with Apollo Server", side.rates, theirs.rates, "requests/s")
            told(f"cypher-{each.name}", "Starlette, one Cypher, orjson", side.rates, least.rates, "requests/s")


def main(names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            server = Neo4j.start(Path(folder))
        except ServerMissing as missing:
            raise SystemExit(f"graph: {missing}") from missing
        try:
            asyncio.run(measured(server.uri, names or [question.name for question in QUESTIONS]))
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
