"""Page cursors: opaque text that says where a page ended, and in which order."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

import orjson

from hub.errors import BadRequest
from hub.graph.selection import Key, Order, Row

_WRONG = "this cursor is not of this list in this order: begin without `after`"


def encode(row: Row, order: Order) -> str:
    return urlsafe_b64encode(orjson.dumps([order.value, row.get("@key", row["id"]), row["id"]])).rstrip(b"=").decode()


def decode(text: str, order: Order) -> Key:
    """Raises BadRequest for what is no cursor of this order."""
    try:
        given = orjson.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (UnicodeError, Error, orjson.JSONDecodeError):
        raise BadRequest(_WRONG) from None
    match given:
        case [order.value, str() | int() | float() as value, str() as id_] if isinstance(value, _kind(order)):
            return Key(value, id_)
    raise BadRequest(_WRONG)


def _kind(order: Order) -> type:
    return int if order.field in ("level", "score") else str
