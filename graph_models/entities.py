"""The graph's nodes. Constraints, indexes, upserts and the reference are derived from these declarations."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, get_type_hints

from graph_models.annotations import INDEXED, KEY, LONG, SEARCH, Kept, Privacy, Unit


class PlaceKind(StrEnum):
    PARK = "PARK"
    BUILDING = "BUILDING"
    STOREY = "STOREY"
    ZONE = "ZONE"


class AssetKind(StrEnum):
    """The kind stands as a second label too (`:Asset:Sensor`)."""

    SENSOR = "SENSOR"
    CAMERA = "CAMERA"
    RECORDER = "RECORDER"
    PANEL = "PANEL"
    EQUIPMENT = "EQUIPMENT"


class Severity(StrEnum):
    """CAP 1.2's severity."""

    EXTREME = "EXTREME"
    SEVERE = "SEVERE"
    MODERATE = "MODERATE"
    MINOR = "MINOR"
    UNKNOWN = "UNKNOWN"


class AlarmState(StrEnum):
    """ISA-18.2's alarm states."""

    UNACKNOWLEDGED = "UNACKNOWLEDGED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RETURNED_UNACKNOWLEDGED = "RETURNED_UNACKNOWLEDGED"
    NORMAL = "NORMAL"


class OrganizationKind(StrEnum):
    """OPERATOR runs the park; the others are who else acts in it."""

    OPERATOR = "OPERATOR"
    TENANT = "TENANT"
    GOVERNMENT = "GOVERNMENT"
    PROPERTY = "PROPERTY"
    COMMUNITY = "COMMUNITY"
    RESCUE = "RESCUE"


class LotSharing(StrEnum):
    """On what terms a lot may be counted on by others: OWN is the park operator's; a tenant's is one of the rest."""

    OWN = "OWN"
    AGREED = "AGREED"
    ASK = "ASK"
    NOT_SHARED = "NOT_SHARED"


class Urgency(StrEnum):
    """CAP 1.2's urgency."""

    IMMEDIATE = "IMMEDIATE"
    EXPECTED = "EXPECTED"
    FUTURE = "FUTURE"
    PAST = "PAST"
    UNKNOWN = "UNKNOWN"


class Certainty(StrEnum):
    """CAP 1.2's certainty."""

    OBSERVED = "OBSERVED"
    LIKELY = "LIKELY"
    POSSIBLE = "POSSIBLE"
    UNLIKELY = "UNLIKELY"
    UNKNOWN = "UNKNOWN"


class WarningColour(StrEnum):
    """China's warning colours, the gravest first; of official warnings alone."""

    RED = "RED"
    ORANGE = "ORANGE"
    YELLOW = "YELLOW"
    BLUE = "BLUE"


class WarningStatus(StrEnum):
    """CAP 1.2's status: ACTUAL alone is to be acted upon."""

    ACTUAL = "ACTUAL"
    EXERCISE = "EXERCISE"
    SYSTEM = "SYSTEM"
    TEST = "TEST"
    DRAFT = "DRAFT"


class MessageType(StrEnum):
    """CAP 1.2's msgType."""

    ALERT = "ALERT"
    UPDATE = "UPDATE"
    CANCEL = "CANCEL"
    ACK = "ACK"
    ERROR = "ERROR"


class IncidentKind(StrEnum):
    """What it is that is going on."""

    FIRE = "FIRE"
    EXPLOSION = "EXPLOSION"
    LEAK = "LEAK"
    FLOOD = "FLOOD"
    STORM = "STORM"
    EARTHQUAKE = "EARTHQUAKE"
    COLLAPSE = "COLLAPSE"
    POWER_FAILURE = "POWER_FAILURE"
    MEDICAL = "MEDICAL"
    SECURITY = "SECURITY"
    OTHER = "OTHER"


class IncidentState(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Park, building, storey or zone."""

    id: Annotated[str, KEY]
    kind: Annotated[PlaceKind, INDEXED]
    name: Annotated[str | None, SEARCH, INDEXED] = None
    code: Annotated[str | None, INDEXED] = None  # what the park itself calls it, such as B2-3F
    level: int | None = None  # a storey's number, 1 the ground floor
    area: Annotated[float | None, Unit("m2")] = None
    occupancy: int | None = None  # people inside, by the last count
    capacity: int | None = None  # people that it may hold
    assembly_point: bool | None = None  # people gather here after an evacuation
    boundary: Annotated[str | None, LONG] = None  # a GeoJSON Polygon or MultiPolygon, WGS-84
    latitude: Annotated[float | None, Unit("deg")] = None
    longitude: Annotated[float | None, Unit("deg")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A thing that is looked after: sensor, camera, recorder, fire panel, equipment."""

    id: Annotated[str, KEY]
    kind: Annotated[AssetKind, INDEXED]
    name: Annotated[str | None, SEARCH, INDEXED] = None
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    device_type: str | None = None  # what its maker or standard calls it, such as 点型感烟火灾探测器
    channel: str | None = None  # a camera's at its recorder, a detector's loop and address at its panel
    online: bool | None = None  # as the system that manages it says
    storage_capacity: Annotated[float | None, Unit("By")] = None  # a recorder's
    storage_free: Annotated[float | None, Unit("By")] = None
    latitude: Annotated[float | None, Unit("deg")] = None
    longitude: Annotated[float | None, Unit("deg")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way that people or vehicles take between two places, in both directions."""

    id: Annotated[str, KEY]
    name: str | None = None
    length: Annotated[float | None, Unit("m")] = None
    drivable: bool | None = None  # False: on foot alone
    blocked: Annotated[bool | None, INDEXED] = None
    blocked_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A company, an authority or the park's operator."""

    id: Annotated[str, KEY]
    kind: Annotated[OrganizationKind | None, INDEXED] = None
    name: Annotated[str | None, SEARCH, INDEXED] = None
    unified_social_credit_code: str | None = None  # GB 32100
    address: str | None = None
    telephone: str | None = None  # the organization's own line, nobody's personal number


# Whoever left the park is still asked about, by insurers and investigators, for about half a year; who was qualified
# for what stays of interest as long as accidents are looked into, which is three years in China's safety records.
REACHED = Kept(purposes=("operations", "emergency"), days=180)
QUALIFIED = Kept(purposes=("safety", "emergency"), days=3 * 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone with a role in the park."""

    id: Annotated[str, KEY]
    name: Annotated[str | None, SEARCH, Privacy.PERSONAL, REACHED] = None
    phone: Annotated[str | None, Privacy.PERSONAL, REACHED] = None
    roles: tuple[str, ...] | None = None  # what the park calls them, such as 值班员


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """A skill of a person, with the certificate that proves it where there is one."""

    id: Annotated[str, KEY]
    skill: Annotated[str, INDEXED]  # a code of the park's own list, such as first_aid
    name: Annotated[str | None, SEARCH] = None
    certificate: Annotated[str | None, Privacy.PERSONAL, QUALIFIED] = None  # its number
    issuer: str | None = None
    issued_at: datetime | None = None
    expires_at: Annotated[datetime | None, INDEXED] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A time that a person is on duty, from the duty roster."""

    id: Annotated[str, KEY]
    role: Annotated[str | None, INDEXED] = None
    starts_at: Annotated[datetime, INDEXED]
    ends_at: Annotated[datetime, INDEXED]  # the first moment after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """An entry of the hazard register."""

    id: Annotated[str, KEY]
    name: Annotated[str | None, SEARCH, INDEXED] = None
    kind: Annotated[str | None, INDEXED] = None  # such as fire, flood, electrical
    likelihood: int | None = None  # 1 rare to 5 almost certain
    consequence: int | None = None  # 1 negligible to 5 catastrophic
    controls: str | None = None  # what keeps it in check
    reviewed_at: datetime | None = None
    review_due: Annotated[datetime | None, INDEXED] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardousGoods:
    """What burns, explodes or poisons, and how much of it is there."""

    id: Annotated[str, KEY]
    name: Annotated[str | None, SEARCH, INDEXED] = None
    hazard_class: Annotated[str | None, INDEXED] = None  # class or division of GB 6944 and the UN model regulations
    un_number: str | None = None  # four digits
    amount: float | None = None
    unit: str | None = None  # UCUM
    counted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyItem:
    """A coded item of the reserve standard."""

    id: Annotated[str, KEY]
    code: Annotated[str, INDEXED]
    name: Annotated[str | None, SEARCH, INDEXED] = None
    level: int | None = None  # how deep it stands in the standard's tree, 1 the top
    unit: str | None = None  # UCUM: lots of it are counted in this
    standard: str | None = None  # such as GB/T 38565-2020


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyLot:
    """Some of one item, of one lot, one holder, in one place."""

    id: Annotated[str, KEY]
    name: Annotated[str | None, SEARCH, INDEXED] = None  # as its holder calls it
    item_code: Annotated[str | None, INDEXED] = None  # of the reserve standard; none: not mapped yet
    quantity: float | None = None
    unit: str | None = None  # UCUM
    lot_number: str | None = None
    gtin: str | None = None
    expires_at: Annotated[datetime | None, INDEXED] = None
    sharing: Annotated[LotSharing | None, INDEXED] = None  # none is NOT_SHARED
    agreed_quantity: float | None = None  # in `unit`, where sharing is AGREED


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:  # noqa: A001  CAP's own word
    """An official warning, unchanged: issuer, time and colour are the issuer's."""

    id: Annotated[str, KEY]
    identifier: Annotated[str, INDEXED]  # the issuer's
    sender: str | None = None
    sender_name: str | None = None
    sent: Annotated[datetime | None, INDEXED] = None
    status: Annotated[WarningStatus | None, INDEXED] = None
    message_type: Annotated[MessageType | None, INDEXED] = None
    event: Annotated[str | None, SEARCH] = None
    category: str | None = None  # CAP 1.2's, such as Met
    severity: Annotated[Severity | None, INDEXED] = None
    urgency: Urgency | None = None
    certainty: Certainty | None = None
    colour: Annotated[WarningColour | None, INDEXED] = None
    headline: Annotated[str | None, SEARCH] = None
    description: Annotated[str | None, LONG] = None
    instruction: Annotated[str | None, LONG] = None
    language: str | None = None  # BCP 47, of the texts
    effective: datetime | None = None
    onset: datetime | None = None
    expires: Annotated[datetime | None, INDEXED] = None
    ended_at: Annotated[datetime | None, INDEXED] = None  # updated or cancelled by a later message
    area_description: str | None = None
    areas: Annotated[str | None, LONG] = (
        None  # JSON: {"polygons", "circles", "geocodes"}, see adapters.government.areas
    )
    magnitude: float | None = None  # an earthquake's
    depth: Annotated[float | None, Unit("km")] = None  # an earthquake's
    flags: tuple[str, ...] | None = None  # what was wrong with the message and borne with
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Ours, of one episode; made from `alert.*` events alone, never from a source's claim."""

    id: Annotated[str, KEY]
    rule: Annotated[str, INDEXED]
    severity: Annotated[Severity, INDEXED]
    state: Annotated[AlarmState, INDEXED]
    code: str  # of the message catalogue; words are made per language
    opened_at: Annotated[datetime, INDEXED]
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    returned_at: datetime | None = None
    closed_at: datetime | None = None
    quantity: str | None = None
    value: float | None = None  # in `unit`, at opening
    limit: float | None = None  # in `unit`
    unit: str | None = None  # UCUM


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What is going on, as people act on it; made from `incident.*` events alone."""

    id: Annotated[str, KEY]
    number: Annotated[str, INDEXED]  # of the park's own, such as 2026-0001
    kind: Annotated[IncidentKind, INDEXED]
    state: Annotated[IncidentState, INDEXED]
    drill: bool  # an exercise: nothing has happened
    opened_at: Annotated[datetime, INDEXED]
    opened_by: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingAgreement:
    """What an organization shows another of its own: which kinds of rows, for which purposes, from when until when."""

    id: Annotated[str, KEY]
    code: Annotated[str, INDEXED]  # what the parties call it
    types: tuple[str, ...]  # names of kinds, such as SupplyLot
    purposes: tuple[str, ...]  # by the names of the policies
    starts_at: Annotated[datetime, INDEXED]
    ends_at: Annotated[datetime | None, INDEXED] = None  # the first moment after it; none: until it is taken back


ENTITIES = (
    Place,
    Route,
    Asset,
    Organization,
    Person,
    Qualification,
    Shift,
    Hazard,
    HazardousGoods,
    SupplyItem,
    SupplyLot,
    Warning,
    Alert,
    Incident,
    SharingAgreement,
)


def kept_of(entity: type) -> dict[str, Kept]:
    """Of each personal field of a declaration why, and for how long, it is held."""
    return {
        name: note
        for name, hint in get_type_hints(entity, include_extras=True).items()
        for note in getattr(hint, "__metadata__", ())
        if isinstance(note, Kept)
    }
