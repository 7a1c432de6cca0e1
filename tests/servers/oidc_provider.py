"""A real OpenID provider of another make (npm's oidc-provider) on loopback, with three clients."""

import shutil
from html import unescape
from pathlib import Path
from re import findall
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.servers.process import Process, ServerMissing, free_port

_HERE = Path(__file__).parent / "oidc_provider"
AUDIENCE = "https://hub.example"
HUB = ("hub", "hub:secret/1")
DEPARTMENT = ("department", "department:secret/1")
BACK = "http://127.0.0.1/back"


class OidcProvider:
    """`url` is the issuer."""

    def __init__(self, folder: Path, node: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = Process([node, str(_HERE / "server.js"), str(self.port), AUDIENCE], folder, name="oidc")
        self._process.wait_for_line("^listening", 60)

    @classmethod
    def start(cls, folder: Path) -> "OidcProvider":
        """Raises ServerMissing where there is no Node, or the package is not installed."""
        node = shutil.which("node")
        if node is None or not (_HERE / "node_modules").is_dir():
            raise ServerMissing("oidc-provider needs Node and its package: tests/servers/prepare")
        return cls(folder, node)

    def stop(self) -> None:
        self._process.stop()

    def say(self, word: str) -> None:
        """`rotate`, `drop`, `slow`, `down` or `up`: see server.js."""
        httpx.post(f"{self.url}/test/{word}").raise_for_status()

    def department(
        self, *, resource: str = AUDIENCE, scope: str = "purpose:emergency", proof: str | None = None
    ) -> str:
        """A service's own access token."""
        given = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        headers = {"dpop": proof} if proof else {}
        answer = httpx.post(f"{self.url}/token", data=given, auth=_basic(DEPARTMENT), headers=headers)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def revoke(self, token: str) -> None:
        httpx.post(f"{self.url}/token/revocation", data={"token": token}, auth=_basic(DEPARTMENT)).raise_for_status()

    def login(self, name: str, verifier: str, challenge: str) -> dict[str, Any]:
        """The tokens of a person who logs in with the explorer, a public client with PKCE."""
        with httpx.Client(base_url=self.url, follow_redirects=False) as browser:
            asked = {
                "client_id": "explorer",
                "response_type": "code",
                "redirect_uri": BACK,
                "scope": "openid purpose:operations",
                "resource": AUDIENCE,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
            answer = browser.get("/auth", params=asked)
            while not answer.headers.get("location", "").startswith(BACK):
                if answer.is_redirect:
                    answer = browser.get(answer.headers["location"])
                    continue
                fields = dict(findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', answer.text))
                action = unescape(findall(r'<form[^>]*action="([^"]+)"', answer.text)[0])
                answer = browser.post(action, data={**fields, "login": name, "password": "x"})
            code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
            exchanged = browser.post(
                "/token",
                data={
                    "grant_type": "authorization_code",
                    "client_id": "explorer",
                    "code": code,
                    "redirect_uri": BACK,
                    "code_verifier": verifier,
                    "resource": AUDIENCE,
                },
            )
            exchanged.raise_for_status()
            return dict(exchanged.json())


def _basic(client: tuple[str, str]) -> httpx.BasicAuth:
    """RFC 6749, section 2.3.1: form-encoded first."""
    return httpx.BasicAuth(*(part.replace(":", "%3A").replace("/", "%2F") for part in client))
