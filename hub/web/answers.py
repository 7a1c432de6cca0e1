"""An answer as it goes over the wire, and what it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphql import GraphQLError

from hub.access.audit.record import Ledger
from hub.errors import AuditUnavailable, Code
from hub.web.encoding import encode
from hub.web.errors import all_formatted, code_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` is encoded JSON. `refused`: no field ran, so the body holds errors alone. `cursor` is the event's."""

    body: bytes
    refused: bool = False
    code: Code | None = None  # of its first error
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """An answer that has not left yet, with what was noted while it was loaded."""

    answer: Answer
    ledger: Ledger


def answer_of(
    data: Mapping[str, object] | None,
    errors: Sequence[GraphQLError] | None,
    *,
    refused: bool = False,
    cursor: str | None = None,
    ledger: Ledger | None = None,
) -> Answer:
    """Where the ledger withholds, the answer says so, and of which fields."""
    body: dict[str, object] = {} if refused else {"data": data}
    if ledger is not None and ledger.withholding and not refused:
        errors = [*(errors or ()), *withheld(ledger)]
        body["extensions"] = {"audit": "UNAVAILABLE"}
    told = all_formatted(errors)
    if told:
        body = {"errors": told, **body}
    try:
        encoded = encode(body)
    except TypeError as error:
        told = all_formatted([wrapped(error)])
        encoded = encode({"errors": told, "data": None})
    return Answer(body=encoded, refused=refused, code=code_of(told), cursor=cursor)


def wrapped(error: Exception) -> GraphQLError:
    return error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)


def withheld(ledger: Ledger) -> Sequence[GraphQLError]:
    """What a client is told of the personal fields that it did not get."""
    if not ledger.withheld:
        return ()
    text = (
        f"{', '.join(sorted(ledger.withheld))}: not shown, for nothing can be recorded at the moment, and without a "
        "record nothing personal is shown. Everything else is here; ask again later for these."
    )
    return (GraphQLError(text, original_error=AuditUnavailable(text)),)
