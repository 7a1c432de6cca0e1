"""The hub's own login pages and token endpoint: codes, redirects, secrets, refresh tokens, passwords."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.access.issuer.park import Pkce, fields
from tests.attacks.attempt import COUNT, Attempt, answered, must, refused
from tests.attacks.park import BACK, PASSWORD, Park


class Browser:
    """A person at the hub's pages: keeps cookies, follows what it wants to."""

    def __init__(self, park: Park, http: httpx.Client) -> None:
        self.park, self.http = park, http

    def authorize(self, pkce: Pkce | None, **changed: str | None) -> httpx.Response:
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "explorer",
            "redirect_uri": BACK,
            "scope": "purpose:operations",
            "state": "here",
            "code_challenge": pkce.challenge if pkce else None,
            "code_challenge_method": "S256" if pkce else None,
        }
        kept = {name: value for name, value in (given | changed).items() if value is not None}
        return self.http.get(f"/oauth/authorize?{urlencode(kept)}")

    def login(self, page: httpx.Response, name: str = "lin", password: str = PASSWORD) -> httpx.Response:
        sent = self.http.post("/oauth/login", data=fields(page) | {"name": name, "password": password, "code": ""})
        return self.http.get(sent.headers["location"]) if sent.status_code == 303 else sent

    def code(self, pkce: Pkce, name: str = "lin", **changed: str | None) -> str:
        page = self.authorize(pkce, **changed)
        if "/oauth/login" in page.text:
            page = self.login(page, name)
        sent = self.http.post("/oauth/authorize", data=fields(page) | {"decision": "allow"})
        return parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]


@contextmanager
def browser(park: Park) -> Iterator[Browser]:
    with httpx.Client(base_url=park.url, headers={"origin": park.url}, timeout=30) as http:
        yield Browser(park, http)


def token(park: Park, auth: tuple[str, str] | None = None, **given: str) -> httpx.Response:
    return httpx.post(f"{park.url}/oauth/token", data=given, auth=auth or httpx.USE_CLIENT_DEFAULT, timeout=30)


def exchange(park: Park, code: str, pkce: Pkce, /, **changed: str) -> httpx.Response:
    given = {
        "grant_type": "authorization_code",
        "client_id": "explorer",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": pkce.verifier,
    }
    return token(park, **{name: value for name, value in (given | changed).items() if value})


def tokens(park: Park, name: str = "lin") -> dict[str, Any]:
    pkce = Pkce()
    with browser(park) as person:
        got = exchange(park, person.code(pkce, name), pkce)
    assert got.status_code == 200, got.text
    return dict(got.json())


def signs_in(park: Park, name: str = "lin") -> None:
    """The whole way: login, consent, code, token, and the hub takes it."""
    assert answered(park.ask(tokens(park, name)["access_token"], COUNT))["organizations"]["totalCount"] == 2


def _no_redirect(park: Park, **changed: str | None) -> str:
    """Refused on the hub's own page: nothing goes to an address that is not the client's."""
    with browser(park) as person:
        answer = person.authorize(Pkce(), **changed)
    must(answer.status_code == 400 and "location" not in answer.headers, f"{answer.status_code} {answer.headers}")
    return "400 on the hub's own page"


def _told_client(park: Park, error: str, pkce: Pkce | None, **changed: str | None) -> str:
    """Refused towards the client, by an error and without a code."""
    with browser(park) as person:
        answer = person.authorize(pkce, **changed)
    where = answer.headers.get("location", "")
    must("code=" not in where.replace("error_description=", ""), where)
    must(answer.status_code in (302, 303, 400), answer.status_code)
    must(answer.status_code == 400 or f"error={error}" in where, where)
    return f"{answer.status_code} {error}"


def _exchange(park: Park, **changed: str) -> str:
    pkce = Pkce()
    with browser(park) as person:
        code = person.code(pkce)
    return refused(exchange(park, code, pkce, **changed), 400, 401)


def _replayed(park: Park) -> str:
    pkce = Pkce()
    with browser(park) as person:
        code = person.code(pkce)
    first = exchange(park, code, pkce)
    assert first.status_code == 200, first.text
    how = refused(exchange(park, code, pkce), 400)
    must(park.post(first.json()["access_token"], {"query": COUNT}).status_code == 401, "its tokens still count")
    return f"{how}, and what it had given is revoked"


def _reused(park: Park) -> str:
    first = tokens(park)["refresh_token"]
    renew = partial(token, park, grant_type="refresh_token", client_id="explorer")
    second = renew(refresh_token=first)
    assert second.status_code == 200, second.text
    how = refused(renew(refresh_token=first), 400)
    refused(renew(refresh_token=second.json()["refresh_token"]), 400)
    return f"{how}, and the whole family is revoked"


def _renews(park: Park) -> None:
    got = token(park, grant_type="refresh_token", client_id="explorer", refresh_token=tokens(park)["refresh_token"])
    assert got.status_code == 200, got.text


def _as_access(park: Park) -> str:
    return refused(park.post(tokens(park)["refresh_token"], {"query": COUNT}), 401)


def _revoked(park: Park) -> str:
    got = tokens(park)["access_token"]
    assert park.post(got, {"query": COUNT}).status_code == 200
    httpx.post(f"{park.url}/oauth/revoke", data={"token": got, "client_id": "explorer"}, timeout=20).raise_for_status()
    return refused(park.post(got, {"query": COUNT}), 401)


def _department(park: Park, secret: str | None = None) -> httpx.Response:
    return token(
        park,
        ("department", secret if secret is not None else park.clients["department"]),
        grant_type="client_credentials",
        scope="purpose:operations",
    )


def _right_secret(park: Park) -> None:
    assert _department(park).status_code == 200


def _wrong_secret(park: Park, secret: str) -> str:
    return refused(_department(park, secret), 401)


def _secret_in_address(park: Park) -> str:
    given = {"grant_type": "client_credentials", "client_id": "department", "client_secret": park.clients["department"]}
    answer = httpx.post(f"{park.url}/oauth/token?{urlencode(given)}", data={"scope": "purpose:operations"}, timeout=20)
    return refused(answer, 400, 401)


def _grant(park: Park, **given: str) -> str:
    return refused(token(park, **given), 400, 401)


def _introspects(park: Park) -> None:
    auth = ("gateway", park.clients["gateway"])
    got = httpx.post(
        f"{park.url}/oauth/introspect", data={"token": tokens(park)["access_token"]}, auth=auth, timeout=20
    )
    assert got.json()["active"] is True


def _introspect(park: Park, auth: tuple[str, str] | None) -> str:
    given = {"token": tokens(park)["access_token"]}
    answer = httpx.post(f"{park.url}/oauth/introspect", data=given, auth=auth or httpx.USE_CLIENT_DEFAULT, timeout=20)
    return refused(answer, 400, 401, 403)


def _forged_form(park: Park, path: str) -> str:
    """A form that another site's page sends: without the token of our own page."""
    pkce = Pkce()
    with browser(park) as person:
        page = person.authorize(pkce)
        given = {name: value for name, value in fields(page).items() if "csrf" not in name.lower() and name != "form"}
        answer = person.http.post(path, data=given | {"name": "lin", "password": PASSWORD, "decision": "allow"})
    must(answer.status_code in (400, 403), f"{answer.status_code} {answer.headers.get('location')}")
    return str(answer.status_code)


def _foreign_form(park: Park) -> str:
    answer = httpx.post(
        f"{park.url}/oauth/login", data={"name": "lin"}, headers={"origin": "https://evil.example"}, timeout=20
    )
    must(answer.status_code in (400, 403), answer.status_code)
    return str(answer.status_code)


def _framed(park: Park) -> str:
    with browser(park) as person:
        page = person.authorize(Pkce())
    policy = page.headers["content-security-policy"]
    must("frame-ancestors 'none'" in policy and "script-src" not in policy.replace("script-src 'none'", ""), policy)
    must("<script" not in page.text, "there is a script")
    return "frame-ancestors 'none', no script"


def _scripted(park: Park) -> str:
    with browser(park) as person:
        page = person.authorize(Pkce(), state="<script>alert(1)</script>")
        page = person.login(page, name="<script>alert(1)</script>", password="wrong")
    must("<script" not in page.text, page.text)
    return "escaped"


def _guesses(park: Park, name: str) -> tuple[str, str]:
    with browser(park) as person:
        page = person.login(person.authorize(Pkce()), name, "wrong")
    return str(page.status_code), page.text.replace(name, "")


def _enumerated(park: Park) -> str:
    known, unknown = _guesses(park, "lin"), _guesses(park, "nobody-of-that-name")
    must(known[0] == unknown[0], f"{known[0]} against {unknown[0]}")
    must(len(known[1]) - len(unknown[1]) in range(-200, 200), "the pages differ")
    return "the same answer for both"


def _brute_force(park: Park) -> str:
    with browser(park) as person:
        for number in range(40):
            answer = person.login(person.authorize(Pkce()), "victim", f"guess {number}")
            if answer.status_code == 429:
                return f"429 after {number} guesses"
    must(answer.status_code == 429, "forty guesses were taken")
    return ""


ALMOST = {
    "a slash more": f"{BACK}/",
    "a query more": f"{BACK}?next=1",
    "a fragment more": f"{BACK}#x",
    "a port": BACK.replace("app.example", "app.example:8443"),
    "a longer host": BACK.replace("app.example", "app.example.evil.example"),
    "a user before the host": BACK.replace("app.example", "app.example@evil.example"),
    "http": BACK.replace("https:", "http:"),
    "other letters": BACK.replace("/back", "/BACK"),
    "a way out": f"{BACK}/../elsewhere",
}
"""Beside the client's one registered address."""


def attempts() -> Iterator[Attempt]:
    for name, uri in ALMOST.items():
        yield _attempt(f"a redirect that almost matches: {name}", partial(_no_redirect, redirect_uri=uri))
    yield _attempt("an unknown client", partial(_no_redirect, client_id="nobody"))
    yield _attempt("no PKCE", partial(_told_client, error="invalid_request", pkce=None))
    yield _attempt("plain PKCE", partial(_plain))
    yield _attempt(
        "the implicit flow",
        partial(_told_client, error="unsupported_response_type", pkce=Pkce(), response_type="token"),
    )
    yield _attempt(
        "a scope that the client lacks",
        partial(_told_client, error="invalid_scope", pkce=Pkce(), scope="purpose:privacy"),
    )
    yield _attempt("a wrong verifier", partial(_exchange, code_verifier="x" * 43))
    yield _attempt("no verifier", partial(_exchange, code_verifier=""))
    yield _attempt("a code for another redirect", partial(_exchange, redirect_uri="https://evil.example/back"))
    yield _attempt("a code of another client's", partial(_exchange, client_id="department"))
    yield _attempt("a made-up code", partial(_exchange, code="made-up"))
    yield _attempt("a code twice", _replayed)
    yield _attempt("a refresh token twice", _reused, _renews)
    yield _attempt("a refresh token as an access token", _as_access)
    yield _attempt("a revoked access token", _revoked)
    yield _attempt("a wrong client secret", partial(_wrong_secret, secret="wrong"), _right_secret)
    yield _attempt("an empty client secret", partial(_wrong_secret, secret=""), _right_secret)
    yield _attempt("a client secret in the address", _secret_in_address, _right_secret)
    yield _attempt(
        "a service's grant by a public client",
        partial(_grant, grant_type="client_credentials", client_id="explorer"),
        _right_secret,
    )
    yield _attempt(
        "the password grant",
        partial(_grant, grant_type="password", client_id="explorer", username="lin", password=PASSWORD),
    )
    yield _attempt("introspection by nobody", partial(_introspect, auth=None), _introspects)
    yield _attempt("introspection by a guess", partial(_introspect, auth=("gateway", "wrong")), _introspects)
    yield _attempt("a login form without its token", partial(_forged_form, path="/oauth/login"))
    yield _attempt("a consent form without its token", partial(_forged_form, path="/oauth/authorize"))
    yield _attempt("a login form from another site's page", _foreign_form)
    yield _attempt("a login page in a frame", _framed)
    yield _attempt("a script in what is typed", _scripted)
    yield _attempt("who has an account, by the answer", _enumerated)
    yield _attempt("a password by brute force", _brute_force)


def _plain(park: Park) -> str:
    pkce = Pkce()
    return _told_client(park, "invalid_request", None, code_challenge=pkce.verifier, code_challenge_method="plain")


def _attempt(name: str, attack: Callable[[Park], str], companion: Callable[[Park], None] = signs_in) -> Attempt:
    return Attempt(
        name=f"issuer: {name}", tries="at the login pages or the token endpoint", attack=attack, companion=companion
    )
