"""The issuer's routes: of RFC 6749, 7009, 7662, 8414, 8628, and the pages."""

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hub.access.issuer import metadata as said
from hub.access.issuer import wire
from hub.access.issuer.issuer import Issuer
from hub.web.encoding import encode
from hub.web.oauth.calls import Threads, answered, body, refused
from hub.web.oauth.cookies import Cookies
from hub.web.oauth.device import DevicePages
from hub.web.oauth.pages import Pages
from hub.web.oauth.people import People


def routes(issuer: Issuer) -> list[BaseRoute]:
    threads, pages = Threads(), Pages(issuer.config.park)
    people = People(issuer, threads, pages, Cookies(issuer.config))
    metadata = encode(said.metadata(issuer.config))

    async def described(_: Request) -> Response:
        return Response(metadata, media_type="application/json", headers={"cache-control": "max-age=3600"})

    async def jwks(_: Request) -> Response:
        return Response(
            encode(issuer.standing.jwks()), media_type="application/json", headers={"cache-control": "max-age=300"}
        )

    async def style(_: Request) -> Response:
        return pages.style()

    def endpoint(path: str, name: str | None) -> Route:
        async def called(request: Request) -> Response:
            try:
                asked = wire.Request(
                    method="POST",
                    uri=issuer.config.at(path),
                    parameters=await body(request),
                    authorization=request.headers.get("authorization"),
                )
                if name is None:
                    return answered(await threads.run(lambda: issuer.server.token(asked)))
                return answered(await threads.run(lambda: issuer.server.endpoint(name, asked)))
            except OAuth2Error as error:
                return refused(error)

        return Route(path, called, methods=["POST"])

    return [
        Route("/.well-known/oauth-authorization-server", described),
        Route("/.well-known/openid-configuration", described),
        Route(said.JWKS, jwks),
        Route(said.AUTHORIZE, people.authorize, methods=["GET", "POST"]),
        endpoint(said.TOKEN, None),
        endpoint(said.REVOKE, "revocation"),
        endpoint(said.INTROSPECT, "introspection"),
        endpoint(said.DEVICE_START, "device_authorization"),
        Route(said.DEVICE_PAGE, DevicePages(issuer, threads, pages, people).device, methods=["GET", "POST"]),
        Route("/oauth/login", people.login, methods=["POST"]),
        Route("/oauth/logout", people.logout, methods=["GET", "POST"]),
        Route("/oauth/style.css", style),
    ]
