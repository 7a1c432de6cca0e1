"""The scalars beside GraphQL's own."""

from datetime import UTC, datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from adapters.contract import Value
from hub.errors import BadRequest
from hub.graph.rows import iso

FeedCursor = NewType("FeedCursor", str)
FactValue = NewType("FactValue", object)


def moment(given: object) -> str:
    """A time as it is written: UTC, with microseconds; text from the graph is so already."""
    if isinstance(given, datetime):
        return iso(given)
    if isinstance(given, str):
        return given
    raise TypeError(f"{type(given).__name__} is no time")


def _parsed(given: object) -> datetime:
    try:
        parsed = datetime.fromisoformat(str(given))
    except ValueError:
        raise BadRequest(f"{given!r} is no time: write it like 2026-01-31T08:00:00Z") from None
    if parsed.tzinfo is None:
        raise BadRequest(f"{given!r} has no offset: write it like 2026-01-31T08:00:00Z")
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        raise BadRequest(f"{given!r} lies outside the years 1 to 9999") from None


def _plain(given: object) -> Value:
    if given is None or isinstance(given, str | int | float | bool):
        return given
    if isinstance(given, tuple | list):
        return tuple(str(each) for each in given)
    raise TypeError(f"{type(given).__name__} is no fact's value")


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment by ISO 8601, with its offset; answers are in UTC, with microseconds.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=moment,
        parse_value=_parsed,
    ),
    FeedCursor: strawberry.scalar(
        name="FeedCursor",
        description="A position in the log. Opaque: take it from `readAt` or from an event, hand it to `after`.",
        specified_by_url="https://relay.dev/graphql/connections.htm#sec-Cursor",
        serialize=str,
        parse_value=lambda given: FeedCursor(str(given)),
    ),
    FactValue: strawberry.scalar(
        name="FactValue",
        description="A claimed value: a text, a number, a boolean, or a list of texts.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-3",
        serialize=_plain,
        parse_value=lambda given: FactValue(given),
    ),
}
