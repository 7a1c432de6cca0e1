"""Claims and signals held against the graph's declarations: kinds, fields, relations, schemes, places on Earth."""

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import EnumType, StrEnum

from adapters.contract import Claim, Identifier, Link, Position, Signal, Value
from adapters.inventory import terms
from graph_models.entities import ENTITIES
from graph_models.relations import RELATIONS
from graph_models.schemes import SCHEMES, SOURCE_REFERENCE
from hub.coordinates import to_wgs84
from hub.errors import nearest
from hub.ingest.source import SourceSpec
from hub.journal.records import HUB

_RELATIONS = {relation.name: relation for relation in RELATIONS}
_SCHEMES = frozenset(scheme.name for scheme in SCHEMES)
_PLACED = frozenset({"latitude", "longitude"})
_OURS = frozenset({"Alert"})


class BadRecord(ValueError):
    """The record cannot be taken; says what to change."""


@dataclass(frozen=True, slots=True)
class _Field:
    """What a declared field takes. `words` are an enumeration's values."""

    type: type
    optional: bool
    words: frozenset[str] | None = None


def _field(annotation: object) -> _Field:
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    optional = False
    if isinstance(annotation, types.UnionType):
        optional = types.NoneType in annotation.__args__
        annotation = next(part for part in annotation.__args__ if part is not types.NoneType)
    if isinstance(annotation, EnumType) and issubclass(annotation, StrEnum):
        return _Field(str, optional, frozenset(str(member) for member in annotation))
    if typing.get_origin(annotation) is tuple:
        return _Field(tuple, optional)
    if not isinstance(annotation, type):
        raise TypeError(f"a declaration's field cannot be of type {annotation!r}")
    return _Field(annotation, optional)


def _fields(declaration: type) -> dict[str, _Field]:
    hints = typing.get_type_hints(declaration, include_extras=True)
    return {f.name: _field(hints[f.name]) for f in dataclasses.fields(declaration) if f.name != "id"}


_KINDS: Mapping[str, Mapping[str, _Field]] = {declaration.__name__: _fields(declaration) for declaration in ENTITIES}


def normalise_claim(claim: Claim, spec: SourceSpec, received_at: datetime) -> tuple[Claim, float]:
    """The claim in UTC and WGS-84, and by how many seconds its time was off where it was not believed.

    Raises BadRecord.
    """
    if not claim.external_id:
        raise BadRecord("a claim needs an external id, by which its source knows the thing")
    fields = _KINDS.get(claim.kind)
    if fields is None:
        raise BadRecord(f"there is no kind {claim.kind!r}; {nearest(claim.kind, _KINDS)}")
    if claim.kind in _OURS and spec.id != HUB:
        raise BadRecord(f"{claim.kind} is made by the hub alone; give a device's alarm as a Signal")
    observed_at, off = None, 0.0
    if claim.observed_at is not None:
        observed_at = in_utc(claim.observed_at, spec)
        off = (observed_at - received_at).total_seconds()
        if off > spec.max_skew.total_seconds():
            observed_at = received_at
        else:
            off = 0.0
    if claim.kind == "SupplyLot" and spec.id != HUB and (problem := terms.broken(claim.values, spec.organization)):
        raise BadRecord(f"{claim.external_id}: {problem}")
    return (
        replace(
            claim,
            identifiers=tuple(_identifiers(claim.identifiers, spec)),
            values=types.MappingProxyType({k: _value(claim.kind, k, v, fields, spec) for k, v in claim.values.items()}),
            links=tuple(_links(claim)),
            position=None if claim.position is None else in_wgs84(claim.position, spec),
            observed_at=observed_at,
        ),
        off,
    )


def normalise_signal(signal: Signal, spec: SourceSpec, received_at: datetime) -> tuple[Signal, float]:
    """The signal in UTC, and by how many seconds its time was off where it was not believed: then it is kept at
    receipt time with `quality` UNCERTAIN and `device_at` among its values. Raises BadRecord."""
    if not signal.type or not signal.subject:
        raise BadRecord("a signal needs a type, and the external id of its subject")
    for name, value in signal.values.items():
        if not _is_value(value):
            raise BadRecord(f"the signal's value {name!r} is {value!r}; give text, a finite number or a truth value")
    if signal.at is None:
        return replace(signal, at=received_at), 0.0
    at = in_utc(signal.at, spec)
    off = (at - received_at).total_seconds()
    limit = spec.max_skew.total_seconds()
    if off > limit or (off < -limit and not spec.buffered_history):
        values = {**signal.values, "device_at": at.isoformat(), "quality": "UNCERTAIN"}
        return replace(signal, at=received_at, values=types.MappingProxyType(values)), off
    return replace(signal, at=at), 0.0


def in_utc(moment: datetime, spec: SourceSpec) -> datetime:
    """A naive stamp is of the source's own zone. Raises BadRecord."""
    try:
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=spec.timezone)).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise BadRecord(f"the time {moment!r} cannot be told in UTC: {error}") from error


def in_wgs84(position: Position, spec: SourceSpec) -> Position:
    """Raises BadRecord for what is no place on Earth."""
    try:
        latitude, longitude = to_wgs84(position.latitude, position.longitude, spec.coordinates)
    except (ValueError, TypeError) as error:
        raise BadRecord(str(error)) from error
    return Position(latitude=latitude, longitude=longitude)


def _identifiers(identifiers: tuple[Identifier, ...], spec: SourceSpec) -> Iterator[Identifier]:
    for each in identifiers:
        if each.scheme == SOURCE_REFERENCE and spec.id != HUB:
            raise BadRecord(f"{SOURCE_REFERENCE} is the hub's own: give what the device itself bears")
        if each.scheme not in _SCHEMES:
            raise BadRecord(f"there is no identifier scheme {each.scheme!r}; {nearest(each.scheme, _SCHEMES)}")
        if each.value.strip():
            yield each


def _links(claim: Claim) -> Iterator[Link]:
    for link in claim.links:
        relation = _RELATIONS.get(link.relation)
        if relation is None:
            raise BadRecord(f"there is no relation {link.relation!r}; {nearest(link.relation, _RELATIONS)}")
        if claim.kind not in relation.start:
            begins = " or ".join(relation.start)
            raise BadRecord(f"{link.relation} begins at {begins}, and {claim.external_id!r} is of kind {claim.kind}")
        if not link.target:
            raise BadRecord(f"the link {link.relation} of {claim.external_id!r} has no target")
        yield link


def _value(kind: str, name: str, value: Value, fields: Mapping[str, _Field], spec: SourceSpec) -> Value:
    if name in _PLACED and name in fields:
        raise BadRecord(f"give {name} as the claim's `position`, so that its coordinate system is known")
    field = fields.get(name)
    if field is None:
        raise BadRecord(f"{kind} has no field {name!r}; {nearest(name, fields.keys() - _PLACED)}")
    if value is None:
        if field.optional:
            return None
        raise BadRecord(f"{kind}.{name} cannot be empty")
    if field.words is not None:
        if value in field.words:
            return str(value)
        raise BadRecord(f"{kind}.{name} cannot be {value!r}; {nearest(str(value), field.words)}")
    if field.type is datetime:
        return _time(kind, name, value, spec)
    if field.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not field.type or not _is_value(value):
        raise BadRecord(f"{kind}.{name} is {value!r}; it takes a {field.type.__name__}")
    return value


def _time(kind: str, name: str, value: Value, spec: SourceSpec) -> str:
    """Text in UTC, as it stands in the log."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise BadRecord(f"{kind}.{name} is {value!r}; it takes a time in ISO 8601") from error
    if not isinstance(value, datetime):
        raise BadRecord(f"{kind}.{name} is {value!r}; it takes a time")
    return in_utc(value, spec).isoformat(timespec="microseconds")


def _is_value(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, tuple):
        return all(isinstance(part, str) for part in value)
    return value is None or isinstance(value, str | int)
