"""A request to the issuer and its answer, as plain values: whatever web framework carries them."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

FIELDS = 100
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`parameters` are of the query at the authorization endpoint and of the body everywhere else, in their order;
    `uri` is the endpoint's own, as the issuer is configured."""

    method: str
    uri: str
    parameters: Pairs
    authorization: str | None = None


@dataclass(slots=True, kw_only=True)
class Answer:
    """`body` is JSON's, or empty for a redirect to `location`."""

    status: int
    body: Mapping[str, object] | str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str | None:
        return self.headers.get("Location")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["Location"] = value


class Payload(BasicOAuth2Payload):
    """Parameters with their repetitions."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(dict(pairs))
        self._datalist: dict[str, list[str]] = {}
        for name, value in pairs:
            self._datalist.setdefault(name, []).append(value)


class Asked(OAuth2Request):
    """Authlib's own view of a request."""

    def __init__(self, request: Request) -> None:
        headers = {"Authorization": request.authorization} if request.authorization else {}
        super().__init__(request.method, request.uri, headers=headers)
        self.payload = Payload(request.parameters)

    @property
    def form(self) -> Mapping[str, str]:
        return self.payload.data  # type: ignore[no-any-return]


def parameters(text: str | bytes) -> Pairs:
    """Of a query or a body in the form's encoding. What has no value counts as omitted (RFC 6749, 3.1 and 3.2).
    Raises InvalidRequestError."""
    try:
        given = text.decode("ascii") if isinstance(text, bytes) else text
        return parse_qsl(given, keep_blank_values=False, max_num_fields=FIELDS, errors="strict")
    except ValueError:
        raise InvalidRequestError("The parameters are not in the form's encoding.") from None


_PRINTED = frozenset(chr(code) for code in range(0x20, 0x7F)) - {'"', "\\"}


def check(request: Request, *, once: bool) -> None:
    """What Authlib leaves to the framework. `once`: no parameter may be repeated. Raises InvalidRequestError,
    InvalidClientError."""
    names = [name for name, _ in request.parameters]
    if once and len(set(names)) != len(names):
        raise InvalidRequestError("A parameter is repeated.")
    given = dict(request.parameters)
    for name in ("client_id", "redirect_uri", "response_type", "grant_type", "scope"):  # RFC 6749, appendix A
        if not set(given.get(name, "")) <= _PRINTED:
            raise InvalidRequestError(f"The parameter '{name}' holds characters that it must not.")
    if request.authorization is None:
        return
    if "client_secret" in given:
        raise InvalidRequestError("The client authenticates in two ways at once.")  # RFC 6749, 2.3
    scheme, _, value = request.authorization.partition(" ")
    try:
        user, colon, _ = base64.b64decode(value.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user, colon = "", ""
    if scheme.lower() != "basic" or not colon or not user:
        raise InvalidClientError(status_code=401, description="The Authorization header is not HTTP Basic.")
    if given.get("client_id", user) != user:
        raise InvalidRequestError("The client names itself in two ways.")
