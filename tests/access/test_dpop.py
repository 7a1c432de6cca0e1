"""Tokens that are bound to a key: with its proof they count once, and every other proof is refused."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey

from hub.access.authority import Credentials
from hub.errors import Unauthenticated
from tests.access.issuing import RSA, TestIssuer
from tests.access.proving import METHOD, URL, Prover


class Case:
    def __init__(self, **settings: object) -> None:
        self.issuer = TestIssuer(**settings)
        self.prover = Prover(self.issuer.clock)
        self.token = self.issuer.token(cnf={"jkt": self.prover.thumbprint})

    def credentials(self, proof: str | None, *, scheme: str = "DPoP", token: str | None = None) -> Credentials:
        return Credentials(
            authorization=f"{scheme} {token or self.token}", proof=proof, method=METHOD, url=URL + "?asked=1"
        )

    def subject(self, credentials: Credentials) -> str:
        return asyncio.run(self.issuer.tokens.viewer(credentials)).subject

    def refused(self, credentials: Credentials, why: str) -> None:
        with pytest.raises(Unauthenticated, match=why):
            self.subject(credentials)


def test_a_bound_token_counts_with_a_fresh_proof_each_time() -> None:
    case = Case()
    for _ in range(2):
        assert case.subject(case.credentials(case.prover.proof(case.token))) == "wang"


def test_a_proof_counts_once() -> None:
    case = Case()
    proof = case.prover.proof(case.token)
    assert case.subject(case.credentials(proof)) == "wang"
    case.refused(case.credentials(proof), "used before")


def test_a_bound_token_is_no_bearer_token_and_needs_its_proof() -> None:
    case = Case()
    case.refused(case.credentials(case.prover.proof(case.token), scheme="Bearer"), "bound to a key")
    case.refused(case.credentials(None), "missing")
    assert case.subject(case.credentials(case.prover.proof(case.token))) == "wang"


def test_a_token_that_is_not_bound_is_refused_as_dpop_and_where_the_issuer_s_setting_needs_it() -> None:
    for settings, scheme in (({}, "DPoP"), ({"dpop": "required"}, "Bearer")):
        case = Case(**settings)
        plain = case.issuer.token()
        case.refused(case.credentials(case.prover.proof(plain), scheme=scheme, token=plain), "not bound")
        assert case.subject(case.credentials(case.prover.proof(case.token))) == "wang"


def test_a_binding_to_a_certificate_is_refused_for_it_cannot_be_checked() -> None:
    case = Case()
    token = case.issuer.token(cnf={"x5t#S256": "x"})
    case.refused(case.credentials(None, scheme="Bearer", token=token), "cannot check")


THIEF = ECKey.generate_key("P-256")
WRONG = {
    "another method": ({"method": "GET"}, "htm"),
    "another address": ({"url": "https://evil.example/graphql"}, "htu"),
    "another path": ({"url": "https://hub.example/other"}, "htu"),
    "no address": ({"htu": None}, "htu"),
    "another token": ({"ath": "x"}, "ath"),
    "no token": ({"ath": None}, "ath"),
    "no time": ({"iat": None}, "iat"),
    "a text for a time": ({"iat": "now"}, "iat"),
    "no number": ({"jti": None}, "jti"),
    "a number that is long": ({"jti": "x" * 300}, "jti"),
    "another key's signature": ({"key": THIEF}, "signature"),
    "another key": ({"key": THIEF, "header": {"jwk": THIEF.as_dict(private=False)}}, "another key"),
    "a private key": ({"header": {"jwk": THIEF.as_dict(private=True)}}, "public key"),
    "no key": ({"header": {"jwk": None}}, "public key"),
    "a shared key": ({"header": {"jwk": {"kty": "oct", "k": "eA"}}}, "public key"),
    "another type": ({"header": {"typ": "at+jwt"}}, "dpop.jwt"),
    "an algorithm of shared keys": ({"header": {"alg": "HS256"}, "key": None}, "algorithm|signature"),
    "a key that does not fit": ({"header": {"jwk": RSA.as_dict(private=False)}}, "fit"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_proof_is_refused_and_a_right_one_is_not(name: str) -> None:
    case = Case()
    changed, why = WRONG[name]
    header = changed.get("header")
    if isinstance(header, dict) and header.get("alg") == "HS256":
        proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkhTMjU2In0.e30.x"
    else:
        proof = case.prover.proof(case.token, **changed)  # type: ignore[arg-type]
    case.refused(case.credentials(proof), why)
    assert case.subject(case.credentials(case.prover.proof(case.token))) == "wang"


@pytest.mark.parametrize("proof", ["x", "..", "a.b.c", "x" * 1_000_000, "€"])
def test_rubbish_is_refused(proof: str) -> None:
    case = Case()
    case.refused(case.credentials(proof), "proof")


def test_a_proof_of_another_minute_is_refused() -> None:
    case = Case()
    proof = case.prover.proof(case.token)
    case.issuer.clock.advance(timedelta(seconds=61))
    case.refused(case.credentials(proof), "minute")
    early = case.prover.proof(case.token, iat=int(case.issuer.clock().timestamp()) + 61)
    case.refused(case.credentials(early), "minute")


def test_default_ports_and_a_socket_s_scheme_are_the_same_address() -> None:
    case = Case()
    for said, asked in (
        ("https://hub.example:443/graphql", "https://hub.example/graphql"),
        ("HTTPS://HUB.example/graphql", "https://hub.example/graphql"),
        ("https://hub.example/graphql", "wss://hub.example/graphql"),
    ):
        credentials = case.credentials(case.prover.proof(case.token, url=said))
        assert case.subject(replace(credentials, url=asked)) == "wang"
