"""An earthquake as a claim: of USGS' GeoJSON, of QuakeML 1.2, and of CENC's lists."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from adapters.contract import Claim, Unreadable
from adapters.government.areas import Circle, on_earth
from adapters.government.draft import Draft, nameless
from adapters.government.times import BEIJING, from_millis, moment
from adapters.xml import Element, children, text
from graph_models.entities import Certainty, MessageType, Severity, Urgency, WarningStatus

Reach = Sequence[tuple[float, float]]
"""From which magnitude on how many km around count; the greatest magnitude first."""

_PAGER: Mapping[str, Severity] = {
    "green": Severity.MINOR,
    "yellow": Severity.MODERATE,
    "orange": Severity.SEVERE,
    "red": Severity.EXTREME,
}
"""USGS PAGER's levels of loss beside CAP's severities: ours, not USGS'."""


def of_usgs(feature: object, reach: Reach) -> Claim:
    """Raises Unreadable."""
    said = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or not isinstance(said, dict):
        raise Unreadable("the feature is no object with properties", where="properties")
    geometry = feature.get("geometry")
    point = geometry.get("coordinates") if isinstance(geometry, dict) else None
    identifier = _text(feature.get("id")) or (_text(said.get("net")) or "") + (_text(said.get("code")) or "")
    if not identifier:
        raise Unreadable("an earthquake without id", where="id")
    if "mag" not in said:
        raise Unreadable("nothing stands at 'mag', which may be null: it is no earthquake", where=identifier)
    draft = _draft(_text(said.get("type")) or "earthquake")
    draft.text("sender", said.get("net"))
    draft.text("headline", said.get("title") or said.get("place"))
    draft.text("area_description", said.get("place"))
    _moment(draft, "onset", from_millis(said.get("time")))
    _moment(draft, "sent", from_millis(said.get("updated")) or from_millis(said.get("time")))
    status = (_text(said.get("status")) or "").lower()
    draft.values["certainty"] = str(Certainty.OBSERVED if status == "reviewed" else Certainty.LIKELY)
    if status == "deleted":
        _withdrawn(draft)
    level = (_text(said.get("alert")) or "").lower()
    if level in _PAGER:
        draft.values["severity"] = str(_PAGER[level])
        draft.flag("severity_from_level", level)
    elif level:
        draft.flag("severity_unknown", level)
    _measure(draft, "magnitude", said.get("mag"))
    if isinstance(point, list) and len(point) > 2:
        _measure(draft, "depth", point[2])
    else:
        draft.flag("depth_missing")
    where = point if isinstance(point, list) else []
    _place(draft, _number(where[1]) if len(where) > 1 else None, _number(where[0]) if where else None, reach)
    return draft.claim(identifier)


def of_quakeml(event: Element, reach: Reach) -> Claim:
    """The preferred origin and magnitude, else the first. Raises Unreadable."""
    origin = _preferred(event, "origin", text(event, "preferredOriginID"))
    magnitude = _preferred(event, "magnitude", text(event, "preferredMagnitudeID"))
    if origin is None and magnitude is None:
        raise Unreadable("an event with neither origin nor magnitude", where=event.get("publicID") or "event")
    draft = _draft(text(event, "type") or "earthquake")
    identifier = event.get("publicID") or (origin.get("publicID") if origin is not None else None)
    if not event.get("publicID"):
        draft.flag("identifier_missing")
    identifier = identifier or nameless(etree.tostring(event, with_tail=False))
    draft.text("sender", text(event, "creationInfo", "agencyID"))
    named = next((said for each in children(event, "description") if (said := text(each, "text"))), None)
    draft.text("area_description", named)
    _utc(draft, "onset", text(origin, "time", "value") if origin is not None else None)
    created = [text(each, "creationInfo", "creationTime") for each in (origin, magnitude, event) if each is not None]
    found = [at for at in map(_utc_of, created) if at is not None]
    _moment(draft, "sent", max(found) if found else None)
    reviewed = origin is not None and text(origin, "evaluationMode") == "manual"
    draft.values["certainty"] = str(Certainty.OBSERVED if reviewed else Certainty.LIKELY)
    if origin is not None and text(origin, "evaluationStatus") == "rejected":
        _withdrawn(draft)
    _measure(draft, "magnitude", _number(text(magnitude, "mag", "value")) if magnitude is not None else None)
    depth = _number(text(origin, "depth", "value")) if origin is not None else None
    _measure(draft, "depth", None if depth is None else depth / 1000)  # QuakeML has metres
    size = draft.values.get("magnitude")
    draft.text("headline", f"M {size:g} - {named}" if isinstance(size, float) and named else named)
    latitude = _number(text(origin, "latitude", "value")) if origin is not None else None
    longitude = _number(text(origin, "longitude", "value")) if origin is not None else None
    _place(draft, latitude, longitude, reach)
    return draft.claim(identifier)


def of_cenc(row: Mapping[str, object], reach: Reach) -> Claim:
    """A row of China's earthquake networks centre: numbers as text, Beijing time. The names are from memory of its
    public lists, not verified. Raises Unreadable."""
    identifier = _said(row.get("CATA_ID")) or _said(row.get("NEW_DID")) or _said(row.get("id"))
    if identifier is None or "M" not in row:
        raise Unreadable("a row without CATA_ID or M: it is no earthquake of CENC", where=identifier or "CATA_ID")
    draft = _draft("earthquake")
    draft.values |= {"sender": "CENC", "language": "zh-CN"}
    name = _text(row.get("LOCATION_C"))
    draft.text("area_description", name)
    for field, key in (("onset", "O_TIME"), ("sent", "SAVE_TIME")):
        at = moment(str(row.get(key) or ""))
        _moment(draft, field, at.replace(tzinfo=BEIJING) if at and at.tzinfo is None else at)
    draft.values["certainty"] = str(Certainty.OBSERVED)
    _measure(draft, "magnitude", _number(row.get("M")))
    _measure(draft, "depth", _number(row.get("EPI_DEPTH")))
    draft.text("headline", f"{name}发生{_said(row.get('M'))}级地震" if name else None)
    _place(draft, _number(row.get("EPI_LAT")), _number(row.get("EPI_LON")), reach)
    return draft.claim(identifier)


def _draft(kind: str) -> Draft:
    return Draft(
        values={
            "status": str(WarningStatus.ACTUAL),
            "message_type": str(MessageType.ALERT),
            "category": "Geo",
            "event": kind,
            "urgency": str(Urgency.PAST),
            "severity": str(Severity.UNKNOWN),
        }
    )


def _withdrawn(draft: Draft) -> None:
    """The issuer took it back: the event never was."""
    draft.values["message_type"] = str(MessageType.CANCEL)
    if (at := draft.values.get("sent")) is not None:
        draft.values["ended_at"] = at
    draft.flag("withdrawn")


def _preferred(event: Element, kind: str, wanted: str | None) -> Element | None:
    found = list(children(event, kind))
    return next((one for one in found if wanted and one.get("publicID") == wanted), found[0] if found else None)


def _place(draft: Draft, latitude: float | None, longitude: float | None, reach: Reach) -> None:
    if latitude is None or longitude is None or not on_earth((latitude, longitude)):
        draft.flag("area_missing")
        return
    size = draft.values.get("magnitude")
    radius = next((km for least, km in reach if isinstance(size, float) and size >= least), 0.0)
    draft.circles.append(Circle(latitude=latitude, longitude=longitude, radius=radius))


def _measure(draft: Draft, name: str, given: object) -> None:
    number = _number(given)
    if number is None:
        draft.flag(f"{name}_missing")
    else:
        draft.values[name] = number


def _moment(draft: Draft, name: str, at: datetime | None) -> None:
    if at is None:
        draft.flag(f"{name}_missing")
    else:
        draft.values[name] = at


def _utc(draft: Draft, name: str, said: str | None) -> None:
    _moment(draft, name, _utc_of(said))


def _utc_of(said: str | None) -> datetime | None:
    """QuakeML's times are UTC, with or without a Z."""
    at = moment(said) if said else None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(given: object) -> str | None:
    return given.strip() or None if isinstance(given, str) else None


def _said(given: object) -> str | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    return str(given).strip() or None
