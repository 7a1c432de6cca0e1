"""`/healthz`, `/readyz` and `/metrics`: does the process live, can it do its work, and how it fares in figures."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.access.authority import Authority
from hub.errors import BadRequest, CausewayError, Forbidden, Unauthenticated
from hub.telemetry import Metrics, logger
from hub.web import credentials
from hub.web.config import WebConfig
from hub.web.encoding import encode
from hub.web.guard import is_loopback

log = logger(__name__)

_PROBE_SECONDS = 2.0


class PartState(StrEnum):
    OK = "OK"
    DEGRADED = "DEGRADED"  # it works less well, and the hub goes on
    DOWN = "DOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How one part of the hub fares; `text` says what to do where it is not OK, `figures` are JSON."""

    state: PartState
    text: str = ""
    figures: Mapping[str, object] = field(default_factory=dict)


Probe = Callable[[], Awaitable[Part]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """`needed`: the hub is not ready while one of these is DOWN. `others` only lower its state to DEGRADED:
    ingest, warning and alerts go on without a graph, say."""

    needed: Mapping[str, Probe] = field(default_factory=dict)
    others: Mapping[str, Probe] = field(default_factory=dict)

    async def report(self) -> tuple[bool, dict[str, object]]:
        """Whether the hub is ready, and `/readyz`'s JSON."""
        names = [*self.needed, *self.others]
        parts = dict(
            zip(names, await asyncio.gather(*map(_asked, (*self.needed.values(), *self.others.values()))), strict=True)
        )
        ready = all(parts[name].state is not PartState.DOWN for name in self.needed)
        whole = all(part.state is PartState.OK for part in parts.values())
        return ready, {
            "state": PartState.DOWN if not ready else PartState.OK if whole else PartState.DEGRADED,
            "parts": {
                name: {"state": part.state, **({"text": part.text} if part.text else {}), **part.figures}
                for name, part in parts.items()
            },
        }


async def _asked(probe: Probe) -> Part:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return await probe()
    except TimeoutError:
        return Part(state=PartState.DOWN, text=f"does not answer within {_PROBE_SECONDS:g} s")
    except CausewayError as error:
        return Part(state=PartState.DOWN, text=error.message)


def routes(probes: Probes, metrics: Metrics, authority: Authority | None, config: WebConfig) -> list[Route]:
    """Where the hub takes tokens, another machine needs one for what names parts and sources; whether the hub is ready
    is told to all."""

    async def refused(request: Request) -> Response | None:
        near = request.client is not None and is_loopback(request.client.host)
        if authority is None or near:
            return None
        try:
            await authority.viewer(credentials.of_request(request, config))
        except (Unauthenticated, Forbidden, BadRequest) as error:
            return credentials.refused(error, request)
        return None

    async def lives(_: Request) -> Response:
        return Response(encode({"state": PartState.OK}), media_type="application/json", headers=_UNKEPT)

    async def ready(request: Request) -> Response:
        is_ready, report = await probes.report()
        if await refused(request) is not None:
            report = {"state": report["state"]}
        return Response(
            encode(report), status_code=200 if is_ready else 503, media_type="application/json", headers=_UNKEPT
        )

    async def figures(request: Request) -> Response:
        if (refusal := await refused(request)) is not None:
            return refusal
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8", headers=_UNKEPT)

    return [Route("/healthz", lives), Route("/readyz", ready), Route("/metrics", figures)]


_UNKEPT = {"cache-control": "no-store"}
