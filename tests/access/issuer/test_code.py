"""The authorization code, with PKCE: each refusal beside the case in which the right request succeeds."""

import re
from datetime import timedelta

import pytest

from hub.access.issuer.clients import CODE
from tests.access.issuer.park import BACK, PASSWORD, URL, Park, Pkce, answer, client, error_of, fields


def test_a_login_gives_tokens(park: Park) -> None:
    pkce = Pkce()
    given = park.consent(pkce)
    got = park.exchange(given["code"], pkce)
    assert got.status_code == 200
    assert got.json()["token_type"] == "Bearer"
    assert got.json()["expires_in"] == 600
    assert got.json()["scope"] == "purpose:operations"
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["pragma"] == "no-cache"


def test_the_state_comes_back_as_it_was_and_the_issuer_says_who_it_is(park: Park) -> None:
    given = park.consent(Pkce(), state="  ä /?&=+%20\u4e2d")
    assert given["state"] == "  ä /?&=+%20\u4e2d"
    assert given["iss"] == URL
    refused = answer(park.decide(park.authorize(Pkce()), "deny"))
    assert refused["error"] == "access_denied"
    assert (refused["state"], refused["iss"]) == ("a state & more", URL)


def test_an_error_of_the_request_goes_back_with_state_and_issuer(park: Park) -> None:
    refused = answer(park.authorize(Pkce(), scope="purpose:marketing"))
    assert (refused["error"], refused["state"], refused["iss"]) == ("invalid_scope", "a state & more", URL)
    refused = answer(park.authorize(Pkce(), response_type="token"))
    assert refused["error"] == "unsupported_response_type"
    assert "access_token" not in refused
    assert answer(park.authorize(Pkce(), resource="https://elsewhere.example"))["error"] == "invalid_target"
    assert park.authorize(Pkce(), resource=park.issuer.config.audience).status_code == 200


ALMOST = [
    "https://app.example/back/",
    "https://app.example/back?x=1",
    "https://app.example/back#x",
    "https://app.example/Back",
    "https://APP.example/back",
    "https://app.example:443/back",
    "https://app.example/./back",
    "https://app.example/back/../back",
    "https://app.example/%62ack",
    "https://app.example.evil.example/back",
    "https://app.example@evil.example/back",
    "https://evil.example/https://app.example/back",
    "http://app.example/back",
    "//app.example/back",
    "https://app.example\\@evil.example/back",
    "https://app.example/back\u3002",
    "javascript:alert(1)//https://app.example/back",
    " https://app.example/back",
]


@pytest.mark.parametrize("uri", ALMOST)
def test_a_redirect_uri_that_almost_matches_is_refused_and_the_browser_stays(park: Park, uri: str) -> None:
    refused = park.authorize(Pkce(), redirect_uri=uri)
    assert refused.status_code == 400
    assert "location" not in refused.headers
    assert "<form" not in refused.text
    assert park.authorize(Pkce(), redirect_uri=BACK).status_code == 200


def test_an_unknown_client_is_refused_and_the_browser_stays(park: Park) -> None:
    for changed in ({"client_id": "explorer2"}, {"client_id": None}):
        refused = park.authorize(Pkce(), **changed)
        assert (refused.status_code, "location" in refused.headers) == (400, False)


def test_a_parameter_that_stands_twice_is_refused(park: Park) -> None:
    query = park.authorize(Pkce()).request.url.query.decode()
    for twice in ("scope=purpose:operations", "client_id=explorer", "redirect_uri=https://app.example/back"):
        refused = park.http.get(f"/oauth/authorize?{query}&{twice}")
        assert (refused.status_code, "location" in refused.headers) == (400, False)
    assert park.http.get(f"/oauth/authorize?{query}&unknown=1&unknown=2").status_code == 200


def test_a_client_with_one_redirect_uri_need_not_name_it(park: Park) -> None:
    pkce = Pkce()
    given = park.consent(pkce, redirect_uri=None)
    assert park.exchange(given["code"], pkce, redirect_uri="").status_code == 200
    park.issuer.clients.add(client(id="two", redirect_uris=(BACK, "https://app.example/other")))
    assert park.authorize(Pkce(), client_id="two", redirect_uri=None).status_code == 400


def test_the_loopback_port_is_free_for_a_public_native_client_alone(park: Park) -> None:
    uris = ("http://127.0.0.1/back", "http://[::1]/back", "http://localhost/back", "com.example.app:/back")
    park.issuer.clients.add(client(id="desktop", native=True, redirect_uris=uris))
    park.issuer.clients.add(client(id="web", redirect_uris=uris[:3]))
    for uri in ("http://127.0.0.1:49152/back", "http://[::1]:49152/back", *uris):
        assert park.authorize(Pkce(), client_id="desktop", redirect_uri=uri).status_code == 200, uri
    for uri in (
        "http://localhost:49152/back",
        "http://127.0.0.1:49152/other",
        "https://127.0.0.1:49152/back",
        "http://127.0.0.2:49152/back",
        "http://x@127.0.0.1:49152/back",
        "http://127.0.0.1:49152@evil.example/back",
        "http://127.0.0.1.evil.example:49152/back",
    ):
        assert park.authorize(Pkce(), client_id="desktop", redirect_uri=uri).status_code == 400, uri
    assert park.authorize(Pkce(), client_id="web", redirect_uri="http://127.0.0.1:49152/back").status_code == 400
    assert park.authorize(Pkce(), client_id="web", redirect_uri="http://127.0.0.1/back").status_code == 200


def test_a_native_login_ends_at_the_port_that_it_named(park: Park) -> None:
    park.issuer.clients.add(client(id="desktop", native=True, redirect_uris=("http://127.0.0.1/back",)))
    pkce, named = Pkce(), "http://127.0.0.1:49152/back"
    given = park.consent(pkce, client_id="desktop", redirect_uri=named)
    wrong = park.exchange(given["code"], pkce, client_id="desktop", redirect_uri="http://127.0.0.1:49153/back")
    assert error_of(wrong) == (400, "invalid_grant")
    assert park.exchange(given["code"], pkce, client_id="desktop", redirect_uri=named).status_code == 200


def test_without_a_challenge_no_code_is_given_whatever_the_client(park: Park) -> None:
    assert answer(park.authorize(None))["error"] == "invalid_request"
    confidential = {"client_id": "department", "redirect_uri": "https://department.example/back"}
    assert answer(park.authorize(None, **confidential))["error"] == "invalid_request"
    assert park.authorize(Pkce(), **confidential).status_code == 200


@pytest.mark.parametrize("method", ["plain", None, "s256", "S512"])
def test_pkce_cannot_be_weakened(park: Park, method: str | None) -> None:
    assert answer(park.authorize(Pkce(), code_challenge_method=method))["error"] == "invalid_request"


@pytest.mark.parametrize("challenge", ["short", "x" * 44, "ä" * 43, "=" * 43])
def test_a_challenge_that_is_no_sha256_is_refused(park: Park, challenge: str) -> None:
    assert answer(park.authorize(Pkce(), code_challenge=challenge))["error"] == "invalid_request"


def test_the_verifier_must_be_the_one(park: Park) -> None:
    pkce = Pkce()
    code = park.consent(pkce)["code"]
    assert error_of(park.exchange(code, pkce, code_verifier="")) == (400, "invalid_request")
    assert error_of(park.exchange(code, pkce, code_verifier=pkce.challenge)) == (400, "invalid_grant")
    assert error_of(park.exchange(code, pkce, code_verifier="x" * 42)) == (400, "invalid_request")
    assert park.exchange(code, pkce).status_code == 200


def test_a_code_is_taken_once_and_a_second_use_ends_what_came_of_it(park: Park) -> None:
    pkce = Pkce()
    code = park.consent(pkce)["code"]
    first = park.exchange(code, pkce).json()
    assert park.active(first["access_token"])
    assert error_of(park.exchange(code, pkce)) == (400, "invalid_grant")
    assert not park.active(first["access_token"])
    assert error_of(park.renew(first["refresh_token"])) == (400, "invalid_grant")


def test_a_code_ends_after_a_minute(park: Park) -> None:
    pkce = Pkce()
    code = park.consent(pkce)["code"]
    park.clock.advance(timedelta(seconds=61))
    assert error_of(park.exchange(code, pkce)) == (400, "invalid_grant")


def test_a_code_is_for_its_client_and_its_redirect_uri(park: Park) -> None:
    park.issuer.clients.add(client(id="other"))
    pkce = Pkce()
    code = park.consent(pkce)["code"]
    assert error_of(park.exchange(code, pkce, client_id="other")) == (400, "invalid_grant")
    assert error_of(park.exchange(code, pkce, redirect_uri="https://app.example/other")) == (400, "invalid_grant")
    assert error_of(park.exchange(code, pkce, redirect_uri="")) == (400, "invalid_grant")
    assert park.exchange(code, pkce).status_code == 200


def test_a_confidential_client_must_show_its_secret(park: Park) -> None:
    pkce, back = Pkce(), "https://department.example/back"
    code = park.consent(pkce, client_id="department", redirect_uri=back)["code"]
    assert error_of(park.exchange(code, pkce, client_id="department", redirect_uri=back)) == (401, "invalid_client")
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": pkce.verifier}
    wrong = park.token(("department", "guess"), **given)
    assert error_of(wrong) == (401, "invalid_client")
    assert wrong.headers["www-authenticate"].startswith("Basic ")
    assert park.token(park.department, **given).status_code == 200


def test_a_client_that_may_not_send_people_here_gets_no_code(park: Park) -> None:
    park.issuer.clients.add(client(id="meter", grants=frozenset()))
    assert answer(park.authorize(Pkce(), client_id="meter"))["error"] == "unauthorized_client"
    park.issuer.clients.add(client(id="panel", grants=frozenset({CODE})))
    pkce = Pkce()
    got = park.exchange(park.consent(pkce, client_id="panel")["code"], pkce, client_id="panel")
    assert "refresh_token" not in got.json()  # it is not registered for it


def test_what_scope_is_not_asked_for_is_the_clients_own_and_is_said(park: Park) -> None:
    assert park.tokens(scope=None)["scope"] == "purpose:operations purpose:emergency"


def test_a_consent_needs_the_session_and_its_token(park: Park) -> None:
    page = park.login(park.authorize(Pkce()))
    right = fields(page) | {"decision": "allow"}
    assert park.http.post("/oauth/authorize", data=right | {"csrf": "guess"}).status_code == 400
    assert park.post("/oauth/authorize", **right).status_code == 400  # without the cookie
    cross = park.http.post("/oauth/authorize", data=right, headers={"origin": "https://evil.example"})
    assert cross.status_code == 403
    assert answer(park.http.post("/oauth/authorize", data=right))["code"]


def test_a_client_may_ask_for_a_fresh_login(park: Park) -> None:
    park.login(park.authorize(Pkce()))
    park.clock.advance(timedelta(minutes=20))
    assert 'action="/oauth/authorize"' in park.authorize(Pkce(), max_age="3600").text
    again = park.authorize(Pkce(), max_age="60")
    assert 'action="/oauth/login"' in again.text
    assert 'action="/oauth/authorize"' in park.login(again).text


def test_no_code_token_or_secret_can_be_guessed(park: Park) -> None:
    pkce = Pkce()
    code = park.consent(pkce)["code"]
    refresh = park.exchange(code, pkce).json()["refresh_token"]
    for secret in (code, refresh, park.department[1]):
        assert re.fullmatch(r"[A-Za-z0-9_-]{43,}", secret)  # 256 bits in base64url, or more
    assert len({park.consent(Pkce())["code"] for _ in range(5)} | {code}) == 6


def test_what_was_typed_is_not_sent_on_by_a_redirect(park: Park) -> None:
    page = park.authorize(Pkce())
    sent = park.http.post("/oauth/login", data=fields(page) | {"name": "lin", "password": PASSWORD})
    assert sent.status_code == 303
    assert PASSWORD.replace(" ", "+") not in sent.headers["location"]
    assert "password" not in sent.headers["location"]
    assert park.decide(park.authorize(Pkce())).status_code == 303  # a browser follows with GET, and without the form
