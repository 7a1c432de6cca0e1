"""Pseudonyms: an id for whoever may not know who it is, the same within a purpose and another in each other one.

HMAC-SHA256 under the park's key, of the purpose and the entity's id. Nobody without the key can tell that two
pseudonyms are of one person, or make one from an id.
"""

import hmac
import secrets
from collections.abc import Callable
from typing import Self

_PREFIX = "pn-"
_HEX = 32  # characters, 128 bits


class Pseudonyms:
    """`mac` gives a keyed hash of a text in hex, 64 characters; `hub.journal.sealing.Keyring.hmac` is one."""

    def __init__(self, mac: Callable[[str], str]) -> None:
        self._mac = mac

    @classmethod
    def of_this_process(cls) -> Self:
        """Under a key that is nowhere else: the next start gives others."""
        key = secrets.token_bytes(32)
        return cls(lambda text: hmac.digest(key, text.encode(), "sha256").hex())

    def of(self, purpose: str, entity: str) -> str:
        """NUL stands in no purpose and no id, and in no identifier that the same key hashes."""
        return _PREFIX + self._mac(f"\x00pseudonym\x00{purpose}\x00{entity}")[:_HEX]
