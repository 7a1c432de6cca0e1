"""What an issuer says of itself: its metadata (RFC 8414, or OpenID Connect's), and its keys."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
import orjson

from hub.access.issuers import is_trustworthy
from hub.errors import IssuerUnavailable

SECONDS = 4.0
"""For one exchange with an issuer, however slowly it drips."""
LARGEST = 1_000_000
"""Bytes of an issuer's answer."""


class Discovery:
    """Of one issuer. `jwks_uri` is where its keys are, for an issuer that has no metadata."""

    def __init__(self, http: httpx.AsyncClient, url: str, *, jwks_uri: str | None = None) -> None:
        self._http = http
        self._url = url
        self._jwks_uri = jwks_uri
        self._introspection: str | None = None

    async def keys(self) -> Mapping[str, object]:
        """The JWKS (RFC 7517); raises IssuerUnavailable."""
        address = self._jwks_uri or _address(await self._metadata(), "jwks_uri", self._url)
        return await answer_of(self._http, httpx.Request("GET", address, headers=_JSON), self._url)

    async def introspection_endpoint(self) -> str:
        """Raises IssuerUnavailable."""
        if self._introspection is None:
            self._introspection = _address(await self._metadata(), "introspection_endpoint", self._url)
        return self._introspection

    async def _metadata(self) -> Mapping[str, object]:
        """Raises IssuerUnavailable, with the reason of the last place that was tried."""
        problem = IssuerUnavailable(f"{self._url} has no metadata.")
        for address in places(self._url):
            try:
                found = await answer_of(self._http, httpx.Request("GET", address, headers=_JSON), self._url)
            except IssuerUnavailable as error:
                problem = error
                continue
            if found.get("issuer") != self._url:  # RFC 8414, section 3.3
                raise IssuerUnavailable(f"The metadata of {self._url} is of another issuer. Correct its url.")
            return found
        raise problem


_JSON = {"accept": "application/json"}


def places(url: str) -> tuple[str, ...]:
    """Where an issuer's metadata may be: OpenID Connect's place after the path, RFC 8414's before it."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return (
        f"{url.rstrip('/')}/.well-known/openid-configuration",
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
    )


async def answer_of(http: httpx.AsyncClient, request: httpx.Request, issuer: str) -> Mapping[str, object]:
    """The JSON object that an issuer answers; redirects are not followed. Raises IssuerUnavailable."""
    request.extensions["timeout"] = httpx.Timeout(SECONDS).as_dict()
    try:
        async with asyncio.timeout(SECONDS):
            response = await http.send(request, stream=True, follow_redirects=False)
            try:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise IssuerUnavailable(f"{issuer} answers with more than {LARGEST} bytes.")
            finally:
                await response.aclose()
    except TimeoutError:
        raise IssuerUnavailable(f"{issuer} does not answer within {SECONDS:g} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise IssuerUnavailable(f"{issuer} cannot be reached ({type(error).__name__}).") from error
    if response.status_code != 200:
        raise IssuerUnavailable(f"{issuer} answers with status {response.status_code}.")
    try:
        value = orjson.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise IssuerUnavailable(f"{issuer} does not answer with a JSON object.")
    return value


def _address(metadata: Mapping[str, object], name: str, issuer: str) -> str:
    """Of an endpoint; one in the clear is taken only on this machine."""
    address = metadata.get(name)
    if not isinstance(address, str) or not is_trustworthy(address):
        raise IssuerUnavailable(f"The metadata of {issuer} has no `{name}` that may be trusted.")
    if address.startswith("http:") and not issuer.startswith("http:"):
        raise IssuerUnavailable(f"The metadata of {issuer} has a `{name}` in the clear.")
    return address
