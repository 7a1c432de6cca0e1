"""Keys and metadata: what a resource server reads, and what is never shown."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from hub.access.issuer.store import FILE
from hub.errors import SettingsError
from tests.access.issuer.park import URL, Park, opened

KEPT = timedelta(minutes=15)


def kids(park: Park) -> list[str]:
    return [key["kid"] for key in park.http.get("/oauth/jwks.json").json()["keys"]]


def signer(park: Park) -> str:
    got = park.token(park.department, grant_type="client_credentials").json()
    return str(park.claims(got["access_token"])[0]["kid"])


def test_the_metadata_is_what_rfc_8414_asks_for_at_both_paths(park: Park) -> None:
    first = park.http.get("/.well-known/oauth-authorization-server")
    assert first.headers["content-type"] == "application/json"
    said = first.json()
    AuthorizationServerMetadata(said).validate_response_types_supported()
    AuthorizationServerMetadata(said | {"issuer": "https://hub.example"}).validate_issuer()
    assert said["issuer"] == URL
    assert said == park.http.get("/.well-known/openid-configuration").json()
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert "password" not in said["grant_types_supported"]
    assert "implicit" not in said["grant_types_supported"]


def test_every_endpoint_of_the_metadata_is_there(park: Park) -> None:
    for name, url in park.http.get("/.well-known/oauth-authorization-server").json().items():
        if name.endswith(("_endpoint", "_uri")):
            assert url.startswith(f"{URL}/oauth/")
            assert park.http.get(url).status_code != 404, name


def test_nothing_private_is_published(park: Park) -> None:
    for key in park.http.get("/oauth/jwks.json").json()["keys"]:
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


def test_a_new_key_is_published_before_it_signs_and_the_old_stays_until_its_tokens_have_ended(park: Park) -> None:
    (first,) = kids(park)
    park.clock.advance(timedelta(days=28, hours=23))
    park.issuer.housekeep()
    assert kids(park) == [first]
    park.clock.advance(timedelta(hours=1))
    park.issuer.housekeep()
    assert kids(park)[0] == first
    (_, second) = kids(park)
    park.clock.advance(timedelta(hours=23, minutes=59))
    last = park.token(park.department, grant_type="client_credentials").json()["access_token"]
    assert park.claims(last)[0]["kid"] == first
    park.clock.advance(timedelta(minutes=1))
    assert signer(park) == second
    park.clock.advance(KEPT - timedelta(seconds=1))
    park.issuer.housekeep()
    assert kids(park) == [first, second]
    assert park.claims(last)[0]["kid"] == first
    park.clock.advance(timedelta(seconds=1))
    park.issuer.housekeep()
    assert kids(park) == [second]


def test_after_a_long_rest_the_old_key_signs_until_the_new_one_is_known(park: Park) -> None:
    (first,) = kids(park)
    park.clock.advance(timedelta(days=400))
    park.issuer.housekeep()
    assert len(kids(park)) == 2
    assert signer(park) == first
    park.clock.advance(timedelta(days=1))
    assert signer(park) == kids(park)[1]


def test_keys_outlive_a_restart_and_no_secret_lies_in_the_file(tmp_path: Path) -> None:
    with opened(tmp_path) as park:
        tokens = park.tokens()
        before = kids(park)
        secrets = [tokens["access_token"], tokens["refresh_token"], park.secret or "", "three lamps over water"]
    file = tmp_path / "var" / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    stored = file.read_bytes()
    assert not any(secret.encode() in stored for secret in secrets)
    assert b"PRIVATE KEY" not in stored
    with opened(tmp_path, empty=True) as park:
        assert kids(park) == before
        keys = KeySet.import_key_set(park.issuer.standing.jwks())  # type: ignore[arg-type]
        assert jwt.decode(tokens["access_token"], keys, algorithms=["RS256"]).claims["iss"] == URL
        assert park.renew(tokens["refresh_token"]).status_code == 200


def test_a_file_without_its_keys_or_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path, made: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / FILE).write_bytes((made / "var" / FILE).read_bytes())
    with pytest.raises(SettingsError, match="key store"), opened(tmp_path, empty=True):
        pass
    import sqlite3

    with sqlite3.connect(tmp_path / "var" / FILE) as connection:
        connection.execute("UPDATE about SET value = '99' WHERE name = 'version'")
    with pytest.raises(SettingsError, match="newer"), opened(tmp_path, empty=True):
        pass
