"""Logging in: who is let in, who has to wait, and what the pages give away."""

import re
import statistics
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pyotp
import pytest

from hub.access.issuer.limits import Attempts, TooManyAttempts
from hub.access.issuer.passwords import Passwords
from hub.errors import BadRequest
from tests.access.issuer.park import PASSWORD, Park, Pkce, answer, fields, opened

CONSENT = 'action="/oauth/authorize"'
LOGIN = 'action="/oauth/login"'


def tried(park: Park, name: str = "lin", password: str = PASSWORD, code: str = "") -> httpx.Response:
    park.http.cookies.clear()
    return park.login(park.authorize(Pkce()), name, password, code)


def secret_of(uri: str) -> pyotp.TOTP:
    found = pyotp.parse_uri(uri)
    assert isinstance(found, pyotp.TOTP)
    return found


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(park: Park) -> None:
    park.issuer.accounts.add("wu", PASSWORD, roles=[], organization=None)
    park.issuer.accounts.enable("wu", enabled=False)
    park.issuer.accounts.add("he", PASSWORD, roles=[], organization=None)
    park.issuer.accounts.begin_totp("he")
    answers = [
        tried(park, *given) for given in (("lin", "wrong"), ("nobody", PASSWORD), ("wu", PASSWORD), ("he", PASSWORD))
    ]
    texts = {re.sub(r'name="(csrf|next)" value="[^"]*"', "", one.text) for one in answers}
    assert len(texts) == 1
    assert {one.status_code for one in answers} == {403}
    assert CONSENT in tried(park).text


def test_a_wrong_password_and_an_unknown_name_take_the_same_time(tmp_path: Path, made: Path) -> None:
    passwords = Passwords()  # the real parameters
    stored = passwords.hash(PASSWORD)

    def took(known: str | None) -> float:
        start = time.process_time()
        assert not passwords.holds(known, "wrong password")
        return time.process_time() - start

    wrong, unknown = ([took(known) for _ in range(5)] for known in (stored, None))
    assert 0.5 < statistics.median(wrong) / statistics.median(unknown) < 2
    assert stored.startswith("$argon2id$")
    assert passwords.holds(stored, PASSWORD)


def test_the_same_password_from_another_keyboard_is_the_same(park: Park) -> None:
    park.issuer.accounts.set_password("lin", "Ｗ ｉ ｄ ｅ letters é")
    assert CONSENT in tried(park, password="W i d e letters e\u0301").text


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 257])
def test_a_password_that_is_too_short_or_too_long_is_refused(park: Park, password: str) -> None:
    with pytest.raises(BadRequest):
        park.issuer.accounts.set_password("lin", password)
    assert CONSENT in tried(park).text


def test_guessing_is_slowed_down_for_a_known_and_an_unknown_name_alike(park: Park) -> None:
    for name in ("lin", "nobody"):
        statuses = [tried(park, name, "wrong password").status_code for _ in range(6)]
        assert statuses == [403] * 5 + [429]
    waiting = tried(park)
    assert (waiting.status_code, waiting.headers["retry-after"]) == (429, "1")  # not even the right password
    park.clock.advance(timedelta(seconds=1))
    assert CONSENT in tried(park).text
    assert tried(park, "lin", "wrong password").status_code == 403  # success forgets


def test_nobody_can_lock_a_person_out_for_long(park: Park) -> None:
    waits = []
    for _ in range(14):
        got = tried(park, "lin", "wrong password")
        while got.status_code == 429:
            waits.append(int(got.headers["retry-after"]))
            park.clock.advance(timedelta(seconds=waits[-1]))
            got = tried(park, "lin", "wrong password")
    assert waits == sorted(waits)
    assert max(waits) == 60


def test_one_address_that_tries_many_names_has_to_wait_longer_and_longer() -> None:
    attempts = Attempts(free=3, longest=900)
    now = 0
    waits = []
    for _ in range(20):
        try:
            attempts.check("203.0.113.9", now)
        except TooManyAttempts as error:
            waits.append(error.wait)
            now += error.wait
        attempts.failed("203.0.113.9", now)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] + [900] * 7
    attempts.check("203.0.113.10", now)
    attempts.check("203.0.113.9", now + 900)
    attempts.failed("203.0.113.9", now + 900 + 3601)
    attempts.check("203.0.113.9", now + 900 + 3601)  # an hour without a failure is forgotten


def test_attempts_take_no_more_memory_than_they_may() -> None:
    attempts = Attempts(free=1, longest=900)
    for number in range(20_000):
        attempts.failed(str(number), 0)
    assert len(attempts._failures) == 10_000
    with pytest.raises(TooManyAttempts):
        attempts.check("19999", 0)


def test_many_names_from_one_address(park: Park) -> None:
    statuses = [tried(park, f"name{number}", "wrong password").status_code for number in range(21)]
    assert statuses == [403] * 20 + [429]
    assert tried(park).status_code == 429
    park.clock.advance(timedelta(seconds=1))
    assert CONSENT in tried(park).text


def test_a_second_factor_is_asked_for_and_taken_once(park: Park) -> None:
    totp = secret_of(park.issuer.accounts.begin_totp("lin"))
    now = int(park.clock().timestamp())
    assert tried(park).status_code == 403
    assert tried(park, code="000000").status_code == 403
    assert tried(park, password="wrong password", code=totp.at(now)).status_code == 403
    assert CONSENT in tried(park, code=f"{totp.at(now)[:3]} {totp.at(now)[3:]}").text
    assert tried(park, code=totp.at(now)).status_code == 403  # replayed
    assert tried(park, code=totp.at(now - 30)).status_code == 403  # older than the last
    park.clock.advance(timedelta(seconds=30))
    assert CONSENT in tried(park, code=totp.at(now + 30)).text
    park.clock.advance(timedelta(seconds=90))
    assert tried(park, code=totp.at(now + 30 + 30)).status_code == 403  # three steps late


def test_how_one_logged_in_stands_in_the_token(park: Park) -> None:
    totp = secret_of(park.issuer.accounts.begin_totp("lin"))
    pkce = Pkce()
    page = park.login(park.authorize(pkce), code=totp.at(int(park.clock().timestamp())))
    tokens = park.exchange(answer(park.decide(page))["code"], pkce).json()
    assert park.claims(tokens["access_token"])[1]["amr"] == ["pwd", "otp"]
    park.issuer.accounts.end_totp("lin")
    assert LOGIN in park.authorize(Pkce()).text  # a change of the factor ends the session
    assert CONSENT in tried(park).text


def test_a_login_form_of_another_page_is_not_taken(park: Park) -> None:
    page = park.authorize(Pkce())
    right = fields(page) | {"name": "lin", "password": PASSWORD}
    assert park.http.post("/oauth/login", data=right | {"csrf": "guess"}).status_code == 403
    assert park.post("/oauth/login", **right).status_code == 403  # without the cookie of the form
    foreign = park.http.post("/oauth/login", data=right, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "set-cookie" not in foreign.headers
    assert park.http.post("/oauth/login", data=right).status_code == 303


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/",
        "//evil.example/oauth/authorize",
        "/\\evil.example",
        "/oauth/../evil",
        "/graphql",
        "",
        "oauth/authorize",
        "https://evil.example/oauth/authorize?x",
    ],
)
def test_a_login_leads_nowhere_else(park: Park, onward: str) -> None:
    right = fields(park.authorize(Pkce())) | {"name": "lin", "password": PASSWORD}
    refused = park.http.post("/oauth/login", data=right | {"next": onward})
    assert (refused.status_code, "location" in refused.headers) == (400, False)
    assert park.http.post("/oauth/login", data=right).status_code == 303


def test_a_session_that_somebody_planted_does_not_become_the_persons(park: Park) -> None:
    planted = "x" * 43
    park.http.cookies.set("causeway_session", planted)
    page = park.login(park.authorize(Pkce()))
    assert CONSENT in page.text
    assert park.http.cookies.get("causeway_session", domain="127.0.0.1") != planted
    assert park.issuer.signing_in.session(planted) is None


def test_a_session_ends_by_logout_and_by_time(park: Park) -> None:
    park.login(park.authorize(Pkce()))
    assert CONSENT in park.authorize(Pkce()).text
    cookie = park.http.cookies["causeway_session"]
    page = park.http.get("/oauth/logout")
    assert park.http.post("/oauth/logout", data={"csrf": "guess"}).status_code == 400
    assert CONSENT in park.authorize(Pkce()).text
    assert park.http.post("/oauth/logout", data=fields(page)).status_code == 200
    park.http.cookies.set("causeway_session", cookie)
    assert LOGIN in park.authorize(Pkce()).text  # kept by a thief, it is worth nothing
    assert CONSENT in tried(park).text
    park.clock.advance(timedelta(hours=12))
    assert LOGIN in park.authorize(Pkce()).text


def test_the_pages_let_no_script_run_and_nobody_frame_them(park: Park) -> None:
    login = park.authorize(Pkce())
    pages = [
        login,
        park.login(login),
        park.http.get("/oauth/device"),
        park.http.get("/oauth/logout"),
        park.authorize(client_id="x"),
    ]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "script-src" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cache-control"] == "no-store"
        assert "<script" not in page.text
        assert not re.search(r"\son\w+=", page.text)
    assert "form-action 'self' https://app.example" in pages[1].headers["content-security-policy"]


def test_what_clients_and_people_are_called_is_text_and_no_markup(park: Park) -> None:
    from tests.access.issuer.park import client

    park.issuer.clients.add(client(id="evil", name='<img src=x onerror="alert(1)">'))
    park.login(park.authorize(Pkce()))
    page = park.authorize(Pkce(), client_id="evil", state='"><script>alert(1)</script>')
    assert page.status_code == 200
    assert "<img" not in page.text
    assert "<script" not in page.text
    assert "&lt;img" in page.text
    shown = park.http.get("/oauth/device?user_code=%22%3E%3Cscript%3E")
    assert "<script" not in shown.text


def test_the_pages_speak_chinese_and_english(park: Park) -> None:
    query = park.authorize(Pkce()).request.url.query.decode()
    for language, word in (("zh-CN,zh;q=0.9", "登录"), ("en-GB", "Log in"), ("fr", "登录")):
        page = park.http.get(f"/oauth/authorize?{query}", headers={"accept-language": language})
        assert f"<h1>{word}" in page.text
    assert "测试园区" in page.text


def test_cookies_are_kept_from_scripts_and_other_sites(tmp_path: Path, made: Path) -> None:
    with opened(tmp_path, url="https://hub.example") as park:
        set_ = park.http.get("https://localhost/oauth/device").headers["set-cookie"].lower()
        assert set_.startswith("__host-causeway_login=")
        assert all(word in set_ for word in ("httponly", "samesite=lax", "secure", "path=/"))
        assert "domain" not in set_


def test_an_account_whose_password_was_made_with_weaker_parameters_gets_a_stronger_hash(park: Park) -> None:
    strong = Passwords()
    stored = park.issuer.accounts._passwords.hash(PASSWORD)
    assert strong.outdated(stored)
    assert not strong.outdated(strong.hash(PASSWORD))
    park.issuer.accounts._passwords = strong
    assert park.issuer.accounts.verify("lin", PASSWORD, "") is not None
    assert not strong.outdated(park.stored_password("lin"))
    assert park.issuer.accounts.verify("lin", PASSWORD, "") is not None
