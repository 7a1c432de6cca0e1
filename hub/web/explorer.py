"""The explorer at `/`: GraphiQL out of an installed package, so that it needs no internet."""

from importlib.resources import as_file, files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from hub.errors import Code
from hub.web.encoding import encode
from hub.web.errors import refusal

_OWN = Path(__file__).parent / "static"
_EXAMPLES = Path(__file__).parent / "examples"
_PACKAGE = "graphene_django_graphiql_static"
_FROM_PACKAGE = (
    "react.production.min.js",
    "react-dom.production.min.js",
    "graphiql.min.js",
    "graphiql.min.css",
    "graphql-ws.min.js",
)
_FROM_HERE = ("explorer.js", "login.js", "explorer.css")

HEADERS = {
    # GraphiQL's editor writes style elements as it goes; scripts are files of this server and nothing else.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def examples() -> list[str]:
    """The operations that the explorer opens with, in the order of their files' names."""
    return [file.read_text(encoding="utf-8") for file in sorted(_EXAMPLES.glob("*.graphql"))]


def routes(issuer: str | None = None) -> list[Route]:
    """`issuer`: the hub's own, at which the explorer then logs people in as its client `explorer`."""
    with as_file(files(_PACKAGE)) as package:
        served = {name: package / "static" / _PACKAGE / name for name in _FROM_PACKAGE}
    served |= {name: _OWN / name for name in _FROM_HERE}

    async def page(_: Request) -> Response:
        return FileResponse(_OWN / "explorer.html", media_type="text/html; charset=utf-8", headers=HEADERS)

    async def part(request: Request) -> Response:
        path = served.get(request.path_params["name"])
        if path is None:
            return refusal(404, "The explorer has no such file.", Code.NOT_FOUND)
        return FileResponse(path, headers=HEADERS)

    async def list_examples(_: Request) -> Response:
        return Response(encode(examples()), media_type="application/json", headers=HEADERS)

    async def tell_issuer(_: Request) -> Response:
        return Response(encode({"issuer": issuer}), media_type="application/json", headers=HEADERS)

    return [
        Route("/", page),
        Route("/explorer/issuer.json", tell_issuer),
        Route("/explorer/examples.json", list_examples),
        Route("/explorer/{name}", part),
    ]
