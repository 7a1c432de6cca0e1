"""The graph's nodes. Constraints, indexes, upserts and the reference are derived from these declarations."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from graph_models.annotations import INDEXED, KEY, SEARCH, Privacy, Unit


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Park, building, storey or zone."""

    id: Annotated[str, KEY]
    kind: Annotated[PlaceKind, INDEXED]
    name: Annotated[str | None, SEARCH, INDEXED] = None
    code: Annotated[str | None, INDEXED] = None  # what the park itself calls it, such as B2-3F
    level: int | None = None  # a storey's number, 1 the ground floor
    area: Annotated[float | None, Unit("m2")] = None
    latitude: Annotated[float | None, Unit("deg")] = None
    longitude: Annotated[float | None, Unit("deg")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A thing that is looked after: sensor, camera, recorder, equipment."""

    id: Annotated[str, KEY]
    kind: Annotated[AssetKind, INDEXED]
    name: Annotated[str | None, SEARCH, INDEXED] = None
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    latitude: Annotated[float | None, Unit("deg")] = None
    longitude: Annotated[float | None, Unit("deg")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A company, an authority or the park's operator."""

    id: Annotated[str, KEY]
    name: Annotated[str | None, SEARCH, INDEXED] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone with a role in the park."""

    id: Annotated[str, KEY]
    name: Annotated[str | None, SEARCH, Privacy.PERSONAL] = None
    phone: Annotated[str | None, Privacy.PERSONAL] = None


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


ENTITIES = (Place, Asset, Organization, Person, Alert)
