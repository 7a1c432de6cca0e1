"""Pages over HTTP for adapters that poll: what has not changed is not sent again, and each failure has its name."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx
from pydantic import ConfigDict, Field, model_validator

from adapters.contract import AdapterConfig, CertificateRefused, CredentialsRefused, Raw, SourceError, Unreachable
from adapters.secret import OpenUrl, Secret, names_a_secret
from hub.clock import now

_REDIRECTS = 5
_CHUNK = 1 << 16


class WebConfig(AdapterConfig):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    url: OpenUrl = Field(pattern=r"^https?://[^\s/]+\S*$")
    username: str | None = None  # with password: HTTP basic authentication
    password: Secret | None = None
    token: Secret | None = None  # sent as `Authorization: Bearer`
    headers: dict[str, str] = Field(default_factory=dict)  # such as a Referer that the server asks for
    secret_headers: dict[str, Secret] = Field(default_factory=dict)  # such as { X-API-Key = { env = "FEED_KEY" } }
    secret_query: dict[str, Secret] = Field(default_factory=dict)  # parameters of the url, such as a key; never shown
    ca_file: Path | None = None  # None: the machine's authorities
    hosts: tuple[str, ...] = ()  # others than the url's own that may be gone to, as `name` or `name:port`
    timeout_seconds: float = Field(default=20.0, gt=0)
    max_bytes: int = Field(default=16 << 20, ge=1024)  # of one page, unpacked; a longer one is a dead letter

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if self.username is not None and self.token is not None:
            raise ValueError("either username and password, or token")
        for name in self.headers:
            if names_a_secret(name):
                raise ValueError(f"the header {name} is secret: move it to secret_headers, and give it by reference")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`whole` False: longer than `max_bytes`, and only its beginning was kept."""

    address: str
    data: bytes
    received_at: datetime
    whole: bool = True

    @property
    def raw(self) -> Raw:
        return Raw(key=self.address, received_at=self.received_at, data=self.data)


@dataclass(frozen=True, slots=True)
class _Seen:
    etag: str | None
    modified: str | None


class Web:
    """One client. `get` raises SourceError by name; None where the page is as it was."""

    def __init__(self, config: WebConfig) -> None:
        self._config = config
        self._seen: dict[str, _Seen] = {}
        self._client: httpx.AsyncClient | None = None
        self.home = config.url
        self._home = _place(config.url)

    async def __aenter__(self) -> Self:
        config = self._config
        self._client = httpx.AsyncClient(
            verify=await asyncio.to_thread(_context, config),
            timeout=config.timeout_seconds,
            headers={"User-Agent": "Causeway", "Accept-Encoding": "gzip, deflate", **config.headers},
            limits=httpx.Limits(max_connections=8),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def may_go(self, address: str) -> bool:
        """A feed must not lead the hub to a stranger's server, or to one of the park's own."""
        place, host = _place(address), urlsplit(address).hostname
        return host == urlsplit(self._config.url).hostname or bool({place, host} & set(self._config.hosts))

    def forget(self, keep: Collection[str] = ()) -> None:
        """Pages other than `keep` are asked for whole at the next time."""
        self._seen = {address: seen for address, seen in self._seen.items() if address in keep}

    async def get(self, address: str, *, afresh: bool = False) -> Page | None:
        """`afresh`: whole, even where it has not changed, and without remembering that it was read."""
        asked = address
        try:
            async with asyncio.timeout(self._config.timeout_seconds * 3):
                for _ in range(_REDIRECTS + 1):
                    page = await self._once(address, asked, afresh=afresh)
                    if not isinstance(page, str):
                        return page
                    address = page
        except TimeoutError as error:
            raise Unreachable(f"{asked} takes longer than {self._config.timeout_seconds * 3:g} s to answer") from error
        raise SourceError(f"{asked} sends on more than {_REDIRECTS} times: is the url right?")

    async def _once(self, address: str, asked: str, *, afresh: bool) -> Page | str | None:
        """A page, None, or the address that it sends on to."""
        client = self._client
        if client is None:
            raise SourceError("the adapter is not open")
        headers = {} if afresh else self._conditions(asked)
        try:
            credentials, query = self._credentials(address)
            request = client.build_request("GET", httpx.URL(address).copy_merge_params(query), headers=headers)
            request.headers.update(credentials)
            answer = await client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise _failed(address, error) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceError(f"{address!r} is no address that can be asked: {error}") from error
        try:
            if answer.status_code == httpx.codes.NOT_MODIFIED and headers:
                return None
            if answer.is_redirect:
                return self._onward(address, answer.headers.get("Location", ""))
            _refuse(address, answer)
            data, whole = await self._body(answer)
        except httpx.HTTPError as error:
            raise _failed(address, error) from error
        finally:
            await answer.aclose()
        if not afresh and whole:
            self._seen[asked] = _Seen(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        return Page(address=asked, data=data, received_at=now(), whole=whole)

    def _conditions(self, asked: str) -> dict[str, str]:
        seen = self._seen.get(asked)
        if seen is None:
            return {}
        given = {"If-None-Match": seen.etag, "If-Modified-Since": seen.modified}
        return {name: value for name, value in given.items() if value}

    def _credentials(self, address: str) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and parameters, for the url's own host and port alone."""
        config = self._config
        if _place(address) != self._home:
            return {}, {}
        try:
            headers = {name: secret.reveal() for name, secret in config.secret_headers.items()}
            query = {name: secret.reveal() for name, secret in config.secret_query.items()}
            if config.token is not None:
                headers["Authorization"] = f"Bearer {config.token.reveal()}"
            elif config.username is not None and config.password is not None:
                pair = f"{config.username}:{config.password.reveal()}".encode()
                headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        except LookupError as error:
            raise CredentialsRefused(f"the secret for {config.url} is not to be had: {error}") from error
        return headers, query

    def _onward(self, address: str, location: str) -> str:
        onward = urljoin(address, location)
        if not onward.startswith(("http://", "https://")) or not self.may_go(onward):
            shown = onward.partition("?")[0]  # it may repeat what was sent
            raise SourceError(f"{address} sends on to {shown}: if that is right, name its host in `hosts`")
        return onward

    async def _body(self, answer: httpx.Response) -> tuple[bytes, bool]:
        kept = bytearray()
        async for chunk in answer.aiter_bytes(_CHUNK):
            kept += chunk
            if len(kept) > self._config.max_bytes:
                return bytes(kept[: self._config.max_bytes + 1]), False
        return bytes(kept), True


def too_long(size: int, most: int) -> str:
    return f"a page of more than {size - 1} bytes: only its beginning was kept; max_bytes is {most}"


def _place(address: str) -> str:
    parts = urlsplit(address)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        port = 0
    return f"{parts.hostname}:{port}"


def _context(config: WebConfig) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise CertificateRefused(f"ca_file {config.ca_file} cannot be read as certificates: {error}") from error


def _refuse(address: str, answer: httpx.Response) -> None:
    code = answer.status_code
    if code in {401, 407}:
        raise CredentialsRefused(f"{address} refuses user, password or token ({code}): mend them")
    if code == httpx.codes.FORBIDDEN:
        raise CredentialsRefused(
            f"{address} forbids it (403): has the user the right to read it, and does the server ask for a header such "
            "as User-Agent or Referer? Give it in `headers`"
        )
    if code == httpx.codes.TOO_MANY_REQUESTS or code >= 500:
        raise Unreachable(f"{address} answers {code} {answer.reason_phrase}: it is asked again later")
    if code != httpx.codes.OK:
        raise SourceError(f"{address} answers {code} {answer.reason_phrase}: is the address right?")


def _failed(address: str, error: httpx.HTTPError) -> SourceError:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateRefused(
                f"the certificate of {address} is not accepted: {cause.verify_message}; give the authority that signed "
                "it as ca_file, and the name that stands in it in the url"
            )
        if isinstance(cause, ssl.SSLError):
            return CertificateRefused(f"{address} does not speak TLS as asked ({cause.reason or cause}): is it https?")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{address} does not answer in time ({type(error).__name__})")
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.DecodingError):
        return Unreachable(f"the answer of {address} was cut or is not HTTP: {error or type(error).__name__}")
    return Unreachable(f"nobody answers at {address}: {error or type(error).__name__}; is the address right?")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
