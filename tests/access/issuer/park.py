"""A park's own issuer behind the hub's real application, a client of it, and a person with a browser."""

import base64
import hashlib
import html
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import sqlalchemy as sa
from argon2 import PasswordHasher
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.testclient import TestClient

from hub.access.issuer import tables
from hub.access.issuer.clients import CODE, CREDENTIALS, DEVICE, REFRESH, Client
from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.issuer import Issuer
from hub.access.issuer.passwords import Passwords
from hub.clock import ManualClock
from hub.journal.sealing import Keyring, KeyringConfig
from hub.telemetry import Metrics
from hub.web.application import create_application
from hub.web.config import WebConfig
from hub.web.health import Probes
from tests.web.tiny import SCHEMA

URL = "http://127.0.0.1:8000"
AUDIENCE = "http://127.0.0.1:8000/graphql"
BACK = "https://app.example/back"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
PASSWORD = "three lamps over water"
SCOPES = ("purpose:operations", "purpose:emergency")


def client(**changed: Any) -> Client:
    """A public client, but for what is said."""
    given: dict[str, Any] = {
        "id": "explorer",
        "name": "The explorer",
        "secret": None,
        "native": False,
        "introspects": False,
        "redirect_uris": (BACK,),
        "grants": frozenset({CODE, REFRESH, DEVICE}),
        "scopes": SCOPES,
    }
    return Client(**(given | changed))


class Pkce:
    """A verifier and its challenge."""

    def __init__(self) -> None:
        self.verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        self.challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Park:
    """`http` keeps cookies as a browser does and follows nothing by itself."""

    def __init__(self, issuer: Issuer, clock: ManualClock, keyring: Keyring) -> None:
        self.issuer = issuer
        self.clock = clock
        self.keyring = keyring
        application = create_application(
            SCHEMA, lambda asker, mask: {}, WebConfig(), metrics=Metrics(), probes=Probes(), issuer=issuer
        )
        self.http = TestClient(application, base_url=URL, follow_redirects=False)

    def fill(self) -> None:
        """Three clients and a person."""
        issuer = self.issuer
        issuer.clients.add(client())
        self.secret = issuer.clients.add(
            client(
                id="department",
                name="Fire department",
                secret=b"made by the register",
                redirect_uris=("https://department.example/back",),
                grants=frozenset({CODE, REFRESH, CREDENTIALS}),
                roles=("government",),
                organization="org-fire",
            )
        )
        self.hub_secret = issuer.clients.add(
            client(
                id="gateway",
                name="A resource server",
                secret=b"made by the register",
                redirect_uris=(),
                grants=frozenset(),
                scopes=(),
                introspects=True,
            )
        )
        self.account = issuer.accounts.add("Lin", PASSWORD, roles=["duty_officer"], organization="org-park")

    def stored_password(self, name: str) -> str:
        with self.issuer._store.reading() as connection:
            where = tables.account.c.name == name
            return str(connection.scalar(sa.select(tables.account.c.password).where(where)))

    @property
    def department(self) -> tuple[str, str]:
        assert self.secret is not None
        return "department", self.secret

    @property
    def gateway(self) -> tuple[str, str]:
        assert self.hub_secret is not None
        return "gateway", self.hub_secret

    def authorize(self, pkce: Pkce | None = None, **changed: str | None) -> httpx.Response:
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "explorer",
            "redirect_uri": BACK,
            "scope": "purpose:operations",
            "state": "a state & more",
            "code_challenge": pkce.challenge if pkce else None,
            "code_challenge_method": "S256" if pkce else None,
        }
        kept = {name: value for name, value in (given | changed).items() if value is not None}
        return self.http.get(f"/oauth/authorize?{urlencode(kept)}")

    def login(
        self, page: httpx.Response, name: str = "lin", password: str = PASSWORD, code: str = ""
    ) -> httpx.Response:
        """Fills the form in; what comes of it, followed where it worked."""
        sent = self.http.post("/oauth/login", data=fields(page) | {"name": name, "password": password, "code": code})
        return self.http.get(sent.headers["location"]) if sent.status_code == 303 else sent

    def decide(self, page: httpx.Response, decision: str = "allow") -> httpx.Response:
        return self.http.post("/oauth/authorize", data=fields(page) | {"decision": decision})

    def consent(self, pkce: Pkce, **changed: str | None) -> Mapping[str, str]:
        """The whole way through the pages; the parameters that the client gets."""
        page = self.authorize(pkce, **changed)
        if "/oauth/login" in page.text:
            page = self.login(page)
        return answer(self.decide(page))

    def token(self, auth: tuple[str, str] | None = None, **given: str) -> httpx.Response:
        return self.post("/oauth/token", auth, **given)

    def post(self, path: str, auth: tuple[str, str] | None = None, **given: str) -> httpx.Response:
        """As a client does: without the person's cookies."""
        bare = TestClient(self.http.app, base_url=URL, follow_redirects=False)
        return bare.post(path, data=given, auth=auth or httpx.USE_CLIENT_DEFAULT)

    def exchange(self, code: str, pkce: Pkce, **changed: str) -> httpx.Response:
        given = {
            "grant_type": "authorization_code",
            "client_id": "explorer",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": pkce.verifier,
        }
        return self.token(**{name: value for name, value in (given | changed).items() if value})

    def tokens(self, **changed: str | None) -> dict[str, Any]:
        """What a login gives in the end."""
        pkce = Pkce()
        got = self.exchange(self.consent(pkce, **changed)["code"], pkce)
        assert got.status_code == 200, got.text
        return got.json()  # type: ignore[no-any-return]

    def renew(self, refresh_token: str, **changed: str) -> httpx.Response:
        given = {"grant_type": "refresh_token", "client_id": "explorer", "refresh_token": refresh_token}
        return self.token(**(given | changed))

    def claims(self, access_token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims of an access token, verified with the keys that the issuer publishes."""
        keys = KeySet.import_key_set(self.http.get("/oauth/jwks.json").json())
        token = jwt.decode(access_token, keys, algorithms=["RS256"])
        return token.header, token.claims

    def active(self, token: str) -> bool:
        return bool(self.post("/oauth/introspect", self.gateway, token=token).json()["active"])


def fields(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    return {name: html.unescape(value) for name, value in found}


def answer(redirect: httpx.Response) -> dict[str, str]:
    """The parameters with which the browser is sent back to the client."""
    assert redirect.status_code in (302, 303), redirect.text
    query = parse_qs(urlsplit(redirect.headers["location"]).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


def error_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


@contextmanager
def opened(folder: Path, clock: ManualClock | None = None, *, empty: bool = False, **changed: Any) -> Iterator[Park]:
    clock = clock or ManualClock(START)
    state = folder / "var"
    state.mkdir(mode=0o700, exist_ok=True)
    config = KeyringConfig(store=state / "keys.db", park_key=folder / "park.key", state=state)
    keyring = Keyring.open(config, clock=clock)
    given = IssuerConfig(**({"url": URL, "audience": AUDIENCE, "park": "测试园区"} | changed))
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    issuer = Issuer.open(state, keyring, given, clock=clock, passwords=quick)
    try:
        park = Park(issuer, clock, keyring)
        if not empty:
            park.fill()
        yield park
    finally:
        issuer.close()
        keyring.close()
