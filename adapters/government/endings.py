"""Which messages a later one updates or cancels, kept in the cursor, so that an earlier one that is read again is not
taken to hold still."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from adapters.contract import Claim, Cursor
from graph_models.entities import MessageType, WarningStatus

_ENDING = frozenset({str(MessageType.UPDATE), str(MessageType.CANCEL)})
_MOST = 5000
"""Endings that are kept, the newest."""


@dataclass(slots=True)
class Memory:
    """`stand_ins`: external ids of entries that stood for a message that could not be had."""

    ended: dict[str, str] = field(default_factory=dict)
    stand_ins: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, cursor: Cursor | None) -> "Memory":
        try:
            read: Any = orjson.loads(cursor) if cursor else {}
        except orjson.JSONDecodeError:
            read = {}
        if not isinstance(read, dict):
            return cls()
        ended, stand_ins = read.get("ended"), read.get("stand_ins")
        return cls(
            {str(k): str(v) for k, v in ended.items()} if isinstance(ended, dict) else {},
            {str(one) for one in stand_ins} if isinstance(stand_ins, list) else set(),
        )

    def cursor(self) -> Cursor:
        kept = dict(list(self.ended.items())[-_MOST:])
        return orjson.dumps({"ended": kept, "stand_ins": sorted(self.stand_ins)}).decode()

    def ending(self, claims: Sequence[Claim], received_at: datetime) -> list[Claim]:
        """The claims, those that a later one ends with `ended_at`.

        A message ends others of its own status alone: an exercise ends no real warning. Of two that name each
        other the one that was sent last ends the other.
        """
        by_name = {claim.external_id: claim for claim in claims}
        for claim in claims:
            if claim.values.get("message_type") not in _ENDING:
                continue
            at = claim.values.get("sent")
            moment = at if isinstance(at, datetime) else received_at
            for link in claim.links:
                if _ends(claim, by_name.get(link.target)):
                    self.ended.setdefault(link.target, moment.isoformat())
        return [
            replace(claim, values={**claim.values, "ended_at": self.ended[claim.external_id]})
            if claim.external_id in self.ended
            else claim
            for claim in claims
        ]


def _ends(later: Claim, earlier: Claim | None) -> bool:
    if earlier is None:
        return later.values.get("status") == WarningStatus.ACTUAL
    if later.values.get("status") != earlier.values.get("status"):
        return False
    one, other = earlier.values.get("sent"), later.values.get("sent")
    if isinstance(one, datetime) and isinstance(other, datetime) and (one.tzinfo is None) == (other.tzinfo is None):
        mutual = any(link.target == later.external_id for link in earlier.links)
        return one < other if mutual else one <= other
    return True
