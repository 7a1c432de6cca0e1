"""What a request, or a WebSocket's message, says of who asks; and how a refusal is told over HTTP (RFC 6750)."""

from collections.abc import Mapping

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from hub.access.authority import HEADERS, Credentials
from hub.access.issuers import ALGORITHMS
from hub.errors import BadRequest, CausewayError, Code, Forbidden, IssuerUnavailable, Unauthenticated
from hub.web.config import WebConfig
from hub.web.errors import refusal

_RETRY_SECONDS = "5"


def of_request(request: Request, config: WebConfig) -> Credentials:
    """Raises BadRequest."""
    refuse_in_address(request)
    given: dict[str, str | None] = {}
    for name, header in {"authorization": "authorization", **HEADERS}.items():
        values = request.headers.getlist(header)
        if len(values) > 1:
            raise BadRequest(f"The header {header.title()} stands twice.")
        given[name] = values[0] if values else None
    return Credentials(
        authorization=given["authorization"],
        purpose=given["purpose"] or None,
        proof=given["proof"],
        method=request.method,
        url=address_of(request, config),
        address=sender_of(request),
    )


def of_payload(payload: Mapping[str, object], connection: HTTPConnection, config: WebConfig) -> Credentials:
    """Of `connection_init`, or of a `ping` that renews. Raises BadRequest."""
    given: dict[str, str | None] = {}
    for name, key in {"authorization": "authorization", "purpose": "purpose", "proof": "dpop"}.items():
        value = payload.get(key)
        if value is not None and not isinstance(value, str):
            raise BadRequest(f"`{key}` is not a text")
        given[name] = value
    return Credentials(
        authorization=given["authorization"],
        purpose=given["purpose"] or None,
        proof=given["proof"],
        method="GET",
        url=address_of(connection, config),
        address=sender_of(connection),
    )


def refuse_in_address(connection: HTTPConnection) -> None:
    """Raises BadRequest for a token in the address, where logs and histories keep it."""
    if "access_token" in connection.query_params:
        raise BadRequest("A token is never part of the address: send it in the header Authorization.")


def address_of(connection: HTTPConnection, config: WebConfig) -> str:
    """As the client wrote it, which a proxy in between may have changed."""
    return config.url.rstrip("/") + connection.url.path if config.url else str(connection.url)


def sender_of(connection: HTTPConnection) -> str:
    """Its network address; "" where the transport has none."""
    return connection.client.host if connection.client else ""


def refused(error: CausewayError, request: Request) -> Response:
    """401, 403 or 503, with the challenge that tells a client what to send."""
    if isinstance(error, IssuerUnavailable):
        return refusal(503, error.message, error.code, **{"retry-after": _RETRY_SECONDS})
    if isinstance(error, Forbidden):
        return refusal(403, error.message, error.code, **_challenge("insufficient_scope"))
    if isinstance(error, Unauthenticated):
        given = request.headers.get("authorization")
        problem = "invalid_token" if given else None
        return refusal(401, error.message, error.code, **_challenge(problem, (given or "")[:5].lower() == "dpop "))
    return refusal(400, error.message, Code.BAD_REQUEST, **_challenge("invalid_request"))


def _challenge(problem: str | None, with_proof: bool = False) -> dict[str, str]:
    scheme = f'DPoP algs="{" ".join(ALGORITHMS)}", ' if with_proof else "Bearer "
    return {"www-authenticate": f'{scheme}realm="causeway"' + (f', error="{problem}"' if problem else "")}
