"""The explorer as a person meets it in a browser, with no internet behind it."""

import asyncio
import os
from pathlib import Path

import httpx
import pytest
from graphql import parse, validate

from hub.web.explorer import examples
from schema.schema import schema
from tests.servers.chromium import Page, page
from tests.servers.process import ServerMissing
from tests.web.test_who import hub_of, issuer_of_today
from tests.web.tiny import running

EDITOR = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
ANSWER = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"
RUN = "document.querySelector('.graphiql-execute-button').click()"


async def _type(tab: Page, operation: str) -> None:
    await tab.until("!!document.querySelector('.graphiql-query-editor .CodeMirror')")
    await tab.evaluate(f"{EDITOR}.setValue(''); {EDITOR}.focus()")
    await tab.type(operation)
    await tab.until(f"{EDITOR}.getValue().includes({operation!r})")
    await asyncio.sleep(0.3)  # GraphiQL takes what was typed after a pause


def test_a_query_is_typed_and_answered_and_a_subscription_receives_an_event(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running() as hub, page(hub.url + "/", tmp_path) as tab:
            tabs = await tab.until("document.querySelectorAll('.graphiql-tab').length")
            assert tabs == len(examples())  # each example has its tab
            await _type(tab, "query Hello { greeting }")
            await tab.evaluate(RUN)
            assert "hello park" in await tab.until(f"{ANSWER}.includes('hello') && {ANSWER}")
            await _type(tab, "subscription Live { ticks { number } }")
            await tab.evaluate(RUN)
            await hub.listened_to(by=1)
            hub.tell(42)
            assert '"number": 42' in await tab.until(f"{ANSWER}.includes('42') && {ANSWER}")
            if folder := os.environ.get("CAUSEWAY_SCREENSHOTS"):
                await tab.screenshot(Path(folder) / "explorer.png")
            assert tab.complaints == []  # no breach of the page's policy, no file missing, nothing from elsewhere

    try:
        asyncio.run(scenario())
    except ServerMissing as missing:
        pytest.skip(str(missing))
    except BaseExceptionGroup as group:
        if group.subgroup(ServerMissing):
            pytest.skip("Chromium is not installed: apt-get install chromium")
        raise


def test_with_a_token_and_a_purpose_the_explorer_asks_and_listens_as_that_viewer(tmp_path: Path) -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, page(hub.url + "/", tmp_path) as tab:
            await _type(tab, "query Hello { greeting }")
            await tab.evaluate(RUN)
            assert "UNAUTHENTICATED" in await tab.until(f"{ANSWER}.includes('UNAUTH') && {ANSWER}")
            for field, value in (("purpose", "duty"), ("token", issuer.token())):
                await tab.evaluate(f"document.getElementById('{field}').value = '{value}'")
                await tab.evaluate(f"document.getElementById('{field}').dispatchEvent(new Event('change'))")
            await _type(tab, "query Hello { greeting }")
            await tab.evaluate(RUN)
            assert "hello park" in await tab.until(f"{ANSWER}.includes('hello park') && {ANSWER}")
            await _type(tab, "subscription Live { ticks { number } }")
            await tab.evaluate(RUN)
            await hub.listened_to(by=1)
            hub.tell(42)
            assert '"number": 42' in await tab.until(f"{ANSWER}.includes('42') && {ANSWER}")

    try:
        asyncio.run(scenario())
    except ServerMissing as missing:
        pytest.skip(str(missing))
    except BaseExceptionGroup as group:
        if group.subgroup(ServerMissing):
            pytest.skip("Chromium is not installed: apt-get install chromium")
        raise


def test_only_the_explorers_own_files_are_served_under_a_strict_policy() -> None:
    async def scenario() -> None:
        async with running() as hub, httpx.AsyncClient(base_url=hub.url) as client:
            start = await client.get("/")
            assert start.status_code == 200
            policy = start.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            for name in ("style.css", "..%2fexplorer.py", "../explorer.py", "fetch.umd.js", ""):
                assert (await client.get(f"/explorer/{name}")).status_code == 404
            assert (await client.get("/explorer/examples.json")).json() == examples()

    asyncio.run(scenario())


@pytest.mark.parametrize("example", examples())
def test_each_example_fits_the_schema(example: str) -> None:
    assert validate(schema._schema, parse(example)) == []
