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

from hub.access.issuer.issuer import Issuer
from hub.errors import Code
from hub.telemetry import Metrics
from hub.web import explorer, health
from hub.web.config import WebConfig
from hub.web.errors import refusal
from hub.web.execution import Execution
from hub.web.guard import Guard, refuse_to_leave_loopback
from hub.web.health import Probes
from hub.web.http import Post
from hub.web.oauth import routes as oauth
from hub.web.operation import Asker
from hub.web.socket import Socket


def create_application(
    schema: Schema,
    contexts: Callable[[Asker], object],
    config: WebConfig,
    *,
    metrics: Metrics,
    probes: Probes,
    issuer: Issuer | None = None,
) -> Starlette:
    """Of any schema; `contexts` makes the context of one operation. Raises SettingsError where `config.host`
    is not loopback. `issuer` is the hub's own, where it has one. `state.closing` is the event whose setting ends all
    streams."""
    refuse_to_leave_loopback(config.host)
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL + 1)  # it logs the texts that errors.py masks
    closing = asyncio.Event()
    execution = Execution(schema, contexts, metrics)

    async def socket(websocket: WebSocket) -> None:
        with suppress(asyncio.CancelledError):
            await Socket(websocket, execution, config).run()

    application = Starlette(
        routes=[
            Route("/graphql", Post(execution, config, closing)),
            WebSocketRoute("/graphql", socket),
            *health.routes(probes, metrics),
            *explorer.routes(),
            *(oauth.routes(issuer) if issuer is not None else ()),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: _told},
    )
    application.state.closing = closing
    return application


async def _told(_: Request, error: Exception) -> Response:
    """A wrong path or method, as JSON like every other refusal."""
    assert isinstance(error, HTTPException)  # noqa: S101  as it is registered above
    code = Code.NOT_FOUND if error.status_code == 404 else Code.BAD_REQUEST
    return refusal(error.status_code, str(error.detail), code, **dict(error.headers or {}))
