"""An event of ISAPI's alert stream as a signal, from XML of any namespace or from JSON. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import orjson

from adapters import xml
from adapters.contract import Signal, Unreadable, Value
from adapters.nvr.isapi_config import IsapiConfig
from adapters.nvr.stamps import read_stamp

DEVICE = "device"
"""The external id of the recorder itself; a channel's is `channel/N`."""

KINDS: Mapping[str, str] = {
    "vmd": "motion",
    "motion": "motion",
    "pir": "motion",
    "linedetection": "line_crossed",
    "fielddetection": "intrusion",
    "regionentrance": "region_entered",
    "regionexiting": "region_exited",
    "loitering": "loitering",
    "group": "crowding",
    "rapidmove": "rapid_move",
    "parking": "parking",
    "unattendedbaggage": "object_left",
    "attendedbaggage": "object_taken",
    "scenechangedetection": "scene_changed",
    "tamperdetection": "tamper",
    "shelteralarm": "tamper",
    "defocus": "defocus",
    "videoloss": "video_loss",
    "io": "alarm_input",
    "firedetection": "fire_detected",
    "fireescapedetection": "fire_lane_blocked",
    "smokedetection": "smoke_detected",
    "thermometry": "temperature_alarm",
    "tma": "temperature_alarm",
    "diskfull": "disk_full",
    "diskerror": "disk_error",
    "nicbroken": "network_broken",
    "ipconflict": "address_conflict",
    "illaccess": "illegal_access",
    "recordexception": "recording_failed",
}
"""Event types as devices write them (any case; `Event/triggers` of real devices, and Hikvision's public lists) and the
signal's type. What is not here keeps its own name."""

_DEPTH = 8
"""Levels of a JSON event that are looked into; devices use four."""
_NAME = re.compile(r"[^a-z0-9]+")


Fields = Mapping[str, str]
"""An event's values by name, wherever they stand in it; of several of one name the one nearest to the root, then the
first."""


def xml_fields(root: xml.Element) -> Fields:
    """Raises Unreadable."""
    if xml.text(root, "eventType") is None:
        raise _not_told()
    found: dict[str, str] = {}
    for element in (*xml.children(root), *root.iter()):
        said = (element.text or "").strip()
        if said:
            found.setdefault(xml.name(element), said)
    return found


def json_fields(data: bytes) -> Fields:
    """Raises Unreadable."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error}") from error
    if isinstance(document, dict) and isinstance(inner := document.get("EventNotificationAlert"), dict):
        document = inner
    if not isinstance(document, dict):
        raise Unreadable("the JSON is no object")
    if not isinstance(document.get("eventType"), str):
        raise _not_told()
    found: dict[str, str] = {}
    level: list[object] = [document]
    for _ in range(_DEPTH):
        below: list[object] = []
        for one in level:
            for name, value in one.items() if isinstance(one, dict) else (("", each) for each in _list(one)):
                if isinstance(value, dict | list):
                    below.append(value)
                elif isinstance(value, str | int | float) and (said := _said(value)):
                    found.setdefault(name, said)
        level = below
    return found


def _not_told() -> Unreadable:
    return Unreadable("an event without eventType", where="eventType")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _said(value: str | int | float) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value).strip()


def signal(fields: Fields, received_at: datetime, config: IsapiConfig) -> Signal:
    """Raises Unreadable where it does not say what happened."""
    told = fields.get("eventType")
    if told is None:
        raise _not_told()
    lasting = fields.get("relationEvent") if told.lower() == "duration" else None
    event = lasting or told
    state = (fields.get("eventState") or "active").lower()
    subject, channel = _subject(fields, config)
    at, stamp = read_stamp(fields.get("dateTime"), received_at, config.stamps)
    values: dict[str, Value] = {"event": event[:100], "state": state[:20]}
    if channel is not None:
        values["channel"] = channel
    for name, key in (
        ("channelName", "channel_name"),
        ("detectionTarget", "target"),
        ("targetType", "target"),
        ("regionID", "region"),
        ("inputIOPortID", "input"),
        ("eventDescription", "description"),
    ):
        found = fields.get(name)
        if found is not None and key not in values:
            values[key] = found[:200]
    posts = fields.get("activePostCount")  # an empty one is seen, and says nothing
    if posts is not None and posts.isascii() and posts.isdigit() and len(posts) < 10:
        values["posts"] = int(posts)
    if fields.get("isDataRetransmission") == "true":
        values["retransmitted"] = True
    return Signal(type=kind(event), subject=subject, at=at, values=MappingProxyType(values | stamp))


def kind(event: str) -> str:
    own = _NAME.sub("_", event.lower()).strip("_")[:60]
    return KINDS.get(own.replace("_", ""), own or "unknown")


def _subject(fields: Fields, config: IsapiConfig) -> tuple[str, int | None]:
    number = next((n for n in (_number(fields.get(x)) for x in ("channelID", "dynChannelID")) if n), 0)
    if config.device == "camera":
        return f"channel/{number or 1}", number or None
    if not number:
        return DEVICE, None
    if config.ip_channels_from and number > config.ip_channels_from:
        number -= config.ip_channels_from
    return f"channel/{number}", number


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else 0
