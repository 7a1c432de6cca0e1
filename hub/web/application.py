"""The web face: one Starlette application, of the schema, the explorer, and the process's health."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from strawberry import Schema

from hub.access.audit.audit import Audit
from hub.access.audit.happenings import Happenings, Noting
from hub.access.authority import Authority, Local
from hub.access.issuer.issuer import Issuer
from hub.access.moment import Moment, Unmoved
from hub.access.rights import Everything, Rights
from hub.clock import Clock, now
from hub.errors import Code
from hub.ingest.uploads import Uploads
from hub.journal.cursors import FeedCursor
from hub.telemetry import Metrics
from hub.web import explorer, health
from hub.web.cap import CapConfig, CapRoute
from hub.web.config import WebConfig
from hub.web.errors import refusal
from hub.web.execution import Contexts, Execution
from hub.web.guard import Guard, refuse_to_leave_loopback
from hub.web.health import Probes
from hub.web.http import Asked
from hub.web.kept import Standing
from hub.web.oauth import routes as oauth
from hub.web.releasing import Release
from hub.web.session import Sessions
from hub.web.socket import Socket
from hub.web.uploads import Receiver


def create_application(
    schema: Schema,
    contexts: Contexts,
    config: WebConfig,
    *,
    metrics: Metrics,
    probes: Probes,
    authority: Authority | None = None,
    rights: Rights | None = None,
    moment: Moment | None = None,
    clock: Clock = now,
    audit: Audit | None = None,
    happenings: Happenings | None = None,
    issuer: Issuer | None = None,
    uploads: Uploads | None = None,
    head: Callable[[], FeedCursor] | None = None,
    standing: Standing | None = None,
    cap: CapConfig | None = None,
) -> Starlette:
    """Of any schema. Without an authority whoever asks is the local administrator: then it raises SettingsError where
    `config.host` is not loopback. `issuer` is the hub's own, where it has one. `uploads`: where files are
    kept that mutations take; without it none are. `head`: where the log ends now. `standing`: what the graph shows;
    with it answers are kept. `cap`: opens the CAP feed. `state.closing` is the event whose setting ends all streams;
    `state.sessions` is to be run beside the server."""
    if authority is None:
        refuse_to_leave_loopback(config.host)
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL + 1)  # it logs the texts that errors.py masks
    closing = asyncio.Event()
    if authority is not None and happenings is not None:
        authority = Noting(authority, happenings)
    who, may, as_it_is = authority or Local(), rights or Everything(), moment or Unmoved()
    execution = Execution(
        schema,
        contexts,
        metrics,
        may,
        Release(audit, happenings),
        as_it_is,
        introspection=config.introspection,
        head=head,
        standing=standing,
        limits=config.limits,
    )
    sessions = Sessions(who, may, clock)

    async def socket(websocket: WebSocket) -> None:
        with suppress(asyncio.CancelledError):
            await Socket(websocket, execution, config, who, sessions, config.documents).run()

    application = Starlette(
        routes=[
            Route("/graphql", Asked(execution, config, closing, who, sessions, config.documents)),
            WebSocketRoute("/graphql", socket),
            *([Route("/uploads", Receiver(uploads, config, who, may, as_it_is))] if uploads is not None else []),
            *_cap_routes(CapRoute(cap, config, execution, who, clock) if cap is not None else None),
            *health.routes(probes, metrics, authority, config),
            *explorer.routes(issuer.config.url if issuer is not None else None),
            *(oauth.routes(issuer) if issuer is not None else ()),
        ],
        middleware=[Middleware(Guard, loopback=authority is None)],
        exception_handlers={HTTPException: _told},
    )
    application.state.closing = closing
    application.state.sessions = sessions
    return application


def _cap_routes(cap: CapRoute | None) -> list[Route]:
    if cap is None:
        return []
    return [Route("/cap/feed.atom", cap), Route("/cap/{identifier}.xml", cap)]


async def _told(_: Request, error: Exception) -> Response:
    """A wrong path or method, as JSON like every other refusal."""
    assert isinstance(error, HTTPException)  # noqa: S101  as it is registered above
    code = Code.NOT_FOUND if error.status_code == 404 else Code.BAD_REQUEST
    return refusal(error.status_code, str(error.detail), code, **dict(error.headers or {}))
