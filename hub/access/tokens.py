"""The hub as resource server: an access token of an issuer that the park trusts becomes a viewer, or is refused."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Protocol, Self

import httpx

from hub.access.authority import Credentials
from hub.access.bearer import LONGEST, check_claims, opened_jwt, verify
from hub.access.discovery import Discovery
from hub.access.dpop import Proofs, bound_key
from hub.access.introspection import Introspection
from hub.access.issuers import Claims, IssuerRules, expiry_of, viewer_of
from hub.access.keys import FetchedKeys, Keys
from hub.clock import Clock
from hub.errors import CausewayError, IssuerUnavailable, Unauthenticated
from hub.viewer import PersonName, Viewer

REFRESH_SECONDS = 300.0
"""Between two looks at an issuer's keys: a key that it drops is believed no longer than that."""
_REMEMBERED = 20_000
_LONGEST_ID = 128


class Standing(Protocol):
    """What an issuer of this very hub knows of its tokens."""

    async def holds(self, viewer: Viewer) -> bool:
        """Whether the viewer's token is not revoked, and its account has the same roles still."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """An issuer with what its tokens are checked by."""

    issuer: IssuerRules
    keys: Keys
    introspection: Introspection | None = None
    standing: Standing | None = None

    @classmethod
    def from_afar(cls, http: httpx.AsyncClient, issuer: IssuerRules) -> Self:
        """Its keys and its word are fetched where its metadata says."""
        discovery = Discovery(http, issuer.url, jwks_uri=issuer.jwks_uri)
        asked = Introspection(http, issuer, issuer.client, discovery) if issuer.client is not None else None
        return cls(issuer=issuer, keys=FetchedKeys(discovery.keys), introspection=asked)


@dataclass(slots=True)
class _Verified:
    """A token that was checked. `version`: the keys' own when it was. `viewers`: purpose asked for → viewer,
    as `defaults` were."""

    token: str = field(repr=False)
    trusted: Trusted
    claims: Claims
    version: int
    opaque: bool
    viewers: dict[str | None, Viewer] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)


class Tokens:
    """An Authority. `defaults` gives role → the purpose that it has where none is asked for, the weightiest first; the
    hub sets it to what its policies say. `meet` is told of each viewer's person before the viewer is let in."""

    def __init__(self, trusted: Sequence[Trusted], clock: Clock) -> None:
        self.defaults: Callable[[], Mapping[str, str]] = dict
        self.meet: Callable[[PersonName], Awaitable[None]] = _nobody
        self._trusted = {each.issuer.url: each for each in trusted}
        self._clock = clock
        self._proofs = Proofs(clock)
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        self._by_id: dict[tuple[str, str], _Verified] = {}

    async def viewer(self, credentials: Credentials) -> Viewer:
        scheme, token = _parts(credentials.authorization)
        found = self._known(token) or await self._checked(token)
        trusted = found.trusted
        if found.opaque or trusted.issuer.introspect == "all":
            found.claims = await self._asked(found)
        self._check_proof(scheme, found, credentials)
        if found.defaults != (defaults := self.defaults()):
            found.viewers, found.defaults = {}, defaults
        viewer = found.viewers.get(credentials.purpose)
        if viewer is None:
            viewer = found.viewers[credentials.purpose] = self._viewer(found, credentials.purpose)
            self._by_id[trusted.issuer.url, viewer.token or ""] = found
        if trusted.standing is not None and not await trusted.standing.holds(viewer):
            raise Unauthenticated("The token was revoked, or its account was changed. Get a new one.")
        if viewer.person is not None:
            await self.meet(viewer.person)
        return viewer

    async def holds(self, viewer: Viewer) -> bool:
        trusted = self._trusted.get(viewer.issuer or "")
        if trusted is None or viewer.expires_at is None or viewer.expires_at <= self._clock():
            return False
        if trusted.standing is not None and not await trusted.standing.holds(viewer):
            return False
        found = self._by_id.get((trusted.issuer.url, viewer.token or ""))
        if found is None:  # so many came since that it is forgotten
            return trusted.issuer.introspect == "no"
        try:
            if found.version != trusted.keys.version and not found.opaque:
                opened = opened_jwt(found.token)
                if opened is None:
                    return False
                await verify(opened, trusted.issuer, trusted.keys, self._clock())
                found.version = trusted.keys.version
            if trusted.introspection is not None and (found.opaque or trusted.issuer.introspect == "all"):
                said = await trusted.introspection.still_active(found.token)
                now = self._viewer(replace(found, claims=said) if found.opaque else found, None)
                return replace(now, purpose=viewer.purpose, flags=viewer.flags) == viewer
        except CausewayError:
            return False
        return True

    @property
    def failing(self) -> Mapping[str, str]:
        """Issuer → why its keys cannot be had just now; those that are known go on counting."""
        said = {url: each.keys.failing for url, each in self._trusted.items()}
        return {url: why for url, why in said.items() if why is not None}

    async def run(self) -> None:
        """Keeps the keys of all issuers fresh, until it is cancelled."""
        while True:
            await asyncio.gather(*(each.keys.refresh() for each in self._trusted.values()))
            await asyncio.sleep(REFRESH_SECONDS)

    def _known(self, token: str) -> _Verified | None:
        found = self._verified.get(token)
        if found is None or found.version != found.trusted.keys.version:
            return None
        if expiry_of(found.claims, found.trusted.issuer) <= self._clock():
            self._forget(found)
            return None
        self._verified.move_to_end(token)
        return found

    async def _checked(self, token: str) -> _Verified:
        opened = opened_jwt(token)
        if opened is None:
            return await self._opaque(token)
        trusted = self._trusted.get(opened.issuer)
        if trusted is None:
            raise Unauthenticated("The token's issuer is not one that this park trusts.")
        version = trusted.keys.version
        claims = await verify(opened, trusted.issuer, trusted.keys, self._clock())
        return self._keep(_Verified(token, trusted, claims, version, opaque=False))

    async def _opaque(self, token: str) -> _Verified:
        """Asks the issuers that are asked about such tokens, in the park file's order."""
        problem = Unauthenticated("The token is not one that this hub can read.")
        for trusted in self._trusted.values():
            if trusted.introspection is None or trusted.issuer.introspect == "no":
                continue
            try:
                claims = await trusted.introspection.ask(token)
            except Unauthenticated as error:
                if not isinstance(problem, IssuerUnavailable):
                    problem = error
                continue
            check_claims(claims, trusted.issuer, self._clock())
            return self._keep(_Verified(token, trusted, claims, trusted.keys.version, opaque=True))
        raise problem

    async def _asked(self, found: _Verified) -> Claims:
        """The claims after a word from the issuer; viewers made of others are forgotten."""
        trusted = found.trusted
        if trusted.introspection is None:
            raise Unauthenticated("The token cannot be asked about at its issuer.")
        try:
            said = await trusted.introspection.ask(found.token)
        except IssuerUnavailable:
            raise
        except Unauthenticated:
            self._forget(found)
            raise
        if not found.opaque:
            return found.claims
        check_claims(said, trusted.issuer, self._clock())
        if said != found.claims:
            found.viewers.clear()
        return said

    def _check_proof(self, scheme: str, found: _Verified, credentials: Credentials) -> None:
        bound = bound_key(found.claims)
        if bound is None:
            if scheme == "dpop" or found.trusted.issuer.dpop == "required":
                raise Unauthenticated(
                    "The token is not bound to a key, as DPoP needs it. Ask its issuer for one that is."
                )
            return
        if scheme != "dpop":
            raise Unauthenticated("The token is bound to a key: send it as `Authorization: DPoP …` with its proof.")
        self._proofs.check(credentials, found.token, bound)

    def _viewer(self, found: _Verified, asked: str | None) -> Viewer:
        given = found.claims.get("jti")
        short = isinstance(given, str) and 0 < len(given) <= _LONGEST_ID
        name = str(given) if short else sha256(found.token.encode()).hexdigest()
        return viewer_of(found.claims, found.trusted.issuer, asked=asked, defaults=self.defaults(), token=name)

    def _keep(self, found: _Verified) -> _Verified:
        self._verified[found.token] = found
        if len(self._verified) > _REMEMBERED:
            self._forget(next(iter(self._verified.values())))
        return found

    def _forget(self, found: _Verified) -> None:
        self._verified.pop(found.token, None)
        for viewer in found.viewers.values():
            self._by_id.pop((found.trusted.issuer.url, viewer.token or ""), None)


async def _nobody(name: PersonName) -> None:
    """For who does not ask whom the viewers are in the park."""


def _parts(authorization: str | None) -> tuple[str, str]:
    """(scheme in lower case, token). Raises Unauthenticated."""
    if authorization is None or not authorization.strip():
        raise Unauthenticated("Send an access token: `Authorization: Bearer …`.")
    if len(authorization) > LONGEST:
        raise Unauthenticated(f"The token is longer than {LONGEST} characters.")
    scheme, _, token = authorization.strip().partition(" ")
    scheme, token = scheme.lower(), token.strip()
    if scheme not in ("bearer", "dpop"):
        raise Unauthenticated("The scheme of Authorization is neither Bearer nor DPoP.")
    if not token.isascii() or len(token.split()) != 1:
        raise Unauthenticated("The token is not one that this hub can read.")
    return scheme, token
