"""Asking an issuer whether a token stands (RFC 7662): for tokens that are no JWT, and for those that may be revoked."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from hub.access.discovery import Discovery, answer_of
from hub.access.issuers import Claims, Client, IssuerRules
from hub.errors import IssuerUnavailable, Unauthenticated

FRESH = 0.5
"""Seconds for which an answer counts: a revocation is seen within a second, and a burst asks once."""
KEPT = 60.0
"""Seconds for which what an issuer said last carries an open stream on, while it does not answer."""
AT_ONCE = 16
_WAITING = 1_000
_REMEMBERED = 50_000

_INACTIVE = "The token is not active: its issuer has revoked it, or never issued it."


@dataclass(slots=True)
class _Answer:
    claims: Claims
    at: float


class Introspection:
    def __init__(
        self,
        http: httpx.AsyncClient,
        issuer: IssuerRules,
        client: Client,
        discovery: Discovery,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._issuer = issuer
        self._client = client
        self._discovery = discovery
        self._monotonic = monotonic
        self._limit = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._turns: dict[str, asyncio.Lock] = {}

    async def ask(self, token: str) -> Claims:
        """The claims of an active token, half a second old at most. Raises Unauthenticated, IssuerUnavailable."""
        if (known := self._fresh(token)) is not None:
            return known
        turn = self._turns.setdefault(token, asyncio.Lock())
        try:
            async with turn:
                return self._fresh(token) or await self._asked(token)
        finally:
            if not turn.locked():
                self._turns.pop(token, None)

    async def still_active(self, token: str) -> Claims:
        """The same for an open stream: while the issuer does not answer, what it said last counts for a minute."""
        try:
            return await self.ask(token)
        except IssuerUnavailable:
            last = self._answers.get(token)
            if last is None or self._monotonic() - last.at > KEPT:
                raise
            return last.claims

    def _fresh(self, token: str) -> Claims | None:
        known = self._answers.get(token)
        return known.claims if known is not None and self._monotonic() - known.at < FRESH else None

    async def _asked(self, token: str) -> Claims:
        if self._waiting >= _WAITING:
            raise IssuerUnavailable("Too many tokens wait for their issuer's word. Try again in a few seconds.")
        self._waiting += 1
        try:
            async with self._limit:
                address = await self._discovery.introspection_endpoint()
                said = await answer_of(self._http, self._request(address, token), self._issuer.url)
        finally:
            self._waiting -= 1
        if said.get("active") is not True:
            self._answers.pop(token, None)
            raise Unauthenticated(_INACTIVE)
        claims: Mapping[str, object] = {"iss": self._issuer.url, **said}
        self._answers[token] = _Answer(claims, self._monotonic())
        self._answers.move_to_end(token)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return claims

    def _request(self, address: str, token: str) -> httpx.Request:
        """RFC 6749, section 2.3.1: name and secret are form-encoded before they become Basic's."""
        request = self._http.build_request(
            "POST",
            address,
            data={"token": token, "token_type_hint": "access_token"},
            headers={"accept": "application/json"},
        )
        basic = httpx.BasicAuth(quote(self._client.id, safe=""), quote(self._client.secret, safe=""))
        return next(basic.auth_flow(request))
