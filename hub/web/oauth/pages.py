"""The pages: templates with autoescape, two languages, a policy that lets no script run and nobody frame them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import jinja2
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from hub.web.operation import language_of

_FOLDER = Path(__file__).parent
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # without any a browser sends `Origin: null` with our own forms
    "cache-control": "no-store",
    "vary": "accept-language, cookie",
}


class Pages:
    """Renders templates with the words of the browser's language."""

    def __init__(self, park: str) -> None:
        self._park = park
        loader = jinja2.FileSystemLoader(_FOLDER / "templates")
        self._templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
        self._words: Mapping[str, Mapping[str, str]] = tomllib.loads(
            (_FOLDER / "words.toml").read_text(encoding="utf-8")
        )

    def word(self, request: Request, key: str) -> str:
        return self._words[self._language(request)][key]

    def show(self, request: Request, name: str, status: int = 200, *, leads_to: str = "", **values: object) -> Response:
        """`leads_to`: a redirect URI to which a form's answer may send the browser on."""
        language = self._language(request)
        text = self._templates.get_template(f"{name}.html").render(
            language=language, words=self._words[language], park=self._park, **values
        )
        headers = {**_HEADERS, "content-security-policy": _policy(leads_to), "content-language": language}
        return Response(text, status_code=status, media_type="text/html", headers=headers)

    def style(self) -> Response:
        return FileResponse(_FOLDER / "style.css", media_type="text/css", headers={"cache-control": "max-age=3600"})

    def _language(self, request: Request) -> str:
        return language_of(request.headers.get("accept-language"))


def _policy(leads_to: str) -> str:
    """Browsers hold the whole chain of redirects after a form against `form-action`."""
    target = ""
    if leads_to:
        parts = urlsplit(leads_to)
        http = parts.scheme in ("http", "https")
        target = f" {parts.scheme}://{parts.netloc}" if http else f" {parts.scheme}:"
    return f"default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'{target}"
