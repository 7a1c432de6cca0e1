"""One device's HTTP side: its settings, its answers within bounds, and its failures by name.

The address holds no credentials, and no text that is made here does.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET
from typing import Literal, Self
from urllib.parse import urlsplit

import httpx
from pydantic import ConfigDict, Field, field_validator

from adapters.contract import AdapterConfig, CertificateRefused, CredentialsRefused, SourceError, Unreachable
from adapters.secret import Secret

MOST = 1 << 19
"""Bytes of one answer that are read: twice the list of a recorder with 256 channels. A longer one would hold the hub up
for more than 100 ms while it is parsed."""

KEEP_ALIVE = [(SOL_SOCKET, SO_KEEPALIVE, 1)]
"""So that a stream that says nothing for days is known to be lost when the device is."""
try:
    from socket import TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL

    KEEP_ALIVE += [(IPPROTO_TCP, TCP_KEEPIDLE, 30), (IPPROTO_TCP, TCP_KEEPINTVL, 10), (IPPROTO_TCP, TCP_KEEPCNT, 3)]
except ImportError:  # not on every system: its own times hold there
    pass


class DeviceConfig(AdapterConfig):
    """How a recorder or camera is reached."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    url: str = Field(pattern=r"^https?://")  # such as http://192.168.1.64, without user and password
    username: str = Field(min_length=1)
    password: Secret
    ca_file: Path | None = None  # the authority, or the device's own certificate; None: the machine's authorities
    server_name: str | None = None  # as in the device's certificate, where it is not the url's host
    timeout_seconds: float = Field(default=10.0, gt=0)

    @field_validator("url")
    @classmethod
    def _names_a_device_alone(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ValueError(f"no address: {error}") from error
        if "@" in parts.netloc:
            raise ValueError("the url holds no user and password: set username, and where the password is to be found")
        if not host or parts.query or parts.fragment:
            raise ValueError("give scheme, host and port alone, such as http://192.168.1.64:80")
        return url.rstrip("/")

    @property
    def host(self) -> str:
        """As it stands in a URL."""
        host = urlsplit(self.url).hostname or ""
        return f"[{host}]" if ":" in host else host


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    data: bytes


class Web:
    """One client a device. `open` it before the first request."""

    def __init__(self, config: DeviceConfig, auth: Literal["digest", "basic", "none"]) -> None:
        self._config = config
        self._auth = auth
        self._client: httpx.AsyncClient | None = None

    async def open(self) -> Self:
        """Raises CredentialsRefused or CertificateRefused for what is missing on this side."""
        config = self._config
        auth: httpx.Auth | None = None
        if self._auth != "none":
            made = httpx.DigestAuth if self._auth == "digest" else httpx.BasicAuth
            auth = made(config.username, revealed(config))
        transport = httpx.AsyncHTTPTransport(
            verify=_context(config) if config.url.startswith("https:") else False,
            socket_options=KEEP_ALIVE,
            limits=httpx.Limits(max_connections=4),  # recorders bear few
        )
        self._client = httpx.AsyncClient(
            base_url=config.url,
            auth=auth,
            timeout=config.timeout_seconds,
            transport=transport,
            trust_env=False,  # a device is asked directly, whatever proxy the environment names
        )
        return self

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def get(self, path: str) -> Answer:
        """Raises SourceError, also for refused credentials; any other status is the caller's to judge."""
        return await self.send("GET", path)

    async def send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        patience: float | None = None,
    ) -> Answer:
        """`patience`: seconds that the device may think, None: as the settings say."""
        quiet = self._config.timeout_seconds if patience is None else patience
        async with self.streaming(method, path, content, headers, quiet=quiet) as answer:
            kept = bytearray()
            async for piece in pieces(answer, self._config.url):
                kept += piece
                if len(kept) > MOST:
                    raise Unreachable(f"{self._config.url}{path} answers more than {MOST} bytes: is it the device?")
            if answer.status_code == 401:
                raise self._refused(bytes(kept))
            if answer.is_redirect:
                where = answer.headers.get("location", "elsewhere")[:200]
                raise Unreachable(f"{self._config.url} sends to {where}: set that address as url")
            return Answer(status=answer.status_code, data=bytes(kept))

    @asynccontextmanager
    async def streaming(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        quiet: float | None,
    ) -> AsyncIterator[httpx.Response]:
        """The answer while it arrives, whatever its status. `quiet`: seconds that it may be silent, None: for ever."""
        config, client = self._config, self._client
        if client is None:
            raise SourceError("the adapter was not entered")
        timeout = httpx.Timeout(config.timeout_seconds, read=quiet)
        named = {"sni_hostname": config.server_name} if config.server_name is not None else {}
        asked = {"Accept-Encoding": "identity", **(headers or {})}  # an answer that grows when unpacked is not wanted
        request = client.build_request(method, path, content=content, headers=asked, timeout=timeout, extensions=named)
        try:
            answer = await client.send(request, stream=True)
        except NotImplementedError as error:
            raise CredentialsRefused(f"{config.url} asks for a kind of digest that nobody speaks: {error}") from error
        except httpx.HTTPError as error:
            raise failure(error, config.url) from error
        try:
            yield answer
        finally:
            await answer.aclose()

    def _refused(self, body: bytes) -> CredentialsRefused:
        told = f"{self._config.url} refuses the user {self._config.username!r}: compare username and password"
        if b"<lockStatus>lock" in body:
            told += "; it has locked the account after wrong passwords, so mend them first and wait for its unlocking"
        return CredentialsRefused(told)


async def pieces(answer: httpx.Response, url: str) -> AsyncIterator[bytes]:
    """What arrives, as it arrives. Raises SourceError where the connection is lost."""
    try:
        async for piece in answer.aiter_raw():
            yield piece
    except httpx.HTTPError as error:
        raise failure(error, url) from error


def revealed(config: DeviceConfig) -> str:
    try:
        return config.password.reveal()
    except LookupError as error:
        raise CredentialsRefused(f"the password for {config.url} is not to be had: {error}") from error


def failure(error: httpx.HTTPError, url: str) -> SourceError:
    """By name: the certificate, or nobody there."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateRefused(
                f"the certificate of {url} is not accepted: {cause.verify_message}; give the authority that signed it, "
                "or itself, as ca_file, and the name that stands in it as server_name"
            )
        if isinstance(cause, ssl.SSLError):
            return CertificateRefused(f"{url} does not speak TLS as asked ({cause.reason or cause}): is it the port?")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ReadTimeout):
        return Unreachable(f"{url} accepts the connection and does not answer in time: is it the device, and well?")
    return Unreachable(f"{url} does not answer ({error or type(error).__name__}): is it on, and is the address right?")


def _context(config: DeviceConfig) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise CertificateRefused(f"ca_file {config.ca_file} for {config.url} cannot be used: {error}") from error
