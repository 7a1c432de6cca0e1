"""What one document, and one client within a window, may ask for."""

import asyncio

import httpx
import pytest
from graphql import parse

from hub.errors import BadRequest, CostExceeded, RateLimited
from hub.viewer import Viewer
from hub.web import limits
from hub.web.budget import Budget
from hub.web.config import WebConfig
from hub.web.limits import Limits
from tests.web.test_socket import hear, say, socket
from tests.web.tiny import running

FEW = Limits(depth=6, aliases=3, duplicates=3, directives=3)


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_a_document_may_hold_is_counted_by_its_text() -> None:
    for fine in (
        "{ a: x b: x c: x }",
        "{ x x x x }",
        "{ x @a y @a z @a }",
        "{ a { b { c { d { e { f } } } } } }",
        "{ ... on A { x } ... on B { x } ... on C { x } ... on D { x } ... on E { x } }",
    ):
        limits.check(parse(fine), FEW)
    for much, says in (
        ("{ a: x b: x c: x d: x }", "3 aliases"),
        ("{ x x x x x }", "twice"),
        ("{ x ... { x ... { x x x } } }", "twice"),
        ("{ ...F ...F ...F ...F ...F } fragment F on Query { x }", "twice"),
        ("query @a { x @a ... @a { y @a } }", "3 directives"),
        ("{ x } fragment F on Query { a: x b: x c: x d: x }", "3 aliases"),
    ):
        with pytest.raises(CostExceeded, match=says):
            limits.check(parse(much), FEW)
    for deep in ("{ a { b { c { d { e { f { g } } } } } } }", "{ ... { ... { ... { ... { ... { ... { a } } } } } } }"):
        with pytest.raises(BadRequest, match="deeper than 6"):
            limits.check(parse(deep), FEW)


def test_a_budget_comes_back_evenly_and_each_client_has_its_own() -> None:
    clock = Seconds()
    budget = Budget(100, 10.0, clock)
    wang, li = Viewer(subject="wang", issuer="https://a"), Viewer(subject="li", issuer="https://a")
    assert budget.spend(wang, "1.2.3.4", 60) == 40
    assert budget.spend(li, "1.2.3.4", 60) == 40
    with pytest.raises(RateLimited, match="again in 2 s") as caught:
        budget.spend(wang, "5.6.7.8", 60)
    assert caught.value.seconds == 2
    clock.now = 2.0
    assert budget.spend(wang, "1.2.3.4", 60) == 0
    clock.now = 1_000.0
    assert budget.spend(wang, "1.2.3.4", 1) == 99
    with pytest.raises(CostExceeded):
        budget.spend(wang, "1.2.3.4", 101)


def test_without_a_token_an_address_is_a_client_and_without_a_budget_nobody_is_limited() -> None:
    budget = Budget(100, 10.0, Seconds())
    local = Viewer(subject="local-administrator")
    assert budget.spend(local, "1.2.3.4", 100) == 0
    assert budget.spend(local, "1.2.3.5", 100) == 0
    with pytest.raises(RateLimited):
        budget.spend(local, "1.2.3.4", 1)
    assert Budget(0, 10.0, Seconds()).spend(local, "1.2.3.4", 10**9) is None


def test_an_answer_names_its_cost_and_what_is_left_until_the_window_s_budget_is_spent() -> None:
    async def scenario() -> None:
        config = WebConfig(port=0, limits=Limits(budget=5, window_seconds=600.0))
        async with running(config) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            for left in (3, 1):
                said = (await client.post("/graphql", json={"query": "{ greeting language }"})).json()
                assert said["extensions"] == {"cost": {"requested": 2, "left": left}}
            refused = await client.post("/graphql", json={"query": "{ greeting language }"})
            assert refused.status_code == 429
            assert 0 < int(refused.headers["retry-after"]) <= 120
            assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
            assert "data" not in refused.json()
            async with socket(hub) as connection:
                await say(
                    connection,
                    type="subscribe",
                    id="1",
                    payload={"query": "subscription { ticks { number plus(by: 1) } }"},
                )
                told = await hear(connection)
                assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")
            fits = await client.post("/graphql", json={"query": "{ greeting }"})
            assert fits.json()["extensions"]["cost"]["left"] == 0

    asyncio.run(scenario())


def test_a_cost_is_named_beside_partial_answers_too() -> None:
    async def scenario() -> None:
        async with running() as hub, httpx.AsyncClient(base_url=hub.url) as client:
            said = (await client.post("/graphql", json={"query": "{ missing greeting }"})).json()
            assert said["data"] == {"missing": None, "greeting": "hello park"}
            assert said["extensions"]["cost"]["requested"] == 2

    asyncio.run(scenario())


def test_a_query_past_its_deadline_is_cancelled_and_told_so() -> None:
    async def scenario() -> None:
        config = WebConfig(port=0, limits=Limits(deadline_seconds=0.05))
        async with running(config) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            for accept, status in (("application/json", 200), ("application/graphql-response+json", 504)):
                late = await client.post("/graphql", json={"query": "{ never }"}, headers={"accept": accept})
                assert (late.status_code, late.json()["errors"][0]["extensions"]["code"]) == (
                    status,
                    "DEADLINE_EXCEEDED",
                )
            assert hub.executions == ["cancelled", "cancelled"]
            assert (await client.post("/graphql", json={"query": "{ greeting }"})).status_code == 200

    asyncio.run(scenario())
