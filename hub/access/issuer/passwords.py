"""Passwords: argon2id, and as long a look at an account that is not there as at one that is."""

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.errors import BadRequest

SHORTEST, LONGEST = 12, 256  # characters
_AT_ONCE = 2  # each takes 64 MiB while it runs


class Passwords:
    """argon2-cffi's own parameters (RFC 9106's second recommendation); may be used from any thread."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_hex())

    def hash(self, password: str) -> str:
        """Raises BadRequest for one that is too short or too long."""
        plain = _normal(password)
        if not SHORTEST <= len(plain) <= LONGEST:
            raise BadRequest(
                f"a password has {SHORTEST} to {LONGEST} characters: a few words that do not belong together"
            )
        with self._turns:
            return self._hasher.hash(plain)

    def holds(self, stored: str | None, password: str) -> bool:
        """Whether it is the one; with `stored` None (no such account) the same work, and False."""
        plain = _normal(password)[:LONGEST]
        with self._turns:
            try:
                return self._hasher.verify(stored or self._nobody, plain) and stored is not None
            except (VerificationError, InvalidHashError):
                return False

    def outdated(self, stored: str) -> bool:
        """Whether it was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


def _normal(password: str) -> str:
    """The same text, whatever keyboard it was typed on (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
