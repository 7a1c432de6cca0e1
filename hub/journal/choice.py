"""Which source's word stands where several claim the same thing: precedence, then recency, then the source's name.

Recency is when the source says that it saw the thing, but never later than it was recorded: a source whose clock
runs ahead does not win for ever.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from hub.journal.records import HUB, HeldClaim

DEFAULT_PRECEDENCE = 50
HUB_PRECEDENCE = 1000  # a person's word through the hub stands, unless the park file says otherwise of `hub`

Weight = tuple[int, datetime, str, str]


def precedence_of(source: str, precedence: Mapping[str, int]) -> int:
    """A source's rank; the higher wins."""
    return precedence.get(source, HUB_PRECEDENCE if source == HUB else DEFAULT_PRECEDENCE)


def weight(
    source: str, external_id: str, observed_at: datetime | None, recorded_at: datetime, precedence: Mapping[str, int]
) -> Weight:
    """Compares two claims: the greater one stands. No two claims weigh the same."""
    seen = recorded_at if observed_at is None else min(observed_at, recorded_at)
    return (precedence_of(source, precedence), seen, source, external_id)


def best_first(claims: Iterable[HeldClaim], precedence: Mapping[str, int]) -> list[HeldClaim]:
    """An entity's claims in the order in which they are believed; each field's value is the first that has one."""

    held = list(claims)
    if len(held) < 2:
        return held

    def of(one: HeldClaim) -> Weight:
        return weight(one.source, one.claim.external_id, one.claim.observed_at, one.recorded_at, precedence)

    return sorted(held, key=of, reverse=True)
