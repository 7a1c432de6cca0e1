"""A real Keycloak on loopback, in memory, with the realm `park`: a public client, a service's, and the hub's own."""

import os
import shutil
import subprocess
import zipfile
from html import unescape
from pathlib import Path
from re import findall
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.servers.process import Process, ServerMissing, free_port

VERSION = "26.7.3"
AUDIENCE = "https://hub.example"
HUB = ("hub", "hub-secret")
DEPARTMENT = ("department", "department-secret")
PLAIN = ("plain", "plain-secret")  # a client whose tokens are of typ JWT, as Keycloak makes them by default
BACK = "http://127.0.0.1/back"
PASSWORD = "three lamps over water"
_REALM = Path(__file__).parent / "keycloak_server" / "park.json"
_HOW = "a test server of Keycloak needs a JDK 17 or later and, for the first time, Maven: apt install default-jdk maven"


class Keycloak:
    """`url` is the realm's issuer."""

    def __init__(self, folder: Path, home: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/realms/park"
        self._endpoints = f"{self.url}/protocol/openid-connect"
        (home / "data" / "import").mkdir(parents=True, exist_ok=True)
        shutil.copy(_REALM, home / "data" / "import")
        options = ["--db=dev-mem", "--http-host=127.0.0.1", f"--http-port={port}", "--import-realm", "--cache=local"]
        self._process = Process(
            ["bash", str(home / "bin" / "kc.sh"), "start-dev", *options],
            folder,
            name="keycloak",
            env={"JAVA_OPTS_APPEND": "-Xmx512m", "KC_RUN_IN_CONTAINER": "true"},
        )
        try:
            self._process.wait_for_line(r"Listening on:", 300)
        except BaseException:
            self._process.stop()
            raise

    @classmethod
    def start(cls, folder: Path) -> "Keycloak":
        """Raises ServerMissing where there is no JDK, or neither Keycloak nor Maven."""
        if shutil.which("java") is None:
            raise ServerMissing(_HOW)
        return cls(folder, _home())

    def stop(self) -> None:
        self._process.stop()

    def service(self, client: tuple[str, str], scope: str = "", proof: str | None = None) -> str:
        """A service's own access token."""
        given = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        headers = {"dpop": proof} if proof else {}
        answer = httpx.post(self.token_endpoint, data=given, auth=client, headers=headers, timeout=60)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    @property
    def token_endpoint(self) -> str:
        return f"{self._endpoints}/token"

    def revoke(self, token: str, client: tuple[str, str]) -> None:
        httpx.post(f"{self._endpoints}/revoke", data={"token": token}, auth=client, timeout=60).raise_for_status()

    def login(self, name: str, verifier: str, challenge: str) -> dict[str, Any]:
        """The tokens of a person who logs in with the explorer, a public client with PKCE."""
        with httpx.Client(timeout=60) as browser:
            asked = {
                "client_id": "explorer",
                "response_type": "code",
                "redirect_uri": BACK,
                "scope": "openid purpose:operations",
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
            page = browser.get(f"{self._endpoints}/auth", params=asked).raise_for_status()
            action = unescape(findall(r'<form[^>]*action="([^"]+)"', page.text)[0])
            kept = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
            browser.cookies.clear()  # httpx keeps secure ones from loopback; browsers do not
            sent = browser.post(action, data={"username": name, "password": PASSWORD}, headers={"cookie": kept})
            code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
            given = {"grant_type": "authorization_code", "client_id": "explorer", "code": code}
            got = browser.post(self.token_endpoint, data={**given, "redirect_uri": BACK, "code_verifier": verifier})
            got.raise_for_status()
            return dict(got.json())


def _home() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keycloak"
    home = cache / f"keycloak-{VERSION}"
    if not (cache / f"{VERSION}.complete").exists():
        maven = shutil.which("mvn")
        if maven is None:
            raise ServerMissing(_HOW)
        artifact = f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
        fetch = [maven, "-q", "-B", "dependency:copy", artifact, f"-DoutputDirectory={cache}"]
        done = subprocess.run(fetch, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise ServerMissing(f"Maven could not fetch Keycloak {VERSION}: {(done.stdout + done.stderr)[-500:]}")
        archive = cache / f"keycloak-quarkus-dist-{VERSION}.zip"
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(cache)
        archive.unlink()
        (cache / f"{VERSION}.complete").touch()
    return home
