"""A record that intake refuses, as a dead letter: its own JSON stands in for the bytes that it came from."""

import json
from collections.abc import Mapping
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from adapters.contract import Claim, DeadLetter, Raw, Reading, Record, Signal, Unreadable

_PREFIX = "record:"
SIGNAL = f"{_PREFIX}signal"
_READERS: Mapping[str, TypeAdapter[Claim] | TypeAdapter[Reading] | TypeAdapter[Signal]] = {
    "claim": TypeAdapter(Claim),
    "reading": TypeAdapter(Reading),
    "signal": TypeAdapter(Signal),
}


def letter(record: Record, reason: str, received_at: datetime) -> DeadLetter:
    """`where` names the thing that the record is about; the key says what the data is."""
    if isinstance(record, Reading):
        name, where = "reading", f"{record.sensor} {record.quantity} {record.unit}"
    elif isinstance(record, Claim):
        name, where = "claim", record.external_id
    else:
        name, where = "signal", record.subject
    data = _json(record)
    return DeadLetter(raw=Raw(key=f"{_PREFIX}{name}", received_at=received_at, data=data), reason=reason, where=where)


def _plain(value: object) -> object:
    """What JSON has no form for: a read-only mapping is one all the same."""
    return dict(value) if isinstance(value, Mapping) else repr(value)


def _json(record: Record) -> bytes:
    try:
        return to_json(record, inf_nan_mode="constants", fallback=_plain)
    except PydanticSerializationError:  # half a character, which UTF-8 does not have and an escape does
        return json.dumps(to_jsonable_python(record, inf_nan_mode="constants", fallback=_plain)).encode()


def is_record(raw: Raw) -> bool:
    """Whether `raw` is a refused record, rather than what the source sent."""
    return raw.key.startswith(_PREFIX)


def record_of(raw: Raw) -> Record:
    """The record that was refused; raises Unreadable."""
    reader = _READERS.get(raw.key.removeprefix(_PREFIX))
    if reader is None:
        raise Unreadable(f"{raw.key!r} is no kind of record")
    try:
        record: Record = reader.validate_json(raw.data)
    except ValidationError as error:
        raise Unreadable(f"the record's JSON cannot be read: {error.errors()[0]['msg']}") from error
    return record
