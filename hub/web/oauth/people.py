"""What people meet: login, consent, logout."""

from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.access.issuer import wire
from hub.access.issuer.issuer import Issuer
from hub.access.issuer.limits import TooManyAttempts
from hub.access.issuer.metadata import AUTHORIZE, DEVICE_PAGE
from hub.access.issuer.server import Asking
from hub.access.issuer.signing_in import Session, csrf_holds
from hub.web.credentials import sender_of
from hub.web.oauth.calls import Threads, answered, body
from hub.web.oauth.cookies import Cookies
from hub.web.oauth.pages import Pages

_FRESH = 30  # seconds for which a login counts as just made, whatever `max_age` says


class People:
    """The pages' endpoints."""

    def __init__(self, issuer: Issuer, threads: Threads, pages: Pages, cookies: Cookies) -> None:
        self._issuer = issuer
        self._threads = threads
        self._pages = pages
        self._cookies = cookies

    async def authorize(self, request: Request) -> Response:
        """The authorization endpoint (RFC 6749, 3.1): what the client asks for, then login, then consent."""
        if request.method == "POST":
            return await self._decide(request)
        query = request.url.query
        try:
            asking = await self._threads.run(lambda: self._issuer.server.check_authorization(self._asked(query)))
        except OAuth2Error as error:
            return self.wrong(request, error)
        if isinstance(asking, wire.Answer):
            return answered(asking)
        session = await self.session(request)
        if session is None or self._too_old(session, asking):
            return self.login_page(request, f"{AUTHORIZE}?{query}", leads_to=asking.redirect_uri)
        return self._pages.show(
            request,
            "consent",
            leads_to=asking.redirect_uri,
            client=asking.client,
            scopes=[scope.removeprefix("purpose:") for scope in asking.scopes],
            account=session.account,
            returns=asking.redirect_uri,
            csrf=session.csrf,
            asked=query,
        )

    async def login(self, request: Request) -> Response:
        try:
            fields = dict(await body(request))
        except OAuth2Error as error:
            return self.wrong(request, error)
        onward = fields.get("next", "")
        if urlsplit(onward).path not in (AUTHORIZE, DEVICE_PAGE, "/oauth/logout") or not onward.startswith("/oauth/"):
            return self.wrong(request, None)
        leads_to = await self._leads_to(onward)
        if not self._cookies.login_holds(request, fields.get("csrf", "")):
            return self.login_page(request, onward, "expired", status=403, leads_to=leads_to)
        address = sender_of(request)
        given = (fields.get("name", ""), fields.get("password", ""), fields.get("code", ""))
        try:
            session = await self._threads.run(lambda: self._issuer.signing_in.enter(*given, address), login=True)
        except OAuth2Error as error:
            return self.wrong(request, error)
        except TooManyAttempts as error:
            page = self.login_page(request, onward, "wait", status=429, leads_to=leads_to, more=str(error.wait))
            page.headers["retry-after"] = str(error.wait)
            return page
        if session is None:
            return self.login_page(request, onward, "refused", status=403, leads_to=leads_to)
        await self._threads.run(lambda: self._issuer.signing_in.leave(self._cookies.session(request)))
        response = RedirectResponse(onward, status_code=303, headers={"cache-control": "no-store"})
        self._cookies.begin(response, session.secret)
        return response

    async def logout(self, request: Request) -> Response:
        session = await self.session(request)
        title = self._pages.word(request, "logout")
        if session is None:
            text = self._pages.word(request, "not_logged_in")
            return self._pages.show(request, "told", title=title, text=text, detail="")
        if request.method == "POST":
            if not await self.form_holds(request, session):
                return self.wrong(request, None)
            await self._threads.run(lambda: self._issuer.signing_in.leave(session.secret))
            text = self._pages.word(request, "logout_done")
            page = self._pages.show(request, "told", title=title, text=text, detail="")
            self._cookies.end(page)
            return page
        return self._pages.show(request, "logout", account=session.account, csrf=session.csrf)

    async def session(self, request: Request) -> Session | None:
        cookie = self._cookies.session(request)
        return await self._threads.run(lambda: self._issuer.signing_in.session(cookie)) if cookie else None

    async def form_holds(self, request: Request, session: Session) -> bool:
        try:
            fields = dict(await body(request))
        except OAuth2Error:
            return False
        return csrf_holds(session.secret, fields.get("csrf", ""))

    def login_page(
        self, request: Request, onward: str, told: str = "", *, status: int = 200, leads_to: str = "", more: str = ""
    ) -> Response:
        cookie, csrf = self._cookies.login(request)
        text = f"{self._pages.word(request, told)} {more}".strip() if told else ""
        page = self._pages.show(request, "login", status, leads_to=leads_to, csrf=csrf, next=onward, told=text)
        self._cookies.keep_login(page, cookie)
        return page

    async def _decide(self, request: Request) -> Response:
        session = await self.session(request)
        try:
            fields = dict(await body(request))
            if session is None or not csrf_holds(session.secret, fields.get("csrf", "")):
                return self.wrong(request, None)
            asked, allowed = self._asked(fields.get("request", "")), fields.get("decision") == "allow"
            answer = await self._threads.run(lambda: self._issuer.server.decide(asked, session, allowed=allowed))
        except OAuth2Error as error:
            return self.wrong(request, error)
        answer.status = 303  # RFC 9700, 4.12: never a status that lets a browser send the form on
        return answered(answer)

    def _asked(self, query: str) -> wire.Request:
        """Raises OAuth2Error."""
        uri = self._issuer.config.at(AUTHORIZE)
        return wire.Request(method="GET", uri=uri, parameters=wire.parameters(query))

    async def _leads_to(self, onward: str) -> str:
        """Where a login for an authorization request goes in the end; empty for any other."""
        path, _, query = onward.partition("?")
        if path != AUTHORIZE:
            return ""
        try:
            asking = await self._threads.run(lambda: self._issuer.server.check_authorization(self._asked(query)))
        except OAuth2Error:
            return ""
        return asking.redirect_uri if isinstance(asking, Asking) else ""

    def _too_old(self, session: Session, asking: Asking) -> bool:
        """RFC 9470: a client may ask for a login that is not older than so many seconds."""
        if asking.max_age is None:
            return False
        return session.auth_time < self._issuer.now() - max(asking.max_age, _FRESH)

    def wrong(self, request: Request, error: OAuth2Error | None) -> Response:
        """The browser stays here: to send it to a redirect URI that nobody registered would make us its helper."""
        title, text = self._pages.word(request, "error"), self._pages.word(request, "error_text")
        detail = f"{error.error}: {error.description or ''}" if error else ""
        status = error.status_code if error else 400
        return self._pages.show(request, "told", status, title=title, text=text, detail=detail)
