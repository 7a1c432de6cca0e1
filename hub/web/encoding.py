"""JSON on the wire: orjson, for the standard library's encoder is the slowest part of an answer."""

import orjson


def encode(value: object) -> bytes:
    """Raises TypeError for what no JSON can say: a scalar that did not serialize itself."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)


def decode(data: bytes | str) -> object:
    """Raises ValueError."""
    return orjson.loads(data)
