"""An incident as CAP 1.2 messages, and a feed of them as Atom.

OASIS, Common Alerting Protocol 1.2, 1 July 2010. An incident that is open is an Alert; when it is closed a Cancel
follows, which refers to it. Both keep their identifier and their time for ever, so a reader knows them again.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from graph_models.entities import IncidentKind

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
ATOM = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/cap+xml"
PLACES = "causeway:place"
"""The geocode's scheme: the value is the place's id in the graph."""
CLOSED = "-closed"

_KINDS: Mapping[IncidentKind, tuple[str, str, str]] = {
    IncidentKind.FIRE: ("Fire", "火灾", "Fire"),
    IncidentKind.EXPLOSION: ("Fire", "爆炸", "Explosion"),
    IncidentKind.LEAK: ("CBRNE", "泄漏", "Leak"),
    IncidentKind.FLOOD: ("Met", "内涝", "Flood"),
    IncidentKind.STORM: ("Met", "风暴", "Storm"),
    IncidentKind.EARTHQUAKE: ("Geo", "地震", "Earthquake"),
    IncidentKind.COLLAPSE: ("Infra", "坍塌", "Collapse"),
    IncidentKind.POWER_FAILURE: ("Infra", "停电", "Power failure"),
    IncidentKind.MEDICAL: ("Health", "医疗急救", "Medical emergency"),
    IncidentKind.SECURITY: ("Security", "治安事件", "Security incident"),
    IncidentKind.OTHER: ("Other", "突发事件", "Incident"),
}
"""CAP's category, and the event in Chinese and English."""
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """`id` is CAP's `sender`, the same for ever; `timezone` that of the times that are written."""

    id: str
    name: str
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class CapMessage:
    """`incident`: as GraphQL answers it. `closing`: the Cancel; else the Alert."""

    incident: Mapping[str, Any]
    closing: bool
    sender: Sender

    @property
    def identifier(self) -> str:
        return str(self.incident["id"]) + (CLOSED if self.closing else "")

    @property
    def sent(self) -> datetime:
        return datetime.fromisoformat(self.incident["closedAt" if self.closing else "openedAt"])

    @property
    def title(self) -> str:
        """In Chinese, as the park's people say it."""
        return self._headline(1)

    def xml(self) -> bytes:
        alert = ElementTree.Element("alert", xmlns=CAP)
        _text(alert, "identifier", self.identifier)
        _text(alert, "sender", self.sender.id)
        _text(alert, "sent", self._time(self.sent))
        _text(alert, "status", "Actual")
        _text(alert, "msgType", "Cancel" if self.closing else "Alert")
        _text(alert, "scope", "Restricted")
        _text(alert, "restriction", "For those to whom the park gave access")
        if self.closing:
            opened = self._time(datetime.fromisoformat(self.incident["openedAt"]))
            _text(alert, "references", f"{self.sender.id},{self.incident['id']},{opened}")
        if "number" in self.incident:
            _text(alert, "incidents", str(self.incident["number"]))
        for word, language in ((1, "zh-CN"), (2, "en-US")):
            self._info(alert, word, language)
        return _written(alert)

    def _info(self, alert: ElementTree.Element, word: int, language: str) -> None:
        kind = _KINDS[IncidentKind(self.incident["kind"])]
        info = ElementTree.SubElement(alert, "info")
        _text(info, "language", language)
        _text(info, "category", kind[0])
        _text(info, "event", kind[word])
        _text(info, "urgency", "Past" if self.closing else "Immediate")
        _text(info, "severity", "Unknown")
        _text(info, "certainty", "Observed")
        _text(info, "senderName", self.sender.name)
        _text(info, "headline", self._headline(word))
        for place in self.incident["places"]["nodes"]:
            area = ElementTree.SubElement(info, "area")
            _text(area, "areaDesc", place["name"] or place["id"])
            rings = list(_rings(place.get("boundary")))
            for ring in rings:
                _text(area, "polygon", " ".join(f"{latitude},{longitude}" for longitude, latitude in ring))
            if not rings and place.get("latitude") is not None and place.get("longitude") is not None:
                _text(area, "circle", f"{place['latitude']},{place['longitude']} 0")
            geocode = ElementTree.SubElement(area, "geocode")
            _text(geocode, "valueName", PLACES)
            _text(geocode, "value", place["id"])

    def _headline(self, word: int) -> str:
        over = ("", "已结束", "over")[word] if self.closing else ""
        named = _KINDS[IncidentKind(self.incident["kind"])][word]
        where = ", ".join(place["name"] for place in self.incident["places"]["nodes"] if place["name"])
        return " ".join(filter(None, (self.incident.get("number"), named, over, where)))

    def _time(self, moment: datetime) -> str:
        """CAP has whole seconds and an offset, never `Z`."""
        return moment.astimezone(self.sender.timezone).isoformat(timespec="seconds")


def messages_of(incident: Mapping[str, Any], sender: Sender) -> Iterator[CapMessage]:
    yield CapMessage(incident=incident, closing=False, sender=sender)
    if incident["closedAt"] is not None:
        yield CapMessage(incident=incident, closing=True, sender=sender)


def atom(messages: Sequence[CapMessage], sender: Sender, base: str) -> bytes:
    """RFC 4287; `base` is the address of the folder that the feed and the messages are in."""
    feed = ElementTree.Element("feed", xmlns=ATOM)
    _text(feed, "id", f"{base}/feed.atom")
    _text(feed, "title", sender.name)
    _text(feed, "updated", max((one.sent for one in messages), default=datetime(1970, 1, 1, tzinfo=UTC)).isoformat())
    author = ElementTree.SubElement(feed, "author")
    _text(author, "name", sender.name)
    ElementTree.SubElement(feed, "link", rel="self", href=f"{base}/feed.atom")
    for one in messages:
        entry = ElementTree.SubElement(feed, "entry")
        _text(entry, "id", f"{base}/{one.identifier}.xml")
        _text(entry, "title", one.title)
        _text(entry, "updated", one.sent.isoformat())
        ElementTree.SubElement(entry, "link", type=MEDIA_TYPE, href=f"{base}/{one.identifier}.xml")
    return _written(feed)


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _UNWRITABLE.sub(" ", text)


def _written(root: ElementTree.Element) -> bytes:
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _rings(boundary: str | None) -> Iterator[Sequence[tuple[float, float]]]:
    """The outer ring of each polygon: CAP's have no holes."""
    if boundary is None:
        return
    shape = json.loads(boundary)
    polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    for polygon in polygons:
        yield [(point[0], point[1]) for point in polygon[0]]
