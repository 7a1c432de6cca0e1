"""Alerts as GeoJSON, as api.weather.gov gives them: CAP's fields under other spellings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from adapters.contract import Claim, Raw, Unreadable
from adapters.government.areas import Geocode, geojson
from adapters.government.cap_feed import Piece
from adapters.government.draft import Draft, nameless
from graph_models.entities import Certainty, MessageType, Severity, Urgency, WarningStatus


def document(data: bytes) -> Any:
    """Raises Unreadable."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error}", where=f"byte {error.pos}") from error


def features(read: object) -> Sequence[object]:
    """Of a collection, of one feature, of JSON-LD's `@graph`. Raises Unreadable for what is none of these."""
    if isinstance(read, dict):
        for key in ("features", "@graph"):
            if isinstance(read.get(key), list):
                return list(read[key])
        if isinstance(read.get("properties"), dict) or "event" in read:
            return [read]
    raise Unreadable("the JSON is no GeoJSON: nothing stands at 'features'", where="features")


def pieces(raw: Raw) -> list[Piece]:
    """Each feature of its own, so that a bad one spares the others."""
    parts = features(document(raw.data))
    return [
        Piece(raw=Raw(key=f"{raw.key}#{number}", received_at=raw.received_at, data=orjson.dumps(part)))
        for number, part in enumerate(parts, 1)
    ]


def claim_of(feature: object) -> Claim:
    """Raises Unreadable."""
    properties = feature.get("properties", feature) if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or not isinstance(properties, dict):
        raise Unreadable("the feature is no object with properties", where="properties")
    draft = Draft()
    identifier = next((said for said in _names(feature, properties) if said), None)
    if not any(_text(properties.get(name)) for name in ("event", "headline", "description")):
        raise Unreadable("the feature has neither event nor headline: it is no alert", where=identifier or "properties")
    if identifier is None:
        identifier = nameless(orjson.dumps(feature, option=orjson.OPT_SORT_KEYS))
        draft.flag("identifier_missing")
    _fields(draft, properties)
    polygons, circles = geojson(feature.get("geometry"), draft.flags)
    draft.polygons, draft.circles = list(polygons), list(circles)
    draft.geocodes = list(_geocodes(properties.get("geocode"))) or list(_zones(properties.get("affectedZones")))
    draft.references = list(_references(properties.get("references"), draft))
    return draft.claim(identifier)


def _names(feature: Mapping[str, object], properties: Mapping[str, object]) -> Iterator[str | None]:
    yield _text(properties.get("id"))
    yield _text(properties.get("identifier"))
    yield (_text(feature.get("id")) or "").rpartition("/alerts/")[2] or None


def _fields(draft: Draft, properties: Mapping[str, object]) -> None:
    for field, key in (
        ("sender", "sender"),
        ("sender_name", "senderName"),
        ("event", "event"),
        ("category", "category"),
        ("headline", "headline"),
        ("description", "description"),
        ("instruction", "instruction"),
        ("language", "language"),
        ("area_description", "areaDesc"),
    ):
        draft.text(field, properties.get(key))
    draft.time("sent", properties.get("sent"), needed=True)
    for field in ("effective", "onset", "expires"):
        draft.time(field, properties.get(field))
    if (ends := _text(properties.get("ends"))) is not None and ends != properties.get("expires"):
        draft.flag("ends", ends)  # `expires` is the message's, this the event's
    draft.word("status", properties.get("status"), WarningStatus, needed=True)
    draft.word("message_type", properties.get("messageType", properties.get("msgType")), MessageType, needed=True)
    draft.word("severity", properties.get("severity"), Severity, needed=True)
    draft.word("urgency", properties.get("urgency"), Urgency, needed=True)
    draft.word("certainty", properties.get("certainty"), Certainty, needed=True)


def _text(given: object) -> str | None:
    return given.strip() or None if isinstance(given, str) else None


def _geocodes(given: object) -> Iterator[Geocode]:
    if isinstance(given, dict):
        for scheme, values in given.items():
            for value in values if isinstance(values, list) else [values]:
                if (said := _text(value)) is not None:
                    yield Geocode(scheme=str(scheme), value=said)


def _zones(given: object) -> Iterator[Geocode]:
    """The zones' addresses end with the codes that `geocode` may lack."""
    for address in given if isinstance(given, list) else []:
        if code := (_text(address) or "").rstrip("/").rpartition("/")[2]:
            yield Geocode(scheme="UGC", value=code)


def _references(given: object, draft: Draft) -> Iterator[str]:
    for one in given if isinstance(given, list) else []:
        said = _text(one.get("identifier")) if isinstance(one, dict) else None
        if said is None:
            draft.flag("reference_malformed")
        else:
            yield said
