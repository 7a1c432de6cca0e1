"""RFC 8628: a device shows a code, a person lets it in."""

from datetime import timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from hub.access.issuer import tables
from hub.access.issuer.clients import CODE, DEVICE
from tests.access.issuer.park import URL, Park, client, error_of, fields


def begin(park: Park, **changed: str) -> dict[str, Any]:
    got = park.post(
        "/oauth/device_authorization", **({"client_id": "explorer", "scope": "purpose:emergency"} | changed)
    )
    assert got.status_code == 200, got.text
    assert got.headers["cache-control"] == "no-store"
    return got.json()  # type: ignore[no-any-return]


def poll(park: Park, device_code: str, client_id: str = "explorer") -> httpx.Response:
    return park.token(grant_type=DEVICE, device_code=device_code, client_id=client_id)


def page(park: Park) -> httpx.Response:
    shown = park.http.get("/oauth/device")
    return park.login(shown) if "/oauth/login" in shown.text else shown


def typed(park: Park, code: str, decision: str | None = "allow") -> httpx.Response:
    """Types the code, looks at what is asked, and says yes or no."""
    asked = park.http.post("/oauth/device", data=fields(page(park)) | {"user_code": code})
    if decision is None or asked.status_code != 200:
        return asked
    return park.http.post("/oauth/device", data=fields(asked) | {"decision": decision})


def test_a_device_is_let_in_once(park: Park) -> None:
    device = begin(park)
    assert device["verification_uri"] == f"{URL}/oauth/device"
    assert (device["expires_in"], device["interval"]) == (600, 5)
    assert device["user_code"] in device["verification_uri_complete"]
    park.clock.advance(timedelta(seconds=5))
    assert error_of(poll(park, device["device_code"])) == (400, "authorization_pending")
    asked = typed(park, device["user_code"], None)
    assert "The explorer" in asked.text
    assert "emergency" in asked.text
    assert typed(park, device["user_code"].lower().replace("-", " ")).status_code == 200
    got = poll(park, device["device_code"])
    assert got.status_code == 200
    claims = park.claims(got.json()["access_token"])[1]
    assert (claims["sub"], claims["scope"]) == (park.account.id, "purpose:emergency")
    assert park.renew(got.json()["refresh_token"]).status_code == 200
    assert error_of(poll(park, device["device_code"])) == (400, "invalid_grant")
    assert typed(park, device["user_code"]).status_code == 404


def test_a_no_is_a_no(park: Park) -> None:
    device = begin(park)
    assert typed(park, device["user_code"], "deny").status_code == 200
    assert error_of(poll(park, device["device_code"])) == (400, "access_denied")
    assert typed(park, device["user_code"]).status_code == 404


def test_who_polls_too_often_is_slowed_down_by_five_seconds_each_time(park: Park) -> None:
    device = begin(park)["device_code"]
    park.clock.advance(timedelta(seconds=4))
    assert error_of(poll(park, device)) == (400, "slow_down")
    park.clock.advance(timedelta(seconds=9))
    assert error_of(poll(park, device)) == (400, "slow_down")
    park.clock.advance(timedelta(seconds=15))
    assert error_of(poll(park, device)) == (400, "authorization_pending")


def test_a_code_ends_after_ten_minutes(park: Park) -> None:
    device = begin(park)
    park.clock.advance(timedelta(minutes=10))
    assert error_of(poll(park, device["device_code"])) == (400, "expired_token")
    assert typed(park, device["user_code"]).status_code == 404


def test_a_device_code_is_for_its_client(park: Park) -> None:
    park.issuer.clients.add(client(id="other"))
    park.issuer.clients.add(client(id="plain", grants=frozenset({CODE})))
    device = begin(park)
    typed(park, device["user_code"])
    assert poll(park, device["device_code"], "other").status_code == 400
    assert error_of(poll(park, device["device_code"], "plain")) == (400, "unauthorized_client")
    assert error_of(poll(park, "guess")) == (400, "invalid_grant")
    assert poll(park, device["device_code"]).status_code == 200
    refused = park.post("/oauth/device_authorization", client_id="plain")
    assert error_of(refused) == (400, "unauthorized_client")
    refused = park.post("/oauth/device_authorization", client_id="explorer", scope="purpose:marketing")
    assert error_of(refused) == (400, "invalid_scope")
    assert error_of(park.post("/oauth/device_authorization", client_id="nobody"))[1] == "invalid_client"


def test_codes_cannot_be_guessed(park: Park) -> None:
    device = begin(park)
    answers = [typed(park, f"BCDF-BCD{letter}").status_code for letter in "BCDFGH"]
    assert answers == [404, 404, 404, 404, 404, 429]
    assert typed(park, device["user_code"]).status_code == 429  # even the right one has to wait
    park.clock.advance(timedelta(seconds=1))
    assert typed(park, device["user_code"]).status_code == 200


def test_a_link_with_the_code_still_asks(park: Park) -> None:
    device = begin(park)
    shown = park.login(park.http.get(device["verification_uri_complete"]))
    assert device["user_code"] in shown.text  # filled in, to be compared with what the device shows
    assert error_of(poll(park, device["device_code"]))[1] in ("authorization_pending", "slow_down")


def test_nothing_is_allowed_without_the_forms_token(park: Park) -> None:
    device = begin(park)
    form = fields(page(park)) | {"user_code": device["user_code"], "decision": "allow"}
    assert park.http.post("/oauth/device", data=form | {"csrf": "guess"}).status_code == 400
    foreign = park.http.post("/oauth/device", data=form, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert poll(park, device["device_code"]).status_code == 400
    assert park.http.post("/oauth/device", data=form).status_code == 200
    assert poll(park, device["device_code"]).status_code == 200


def test_nobody_fills_the_store_by_asking_for_codes(park: Park) -> None:
    with park.issuer._store.writing() as connection:
        waiting = {"client": "explorer", "scope": "", "expires_at": 10**10, "interval": 5, "polled_at": 0}
        rows = [{"hash": b"%d" % n, "user_code": b"%d" % n, **waiting} for n in range(1000)]
        connection.execute(sa.insert(tables.device), rows)
    refused = park.post("/oauth/device_authorization", client_id="explorer")
    assert error_of(refused) == (503, "temporarily_unavailable")
    with park.issuer._store.writing() as connection:
        connection.execute(sa.delete(tables.device).where(tables.device.c.hash == b"7"))
    assert begin(park)["device_code"]
