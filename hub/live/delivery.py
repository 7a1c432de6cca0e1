"""A message to a webhook, signed as Standard Webhooks says, and what became of it.

https://www.standardwebhooks.com, specification 1.0: the headers webhook-id, webhook-timestamp and webhook-signature;
the last is an HMAC-SHA256 of `id.timestamp.body` under the secret, marked `v1`.
"""

import asyncio
import hashlib
import hmac
import time
from base64 import b64decode, b64encode
from binascii import Error
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx

from hub.live.addresses import NotAllowed, resolve

PREFIX = "whsec_"
LONGEST_ANSWER = 16_384
"""Bytes of an answer that are read; the rest is not waited for."""
_GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`keys`: one, or while a secret is being replaced the new and the old. `internal`: it may be in a private
    network, and without TLS."""

    url: str
    keys: tuple[bytes, ...]
    internal: bool = False
    seconds: float = 10.0  # for connection, request and answer together


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`status` is the answer's, where there was one; `wait_seconds` what the receiver asks for. `gone`: it wants
    nothing of this any more."""

    delivered: bool
    status: int | None
    reason: str
    milliseconds: int
    wait_seconds: float | None = None
    gone: bool = False


def key(secret: str) -> bytes:
    """The key in `whsec_…`. Raises ValueError that says what is wrong, without the secret."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"it does not begin with {PREFIX}")
    try:
        found = b64decode(secret.removeprefix(PREFIX), validate=True)
    except Error:
        raise ValueError(f"what follows {PREFIX} is not Base64") from None
    if not 24 <= len(found) <= 64:
        raise ValueError("it holds a key of 24 to 64 bytes, by the specification")
    return found


def signature(keys: tuple[bytes, ...], message: str, timestamp: int, body: bytes) -> str:
    """The header's value: one signature a key, with blanks between."""
    signed = f"{message}.{timestamp}.".encode() + body
    made = (hmac.new(each, signed, hashlib.sha256).digest() for each in keys)
    return " ".join(f"v1,{b64encode(each).decode()}" for each in made)


class Sender:
    """One client for all webhooks. It follows no redirect, asks no proxy and keeps no cookie."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": "Causeway", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_connections=64),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, target: Target, message: str, body: bytes, at: datetime) -> Outcome:
        """`message` is its id, the same at each attempt; `at` is now. Whatever goes wrong is told by the outcome."""
        begun = time.perf_counter()

        def outcome(reason: str, status: int | None = None, wait: float | None = None) -> Outcome:
            return Outcome(
                delivered=status is not None and 200 <= status < 300,
                status=status,
                reason=reason,
                milliseconds=round((time.perf_counter() - begun) * 1000),
                wait_seconds=wait,
                gone=status == _GONE,
            )

        try:
            async with asyncio.timeout(target.seconds):
                status, wait = await self._post(target, message, body, int(at.timestamp()))
        except TimeoutError:
            return outcome(f"no whole answer within {target.seconds:g} s")
        except NotAllowed as error:
            return outcome(str(error))
        except OSError as error:
            return outcome(f"its name is not to be resolved: {error.strerror or error}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return outcome(f"{type(error).__name__}: {error}".rstrip(": "))
        return outcome(_said(status), status, wait)

    async def _post(self, target: Target, message: str, body: bytes, timestamp: int) -> tuple[int, float | None]:
        address = await resolve(target.url, internal=target.internal)
        url = httpx.URL(target.url)
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(target.keys, message, timestamp, body),
        }
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers=headers,
            timeout=target.seconds,
            extensions={"sni_hostname": url.host},  # the certificate is the name's, whatever address it stands for
        )
        answer = await self._client.send(request, stream=True)
        try:
            self._client.cookies.clear()
            read = 0
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > LONGEST_ANSWER:
                    break
        finally:
            await answer.aclose()
        return answer.status_code, _wait(answer.headers.get("Retry-After"))


def _said(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"it answers {status}, and redirects are not followed: give the address that it leads to"
    if status == _GONE:
        return "it answers 410: it wants nothing of this any more"
    return f"it answers {status}"


def _wait(given: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is not taken."""
    return float(given) if given is not None and given.isascii() and given.isdigit() and len(given) < 9 else None
