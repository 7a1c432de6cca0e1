"""`tokens`: access tokens verified a second, each for the first time, against bare joserfc; one core, in one thread.

The peer decodes with the key that the header names and validates iss, aud, exp and nbf, as joserfc's guide does. Ours
ends with the viewer: the issuer found, the header's checks, each claim's, roles, purposes, and the token remembered.
`tokens-again` is a token that was seen before, as each request of a client but its first carries it. RS256, 2048 bits.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from bench._sides import settle, told
from hub.access.authority import Credentials
from hub.access.issuers import IssuerRules
from hub.access.keys import FetchedKeys
from hub.access.tokens import Tokens, Trusted
from hub.clock import now

URL, AUDIENCE = "https://issuer.example", "https://hub.example"
TOKENS, ROUNDS, LIFE = 4_000, 7, 3_600


def made(key: RSAKey, count: int) -> list[str]:
    at = int(now().timestamp())
    header = {"alg": "RS256", "typ": "at+jwt", "kid": key.kid}
    claims = {
        "iss": URL,
        "aud": AUDIENCE,
        "client_id": "explorer",
        "iat": at,
        "exp": at + LIFE,
        "roles": ["duty_officer", "guard"],
        "organization": "0198b3f0-6a52-7c39-9d39-6f3a4f8a2d11",
        "scope": "purpose:operations purpose:emergency",
    }
    return [jwt.encode(header, {**claims, "sub": f"person-{n}", "jti": f"token-{n}"}, key) for n in range(count)]


def bare(tokens: Sequence[str], keys: KeySet) -> list[str]:
    expected = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": URL},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    )
    found = []
    for token in tokens:
        claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
        expected.validate(claims)
        found.append(claims["sub"])
    return found


async def ours(tokens: Sequence[str], authority: Tokens) -> list[str]:
    return [(await authority.viewer(Credentials(authorization=f"Bearer {each}"))).subject for each in tokens]


async def main() -> None:
    key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
    tokens, published = made(key, TOKENS), {"keys": [key.as_dict(private=False)]}
    keys = KeySet.import_key_set(published)  # type: ignore[arg-type]
    rates: Mapping[str, list[float]] = {"first": [], "again": [], "bare": []}

    async def fetch() -> Mapping[str, object]:
        return published

    rules = IssuerRules(url=URL, audience=AUDIENCE, organization_claim="organization")
    for number in range(ROUNDS + 1):
        authority = Tokens([Trusted(issuer=rules, keys=FetchedKeys(fetch))], now)
        settle(spared=True)
        seen: dict[str, list[str]] = {}
        for side in ("first", "again", "bare"):
            began = time.perf_counter()
            seen[side] = bare(tokens, keys) if side == "bare" else await ours(tokens, authority)
            if number:  # the first round warms up
                rates[side].append(TOKENS / (time.perf_counter() - began))
        assert seen["first"] == seen["again"] == seen["bare"]
    told("tokens", "bare joserfc", rates["first"], rates["bare"], "tokens/s")
    told("tokens-again", "bare joserfc", rates["again"], rates["bare"], "tokens/s")


if __name__ == "__main__":
    asyncio.run(main())
