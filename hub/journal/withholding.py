"""What sources say of people who were erased is taken in without what is personal in it, until they are readmitted."""

from collections.abc import Mapping, Sequence

from adapters.contract import Claim
from hub.journal.encoding import Seals, content_hash, says_personal, without_personal
from hub.telemetry import logger

ENTITY = ""
"""No source has this name: whoever is erased is barred as an entity too, by (ENTITY, entity id)."""

_log = logger(__name__)

Changed = list[tuple[Claim, bytes]]
"""Claims, each with its content hash."""


def spoken(source: str, claims: Sequence[Claim], seals: Seals) -> Sequence[Claim]:
    """The claims as they may be stored."""
    of = {(source, claim.external_id) for claim in claims if says_personal(claim)}
    barred = seals.barred(of) if of else set()
    if not barred:
        return claims
    return [without_personal(claim) if (source, claim.external_id) in barred else claim for claim in claims]


def recognized(source: str, changed: Changed, entities: Mapping[str, str], seals: Seals) -> Changed:
    """The same for things that turn out to be an erased person by their identifiers; `entities`: external id →
    entity id. From now on such a thing is barred itself."""
    personal = {claim.external_id for claim, _ in changed if says_personal(claim)}
    barred = seals.barred([(ENTITY, entities[name]) for name in personal]) if personal else set()
    if not barred:
        return changed
    late = {name for name in personal if (ENTITY, entities[name]) in barred}
    seals.bar([(source, name) for name in late])
    _log.warning("personal.withheld", source=source, things=len(late))
    said = [without_personal(claim) if claim.external_id in late else claim for claim, _ in changed]
    return [(claim, content_hash(claim, seals)) for claim in said]
