"""The two cookies: the session's, and that of a login form which has no session yet."""

from starlette.requests import Request
from starlette.responses import Response

from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.signing_in import csrf_holds, csrf_of
from hub.access.issuer.store import secret_text


class Cookies:
    """HttpOnly, SameSite=Lax (a client's link must find the session); over TLS Secure and bound to this host."""

    def __init__(self, config: IssuerConfig) -> None:
        prefix = "__Host-" if config.secure else ""
        self._secure = config.secure
        self._session, self._login = f"{prefix}causeway_session", f"{prefix}causeway_login"
        self._life = int(config.session_life.total_seconds())

    def session(self, request: Request) -> str | None:
        return request.cookies.get(self._session)

    def begin(self, response: Response, secret: str) -> None:
        self._set(response, self._session, secret, self._life)
        self._drop(response, self._login)

    def end(self, response: Response) -> None:
        self._drop(response, self._session)

    def login(self, request: Request) -> tuple[str, str]:
        """Of a login form: its cookie, made where there is none, and what the form must carry beside it."""
        cookie = request.cookies.get(self._login) or secret_text()
        return cookie, csrf_of(cookie)

    def keep_login(self, response: Response, cookie: str) -> None:
        self._set(response, self._login, cookie, 3600)

    def login_holds(self, request: Request, csrf: str) -> bool:
        return csrf_holds(request.cookies.get(self._login), csrf)

    def _set(self, response: Response, name: str, value: str, life: int) -> None:
        response.set_cookie(name, value, max_age=life, path="/", httponly=True, secure=self._secure, samesite="lax")

    def _drop(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", httponly=True, secure=self._secure, samesite="lax")
