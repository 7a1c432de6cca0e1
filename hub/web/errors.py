"""What a client is told of an error: a code always, its text only where it was meant for them."""

from collections.abc import Mapping, Sequence

from graphql import GraphQLError
from starlette.responses import Response

from hub.errors import CausewayError, Code
from hub.telemetry import logger
from hub.web.encoding import encode

log = logger(__name__)

MASKED = "Something went wrong inside the hub. It was logged; a retry may help."


def formatted(error: GraphQLError) -> dict[str, object]:
    """The error as the wire carries it; what no client may read is logged here, once, and masked."""
    told: dict[str, object] = {"message": error.message}
    code = Code.BAD_REQUEST
    cause = cause_of(error)
    if isinstance(cause, CausewayError) and cause.public:
        told["message"], code = cause.message, cause.code
    elif cause is not None and not _is_the_documents_fault(error):
        told["message"], code = MASKED, Code.INTERNAL
        log.error(
            "request.failed",
            path=error.path,
            error=type(cause).__name__,
            at=_where(cause),
        )
    if error.locations:
        told["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        told["path"] = error.path
    told["extensions"] = {"code": code}
    return told


def all_formatted(errors: Sequence[GraphQLError] | None) -> list[dict[str, object]]:
    return [formatted(error) for error in errors or ()]


def code_of(told: Sequence[Mapping[str, object]]) -> Code | None:
    """The first error's code; None where there is no error."""
    for error in told:
        extensions = error["extensions"]
        assert isinstance(extensions, dict)  # noqa: S101  as `formatted` makes them
        return Code(extensions["code"])
    return None


def problem(code: Code, message: str) -> dict[str, object]:
    """The body of a request that never became an operation."""
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def refusal(status: int, message: str, code: Code = Code.BAD_REQUEST, **headers: str) -> Response:
    return Response(encode(problem(code, message)), status_code=status, media_type="application/json", headers=headers)


def cause_of(error: BaseException) -> BaseException | None:
    """What was raised first; None where GraphQL itself found the mistake."""
    while isinstance(error, GraphQLError):
        if error.original_error is None:
            return None
        error = error.original_error
    return error


def _is_the_documents_fault(error: GraphQLError) -> bool:
    """A value that could not be coerced: found before any field ran, in a place of the document."""
    return error.path is None and bool(error.nodes)


def _where(cause: BaseException) -> str | None:
    """The innermost line, without the exception's text: that may hold a personal value."""
    trace = cause.__traceback__
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
