"""All issuers that a park trusts, made ready: those of the park file, and the hub's own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import httpx

from hub.access.issuer.issuer import Issuer
from hub.access.issuer.standing import Standing
from hub.access.issuers import IssuerRules
from hub.access.keys import FetchedKeys
from hub.access.tokens import Tokens, Trusted
from hub.clock import Clock
from hub.viewer import Viewer


@asynccontextmanager
async def trusting(issuers: Sequence[IssuerRules], own: Issuer | None, clock: Clock) -> AsyncIterator[Tokens | None]:
    """None where there is no issuer at all: then no token is asked for."""
    if not issuers and own is None:
        yield None
        return
    async with httpx.AsyncClient() as http:
        trusted = [Trusted.from_afar(http, issuer) for issuer in issuers]
        yield Tokens([*([at_hand(own.standing)] if own is not None else []), *trusted], clock)


def at_hand(standing: Standing) -> Trusted:
    """The hub's own issuer, asked in this process."""

    async def keys() -> Mapping[str, object]:
        return standing.jwks()

    return Trusted(
        issuer=IssuerRules(
            url=standing.issuer,
            audience=standing.audience,
            algorithms=frozenset({standing.algorithm}),
            organization_claim="organization",
            person_claim="person",
            person_scheme="id",
        ),
        keys=FetchedKeys(keys, again_after=0.1),
        standing=_Held(standing),
    )


class _Held:
    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    async def holds(self, viewer: Viewer) -> bool:
        revoked = viewer.token is None or self._standing.token_revoked(viewer.token)
        return not revoked and self._standing.subject_stands(viewer.subject)
