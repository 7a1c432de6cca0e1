"""An answer as it goes over the wire, and what it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from graphql import GraphQLError

from hub.access.audit.record import Ledger
from hub.errors import AuditUnavailable, Code, RateLimited
from hub.web.encoding import decode, encode
from hub.web.errors import all_formatted, cause_of, code_of


@dataclass(slots=True)
class Price:
    """What an operation costs (`hub.web.cost`) and what its client then has left in the window, as far as known."""

    requested: int | None = None
    left: int | None = None

    def of_each(self) -> "Price":
        """Of each event of a subscription, which is paid for once: the same for all who are told the same."""
        return Price(requested=self.requested)

    def told(self) -> Mapping[str, int]:
        given = {"requested": self.requested, "left": self.left}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` is encoded JSON. `refused`: no field ran, so the body holds errors alone. `cursor` is the event's."""

    body: bytes
    refused: bool = False
    code: Code | None = None  # of its first error
    cursor: str | None = None
    retry_seconds: int | None = None  # after which it is worth asking again
    extended: bool = False  # the body has `extensions`
    tag: bytes = b""  # the body before its price was written in: equal for equal answers

    def priced(self, price: Price) -> "Answer":
        """With its price in `extensions.cost`, written in without encoding the rest again."""
        told = price.told()
        if not told:
            return self
        if self.extended:
            body = decode(self.body)
            assert isinstance(body, dict)  # noqa: S101  as `answer_of` made it
            body["extensions"]["cost"] = told
            return replace(self, body=encode(body), tag=self.body)
        written = self.body[:-1] + b',"extensions":{"cost":' + encode(told) + b"}}"
        return replace(self, body=written, tag=self.body)


_WITHHELD = {"audit": "UNAVAILABLE"}


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
    price: Price | None = None,
    extensions: Mapping[str, object] | None = None,
) -> Answer:
    """Where the ledger withholds, the answer says so, and of which fields. `extensions`: what the schema adds."""
    body: dict[str, object] = {} if refused else {"data": data}
    if extensions:
        body["extensions"] = dict(extensions)
    if ledger is not None and ledger.withholding and not refused:
        errors = [*(errors or ()), *withheld(ledger)]
        body["extensions"] = {**(extensions or {}), **_WITHHELD}
    told = all_formatted(errors)
    if told:
        body = {"errors": told, **body}
    try:
        encoded = encode(body)
    except TypeError as error:
        told = all_formatted([wrapped(error)])
        body = {"errors": told, "data": None}
        encoded = encode(body)
    again = next((cause.seconds for error in errors or () if isinstance(cause := cause_of(error), RateLimited)), None)
    answer = Answer(
        body=encoded,
        refused=refused,
        code=code_of(told),
        cursor=cursor,
        retry_seconds=again,
        extended="extensions" in body,
    )
    return answer if price is None else answer.priced(price)


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
