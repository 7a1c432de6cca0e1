"""Queries by GET, and what goes with an answer: its tag, its coding."""

import asyncio
import gzip
import json

import httpx

from hub.web.compressing import takes_gzip
from hub.web.config import WebConfig
from hub.web.documents import Documents, hashed
from tests.web.tiny import running

GREETING = "{ greeting }"
CONFIG = WebConfig(port=0, documents=Documents.of({"hello": GREETING, "touch": "mutation { touch }"}))
HEADER = {"graphql-require-preflight": "1"}


def get(headers: dict[str, str] | None = None, config: WebConfig = CONFIG, **parameters: object) -> httpx.Response:
    async def once() -> httpx.Response:
        async with running(config) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            return await client.get("/graphql", params=parameters, headers=headers)

    return asyncio.run(once())


def code(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def test_a_query_by_get_needs_a_header_that_no_link_sends_or_a_trusted_document() -> None:
    bare = get(query="{ language }")
    assert (bare.status_code, code(bare)) == (403, "FORBIDDEN")
    for name in ("GraphQL-Require-Preflight", "Apollo-Require-Preflight", "X-Apollo-Operation-Name"):
        assert get({name: "1"}, query=GREETING).json()["data"] == {"greeting": "hello park"}
    for trusted in ({"documentId": "hello"}, {"documentId": f"sha256:{hashed(GREETING)}"}, {"query": GREETING}):
        assert get(**trusted).json()["data"] == {"greeting": "hello park"}
    query = "query A($n: String!) { greeting(name: $n) } query B { language }"
    chosen = get(HEADER, query=query, operationName="A", variables='{"n": "you"}')
    assert chosen.json()["data"] == {"greeting": "hello you"}


def test_nothing_is_changed_by_get_not_even_by_a_trusted_document() -> None:
    for asked in (
        {"query": "mutation { touch }"},
        {"documentId": "touch"},
        {"query": "subscription { ticks { plus } }"},
    ):
        response = get(HEADER, **asked)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_a_malformed_address_is_told_what_to_mend() -> None:
    for asked, says in (
        ({}, "`query` is missing"),
        ({"query": ["{ greeting }", "{ language }"]}, "twice"),
        ({"query": GREETING, "variables": "{"}, "not JSON"),
        ({"query": GREETING, "variables": "[]"}, "`variables`"),
        ({"query": GREETING, "extensions": "3"}, "`extensions`"),
        ({"query": GREETING, "documentId": "hello"}, "either"),
    ):
        response = get(HEADER, **asked)
        assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
        assert says in response.json()["errors"][0]["message"]


def test_an_unchanged_answer_is_told_by_its_tag_alone() -> None:
    async def scenario() -> None:
        async with running() as hub, httpx.AsyncClient(base_url=hub.url, headers=HEADER) as client:
            first = await client.get("/graphql", params={"query": GREETING})
            tag = first.headers["etag"]
            assert "no-cache" in first.headers["cache-control"]
            for given in (tag, f'"other", {tag}', "*", tag.removeprefix("W/")):
                same = await client.get("/graphql", params={"query": GREETING}, headers={"if-none-match": given})
                assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
            other = await client.get(
                "/graphql", params={"query": '{ greeting(name: "you") }'}, headers={"if-none-match": tag}
            )
            assert (other.status_code, other.json()["data"]) == (200, {"greeting": "hello you"})
            failed = await client.get("/graphql", params={"query": "{ missing }"}, headers={"if-none-match": "*"})
            assert (failed.status_code, failed.headers["cache-control"]) == (200, "no-store")
            assert "etag" not in failed.headers
            posted = await client.post("/graphql", json={"query": GREETING}, headers={"if-none-match": tag})
            assert (posted.status_code, posted.json()["data"]) == (200, {"greeting": "hello park"})

    asyncio.run(scenario())


def test_a_long_answer_is_compressed_for_who_takes_it_and_a_stream_is_not() -> None:
    async def scenario() -> None:
        async with running() as hub, httpx.AsyncClient(base_url=hub.url) as client:
            for first, coding in ((1, None), (1_000, "gzip"), (100_000, "gzip")):
                body = {"query": "query ($n: Int!) { words(first: $n) }", "variables": {"n": first}}
                async with client.stream("POST", "/graphql", json=body, headers={"accept-encoding": "gzip"}) as answer:
                    raw = b"".join([part async for part in answer.aiter_raw()])
                assert answer.headers.get("content-encoding") == coding
                assert "Accept-Encoding" in answer.headers["vary"]
                found = json.loads(gzip.decompress(raw) if coding else raw)
                assert found["data"] == {"words": ["word"] * first}
                plain = await client.post("/graphql", json=body, headers={"accept-encoding": "identity"})
                assert "content-encoding" not in plain.headers
                assert plain.json()["data"] == found["data"]
            headers = {"accept": "text/event-stream", "accept-encoding": "gzip"}
            stream = await client.post("/graphql", json={"query": "{ words(first: 1000) }"}, headers=headers)
            assert "content-encoding" not in stream.headers

    asyncio.run(scenario())


def test_a_client_says_which_codings_it_takes() -> None:
    for accepted in ("gzip", "br, gzip;q=0.5", "*", "GZIP", "x-gzip"):
        assert takes_gzip(accepted)
    for accepted in (None, "", "identity", "br", "gzip;q=0", "*;q=0", "gzip;q=x", "gzip;q=0, *"):
        assert not takes_gzip(accepted)
