"""A feed's entry as a claim, where the message itself is not to be had: Atom and RSS with CAP's fields, GeoRSS, GDACS.

Its flag `from_feed_entry` says that it is what the feed says of the message, and not the message.
"""

from collections.abc import Iterator, Mapping

from lxml import etree

from adapters.contract import Claim, Unreadable
from adapters.government.areas import Circle, Point, on_earth, polygon, ring
from adapters.government.cap_message import NAMESPACES, Part, geocodes, local, words
from adapters.government.draft import Draft, nameless
from adapters.xml import Element, name
from graph_models.entities import Certainty, MessageType, Severity, Urgency, WarningStatus

GDACS = "http://www.gdacs.org"
_GDACS_EVENTS: Mapping[str, str] = {
    "EQ": "Earthquake",
    "TC": "Tropical cyclone",
    "FL": "Flood",
    "VO": "Volcano",
    "DR": "Drought",
    "WF": "Forest fire",
    "TS": "Tsunami",
}
_GDACS_LEVELS: Mapping[str, Severity] = {
    "green": Severity.MINOR,
    "orange": Severity.SEVERE,
    "red": Severity.EXTREME,
}
"""From memory of GDACS' own CAP messages, not verified."""
_KM = 0.001


def claim_of(entry: Element) -> Claim:
    """Raises Unreadable where it says nothing."""
    own, cap = Part(entry), Part(entry, NAMESPACES)
    draft = Draft(flags=["from_feed_entry"])
    identifier = own.text("id", "guid") or _link(entry)
    draft.text("headline", own.text("title"))
    draft.text("description", own.text("summary", "description", "content"))
    draft.time("sent", own.text("updated", "published", "pubdate", "date"))
    draft.text("sender", _author(entry))
    _cap(draft, cap)
    _gdacs(draft, Part(entry, frozenset({GDACS})))
    _places(draft, entry)
    if not (draft.values.keys() & {"headline", "description", "event"}):
        raise Unreadable("the entry holds neither a message nor a title", where=identifier or name(entry))
    if identifier is None:
        identifier = nameless(etree.tostring(entry, with_tail=False))
        draft.flag("identifier_missing")
    return draft.claim(identifier)


def _link(entry: Element) -> str | None:
    for child in entry:
        if local(child)[1] == "link" and (said := child.get("href") or words(child)):
            return said
    return None


def _author(entry: Element) -> str | None:
    for child in entry:
        if local(child)[1] in {"author", "creator"}:
            return Part(child).text("name") or words(child) or None
    return None


def _cap(draft: Draft, cap: Part) -> None:
    draft.text("event", cap.text("event"))
    draft.text("category", cap.text("category"))
    draft.text("area_description", cap.text("areadesc"))
    draft.word("status", cap.text("status"), WarningStatus, needed=False)
    draft.word("message_type", cap.text("msgtype"), MessageType, needed=False)
    draft.word("urgency", cap.text("urgency"), Urgency, needed=False)
    draft.word("severity", cap.text("severity"), Severity, needed=False)
    draft.word("certainty", cap.text("certainty"), Certainty, needed=False)
    for field in ("sent", "effective", "onset", "expires"):
        draft.time(field, cap.text(field))
    for element in cap.all("polygon"):
        if said := words(element):
            _ring(draft, said)
    for element in cap.all("geocode"):
        draft.geocodes += geocodes(element, draft)


def _gdacs(draft: Draft, gdacs: Part) -> None:
    kind, level = gdacs.text("eventtype"), (gdacs.text("alertlevel") or "").lower()
    if kind is None:
        return
    draft.flags.remove("from_feed_entry")  # GDACS tells all of an event in its entry
    draft.values |= {"status": str(WarningStatus.ACTUAL), "sender_name": "GDACS"}
    draft.text("event", _GDACS_EVENTS.get(kind.upper(), kind))
    draft.text("area_description", gdacs.text("country"))
    if level in _GDACS_LEVELS:
        draft.values["severity"] = str(_GDACS_LEVELS[level])
        draft.flag("severity_from_level", level)
    elif level:
        draft.flag("severity_unknown", level)
    draft.time("onset", gdacs.text("fromdate"))
    for element in gdacs.all("severity"):
        if kind.upper() == "EQ" and (element.get("unit") or "").upper() == "M":
            draft.text("magnitude", element.get("value"))
    said = draft.values.pop("magnitude", None)
    if isinstance(said, str):
        try:
            draft.values["magnitude"] = float(said)
        except ValueError:
            draft.flag("magnitude_unreadable", said)


def _places(draft: Draft, entry: Element) -> None:
    """GeoRSS simple and GML, and W3C's lat and long; a place that is said twice is kept once."""
    for element in entry.iter():
        uri, kind = local(element)
        said = words(element) if not len(element) else ""
        if uri in NAMESPACES or (not said and kind != "point"):
            continue
        if kind in {"polygon", "poslist"}:
            _ring(draft, said)
        elif kind in {"point", "pos", "line", "circle", "box"} and said:
            _simple(draft, kind, said)
        elif kind == "point" and "geo" in uri:
            part = Part(element)
            if (latitude := part.text("lat")) and (longitude := part.text("long", "lon")):
                _simple(draft, "point", f"{latitude} {longitude}")
    for latitude, longitude in zip(_said(entry, "lat"), _said(entry, "long"), strict=False):
        _simple(draft, "point", f"{latitude} {longitude}")
    draft.circles = list(dict.fromkeys(draft.circles))
    draft.polygons = list(dict.fromkeys(draft.polygons))


def _said(entry: Element, wanted: str) -> Iterator[str]:
    return (words(child) for child in entry if local(child)[1] == wanted)


def _ring(draft: Draft, said: str) -> None:
    flags: list[str] = []
    found = polygon(said, flags)
    draft.flags += [flag for flag in flags if flag != "polygon_mended" or "," in said]  # GeoRSS has no commas
    if found is None:
        draft.flag("polygon_unreadable", said[:60])
    else:
        draft.polygons.append(found)


def _simple(draft: Draft, kind: str, said: str) -> None:
    try:
        numbers = [float(part) for part in said.replace(",", " ").split()]
    except ValueError:
        numbers = []
    radius = numbers.pop() * _KM if kind == "circle" and len(numbers) == 3 else 0.0
    points: list[Point] = list(zip(numbers[::2], numbers[1::2], strict=False))
    if not points or len(numbers) % 2 or not all(map(on_earth, points)) or not 0 <= radius < 1e6:
        draft.flag(f"{kind}_unreadable", said[:60])
    elif kind == "box" and len(points) == 2:
        (south, west), (north, east) = points
        corners = ((south, west), (south, east), (north, east), (north, west), (south, west))
        if (box := ring(corners, draft.flags)) is not None:
            draft.polygons.append(box)
    else:
        draft.circles += [Circle(latitude=lat, longitude=lon, radius=radius) for lat, lon in points]
