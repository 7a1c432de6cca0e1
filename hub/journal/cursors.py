"""The client's cursor into the log: opaque text that holds the journal's epoch and a sequence number."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Self

from hub.errors import CursorGone


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCursor:
    """A position in one epoch of the log: everything up to and with `seq` is behind it."""

    epoch: str
    seq: int

    def encode(self) -> str:
        return urlsafe_b64encode(f"{self.epoch}:{self.seq}".encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """Raises CursorGone for text that no journal gave out."""
        try:
            plain = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode()
            epoch, _, number = plain.rpartition(":")
            if not epoch or not number.isascii() or not number.isdigit() or len(number) > 19:
                raise ValueError
            return cls(epoch=epoch, seq=int(number))
        except (ValueError, binascii.Error) as error:
            raise CursorGone(
                "This is not a cursor of this journal. Read the list anew and subscribe from its readAt."
            ) from error
