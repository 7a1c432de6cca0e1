"""What else leans on a place that a table would retire: stock, duty, hazards and devices, of whatever source."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from adapters.contract import Claim
from hub.journal.log import Journal
from hub.journal.records import HeldClaim

_WORDS = {"Asset": "devices", "SupplyLot": "lots", "HazardousGoods": "hazardous goods", "Hazard": "hazards"}
_WORDS |= {"Shift": "shifts"}
_NAMED = 3


async def leaning(journal: Journal, places: Sequence[str]) -> Mapping[str, str]:
    """Entity → what is in it still, counted by kind and some of it named; of a place in which nothing is, nothing."""
    referring = await journal.referring(places)
    others = await asyncio.to_thread(lambda: sorted({one for several in referring.values() for one in several}))
    held = await journal.claims_of(others)
    return await asyncio.to_thread(_inside, held, frozenset(places))


def _inside(held: Mapping[str, Sequence[HeldClaim]], places: frozenset[str]) -> Mapping[str, str]:
    things: dict[str, dict[str, Claim]] = {}
    for other, claims in held.items():
        live = [one for one in claims if one.claim.kind in _WORDS and not one.claim.gone]
        for place in {target for one in live for target in one.targets.values()} & places:
            things.setdefault(place, {})[other] = live[0].claim
    return {place: _told(list(inside.values())) for place, inside in things.items()}


def _told(claims: Sequence[Claim]) -> str:
    counted = Counter(claim.kind for claim in claims)
    counts = ", ".join(f"{counted[kind]} {word}" for kind, word in _WORDS.items() if counted[kind])
    # By the source's own name alone: a shift's or a lot's values may be personal.
    names = sorted(claim.external_id for claim in claims if claim.kind != "Shift")[:_NAMED]
    more = f": {', '.join(names)}{' …' if len(claims) > len(names) else ''}" if names else ""
    return f"{counts} still in it{more}"
