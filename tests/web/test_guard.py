"""No page from elsewhere drives the hub, and the hub does not leave loopback while it knows no tokens."""

import asyncio

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.errors import SettingsError
from hub.web.config import WebConfig
from tests.web.tiny import TinyHub, running

QUERY = {"query": "{ greeting }"}


def statuses(*headers: dict[str, str], method: str = "POST") -> list[int]:
    async def scenario() -> list[int]:
        async with running() as hub, httpx.AsyncClient(base_url=hub.url) as client:
            own = hub.url
            filled = [{key: value.replace("OWN", own) for key, value in given.items()} for given in headers]
            path, body = ("/graphql", QUERY) if method == "POST" else ("/", None)
            return [(await client.request(method, path, json=body, headers=given)).status_code for given in filled]

    return asyncio.run(scenario())


def test_a_foreign_name_that_resolves_to_loopback_is_refused() -> None:
    for method in ("POST", "GET"):
        assert statuses(
            {"host": "evil.example"}, {"host": "evil.example:8000"}, {"host": "[x"}, {"host": ""}, method=method
        ) == [
            421,
            421,
            421,
            421,
        ]
    assert statuses({"host": "localhost"}, {"host": "127.0.0.1:99"}, {"host": "[::1]:8000"}) == [200, 200, 200]


def test_a_request_of_a_page_from_elsewhere_is_refused() -> None:
    refused = statuses(
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},  # another server of this machine
        {"origin": "http://127.0.0.1:x"},
        {"sec-fetch-site": "cross-site"},
    )
    assert [status in (403, 421) for status in refused] == [True] * 5
    assert statuses({"origin": "OWN"}, {"origin": "OWN", "sec-fetch-site": "same-origin"}, {}) == [200, 200, 200]


def test_a_link_from_elsewhere_may_still_open_the_explorer() -> None:
    assert statuses({"sec-fetch-site": "cross-site"}, method="GET") == [200]


def test_a_socket_of_a_page_from_elsewhere_is_refused() -> None:
    async def scenario() -> None:
        async with running() as hub:
            address = hub.url.replace("http://", "ws://") + "/graphql"
            protocols = ["graphql-transport-ws"]
            for origin in ("https://evil.example", "null"):
                with pytest.raises(InvalidStatus) as refused:
                    await connect(address, subprotocols=protocols, origin=origin)  # type: ignore[arg-type]
                assert refused.value.response.status_code == 403
            async with connect(address, subprotocols=protocols, origin=hub.url):  # type: ignore[arg-type]
                pass

    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "hub.example", "127.0.0.1.example", ""])
def test_an_address_that_others_reach_is_refused_with_the_reason(host: str) -> None:
    with pytest.raises(SettingsError, match="loopback"):
        TinyHub(WebConfig(host=host))


def test_a_port_that_is_taken_is_said_so() -> None:
    async def scenario() -> None:
        async with running() as hub:
            port = int(hub.url.rpartition(":")[2])
            with pytest.raises(ExceptionGroup) as errors:
                async with running(WebConfig(port=port)):
                    pass
            assert "cannot listen" in str(errors.value.exceptions[0])

    asyncio.run(scenario())
