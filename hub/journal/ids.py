"""Entity ids: UUIDv7 (RFC 9562), so that they sort by the time they were made."""

import secrets
from datetime import datetime
from uuid import UUID

from hub.clock import to_micros


def uuid7(moment: datetime) -> str:
    """A new id: 48 bits of milliseconds, then 74 random ones."""
    millis = to_micros(moment) // 1000
    value = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(UUID(int=value))


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its canonical form: the only one in which ids are given out."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
