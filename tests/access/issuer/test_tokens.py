"""Access and refresh tokens: what they say, how they are renewed, given back and asked about."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from authlib.oauth2.rfc6749 import ClientMixin

from tests.access.issuer.park import AUDIENCE, BACK, PASSWORD, URL, Park, Pkce, client, error_of


def test_an_access_token_says_who_may_what_for_whom_and_until_when(park: Park) -> None:
    tokens = park.tokens(scope="purpose:operations purpose:emergency")
    header, claims = park.claims(tokens["access_token"])
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "RS256"
    assert header["kid"] in {key["kid"] for key in park.issuer.standing.jwks()["keys"]}
    now = int(park.clock().timestamp())
    expected = {
        "iss": URL,
        "aud": AUDIENCE,
        "sub": park.account.id,
        "client_id": "explorer",
        "iat": now,
        "exp": now + 600,
        "auth_time": now,
        "amr": ["pwd"],
        "scope": "purpose:operations purpose:emergency",
        "roles": ["duty_officer"],
        "organization": "org-park",
    }
    assert {name: claims[name] for name in expected} == expected
    assert claims["jti"] != park.claims(park.tokens()["access_token"])[1]["jti"]
    assert "lin" not in json.dumps(claims).lower()  # the name is no one else's business


def test_a_refresh_token_is_taken_once_and_the_next_follows(park: Park) -> None:
    first = park.tokens()
    second = park.renew(first["refresh_token"])
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert second.json()["access_token"] != first["access_token"]
    assert park.renew(second.json()["refresh_token"]).status_code == 200


def test_a_refresh_token_used_twice_ends_the_whole_family(park: Park) -> None:
    first = park.tokens()
    untouched = park.tokens()
    second = park.renew(first["refresh_token"]).json()
    assert error_of(park.renew(first["refresh_token"])) == (400, "invalid_grant")
    assert error_of(park.renew(second["refresh_token"])) == (400, "invalid_grant")
    assert not park.active(second["access_token"])
    assert not park.active(first["access_token"])
    assert park.issuer.standing.token_revoked(park.claims(second["access_token"])[1]["jti"])
    assert park.active(untouched["access_token"])
    assert park.renew(untouched["refresh_token"]).status_code == 200


def test_of_many_who_ask_at_once_with_one_secret_at_most_one_gets_a_token(park: Park) -> None:
    pkce = Pkce()
    code = park.consent(pkce)["code"]
    refresh = park.tokens()["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        by_code = [work.result() for work in [pool.submit(park.exchange, code, pkce) for _ in range(8)]]
        by_refresh = [work.result() for work in [pool.submit(park.renew, refresh) for _ in range(8)]]
    for answers in (by_code, by_refresh):
        assert sorted(got.status_code for got in answers)[:2] in ([200, 400], [400, 400])
        won = [got.json()["access_token"] for got in answers if got.status_code == 200]
        assert len(won) <= 1
        assert not any(park.active(token) for token in won)  # someone else had the secret too


def test_a_refresh_may_ask_for_less_and_never_for_more(park: Park) -> None:
    tokens = park.tokens(scope="purpose:operations purpose:emergency")
    less = park.renew(tokens["refresh_token"], scope="purpose:operations").json()
    assert less["scope"] == "purpose:operations"
    again = park.renew(less["refresh_token"]).json()
    assert again["scope"] == "purpose:operations purpose:emergency"  # RFC 6749, 6: the refresh token's is unchanged
    single = park.tokens(scope="purpose:operations")
    more = park.renew(single["refresh_token"], scope="purpose:operations purpose:emergency")
    assert error_of(more) == (400, "invalid_scope")
    assert park.renew(single["refresh_token"]).status_code == 200  # the refusal did not take it


def test_a_refresh_token_is_for_its_client_alone(park: Park) -> None:
    park.issuer.clients.add(client(id="other"))
    tokens = park.tokens()
    assert error_of(park.renew(tokens["refresh_token"], client_id="other")) == (400, "invalid_grant")
    assert park.renew(tokens["refresh_token"]).status_code == 200


def test_a_login_ends_twelve_hours_later_however_often_it_was_renewed(park: Park) -> None:
    refresh = park.tokens()["refresh_token"]
    for _ in range(2):
        park.clock.advance(timedelta(hours=5))
        refresh = park.renew(refresh).json()["refresh_token"]
    park.clock.advance(timedelta(hours=2, seconds=1))
    assert error_of(park.renew(refresh)) == (400, "invalid_grant")


def test_a_client_gets_a_token_of_its_own_with_its_secret_alone(park: Park) -> None:
    got = park.token(park.department, grant_type="client_credentials", scope="purpose:emergency")
    assert got.status_code == 200
    assert "refresh_token" not in got.json()
    claims = park.claims(got.json()["access_token"])[1]
    assert (claims["sub"], claims["client_id"]) == ("department", "department")
    assert (claims["roles"], claims["organization"]) == (["government"], "org-fire")
    assert "auth_time" not in claims
    id_, secret = park.department
    assert park.token(grant_type="client_credentials", client_id=id_, client_secret=secret).status_code == 200
    for auth in ((id_, "guess"), (id_, ""), ("nobody", secret)):
        assert error_of(park.token(auth, grant_type="client_credentials")) == (401, "invalid_client")
    assert error_of(park.token(grant_type="client_credentials", client_id="explorer"))[1] == "invalid_client"
    assert (
        error_of(park.token(park.department, grant_type="client_credentials", scope="purpose:x"))[1] == "invalid_scope"
    )
    assert error_of(park.token(park.gateway, grant_type="client_credentials"))[1] == "unauthorized_client"


def test_neither_passwords_nor_implicit_tokens_are_taken(park: Park) -> None:
    given = {"client_id": "explorer", "username": "lin", "password": PASSWORD}
    assert error_of(park.token(grant_type="password", **given)) == (400, "unsupported_grant_type")
    assert error_of(park.token(client_id="explorer")) == (400, "unsupported_grant_type")


def test_the_token_endpoint_takes_a_form_by_post_and_nothing_else(park: Park) -> None:
    right = {"grant_type": "client_credentials"}
    assert park.token(park.department, **right).status_code == 200
    assert park.http.get("/oauth/token", params=right, auth=park.department).status_code == 405
    assert park.http.post("/oauth/token", params=right, auth=park.department).status_code == 415
    assert park.http.post("/oauth/token", json=right, auth=park.department).status_code == 415
    form = {"content-type": "application/x-www-form-urlencoded"}
    in_url = park.http.post("/oauth/token?grant_type=client_credentials", auth=park.department, headers=form)
    assert error_of(in_url) == (400, "unsupported_grant_type")
    twice = b"grant_type=client_credentials&grant_type=client_credentials"
    sent = park.http.post("/oauth/token", content=twice, auth=park.department, headers=form)
    assert error_of(sent) == (400, "invalid_request")
    long = b"grant_type=client_credentials&x=" + b"x" * 1_000_000
    assert park.http.post("/oauth/token", content=long, auth=park.department, headers=form).status_code == 413
    many = b"&".join(b"a%d=1" % n for n in range(1000))
    assert error_of(park.http.post("/oauth/token", content=many, headers=form)) == (400, "invalid_request")
    empty = park.http.post(
        "/oauth/token", content=b"grant_type=client_credentials&scope=", auth=park.department, headers=form
    )
    assert empty.json()["scope"] == "purpose:operations purpose:emergency"  # no value: as if it were not there


def test_a_client_authenticates_in_one_way_at_a_time(park: Park) -> None:
    _, secret = park.department
    both = park.token(park.department, grant_type="client_credentials", client_secret=secret)
    assert error_of(both) == (400, "invalid_request")
    other = park.token(park.department, grant_type="client_credentials", client_id="explorer")
    assert error_of(other) == (400, "invalid_request")
    same = park.token(park.department, grant_type="client_credentials", client_id="department")
    assert same.status_code == 200


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "Bearer x", "Basic eA=="]
)
def test_a_header_that_is_no_basic_is_refused_as_such(park: Park, header: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded", "authorization": header}
    sent = park.http.post("/oauth/token", content=b"grant_type=client_credentials", headers=form)
    assert error_of(sent) == (401, "invalid_client")
    assert sent.headers["www-authenticate"].startswith("Basic ")


def test_text_that_no_error_may_hold_is_refused_and_not_stumbled_over(park: Park) -> None:
    for name in ("grant_type", "client_id", "redirect_uri"):
        assert error_of(park.token(**{"grant_type": "authorization_code", name: 'ä"\\'}))[0] == 400


def test_a_secret_that_was_renewed_is_the_only_one(park: Park) -> None:
    new = park.issuer.clients.renew_secret("department")
    assert park.token(park.department, grant_type="client_credentials").status_code == 401
    assert park.token(("department", new), grant_type="client_credentials").status_code == 200


def test_a_refresh_token_that_is_given_back_takes_its_family_with_it(park: Park) -> None:
    tokens, other = park.tokens(), park.tokens()
    done = park.post("/oauth/revoke", token=tokens["refresh_token"], client_id="explorer")
    assert done.status_code == 200
    assert error_of(park.renew(tokens["refresh_token"])) == (400, "invalid_grant")
    assert not park.active(tokens["access_token"])
    assert park.active(other["access_token"])


def test_an_access_token_that_is_given_back_goes_alone(park: Park) -> None:
    tokens = park.tokens()
    given = {"token": tokens["access_token"], "token_type_hint": "refresh_token", "client_id": "explorer"}
    assert park.post("/oauth/revoke", **given).status_code == 200  # a wrong hint is no hindrance
    assert not park.active(tokens["access_token"])
    assert park.issuer.standing.token_revoked(park.claims(tokens["access_token"])[1]["jti"])
    assert park.renew(tokens["refresh_token"]).status_code == 200


def test_what_is_no_token_is_revoked_already(park: Park) -> None:
    for token in ("nothing", "a.b.c", "x" * 10_000):
        assert park.post("/oauth/revoke", token=token, client_id="explorer").status_code == 200
    assert error_of(park.post("/oauth/revoke", client_id="explorer")) == (400, "invalid_request")
    assert park.http.get("/oauth/revoke?token=x").status_code == 405


def test_nobody_revokes_the_token_of_another_client(park: Park) -> None:
    tokens = park.tokens()
    for token in (tokens["refresh_token"], tokens["access_token"]):
        refused = park.post("/oauth/revoke", park.department, token=token)
        assert error_of(refused) == (400, "invalid_grant")
        assert error_of(park.post("/oauth/revoke", ("department", "guess"), token=token)) == (401, "invalid_client")
    assert park.active(tokens["access_token"])
    assert park.renew(tokens["refresh_token"]).status_code == 200


def test_a_resource_server_asks_what_a_token_is(park: Park) -> None:
    tokens = park.tokens()
    said = park.post("/oauth/introspect", park.gateway, token=tokens["access_token"])
    assert said.status_code == 200
    assert said.headers["cache-control"] == "no-store"
    claims = park.claims(tokens["access_token"])[1]
    assert said.json() == {"active": True, "token_type": "Bearer", **claims}
    hinted = {"token": tokens["access_token"], "token_type_hint": "refresh_token"}
    assert park.post("/oauth/introspect", park.gateway, **hinted).json()["active"] is True
    park.clock.advance(timedelta(seconds=601))
    assert park.post("/oauth/introspect", park.gateway, token=tokens["access_token"]).json() == {"active": False}


def test_who_may_not_ask_learns_nothing(park: Park) -> None:
    tokens = park.tokens()
    for auth in (None, ("gateway", "guess"), ("nobody", "x")):
        assert error_of(park.post("/oauth/introspect", auth, token=tokens["access_token"])) == (401, "invalid_client")
    assert error_of(park.post("/oauth/introspect", token=tokens["access_token"], client_id="explorer"))[0] == 401
    other = park.post("/oauth/introspect", park.department, token=tokens["access_token"])
    assert other.json() == {"active": False}
    assert park.post("/oauth/introspect", park.gateway, token=tokens["refresh_token"]).json() == {"active": False}
    for token in ("nothing", tokens["access_token"][:-4] + "AAAA"):
        assert park.post("/oauth/introspect", park.gateway, token=token).json() == {"active": False}
    own = park.token(park.department, grant_type="client_credentials").json()["access_token"]
    assert park.post("/oauth/introspect", park.department, token=own).json()["active"] is True


def test_what_narrows_an_account_ends_its_tokens(park: Park) -> None:
    jti = lambda tokens: park.claims(tokens["access_token"])[1]["jti"]  # noqa: E731
    before = park.tokens()
    park.issuer.accounts.set_roles("lin", ["guard"], "org-park")
    assert park.issuer.standing.token_revoked(jti(before))
    after = park.renew(before["refresh_token"]).json()
    assert park.claims(after["access_token"])[1]["roles"] == ["guard"]
    assert not park.issuer.standing.token_revoked(jti(after))
    park.issuer.accounts.set_password("lin", "another three lamps")
    assert park.issuer.standing.token_revoked(jti(after))
    assert error_of(park.renew(after["refresh_token"])) == (400, "invalid_grant")
    page = park.login(park.authorize(Pkce()), password="another three lamps")
    assert 'action="/oauth/authorize"' in page.text
    assert park.issuer.standing.subject_stands(park.account.id)
    park.issuer.accounts.enable("lin", enabled=False)
    assert not park.issuer.standing.subject_stands(park.account.id)
    assert 'action="/oauth/login"' in park.authorize(Pkce()).text  # the browser's session ended too
    park.issuer.accounts.enable("lin", enabled=True)
    assert park.issuer.standing.subject_stands(park.account.id)


def test_a_client_that_is_removed_takes_its_tokens_with_it(park: Park) -> None:
    tokens = park.tokens()
    own = park.token(park.department, grant_type="client_credentials").json()["access_token"]
    park.issuer.clients.remove("department")
    assert not park.issuer.standing.subject_stands("department")
    assert not park.active(own)
    assert park.active(tokens["access_token"])
    park.issuer.clients.remove("explorer")
    assert not park.active(tokens["access_token"])
    assert error_of(park.renew(tokens["refresh_token"]))[1] == "invalid_client"


def test_what_has_long_ended_is_forgotten_and_what_lives_is_not(park: Park) -> None:
    old = park.tokens()
    park.clock.advance(timedelta(hours=11))
    new = park.tokens()
    park.clock.advance(timedelta(hours=2, seconds=1))
    assert park.issuer.grants.prune() >= 4  # a grant, its code, two tokens
    assert error_of(park.renew(old["refresh_token"])) == (400, "invalid_grant")
    assert park.renew(new["refresh_token"]).status_code == 200
    assert park.issuer.grants.prune() == 0


def test_a_client_is_what_authlib_asks_for() -> None:
    assert isinstance(client(), ClientMixin)
    assert client().check_redirect_uri(BACK)
