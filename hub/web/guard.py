"""No page from elsewhere drives the hub; and while it knows no tokens it listens on loopback alone.

A browser reaches loopback for any page that it shows. So without tokens the Host header must be a name of loopback
(else a foreign name that resolves to 127.0.0.1 would count as the same origin), and what a page sends must always
come from the hub's own pages.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.errors import Code, SettingsError
from hub.web.errors import refusal

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def is_loopback(host: str) -> bool:
    """Of a name or address without a port; `localhost` and what is under it are loopback by RFC 6761."""
    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_to_leave_loopback(host: str) -> None:
    """Raises SettingsError where `[web] host` is reachable from other machines."""
    if not is_loopback(host):
        raise SettingsError(
            f"[web] host = {host!r}: the park trusts no issuer of tokens, so whoever reaches it is its administrator. "
            'It listens on loopback only: set host = "127.0.0.1", or name an issuer in [[issuer]].'
        )


class Guard:
    """Refuses foreign Host headers where `loopback` (421), and foreign Origins always: of requests that act, and of
    WebSockets (403)."""

    def __init__(self, app: ASGIApp, *, loopback: bool) -> None:
        self._app = app
        self._loopback = loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        acts = scope["type"] == "websocket" or scope["method"] in _UNSAFE
        text = _why_not(headers, acts=acts, loopback=self._loopback)
        if text is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})  # before accepting: HTTP 403
        else:
            status = 421 if text is _HOST else 403
            await refusal(status, text, Code.FORBIDDEN)(scope, receive, send)


_HOST = "The Host header is not a name of this machine's loopback: use http://127.0.0.1 or http://localhost."
_ORIGIN = "This request comes from a page of another origin, which may not drive the hub."


def _why_not(headers: Headers, *, acts: bool, loopback: bool) -> str | None:
    try:
        target = urlsplit(f"//{headers.get('host', '')}")
        if loopback and not is_loopback(target.hostname or ""):
            return _HOST
        if not acts:
            return None
        origin = headers.get("origin")
        if origin is None:  # no browser, or a page's own request by an old one
            return _ORIGIN if headers.get("sec-fetch-site") in ("cross-site", "same-site") else None
        source = urlsplit(origin)
        default = {"http": 80, "https": 443}.get(source.scheme)
        same = (source.hostname, source.port or default) == (target.hostname, target.port or default)
        return None if same and default is not None else _ORIGIN
    except ValueError:  # a port or a bracket that cannot be
        return _HOST
