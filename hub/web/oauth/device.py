"""The page on which a person lets a device in (RFC 8628, 3.3)."""

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import Response

from hub.access.issuer.issuer import Issuer
from hub.access.issuer.limits import TooManyAttempts
from hub.access.issuer.metadata import DEVICE_PAGE
from hub.access.issuer.signing_in import Session, csrf_holds
from hub.web.oauth.calls import Threads, body
from hub.web.oauth.pages import Pages
from hub.web.oauth.people import People


class DevicePages:
    """Login, then the code, then yes or no."""

    def __init__(self, issuer: Issuer, threads: Threads, pages: Pages, people: People) -> None:
        self._issuer = issuer
        self._threads = threads
        self._pages = pages
        self._people = people

    async def device(self, request: Request) -> Response:
        session = await self._people.session(request)
        if session is None:
            query = request.url.query if request.method == "GET" else ""
            return self._people.login_page(request, f"{DEVICE_PAGE}?{query}" if query else DEVICE_PAGE)
        if request.method == "GET":
            return self._ask(request, session, code=request.query_params.get("user_code", "")[:32])
        try:
            fields = dict(await body(request))
        except OAuth2Error as error:
            return self._people.wrong(request, error)
        if not csrf_holds(session.secret, fields.get("csrf", "")):
            return self._people.wrong(request, None)
        return await self._answer(request, session, fields.get("user_code", "")[:32], fields.get("decision"))

    async def _answer(self, request: Request, session: Session, code: str, decision: str | None) -> Response:
        devices = self._issuer.server.devices
        try:
            device = await self._threads.run(lambda: devices.waiting(code, session))
        except TooManyAttempts as error:
            page = self._ask(request, session, told="wait", more=str(error.wait), status=429)
            page.headers["retry-after"] = str(error.wait)
            return page
        if device is None:
            return self._ask(request, session, told="device_unknown", status=404)
        if decision is None:
            client = await self._threads.run(lambda: self._issuer.clients.find(device.client))
            scopes = [scope.removeprefix("purpose:") for scope in device.scope.split()]
            return self._pages.show(
                request,
                "device_consent",
                client=client,
                scopes=scopes,
                account=session.account,
                csrf=session.csrf,
                code=code.upper(),
            )
        allowed = decision == "allow"
        if not await self._threads.run(lambda: devices.decide(device, session, allowed=allowed)):
            return self._ask(request, session, told="device_unknown", status=404)
        text = self._pages.word(request, "device_allowed" if allowed else "device_denied")
        return self._pages.show(request, "told", title=self._pages.word(request, "device"), text=text, detail="")

    def _ask(
        self, request: Request, session: Session, *, code: str = "", told: str = "", more: str = "", status: int = 200
    ) -> Response:
        text = f"{self._pages.word(request, told)} {more}".strip() if told else ""
        return self._pages.show(request, "device", status, csrf=session.csrf, code=code, told=text)
