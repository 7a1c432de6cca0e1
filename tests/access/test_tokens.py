"""Access tokens: what makes one a viewer; and each way in which a wrong one is refused, beside a right one."""

import asyncio
import hmac
import time
from base64 import urlsafe_b64encode
from datetime import timedelta

import orjson
import pytest
from joserfc.jwk import OctKey, RSAKey

from hub.access.authority import Credentials
from hub.errors import Forbidden, IssuerUnavailable, Unauthenticated
from tests.access.issuing import AUDIENCE, EC, OTHER_RSA, RSA, START, URL, TestIssuer, bearer, signed


def test_a_token_becomes_a_viewer() -> None:
    issuer = TestIssuer(
        roles_claim="realm_access.roles",
        roles={"wachdienst": "guard", "chef": "commander"},
        organization_claim="org",
        organizations={"acme": "0198-acme"},
    )
    token = issuer.token(realm_access={"roles": ["wachdienst", "something else"]}, org="acme")
    viewer = asyncio.run(issuer.tokens.viewer(bearer(token, purpose="drill")))
    assert (viewer.subject, viewer.issuer, viewer.client) == ("wang", URL, "explorer")
    assert (viewer.roles, viewer.organization) == (frozenset({"guard"}), "0198-acme")
    assert (viewer.purpose, viewer.purposes) == ("drill", frozenset({"duty", "drill"}))
    assert viewer.expires_at == START + timedelta(seconds=330)
    assert token not in repr(viewer)


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
def test_each_key_of_the_issuer_counts(key: RSAKey) -> None:
    issuer = TestIssuer()
    assert asyncio.run(issuer.tokens.viewer(bearer(issuer.token(key)))).subject == "wang"


def test_a_list_of_audiences_that_names_the_hub_is_taken() -> None:
    issuer = TestIssuer()
    assert asyncio.run(issuer.tokens.viewer(bearer(issuer.token(aud=["account", AUDIENCE])))).subject == "wang"


def _part(value: object) -> str:
    return urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def _unsigned(issuer: TestIssuer, algorithm: str) -> str:
    return f"{_part({'alg': algorithm, 'typ': 'at+jwt', 'kid': 'rsa-1'})}.{_part(issuer.claims())}."


def _confused(issuer: TestIssuer) -> str:
    """Signed by HMAC, with the issuer's public key as the shared secret."""
    said = f"{_part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'rsa-1'})}.{_part(issuer.claims())}"
    made = hmac.digest(RSA.as_pem(private=False), said.encode(), "sha256")
    return f"{said}.{urlsafe_b64encode(made).rstrip(b'=').decode()}"


def _headed(**header: object) -> object:
    """A good payload under a header that says more."""
    full = {"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1", **header}
    return lambda issuer: f"{_part(full)}.{_part(issuer.claims())}.x"


def _tampered(issuer: TestIssuer) -> str:
    head, _, signature = issuer.token().split(".")
    return f"{head}.{_part(issuer.claims(roles=['administrator']))}.{signature}"


def _wrong(header: dict[str, object] | None = None, **claims: object) -> object:
    return lambda issuer: issuer.token(header=header, **claims)


ATTACKS = {
    "alg none": (lambda i: _unsigned(i, "none"), "algorithm"),
    "alg None in other letters": (lambda i: _unsigned(i, "nOnE"), "algorithm"),
    "no alg": (lambda i: f"{_part({'typ': 'at+jwt'})}.{_part(i.claims())}.x", "algorithm"),
    "the public key as a shared secret": (_confused, "algorithm"),
    "an algorithm that the issuer does not use": (_wrong({"alg": "RS512"}), "algorithm"),
    "an EC algorithm with an RSA key's id": (lambda i: i.token(EC, header={"kid": "rsa-1"}), "key"),
    "a stranger's key": (lambda i: i.token(OTHER_RSA), "key"),
    "a stranger's key under a known id": (lambda i: i.token(OTHER_RSA, header={"kid": "rsa-1"}), "signature"),
    "a key that it brings itself": (
        lambda i: i.token(OTHER_RSA, header={"jwk": OTHER_RSA.as_dict(private=False)}),
        "key",
    ),
    "a key's address": (lambda i: i.token(OTHER_RSA, header={"jku": "https://evil.example/jwks"}), "key"),
    "a certificate's address": (lambda i: i.token(OTHER_RSA, header={"x5u": "https://evil.example/x"}), "key"),
    "a key id that is a path": (lambda i: i.token(OTHER_RSA, header={"kid": "../../../../dev/null"}), "key"),
    "a key id that is SQL": (lambda i: i.token(OTHER_RSA, header={"kid": "x' UNION SELECT 'k"}), "key"),
    "a key id that is no text": (_headed(kid=["rsa-1"]), "not a name"),
    "a changed payload": (_tampered, "signature"),
    "a signature with a sign more": (lambda i: i.token() + "=", "signature"),
    "a signature in other letters": (lambda i: i.token()[:-1] + "B", "signature"),
    "another issuer": (_wrong(iss="https://evil.example"), "not one that this park trusts"),
    "an issuer with a slash more": (_wrong(iss=URL + "/"), "not one that this park trusts"),
    "no issuer": (_wrong(iss=None), "who issued it"),
    "another audience": (_wrong(aud="https://other.example"), "audience"),
    "an audience that only begins alike": (_wrong(aud=AUDIENCE + ".evil.example"), "audience"),
    "no audience": (_wrong(aud=None), "audience"),
    "an expired one": (_wrong(exp=int(START.timestamp()) - 31), "expired"),
    "no end": (_wrong(exp=None), "exp"),
    "an end that is a text": (_wrong(exp="never"), "exp"),
    "an end that is true": (_wrong(exp=True), "exp"),
    "an end past all years": (_wrong(exp=1e300), "exp"),
    "not yet valid": (_wrong(nbf=int(START.timestamp()) + 31), "nbf"),
    "issued in the future": (_wrong(iat=int(START.timestamp()) + 31), "iat"),
    "no type": (_wrong({"typ": None}), "at.jwt"),
    "a plain JWT": (_wrong({"typ": "JWT"}), "at.jwt"),
    "a logout token": (_wrong({"typ": "logout+jwt"}), "not an access token"),
    "a DPoP proof": (_wrong({"typ": "dpop+jwt"}), "not an access token"),
    "an extension that must be understood": (_headed(crit=["exp"]), "extension"),
    "an unencoded payload": (_headed(b64=False), "extension"),
    "no subject": (_wrong(sub=None, client_id=None), "no subject"),
    "a million characters": (lambda i: "a" * 1_000_000, "longer than"),
    "a million characters of JWT": (lambda i: i.token(more="x" * 1_000_000), "longer than"),
    "an encrypted one": (lambda i: "a.b.c.d.e", "cannot|can read"),
    "rubbish": (lambda i: "rubbish", "can read"),
    "three dots of nothing": (lambda i: "..", "can read"),
    "not base64": (lambda i: "€.€.€", "can read"),
    "a header that is a list": (lambda i: f"{_part([1])}.{_part(i.claims())}.x", "can read"),
    "claims that are a list": (lambda i: signed([1]), "can read"),
    "deep nesting": (lambda i: f"{_part({})}.{urlsafe_b64encode(b'[' * 9000).decode().rstrip('=')}.x", "can read"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_wrong_token_is_refused_and_a_right_one_of_the_same_issuer_is_not(name: str) -> None:
    issuer = TestIssuer()
    make, why = ATTACKS[name]

    async def scenario() -> None:
        token = make(issuer)  # type: ignore[operator]
        began = time.thread_time()
        with pytest.raises(Unauthenticated, match=why) as refused:
            await issuer.tokens.viewer(bearer(token))
        assert time.thread_time() - began < 0.1
        assert token not in refused.value.message
        assert (await issuer.tokens.viewer(bearer(issuer.token()))).subject == "wang"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "authorization", [None, "", " ", "Bearer", "Bearer ", "Basic d2FuZzp4", "Bearer a b", "Bearer\ta\n"]
)
def test_what_is_no_bearer_token_is_refused(authorization: str | None) -> None:
    with pytest.raises(Unauthenticated):
        asyncio.run(TestIssuer().tokens.viewer(Credentials(authorization=authorization)))


def test_a_plain_jwt_is_taken_only_where_the_issuer_s_setting_says_so_and_an_id_token_never() -> None:
    issuer = TestIssuer(accept_plain_jwt=True)
    plain = {"typ": "JWT"}

    async def scenario() -> None:
        for good in (
            issuer.token(header=plain),
            issuer.token(header=plain, typ="Bearer", jti="2"),
            issuer.token(jti="3"),
        ):
            assert (await issuer.tokens.viewer(bearer(good))).subject == "wang"
        for wrong in ({"nonce": "n"}, {"at_hash": "h"}, {"typ": "ID"}, {"typ": "Refresh"}, {"events": {}}):
            with pytest.raises(Unauthenticated, match="access token"):
                await issuer.tokens.viewer(bearer(issuer.token(header=plain, **wrong)))  # type: ignore[arg-type]

    asyncio.run(scenario())


@pytest.mark.parametrize(("leeway", "taken"), [(30, False), (120, True)])
def test_a_clock_that_is_90_seconds_off_is_taken_or_refused_as_the_setting_says(leeway: int, taken: bool) -> None:
    issuer = TestIssuer(leeway=timedelta(seconds=leeway))
    at = int(START.timestamp()) + 90  # the issuer's clock is ahead

    async def scenario() -> None:
        for token in (issuer.token(iat=at, nbf=at, exp=at + 300), issuer.token(iat=at - 400, exp=at - 180, jti="old")):
            if taken:
                assert (await issuer.tokens.viewer(bearer(token))).subject == "wang"
            else:
                with pytest.raises(Unauthenticated, match=r"Compare the clocks|expired"):
                    await issuer.tokens.viewer(bearer(token))

    asyncio.run(scenario())


def test_a_purpose_that_the_token_lacks_is_forbidden() -> None:
    issuer = TestIssuer()

    async def scenario() -> None:
        token = issuer.token()
        for lacking in ("investigation", "DUTY", "purpose:duty", "duty drill"):
            with pytest.raises(Forbidden, match="drill, duty"):
                await issuer.tokens.viewer(bearer(token, purpose=lacking))
        assert (await issuer.tokens.viewer(bearer(token, purpose="duty"))).purpose == "duty"
        assert (await issuer.tokens.viewer(bearer(token))).purpose == "operations"

    asyncio.run(scenario())


def test_a_rotated_key_is_fetched_and_a_key_that_is_gone_counts_no_more() -> None:
    issuer = TestIssuer()

    async def scenario() -> None:
        old = issuer.token()
        viewer = await issuer.tokens.viewer(bearer(old))
        assert issuer.fetches == 1
        issuer.published = [RSA, OTHER_RSA]
        issuer.monotonic += 11
        assert (await issuer.tokens.viewer(bearer(issuer.token(OTHER_RSA)))).subject == "wang"
        assert issuer.fetches == 2
        assert await issuer.tokens.holds(viewer)  # both keys stand, as in a rotation
        issuer.published = [OTHER_RSA]
        await issuer.keys.refresh()
        assert not await issuer.tokens.holds(viewer)
        with pytest.raises(Unauthenticated, match="key"):
            await issuer.tokens.viewer(bearer(old))

    asyncio.run(scenario())


def test_a_flood_of_unknown_key_ids_asks_the_issuer_once_in_ten_seconds() -> None:
    issuer = TestIssuer()

    async def one(number: int) -> None:
        with pytest.raises(Unauthenticated):
            await issuer.tokens.viewer(bearer(issuer.token(header={"kid": f"forged-{number}"})))

    async def scenario() -> None:
        await asyncio.gather(*map(one, range(200)))
        assert issuer.fetches == 1
        issuer.monotonic += 11
        await asyncio.gather(*map(one, range(200)))
        assert issuer.fetches == 2

    asyncio.run(scenario())


def test_known_keys_count_while_the_issuer_is_down_and_an_unknown_one_is_told_to_come_again() -> None:
    issuer = TestIssuer()

    async def scenario() -> None:
        issuer.down = True
        with pytest.raises(IssuerUnavailable, match=r"down.*Try again"):
            await issuer.tokens.viewer(bearer(issuer.token()))
        assert list(issuer.tokens.failing) == [URL]
        issuer.down = False
        issuer.monotonic += 11
        assert (await issuer.tokens.viewer(bearer(issuer.token()))).subject == "wang"
        assert not issuer.tokens.failing
        issuer.down = True
        await issuer.keys.refresh()
        issuer.monotonic += 11
        assert (await issuer.tokens.viewer(bearer(issuer.token(jti="another")))).subject == "wang"
        with pytest.raises(IssuerUnavailable):
            await issuer.tokens.viewer(bearer(issuer.token(OTHER_RSA)))

    asyncio.run(scenario())


def test_a_token_holds_until_its_end_and_another_issuer_s_viewer_does_not() -> None:
    issuer = TestIssuer()

    async def scenario() -> None:
        viewer = await issuer.tokens.viewer(bearer(issuer.token()))
        issuer.clock.advance(timedelta(seconds=329))
        assert await issuer.tokens.holds(viewer)
        issuer.clock.advance(timedelta(seconds=1))
        assert not await issuer.tokens.holds(viewer)
        assert not await TestIssuer(url="https://other.example").tokens.holds(viewer)

    asyncio.run(scenario())


def test_a_shared_secret_a_short_key_and_a_key_for_encryption_are_not_taken_from_the_issuer() -> None:
    issuer = TestIssuer()
    short = RSAKey.generate_key(1024, {"kid": "short"})
    sealed = RSAKey.generate_key(2048, {"kid": "sealed", "use": "enc"})
    issuer.published = [OctKey.generate_key(256, {"kid": "shared"}), short, sealed, EC]

    async def scenario() -> None:
        for key in (short, sealed):
            with pytest.raises(Unauthenticated, match="key"):
                await issuer.tokens.viewer(
                    bearer(signed(issuer.claims(), RSAKey.import_key({**key.as_dict(private=True), "use": "sig"})))
                )
        assert (await issuer.tokens.viewer(bearer(issuer.token(EC)))).subject == "wang"

    asyncio.run(scenario())
