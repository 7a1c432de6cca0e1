"""The issuer of a running hub as others' clients meet it: Authlib's own, and the certified openid-client."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from typer.testing import CliRunner
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hub.cli.commands import app
from tests.access.issuer.park import PASSWORD, SCOPES, Pkce, fields
from tests.access.issuer.running import Running, running
from tests.servers.chromium import page
from tests.servers.process import ServerMissing

NODE = Path(__file__).resolve().parents[2] / "servers" / "openid_client"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


def person(url: str, browser: httpx.Client) -> str:
    """Logs in and allows; the address to which the browser is sent back."""
    shown = browser.get(url)
    base = f"{shown.url.scheme}://{shown.url.netloc.decode()}"
    if "/oauth/login" in shown.text:
        sent = browser.post(f"{base}/oauth/login", data=fields(shown) | {"name": "lin", "password": PASSWORD})
        shown = browser.get(f"{base}{sent.headers['location']}")
    done = browser.post(f"{base}/oauth/authorize", data=fields(shown) | {"decision": "allow"})
    assert done.status_code == 303, done.text
    return str(done.headers["location"])


def asked(hub: Running, token: str) -> httpx.Response:
    return httpx.post(
        f"{hub.url}/graphql", json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {token}"}
    )


def test_authlibs_client_logs_in_renews_and_gives_back_and_the_hub_takes_its_tokens(hub: Running) -> None:
    client = OAuth2Client(
        client_id="explorer",
        token_endpoint_auth_method="none",
        redirect_uri=hub.back,
        scope="purpose:operations",
        code_challenge_method="S256",
    )
    verifier = "v" * 43
    url, state = client.create_authorization_url(f"{hub.url}/oauth/authorize", code_verifier=verifier)
    with httpx.Client() as browser:
        back = person(url, browser)
    endpoint = f"{hub.url}/oauth/token"
    token = client.fetch_token(endpoint, authorization_response=back, state=state, code_verifier=verifier)
    assert asked(hub, token["access_token"]).json()["data"] == {"__typename": "Query"}
    assert httpx.post(f"{hub.url}/graphql", json={"query": "{ __typename }"}).status_code == 401
    renewed = client.refresh_token(endpoint, refresh_token=token["refresh_token"])
    assert asked(hub, renewed["access_token"]).status_code == 200
    given_back = {"token": renewed["refresh_token"], "token_type_hint": "refresh_token", "client_id": "explorer"}
    assert httpx.post(f"{hub.url}/oauth/revoke", data=given_back).status_code == 200
    assert asked(hub, renewed["access_token"]).status_code == 401  # at once, for it is the hub's own issuer
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(endpoint, refresh_token=renewed["refresh_token"])


def test_a_departments_service_asks_with_its_secret(hub: Running) -> None:
    client = OAuth2Client(client_id="department", client_secret=hub.secret, scope="purpose:operations")
    token = client.fetch_token(f"{hub.url}/oauth/token", grant_type="client_credentials")
    assert asked(hub, token["access_token"]).status_code == 200
    wrong = OAuth2Client(client_id="department", client_secret="guess")
    with pytest.raises(OAuthError, match="invalid_client"):
        wrong.fetch_token(f"{hub.url}/oauth/token", grant_type="client_credentials")


def test_the_certified_client_finds_its_way_by_the_metadata_alone(hub: Running) -> None:
    if shutil.which("node") is None or not (NODE / "node_modules").exists():
        pytest.skip("openid-client is not installed: run tests/servers/prepare, which needs npm")
    command = ["node", str(NODE / "client.js"), hub.url, "explorer", hub.back, "department", hub.secret]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node,
        httpx.Client() as b,
    ):
        assert node.stdin is not None
        assert node.stdout is not None

        def said() -> dict[str, Any]:
            assert node.stdout is not None
            return json.loads(node.stdout.readline())  # type: ignore[no-any-return]

        back = person(said()["authorize"], b)
        node.stdin.write(back + "\n")
        node.stdin.flush()
        assert "INVALID_RESPONSE" in said()["mixed_up"]
        tokens = said()
        assert (tokens["rotated"], tokens["scope"], tokens["expires_in"]) == (True, "purpose:operations", 66)
        assert said() == {"after_revocation": "invalid_grant"}
        own = said()["own"]
        assert (own["active"], own["client_id"], own["sub"]) == (True, "department", "department")
        device = said()
        shown = b.get(device["verification_uri"])
        form = fields(shown) | {"user_code": device["user_code"], "decision": "allow"}
        assert b.post(device["verification_uri"], data=form).status_code == 200
        assert said() == {"device": "purpose:operations"}
        assert node.wait(10) == 0


def test_a_person_logs_in_with_a_browser_that_runs_no_script(hub: Running, tmp_path: Path) -> None:
    query = {
        "response_type": "code",
        "client_id": "explorer",
        "redirect_uri": hub.back,
        "scope": SCOPES[0],
        "state": "of the browser",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # RFC 7636, appendix B
        "code_challenge_method": "S256",
    }

    async def scenario() -> None:
        async with page(f"{hub.url}/oauth/authorize?{urlencode(query)}", tmp_path) as tab:
            await tab.until("!!document.querySelector('#name')")
            await tab.until(
                "getComputedStyle(document.querySelector('main')).maxWidth == '384px'"
            )  # the style is let in
            for field, text in (("name", "lin"), ("password", PASSWORD)):
                await tab.evaluate(f"document.querySelector('#{field}').focus()")
                await tab.type(text)
            await tab.evaluate("document.querySelector('button').click()")
            await tab.until(
                "document.querySelector('button[value=allow]') && document.body.innerText.includes('explorer')"
            )
            await tab.evaluate("document.querySelector('button[value=allow]').click()")
            landed = await tab.until(f"location.href.startsWith('{hub.back}') && location.href")
            given = parse_qs(urlsplit(landed).query)
            assert (given["state"], given["iss"]) == (["of the browser"], [hub.url])
            assert len(given["code"][0]) >= 43
            breaches = [text for text in tab.complaints if "404" not in text]  # nobody lives at the address of return
            assert breaches == []

    try:
        asyncio.run(scenario())
    except ServerMissing as missing:
        pytest.skip(str(missing))


def test_a_person_logs_in_from_the_explorer_asks_and_stays_logged_in(hub: Running, tmp_path: Path) -> None:
    editor = "document.querySelector('.graphiql-query-editor .CodeMirror')"
    result = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"
    token = "document.querySelector('#token').value"

    async def scenario() -> None:
        async with page(f"{hub.url}/", tmp_path) as tab:
            await tab.until("document.querySelector('#login') && !document.querySelector('#login').hidden")
            await tab.evaluate("document.querySelector('#login').click()")
            await tab.until("!!document.querySelector('#name')")
            for field, text in (("name", "lin"), ("password", PASSWORD)):
                await tab.evaluate(f"document.querySelector('#{field}').focus()")
                await tab.type(text)
            await tab.evaluate("document.querySelector('button').click()")
            await tab.until("!!document.querySelector('button[value=allow]')")
            await tab.evaluate("document.querySelector('button[value=allow]').click()")
            first = await tab.until(f"document.querySelector('#token') && {token}")
            assert await tab.evaluate("location.search") == ""  # the code is in no history
            assert asked(hub, first).status_code == 200
            await tab.until(f"!!{editor}")
            await tab.evaluate(f"{editor}.CodeMirror.setValue('{{ __typename }}')")
            await asyncio.sleep(0.5)  # GraphiQL takes what was typed after a pause
            await tab.evaluate("document.querySelector('.graphiql-execute-button').click()")
            assert "Query" in await tab.until(f"{result}.includes('__typename') && {result}")
            renewed = await tab.until(f"{token} !== '{first}' && {token}")
            assert asked(hub, renewed).status_code == 200
            kept = await tab.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
            assert first not in kept
            assert renewed not in kept
            breaches = [text for text in tab.complaints if "401" not in text]  # as it was before the login
            assert breaches == []

    try:
        asyncio.run(scenario())
    except ServerMissing as missing:
        pytest.skip(str(missing))


def test_an_open_stream_ends_within_a_second_of_the_account(hub: Running) -> None:
    pkce = Pkce()
    query = {
        "response_type": "code",
        "client_id": "explorer",
        "redirect_uri": hub.back,
        "code_challenge_method": "S256",
    }
    with httpx.Client() as browser:
        back = person(f"{hub.url}/oauth/authorize?{urlencode(query | {'code_challenge': pkce.challenge})}", browser)
    given = {"grant_type": "authorization_code", "client_id": "explorer", "redirect_uri": hub.back}
    given |= {"code": parse_qs(urlsplit(back).query)["code"][0], "code_verifier": pkce.verifier}
    got = httpx.post(f"{hub.url}/oauth/token", data=given).json()

    async def scenario() -> None:
        socket = hub.url.replace("http", "ws") + "/graphql"
        async with connect(socket, subprotocols=["graphql-transport-ws"]) as stream:  # type: ignore[list-item]
            payload = {"authorization": f"Bearer {got['access_token']}"}
            await stream.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert json.loads(await stream.recv())["type"] == "connection_ack"
            ask = {"query": "subscription { alerts { cursor } }"}
            await stream.send(json.dumps({"id": "1", "type": "subscribe", "payload": ask}))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.recv(), 2)  # it stays open
            arguments = ["users", "disable", "lin", "-c", str(hub.folder / "park.toml"), "--json"]
            done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
            assert done.exit_code == 0, done.exception
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(stream.recv(), 1)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401

    asyncio.run(scenario())
    assert asked(hub, got["access_token"]).status_code == 401
    renewal = {"grant_type": "refresh_token", "client_id": "explorer", "refresh_token": got["refresh_token"]}
    assert httpx.post(f"{hub.url}/oauth/token", data=renewal).json()["error"] == "invalid_grant"
    again = CliRunner().invoke(app, ["users", "enable", "lin", "-c", str(hub.folder / "park.toml"), "--json"])
    assert again.exit_code == 0, again.output  # the hub is that of the tests to come


def test_logins_tokens_and_changes_of_accounts_are_in_the_audit(hub: Running) -> None:
    park = str(hub.folder / "park.toml")

    def run(*words: str, given: str = "") -> Any:
        done = CliRunner().invoke(app, [*words, "-c", park, "--json"], input=given)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout.splitlines()[-1])["result"]

    client = OAuth2Client(
        client_id="explorer",
        token_endpoint_auth_method="none",
        redirect_uri=hub.back,
        scope="purpose:operations",
        code_challenge_method="S256",
    )
    url, state = client.create_authorization_url(f"{hub.url}/oauth/authorize", code_verifier="w" * 43)
    with httpx.Client() as browser:
        back = person(url, browser)
    token = client.fetch_token(
        f"{hub.url}/oauth/token", authorization_response=back, state=state, code_verifier="w" * 43
    )
    assert asked(hub, token["access_token"]).status_code == 200
    gone = {"token": token["refresh_token"], "client_id": "explorer"}
    assert httpx.post(f"{hub.url}/oauth/revoke", data=gone).status_code == 200
    run("users", "add", "temporary", "--role", "guard", "--password-file", "-", given=f"{PASSWORD}\n")
    run("users", "disable", "temporary")
    account = next(row["id"] for row in run("users", "list")["rows"] if row["name"] == "lin")
    told = run("audit", "list", "--first", "1000")["rows"]
    by = {name: [row["shown"] for row in told if row["operation"] == name] for name in {r["operation"] for r in told}}
    assert f"account={account}" in by["login"][0]
    assert any(f"account={account}" in each and "client=explorer" in each for each in by["token.issued"])
    assert any("its client gave it back" in each for each in by["grant.revoked"])
    assert any(row["subject"] == account for row in told if row["operation"] == "token.first_used")
    assert any("name=temporary" in each and "roles=guard" in each for each in by["account.added"])
    assert any("enabled=False" in each for each in by["account.enabled"])
    everything = json.dumps(told)
    for secret in (PASSWORD, token["access_token"], token["refresh_token"], hub.secret):
        assert secret not in everything
