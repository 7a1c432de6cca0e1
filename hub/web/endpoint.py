"""A route that answers one request, and tells what is wrong with it as everywhere: in its first error's message."""

from abc import ABC, abstractmethod

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.errors import BadRequest, Forbidden, Unauthenticated
from hub.web import credentials
from hub.web.errors import refusal


class Endpoint(ABC):
    """The ASGI application of a route."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response: ASGIApp = await self.respond(request)
        except (Unauthenticated, Forbidden) as error:
            response = credentials.refused(error, request)
        except BadRequest as error:
            response = refusal(400, error.message)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    @abstractmethod
    async def respond(self, request: Request) -> Response | ASGIApp:
        """Raises Unauthenticated, Forbidden, BadRequest."""
