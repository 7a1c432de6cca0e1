"""The brigade's subgraph over HTTP and WebSocket, for the gateway."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from brigade.graph import Asked, Changes, schema
from brigade.store import Store
from brigade.tokens import Authority, Unauthenticated, Viewer


class Served(GraphQL[Asked, None]):
    """The token comes in the header Authorization, or in `connection_init`'s payload."""

    def __init__(self, store: Store, authority: Authority) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
        self._store = store
        self._authority = authority
        self._changes: Changes = set()

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Asked:
        return await self._asked(request.headers.get("authorization"))

    async def on_ws_connect(self, context: Asked) -> None:
        given = getattr(context, "connection_params", None) or {}
        asked = await self._asked(given.get("authorization"))
        context.__dict__.update(asked.__dict__)

    async def _asked(self, authorization: str | None) -> Asked:
        viewer: Viewer | None = None
        refusal = ""
        try:
            viewer = await self._authority.viewer(authorization)
        except Unauthenticated as error:
            refusal = str(error)
        return Asked(self._store, viewer, refusal, self._changes)


def application(store: Store, authority: Authority) -> Starlette:
    served = Served(store, authority)
    return Starlette(routes=[Route("/graphql", served), WebSocketRoute("/graphql", served)])
