"""All attempts, by name."""

from tests.attacks import on_documents, on_floods, on_issuer, on_privacy, on_reads, on_tokens, on_transports
from tests.attacks.attempt import Attempt

PARTS = (on_tokens, on_reads, on_documents, on_transports, on_floods, on_issuer, on_privacy)


def every() -> list[Attempt]:
    found = [attempt for part in PARTS for attempt in part.attempts()]
    names = [attempt.name for attempt in found]
    assert len(set(names)) == len(names), "two attempts have one name"
    return found
