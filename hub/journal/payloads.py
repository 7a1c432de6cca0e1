"""What the log's payloads hold: the newest version of each type, as it stands in JSON.

Keys are camel case and times ISO 8601 in UTC. Changing a shape means a new version here, a step in `upcast.py`
and a row in `tests/journal_corpus/`; the older rows stay for ever.
"""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic, by which the corpus is read, asks for this one before 3.12

JsonValue = str | int | float | bool | None | list[str]


class Named(TypedDict):
    """An entity as it was called when the event was written."""

    id: str
    kind: str
    name: str | None


class WarningPassedOn(TypedDict):
    """The official warning that an alert passes on, as it was sent."""

    id: str
    identifier: str
    event: str | None
    headline: str | None
    issuer: str | None
    sent: str | None
    colour: str | None


class AlertSnapshot(TypedDict):
    """All that a client needs to act, without the graph; `value` and `limit` are in `unit` (UCUM)."""

    id: str
    rule: str
    severity: Literal["EXTREME", "SEVERE", "MODERATE", "MINOR", "UNKNOWN"]
    state: Literal["UNACKNOWLEDGED", "ACKNOWLEDGED", "RETURNED_UNACKNOWLEDGED", "NORMAL"]
    code: str
    openedAt: str
    acknowledgedAt: str | None
    acknowledgedBy: str | None
    returnedAt: str | None
    closedAt: str | None
    quantity: str | None
    value: float | None
    limit: float | None
    unit: str | None
    subject: Named
    path: list[Named]  # nearest place first
    warning: WarningPassedOn | None


class AlertPayload(TypedDict):
    alert: AlertSnapshot
    note: NotRequired[str | None]


class WarningSnapshot(TypedDict):
    """What the hub itself says of an official warning. No identifier: no source tells of it any more."""

    id: str
    identifier: str
    places: list[Named]  # the topmost ones that it covers
    acknowledgedAt: str | None
    acknowledgedBy: str | None


class WarningPayload(TypedDict):
    warning: WarningSnapshot
    note: NotRequired[str | None]


class ParkLocated(TypedDict):
    """The codes of the divisions that the park lies in, which an official warning may name, and whether one without
    an area that can be read is taken for the whole park."""

    geocodes: list[str]
    takesUnlocated: bool


class RulesReplaced(TypedDict):
    digest: str  # SHA-256 in hex of the rule file
    rules: list[dict[str, Any]]


class TimerFired(TypedDict):
    deadline: str
    subject: str
    rule: str


class SourceState(TypedDict):
    source: str
    reason: str


class ReadingsExpired(TypedDict):
    before: str
    series: list[int]
    count: int


class AuditCheckpoint(TypedDict):
    """A signed word on a chain of the audit: at entry `number` its hash is `hash`. Bytes are in hex, the public key in
    base64."""

    chain: str
    number: int
    kind: Literal["opened", "periodic", "closed", "expired", "emptied"]
    hash: str
    at: str
    key: str
    before: str | None  # of what was expired or emptied
    signature: str


class Evidence(TypedDict):
    """What speaks for a match: an identifier (a personal one as its HMAC), or LOOKS_ALIKE's name and place."""

    scheme: str
    value: str


MatchReason = Literal[
    "SAME_SOURCE",
    "TWO_ORGANIZATIONS",
    "TWO_KINDS",
    "UNTRUSTED_SCHEME",
    "LOOKS_ALIKE",
    "WIDE",
    "CONFLICT_NEARBY",
]
"""Why a match was not made by itself. WIDE: it would touch more entities than the limit. CONFLICT_NEARBY: the two
agree, but what else they are connected with does not."""


class MatchProposed(TypedDict):
    match: str
    left: str  # entity ids, as of the event
    right: str
    reason: MatchReason
    evidence: list[Evidence]


class MatchDecided(TypedDict):
    match: str
    left: str
    right: str


class EntityMerged(TypedDict):
    """`alias` is from now on another name of `entity`."""

    entity: str
    alias: str


class EntitySplit(TypedDict):
    """`alias` is an entity of its own again, no longer `entity`."""

    entity: str
    alias: str


class IncidentSnapshot(TypedDict):
    """All of an incident that a client needs without the graph."""

    id: str
    number: str  # of the park's own, such as 2026-0001
    kind: str  # graph_models.entities.IncidentKind's value
    state: Literal["OPEN", "CLOSED"]
    drill: bool
    openedAt: str
    openedBy: str
    closedAt: str | None
    closedBy: str | None
    places: list[Named]


class IncidentPayload(TypedDict):
    incident: IncidentSnapshot
    note: NotRequired[str | None]


class PlacesImported(TypedDict):
    """How many rows of the file were new, changed or rejected."""

    file: str
    new: int
    changed: int
    rejected: int


class TableImported(TypedDict):
    """How many rows of a table of this kind came to what; `missing` are things that the file left out."""

    kind: str
    file: str
    new: int
    changed: int
    unchanged: int
    retired: int
    rejected: int
    missing: int


class TenantMappingConfirmed(TypedDict):
    """Lists of `source` whose header has this fingerprint are read by `mapping`, as its adapter takes it."""

    source: str
    fingerprint: str
    header: list[str]
    mapping: dict[str, Any]


class ItemMapping(TypedDict):
    """What a lot's name (NFKC, lower case, without blanks) says, and the code of the item that it then is; None: no
    longer. CONTAINS: the text stands somewhere in the name."""

    text: str
    match: Literal["EXACT", "CONTAINS"]
    code: str | None


class RowCorrected(TypedDict):
    """A row of a tenant's stock, or a claim made of one, that a person mended. What the cells say now is in the lot's
    claim; a row may hold more than may stand in the log in clear."""

    source: str
    letter: int  # the dead letter's number
    file: str | None  # None, and so is `row`, where it is no row of a list
    row: int | None
    columns: list[str]  # whose cells were given
    lot: str | None  # its external id; None, and so is what follows, in rows of lists, which are not read again
    standsFor: str | None  # what the source says, as an HMAC: as long as it says that, the correction stands for it


class SupplyItemMapped(TypedDict):
    mappings: list[ItemMapping]


class OccupancySet(TypedDict):
    """People in a place (an entity id), counted at a time."""

    place: str
    count: int
    at: str


class RouteBlocked(TypedDict):
    route: str  # an entity id
    reason: str | None


class RouteUnblocked(TypedDict):
    route: str  # an entity id


class PersonErased(TypedDict):
    """`holders`: the keyed hashes, in hex, under which the key store knew them: a restored one forgets them again."""

    person: str  # an entity id
    holders: list[str]
    things: int  # records of sources that were emptied
    deadLetters: int


class PersonReadmitted(TypedDict):
    """What sources say of them is taken in again; what was erased stays so."""

    person: str
    holders: list[str]


class PersonalDataExpired(TypedDict):
    """`incident`: the number of the one whose response it was taken in for. `things`: records that were emptied."""

    why: Literal["RETENTION", "RESPONSE_OVER"]
    incident: str | None
    things: int


class LegalHold(TypedDict):
    subject: str  # a person's entity id, or an incident's number


class ConsentPayload(TypedDict):
    """On what basis fields of a person (an entity id) are used for a purpose; of a withdrawal the fields it closes."""

    person: str
    purpose: str
    fields: list[str]  # Type.field
    basis: Literal["CONSENT", "CONTRACT", "LEGAL_DUTY", "EMERGENCY", "PUBLIC_INTEREST"]
    evidence: str  # where the word can be looked up


class PersonalDataSharedPayload(TypedDict):
    """Given away beside the hub; recipient and agreement are entity ids."""

    recipient: str
    purpose: str
    agreement: str | None
    fields: list[str]  # Type.field
    people: int
    at: str
    evidence: str


class PersonCorrected(TypedDict):
    """Which fields a person had put right; the values stand sealed in the event's claim."""

    person: str
    fields: list[str]


class BreakGlassSnapshot(TypedDict):
    """Who saw personal data past the policies, why and until when; `code` is the sealed envelope's, if it was one."""

    id: str
    subject: str
    issuer: str | None
    client: str | None
    roles: list[str]
    organization: str | None
    purpose: str
    reason: str
    incident: str | None  # an entity id
    case: str | None
    openedAt: str
    until: str
    code: str | None
    endedAt: str | None
    endedBy: str | None
    reviewedAt: str | None
    reviewedBy: str | None
    finding: Literal["JUSTIFIED", "NOT_JUSTIFIED"] | None
    note: str | None


class BreakGlassPayload(TypedDict):
    breakGlass: BreakGlassSnapshot


class SealedCodePayload(TypedDict):
    id: str
    hash: str  # argon2id's, of the code


class CodesMade(TypedDict):
    """The codes of sealed envelopes; all earlier ones are void."""

    codes: list[SealedCodePayload]


class IdentifierPayload(TypedDict):
    scheme: str
    value: str  # of a personal scheme its HMAC


class LinkPayload(TypedDict):
    relation: str
    target: str
    source: str | None
    entity: str | None  # the target's id, as it was resolved when the claim was recorded


class PositionPayload(TypedDict):
    latitude: float
    longitude: float


class ClaimPayload(TypedDict):
    """Kind, source and external id stand beside it, in the record's columns; personal values are sealed."""

    values: dict[str, JsonValue]
    identifiers: NotRequired[list[IdentifierPayload]]
    links: NotRequired[list[LinkPayload]]
    position: NotRequired[PositionPayload]
    observedAt: NotRequired[str]
    gone: NotRequired[bool]


class SignalPayload(TypedDict):
    at: str | None
    values: dict[str, JsonValue]
    evidence: list[str]


CLAIM: tuple[int, type] = (1, ClaimPayload)
SIGNAL: tuple[int, type] = (1, SignalPayload)

EVENTS: Mapping[str, tuple[int, type]] = {
    "alert.opened": (2, AlertPayload),
    "alert.acknowledged": (2, AlertPayload),
    "alert.returned": (2, AlertPayload),
    "alert.closed": (2, AlertPayload),
    "warning.covered": (1, WarningPayload),
    "warning.acknowledged": (1, WarningPayload),
    "park.located": (2, ParkLocated),
    "rules.replaced": (1, RulesReplaced),
    "timer.fired": (1, TimerFired),
    "match.proposed": (1, MatchProposed),
    "match.accepted": (1, MatchDecided),
    "match.refused": (1, MatchDecided),
    "entity.merged": (1, EntityMerged),
    "entity.split": (1, EntitySplit),
    "source.unavailable": (1, SourceState),
    "source.recovered": (1, SourceState),
    "incident.opened": (2, IncidentPayload),
    "incident.closed": (2, IncidentPayload),
    "readings.expired": (1, ReadingsExpired),
    "places.imported": (1, PlacesImported),  # of earlier hubs: today table.imported
    "table.imported": (1, TableImported),
    "occupancy.set": (1, OccupancySet),
    "route.blocked": (1, RouteBlocked),
    "route.unblocked": (1, RouteUnblocked),
    "tenant_mapping.confirmed": (1, TenantMappingConfirmed),
    "row.corrected": (2, RowCorrected),
    "break_glass.opened": (1, BreakGlassPayload),
    "break_glass.ended": (1, BreakGlassPayload),
    "break_glass.reviewed": (1, BreakGlassPayload),
    "break_glass.codes_made": (1, CodesMade),
    "supply_item.mapped": (1, SupplyItemMapped),
    "audit.checkpoint": (1, AuditCheckpoint),
    "person.erased": (1, PersonErased),
    "person.readmitted": (1, PersonReadmitted),
    "person.corrected": (1, PersonCorrected),
    "personal_data.expired": (1, PersonalDataExpired),
    "legal_hold.placed": (1, LegalHold),
    "legal_hold.released": (1, LegalHold),
    "personal_data.shared": (1, PersonalDataSharedPayload),
    "consent.given": (1, ConsentPayload),
    "consent.withdrawn": (1, ConsentPayload),
}
"""Each event type's newest version and its shape."""
