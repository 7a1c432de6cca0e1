"""An ONVIF notification as a signal. Pure.

Topics are read without their namespaces, and from their end, since makers put their own rules under roots of their own.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from adapters import xml
from adapters.contract import Signal, Unreadable, Value
from adapters.nvr.onvif_config import OnvifConfig
from adapters.nvr.stamps import read_stamp

DEVICE = "device"
"""The external id of the device; a recorder's video source is `source/TOKEN`."""

TOPICS: tuple[tuple[str, str], ...] = (
    ("linedetector", "line_crossed"),
    ("linecross", "line_crossed"),
    ("fielddetector", "intrusion"),
    ("intrusion", "intrusion"),
    ("loitering", "loitering"),
    ("tamper", "tamper"),
    ("globalscenechange", "scene_changed"),
    ("imagetoo", "tamper"),
    ("peopledetector", "object_detected"),
    ("people", "object_detected"),
    ("objectdetection", "object_detected"),
    ("tpsmartevent", "object_detected"),
    ("vehicle", "object_detected"),
    ("motionalarm", "motion"),
    ("motiondetector", "motion"),
    ("motion", "motion"),
    ("digitalinput", "alarm_input"),
    ("alarmin", "alarm_input"),
    ("signalloss", "video_loss"),
    ("videoloss", "video_loss"),
    ("storagefailure", "disk_error"),
    ("firedetect", "fire_detected"),
    ("firealarm", "fire_detected"),
    ("smokedetect", "smoke_detected"),
    ("smokealarm", "smoke_detected"),
)
"""What a step of the topic holds, and the signal's type; the last step is looked at first, and the order counts.
From ONVIF's core and analytics specifications, and from makers' own topics in openvideolibs/onvif-parsers."""

TARGETS: Mapping[str, str] = {
    "people": "human",
    "human": "human",
    "person": "human",
    "face": "human",
    "vehicle": "vehicle",
    "car": "vehicle",
    "pet": "animal",
    "animal": "animal",
}
_STEP = re.compile(r"[^a-z0-9]+")


def signal(notification: xml.Element, received_at: datetime, config: OnvifConfig) -> Signal:
    """Raises Unreadable where it is no notification that says what happened."""
    topic = xml.text(notification, "Topic")
    message = xml.find(notification, "Message", "Message")
    if topic is None:
        raise Unreadable("a notification without a topic", where="Topic")
    if message is None:
        raise Unreadable("a notification without a message", where="Message")
    steps = [step.rpartition(":")[2].lower() for step in topic.split("/")]
    source, data = _items(message, "Source"), _items(message, "Data")
    at, stamp = read_stamp(message.get("UtcTime"), received_at, config.stamps)
    operation = message.get("PropertyOperation")
    values: dict[str, Value] = {"event": topic[:200], "state": _state(data, operation)}
    told = {
        "operation": operation,
        "rule": source.get("Rule"),
        "source": source.get("VideoSourceToken") or source.get("VideoSourceConfigurationToken") or source.get("Source"),
        "input": source.get("InputToken") or source.get("AlarmInToken"),
        "target": _target(data),
    }
    values |= {name: value[:200] for name, value in told.items() if value}
    token = source.get("VideoSourceToken") if config.device == "recorder" else None
    return Signal(
        type=kind(steps),
        subject=f"source/{token}" if token else DEVICE,
        at=at,
        values=MappingProxyType(values | stamp),
    )


def kind(steps: list[str]) -> str:
    """By the topic's steps, the last first; else its last two steps as they are."""
    for step in reversed(steps):
        for part, name in TOPICS:
            if part in step:
                return name
    return _STEP.sub("_", "_".join(steps[-2:])).strip("_")[:60] or "unknown"


def _items(message: xml.Element, part: str) -> dict[str, str]:
    found = xml.find(message, part)
    if found is None:
        return {}
    items = ((one.get("Name"), one.get("Value")) for one in xml.children(found, "SimpleItem"))
    return {name: value for name, value in items if name is not None and value is not None}


def _state(data: Mapping[str, str], operation: str | None) -> str:
    """Active unless it says that it is over."""
    if operation == "Deleted":
        return "inactive"
    said = [_truth(name, value) for name, value in data.items()]
    if True in said:
        return "active"
    classes = data.get("ClassTypes")
    ended = False in said or (classes is not None and not classes.strip())
    return "inactive" if ended else "active"


def _truth(name: str, value: str) -> bool | None:
    """None for what is no truth value: an ObjectId may be 0."""
    said, called = value.strip().lower(), name.lower()
    if said in {"true", "false"}:
        return said == "true"
    if said in {"1", "0"} and (called.startswith("is") or "state" in called):
        return said == "1"
    return None


def _target(data: Mapping[str, str]) -> str | None:
    """Of what was seen; several are joined by a comma, as ISAPI does."""
    said = data.get("ClassTypes", "").lower().split()
    said += [name.lower().removeprefix("is") for name, value in data.items() if _truth(name, value)]
    found = dict.fromkeys(TARGETS[word] for word in said if word in TARGETS)
    return ",".join(found) or None
