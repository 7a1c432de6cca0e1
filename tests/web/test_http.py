"""GraphQL over HTTP as a client meets it: statuses, codes, streams."""

import asyncio

import httpx

from hub.web.config import WebConfig
from tests.web.tiny import TinyHub, running


def ask(body: object = None, *, content: bytes | None = None, method: str = "POST", **headers: str) -> httpx.Response:
    async def once() -> httpx.Response:
        async with running() as hub, httpx.AsyncClient(base_url=hub.url) as client:
            given = {key.replace("_", "-"): value for key, value in headers.items()}
            if content is not None:
                given.setdefault("content-type", "application/json")
                return await client.request(method, "/graphql", content=content, headers=given)
            return await client.request(method, "/graphql", json=body, headers=given)

    return asyncio.run(once())


def error(response: httpx.Response) -> tuple[str, str]:
    first = response.json()["errors"][0]
    return first["extensions"]["code"], first["message"]


def test_a_query_is_answered_with_its_variables() -> None:
    response = ask({"query": "query ($n: String!) { greeting(name: $n) }", "variables": {"n": "you"}})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json()["data"] == {"greeting": "hello you"}


def test_the_newer_media_type_says_by_status_that_nothing_ran() -> None:
    response = ask({"query": "{ nosuch }"}, accept="application/graphql-response+json")
    assert (response.status_code, error(response)[0]) == (400, "BAD_REQUEST")
    assert response.headers["content-type"].startswith("application/graphql-response+json")
    assert "data" not in response.json()
    assert ask({"query": "{ nosuch }"}).status_code == 200
    partial = ask({"query": "{ missing greeting }"}, accept="application/graphql-response+json")
    assert partial.status_code == 200
    assert partial.json()["data"] == {"missing": None, "greeting": "hello park"}


def test_what_went_wrong_inside_is_not_told() -> None:
    response = ask({"query": "{ leak greeting }"})
    assert error(response)[0] == "INTERNAL"
    assert "swordfish" not in response.text
    assert response.json()["data"] == {"leak": None, "greeting": "hello park"}
    assert response.json()["errors"][0]["path"] == ["leak"]


def test_an_error_that_is_meant_for_the_client_keeps_its_text_and_code() -> None:
    assert error(ask({"query": "{ missing }"})) == ("NOT_FOUND", "No asset has this id.")


def test_each_malformed_request_is_told_what_to_mend() -> None:
    for content, says in (
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "Batches"),
        (b'"x"', "JSON object"),
        (b"{}", "`query` is missing"),
        (b'{"query": 3}', "`query` is not a text"),
        (b'{"query": "{greeting}", "variables": []}', "`variables`"),
        (b'{"query": "{greeting}", "operationName": 1}', "`operationName`"),
        (b'{"query": "{greeting}", "extensions": 1}', "`extensions`"),
    ):
        response = ask(content=content)
        assert response.status_code == 400
        code, message = error(response)
        assert code == "BAD_REQUEST"
        assert says in message


def test_only_json_is_taken_so_that_no_form_of_a_page_can_act() -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        response = ask(content=b'{"query": "mutation { touch }"}', content_type=kind)
        assert response.status_code == 415


def test_an_answer_that_cannot_be_given_is_refused() -> None:
    assert ask({"query": "{ greeting }"}, accept="text/html").status_code == 406


def test_a_body_past_the_limit_is_refused_whether_or_not_it_says_its_length() -> None:
    async def scenario() -> None:
        async with running(WebConfig(port=0, body_limit=1000)) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            big = b'{"query": "{ greeting }", "extensions": {"x": "' + b"a" * 2000 + b'"}}'

            async def piecemeal():  # type: ignore[no-untyped-def]
                for start in range(0, len(big), 100):
                    yield big[start : start + 100]

            headers = {"content-type": "application/json"}
            declared = await client.post("/graphql", content=big, headers=headers)
            streamed = await client.post("/graphql", content=piecemeal(), headers=headers)
            assert (declared.status_code, streamed.status_code) == (413, 413)

    asyncio.run(scenario())


def test_a_subscription_asked_for_as_json_is_told_how_to_ask() -> None:
    code, message = error(ask({"query": "subscription { ticks { number } }"}))
    assert code == "BAD_REQUEST"
    assert "text/event-stream" in message


def test_the_language_of_the_words_follows_the_header() -> None:
    for header, language in (("en-GB,en;q=0.9", "en"), ("zh-CN,en;q=0.5", "zh"), ("fr", "zh"), ("en;q=x", "zh")):
        assert ask({"query": "{ language }"}, accept_language=header).json()["data"]["language"] == language


async def _frames(response: httpx.Response, count: int) -> list[str]:
    text, frames = "", []
    async for chunk in response.aiter_text():
        text += chunk
        *whole, text = text.split("\n\n")
        frames += [frame for frame in whole if not frame.startswith(":")]
        if len(frames) >= count:
            break
    return frames


def test_a_subscription_streams_frames_that_a_gateway_can_split_and_resume() -> None:
    async def scenario() -> None:
        async with running() as hub, httpx.AsyncClient(base_url=hub.url, timeout=10) as client:
            request = {
                "method": "POST",
                "url": "/graphql",
                "json": {"query": "subscription ($after: String) { ticks(after: $after) { number } }"},
                "headers": {"accept": "text/event-stream"},
            }
            async with client.stream(**request) as response:
                assert response.headers["content-type"].startswith("text/event-stream")
                await hub.listened_to(by=1)
                hub.tell(1)
                hub.tell(2)
                frames = await _frames(response, 2)
            assert frames == [
                'event: next\nid: 1\ndata: {"data":{"ticks":{"number":1}},"extensions":{"cost":{"requested":1}}}',
                'event: next\nid: 2\ndata: {"data":{"ticks":{"number":2}},"extensions":{"cost":{"requested":1}}}',
            ]
            await hub.listened_to(by=0)  # the client left, and so did its stream
            request["headers"] = {"accept": "text/event-stream", "last-event-id": "2"}
            async with client.stream(**request) as response:
                await hub.listened_to(by=1)
                hub.tell(2)
                hub.tell(3)
                assert (await _frames(response, 1))[0].startswith("event: next\nid: 3\n")

    asyncio.run(scenario())


def test_a_stream_resumes_after_its_last_event_whatever_the_document_says_of_after() -> None:
    async def first_frame(hub: TinyHub, client: httpx.AsyncClient, document: str, **variables: object) -> str:
        body = {"query": document, "variables": variables}
        headers = {"accept": "text/event-stream", "last-event-id": "2"}
        async with client.stream("POST", "/graphql", json=body, headers=headers) as response:
            await hub.listened_to(by=1)
            hub.tell(2)
            hub.tell(3)
            (frame,) = await _frames(response, 1)
        await hub.listened_to(by=0)
        return frame

    async def scenario() -> None:
        async with running() as hub, httpx.AsyncClient(base_url=hub.url, timeout=10) as client:
            three = 'event: next\nid: 3\ndata: {"data":{"ticks":{"number":3}},"extensions":{"cost":{"requested":1}}}'
            assert await first_frame(hub, client, "subscription { ticks { number } }") == three
            assert await first_frame(hub, client, 'subscription { ticks(after: "0") { number } }') == three
            document = "subscription ($from: String) { ticks(after: $from) { number } }"
            assert await first_frame(hub, client, document, **{"from": "0"}) == three
            document = "subscription { ...T } fragment T on Subscription { ... { ticks { number } } }"
            assert await first_frame(hub, client, document) == three

    asyncio.run(scenario())


def test_a_quiet_stream_is_kept_alive_and_an_impossible_one_says_why_and_completes() -> None:
    async def scenario() -> None:
        config = WebConfig(port=0, keep_alive_seconds=0.02)
        async with running(config) as hub, httpx.AsyncClient(base_url=hub.url, timeout=10) as client:
            headers = {"accept": "text/event-stream"}
            body = {"query": "subscription { ticks { number } }"}
            async with client.stream("POST", "/graphql", json=body, headers=headers) as response:
                seen = ""
                async for chunk in response.aiter_text():
                    seen += chunk
                    if seen.count(":\n\n") >= 3:
                        break
            for document, code in (
                ('subscription { ticks(after: "gone") { number } }', "CURSOR_GONE"),
                ("subscription { nosuch }", "BAD_REQUEST"),
            ):
                response = await client.post("/graphql", json={"query": document}, headers=headers)
                *_, answer, end = [part for part in response.text.split("\n\n") if part and part != ":"]
                assert f'"code":"{code}"' in answer
                assert end == "event: complete\ndata: "
            query = await client.post("/graphql", json={"query": "{ greeting }"}, headers=headers)
            assert '{"data":{"greeting":"hello park"},' in query.text

    asyncio.run(scenario())


def test_a_hub_that_stops_ends_a_stream_without_completing_it_so_that_the_client_resumes() -> None:
    async def scenario() -> None:
        async with running() as hub, httpx.AsyncClient(base_url=hub.url, timeout=10) as client:
            headers = {"accept": "text/event-stream"}
            body = {"query": "subscription { ticks { number } }"}
            async with client.stream("POST", "/graphql", json=body, headers=headers) as response:
                await hub.listened_to(by=1)
                hub.tell(5)
                hub.stop.set()
                text = "".join([chunk async for chunk in response.aiter_text()])
            assert "complete" not in text
            await hub.listened_to(by=0)

    asyncio.run(scenario())
