"""A client's position in the log, opaque to it: the epoch and a sequence number."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from typing import Self

from hub.errors import CursorGone

_GONE = "This cursor is not one of the park's present log. Read the list anew and subscribe from its readAt."


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCursor:
    """What stands at `seq` in the epoch; `after` it comes what is younger."""

    epoch: str
    seq: int

    def encode(self) -> str:
        return urlsafe_b64encode(f"{self.epoch}:{self.seq}".encode()).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """Raises CursorGone for what is no cursor of ours."""
        try:
            plain = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode("ascii")
        except (UnicodeError, Error):
            raise CursorGone(_GONE) from None
        found = re.fullmatch(r"([0-9a-zA-Z-]+):([0-9]{1,18})", plain)
        if found is None:
            raise CursorGone(_GONE)
        return cls(epoch=found[1], seq=int(found[2]))

    @classmethod
    def read(cls, text: object) -> Self | None:
        """None for what is no cursor of ours."""
        try:
            return cls.decode(text) if isinstance(text, str) else None
        except CursorGone:
            return None

    def position(self, *, epoch: str, head: int) -> int:
        """`seq`; raises CursorGone where the journal is in another epoch or has not come so far."""
        if self.epoch != epoch or self.seq > head:
            raise CursorGone(_GONE)
        return self.seq
