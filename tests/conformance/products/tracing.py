"""Federated tracing (ftv1) of whoever asks for it by its header; the hub itself traces for nobody."""

from contextvars import ContextVar

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.extensions.tracing.apollo_federation import ApolloFederationTracingExtension

_HEADER = "apollo-federation-include-trace"
_WANTED: ContextVar[bool] = ContextVar("ftv1", default=False)


class Traced(ApolloFederationTracingExtension):
    def _check_should_trace(self) -> bool:
        return _WANTED.get()


class Noticing:
    """Notices the header, which the transport hands to no schema."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _WANTED.set(Headers(scope=scope).get(_HEADER) == "ftv1")
        await self._app(scope, receive, send)
