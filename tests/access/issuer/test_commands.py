"""`causeway users` and `causeway clients`, alone with the lock and beside a running hub."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from click.testing import Result
from typer.testing import CliRunner

from hub.cli.commands import app
from hub.errors import CausewayError, SettingsError
from hub.settings import load
from tests.access.issuer.running import hub_process, write_park
from tests.servers.process import wait_for_port

Run = Callable[..., Result]


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    port = write_park(tmp_path)
    monkeypatch.chdir(tmp_path)
    return port


@pytest.fixture
def causeway(port: int) -> Run:
    return lambda *arguments, typed="": CliRunner().invoke(app, list(arguments), input=typed)


def result(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout.splitlines()[-1])["result"]  # type: ignore[no-any-return]


def refusal(done: Result) -> str:
    assert isinstance(done.exception, CausewayError)
    return done.exception.message


def token(port: int, client_id: str, secret: str) -> httpx.Response:
    given = {"grant_type": "client_credentials"}
    return httpx.post(f"http://127.0.0.1:{port}/oauth/token", data=given, auth=(client_id, secret))


def test_accounts_are_kept_by_commands_without_a_hub(causeway: Run, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("four words for lin\n", encoding="utf-8")
    added = causeway("users", "add", "Lin", "--role", "guard", "--password-file", "pw", "--json")
    assert result(added)["roles"] == "guard"
    assert "four words" not in added.output
    assert "there is an account lin" in refusal(causeway("users", "add", "lin", "--password-file", "pw"))
    assert "12 to" in refusal(causeway("users", "add", "wu", "--password-file", "-", typed="short\n"))
    asked = causeway("users", "add", "wu", "--json", typed="four words for wu\nfour words for wu\n")
    assert result(asked)["name"] == "wu"
    assert "four words" not in asked.output
    changed = result(causeway("users", "roles", "lin", "--role", "commander", "--organization", "o-1", "--json"))
    assert (changed["roles"], changed["organization"]) == ("commander", "o-1")
    assert result(causeway("users", "roles", "lin", "--role", "guard", "--json"))["organization"] == "o-1"
    assert result(causeway("users", "roles", "lin", "--organization", "", "--json"))["organization"] is None
    shown = pyotp.parse_uri(result(causeway("users", "totp", "lin", "--json"))["otpauth"])
    assert shown.name == "lin"
    assert shown.secret.encode() not in (tmp_path / "var" / "access.db").read_bytes()
    assert result(causeway("users", "disable", "lin", "--json"))["enabled"] == "no"
    rows = {row["name"]: row for row in result(causeway("users", "list", "--json"))["rows"]}
    assert (rows["lin"]["second_factor"], rows["lin"]["enabled"], rows["wu"]["enabled"]) == ("yes", "no", "yes")
    assert result(causeway("users", "totp", "lin", "--off", "--json"))["second_factor"] == "no"
    assert result(causeway("users", "enable", "lin", "--json"))["enabled"] == "yes"
    assert "there is no account nobody" in refusal(causeway("users", "disable", "nobody"))


def test_a_client_that_could_not_be_trusted_is_not_registered(causeway: Run) -> None:
    assert "There are no clients" in causeway("clients", "list").output
    for given, why in (
        (("--redirect", "http://app.example/back"), "https"),
        (("--redirect", "https://app.example/*"), "wildcard"),
        (("--redirect", "https://app.example/back#here"), "fragment"),
        (("--redirect", "myapp:/back", "--native"), "scheme of its own"),
        (("--redirect", "com.example.app:/back"), "https"),
        (("--grant", "password"), "no grant"),
        (("--grant", "code"), "redirect URI"),
        (("--grant", "credentials"), "confidential"),
        (("--scope", "everything", "--confidential"), "purpose:"),
        (("--native", "--confidential", "--redirect", "http://127.0.0.1/"), "public"),
        (("--introspects",), "confidential"),
    ):
        assert why in refusal(causeway("clients", "add", "web", *given)), given
    right = ("--redirect", "com.example.app:/back", "--native", "--scope", "purpose:operations", "--json")
    added = result(causeway("clients", "add", "web", *right))
    assert (added["kind"], added["grants"], "secret" in added) == ("native", "code, refresh", False)
    assert "already" in refusal(causeway("clients", "add", "web", *right))
    assert "public" in refusal(causeway("clients", "secret", "web"))


def test_a_park_without_accounts_says_what_to_add(causeway: Run, tmp_path: Path) -> None:
    (tmp_path / "park.toml").write_text('[park]\nname = "Test park"\n', encoding="utf-8")
    assert "[accounts]" in refusal(causeway("users", "list"))
    assert not (tmp_path / "var" / "access.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example",
        "https://hub.example/path",
        "https://hub.example?x",
        "https://hub.example/#x",
        "https://lin@hub.example",
        "ftp://hub.example",
        "hub",
        "https://[hub",
    ],
)
def test_an_issuers_address_is_one_that_clients_can_trust(tmp_path: Path, url: str) -> None:
    file = tmp_path / "park.toml"
    file.write_text(f'[park]\nname = "T"\n[accounts]\nurl = "{url}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"accounts\.url"):
        load(file, {})
    for right in ("https://hub.example", "https://hub.example:8443/", "http://127.0.0.1:8000", "http://localhost:1"):
        file.write_text(f'[park]\nname = "T"\n[accounts]\nurl = "{right}"\n', encoding="utf-8")
        accounts = load(file, {}).accounts
        assert accounts is not None
        assert accounts.url == right.rstrip("/")


def test_a_running_hub_carries_them_out_and_what_they_change_holds_at_once(
    causeway: Run, tmp_path: Path, port: int
) -> None:
    hub = hub_process(tmp_path)
    try:
        wait_for_port(port, hub)
        issuer = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{issuer}/.well-known/openid-configuration").json()["issuer"] == issuer
        given = ("--confidential", "--scope", "purpose:operations", "--role", "government", "--json")
        secret = result(causeway("clients", "add", "department", *given))["secret"]
        got = token(port, "department", secret)
        assert got.status_code == 200
        asker = result(causeway("clients", "add", "rs", "--confidential", "--introspects", "--json"))["secret"]
        ask = {"token": got.json()["access_token"]}
        said = httpx.post(f"{issuer}/oauth/introspect", data=ask, auth=("rs", asker))
        assert said.json()["active"] is True
        renewed = result(causeway("clients", "secret", "department", "--json"))["secret"]
        assert token(port, "department", secret).status_code == 401
        assert token(port, "department", renewed).status_code == 200
        assert causeway("clients", "remove", "department").exit_code == 0
        assert token(port, "department", renewed).status_code == 401
        said = httpx.post(f"{issuer}/oauth/introspect", data=ask, auth=("rs", asker))
        assert said.json() == {"active": False}
    finally:
        hub.stop()
    logs = b"".join(file.read_bytes() for file in tmp_path.glob("*.log"))
    assert logs
    assert not any(one.encode() in logs for one in (secret, renewed, asker, ask["token"]))
