"""The park under attack: a real hub with its own accounts and one trusted issuer, two tenants, people, a fire alarm."""

import asyncio
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from joserfc.jwk import ECKey, Key, RSAKey

from adapters.contract import Claim, Link, Value
from hub.access.issuer.clients import CODE, CREDENTIALS, DEVICE, REFRESH, Client
from hub.clock import now
from hub.journal.records import Draft
from hub.parts import open_parts
from hub.settings import load
from tests.access.issuing import signed
from tests.servers.process import Process, free_port

PARK = """rules = "rules.toml"
[park]
name = "Attacked park"
[web]
port = {port}
introspection = {introspection}
[accounts]
url = "http://127.0.0.1:{port}"
[[issuer]]
url = "{issuer}"
audience = "https://hub.example"
organization_claim = "org"
leeway = "0s"
"""
RULES = """
[[source]]
id = "source-lost"
severity = "MODERATE"
code = "source_unavailable"
"""
PASSWORD = "three lamps over water"
BACK = "https://app.example/back"


def _thing(kind: str, name: str, values: Mapping[str, Value], *links: tuple[str, str]) -> Claim:
    return Claim(
        kind=kind,
        external_id=name,
        values=values,
        links=tuple(Link(relation=relation, target=target) for relation, target in links),
    )


def _claims() -> list[Claim]:
    claims = [
        _thing("Place", "park", {"kind": "PARK", "name": "Park"}),
        _thing("Organization", "a", {"kind": "ENTERPRISE", "name": "Tenant A"}, ("OCCUPIES", "b1")),
        _thing("Organization", "b", {"kind": "ENTERPRISE", "name": "Tenant B"}, ("OCCUPIES", "b2")),
        _thing("SupplyItem", "item", {"code": "1010101", "name": "Foam", "unit": "kg"}),
    ]
    claims.append(_thing("Person", "person-spare", {"name": "Zhao"}))
    for number, owner in ((1, "a"), (2, "b")):
        building = f"b{number}"
        claims += [
            _thing("Place", building, {"kind": "BUILDING", "name": f"Building {number}"}, ("PART_OF", "park")),
            _thing(
                "SupplyLot",
                f"lot-{owner}",
                {"name": f"secret stock of {owner}", "item_code": "1010101", "quantity": 50.0, "unit": "kg"},
                ("STORED_IN", building),
                ("OWNED_BY", owner),
                ("OF_ITEM", "item"),
            ),
            _thing(
                "Asset",
                f"tank-{owner}",
                {"kind": "EQUIPMENT", "name": f"tank of {owner}"},
                ("LOCATED_IN", building),
                ("OWNED_BY", owner),
            ),
            _thing(
                "Person",
                f"person-{owner}",
                {"name": f"Li {owner}", "phone": f"1380013800{number}"},
                ("EMPLOYED_BY", owner),
            ),
        ]
    return claims


class IssuerServer:
    """A trusted issuer's metadata and keys, over HTTP; its tokens are made here, right ones and wrong ones."""

    def __init__(self) -> None:
        self.key: Key = RSAKey.generate_key(2048, {"kid": "right", "use": "sig"})
        self.ec: Key = ECKey.generate_key("P-256", {"kid": "curve", "use": "sig"})
        self.foreign: Key = RSAKey.generate_key(2048, {"kid": "right"})
        issuer = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/.well-known/"):
                    body: object = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"}
                elif self.path == "/jwks":
                    body = {"keys": [key.as_dict(private=False) for key in (issuer.key, issuer.ec)]}
                else:
                    self.send_error(404)
                    return
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def claims(self, **changed: object) -> dict[str, object]:
        at = int(time.time())
        claims: dict[str, object] = {
            "iss": self.url,
            "aud": "https://hub.example",
            "sub": "wang",
            "client_id": "desk",
            "iat": at,
            "exp": at + 600,
            "jti": str(uuid4()),
            "roles": ["commander"],
            "scope": "openid purpose:operations purpose:emergency",
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: Key | None = None, header: Mapping[str, object] | None = None, **changed: object) -> str:
        return signed(self.claims(**changed), key or self.key, header)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(kw_only=True)
class Park:
    folder: Path
    port: int = field(default_factory=free_port)
    issuer: IssuerServer = field(default_factory=IssuerServer)
    ids: Mapping[str, str] = field(default_factory=dict)  # external id → entity id
    clients: dict[str, str] = field(default_factory=dict)  # id → secret
    hub: Process | None = None
    introspection: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # ---- who asks

    def commander(self) -> str:
        return self.issuer.token()

    def role(self, role: str, **changed: object) -> str:
        return self.issuer.token(roles=[role], scope="openid", **changed)

    def tenant(self, which: str) -> str:
        return self.role("tenant", sub=f"tenant-{which}", org=self.ids[which])

    # ---- how

    def post(self, token: str | None, body: object, **headers: str) -> httpx.Response:
        given = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.post(f"{self.url}/graphql", json=body, headers={**given, **headers}, timeout=30)

    def ask(self, token: str | None, query: str, **variables: object) -> dict[str, Any]:
        answer = self.post(token, {"query": query, "variables": variables})
        return dict(answer.json())

    # ---- its life

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "rules.toml").write_text(RULES)
        (self.folder / "park.toml").write_text(self._file())
        asyncio.run(self._fill())

    def _file(self) -> str:
        return PARK.format(port=self.port, issuer=self.issuer.url, introspection=str(self.introspection).lower())

    async def _fill(self) -> None:
        async with open_parts(load(self.folder / "park.toml")) as parts:
            said = await parts.journal.append(Draft(source="survey", received_at=now(), claims=_claims()))
            self.ids = dict(said.entities)
            assert parts.issuer is not None
            register = parts.issuer
            explorer = {"grants": frozenset({CODE, REFRESH, DEVICE}), "redirect_uris": (BACK,)}
            for client in (
                _client("explorer", None, **explorer),
                _client("department", b"made", grants=frozenset({CREDENTIALS}), roles=("government_department",)),
                _client("gateway", b"made", grants=frozenset(), introspects=True),
            ):
                self.clients[client.id] = register.clients.add(client) or ""
            for name in ("Lin", "Victim"):
                register.accounts.add(name, PASSWORD, roles=["duty_officer"], organization=None)

    def start(self) -> None:
        command = [sys.executable, "-m", "hub.cli", "serve", "--config", str(self.folder / "park.toml")]
        self.hub = Process(command, self.folder, name="hub", env={"NEO4J_URI": ""})
        until = time.monotonic() + 90
        while time.monotonic() < until:
            self.hub.still_running()
            try:
                found = self.ask(self.commander(), "{ organizations { totalCount } }")
                if ((found.get("data") or {}).get("organizations") or {}).get("totalCount") == 2:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        raise TimeoutError(f"the hub does not answer: see {self.hub.log}")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hub.cli", *words, "--config", str(self.folder / "park.toml")],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "NEO4J_URI": "", "COLUMNS": "200"},
            check=False,
        )

    def close(self) -> None:
        if self.hub is not None:
            self.hub.stop(signal.SIGTERM, 30)
        self.issuer.close()


def _client(name: str, secret: bytes | None, **changed: Any) -> Client:
    given: dict[str, Any] = {
        "id": name,
        "name": name,
        "secret": secret,
        "native": False,
        "introspects": False,
        "redirect_uris": (),
        "scopes": ("purpose:operations", "purpose:emergency"),
    }
    return Client(**(given | changed))


@contextmanager
def attacked(folder: Path, *, introspection: bool = False) -> Iterator[Park]:
    park = Park(folder=folder, introspection=introspection)
    try:
        park.prepare()
        park.start()
        yield park
    finally:
        park.close()
