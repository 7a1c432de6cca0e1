"""The demo's devices and services that are not child processes: two recorders, a fire panel, a weather office.

Each is a real server or client of its protocol on loopback, the same that the tests use.
"""

import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from layout import COLUMNS, EAST_STEP, NORTH_STEP, ROWS, at, zones

from tests.servers.gb26875 import Panel, component_state
from tests.servers.isapi import IsapiDevice, document, part
from tests.servers.pages import Pages

CAMERAS_EACH = 48
RECORDERS = {"recorder-east": "DEMO-NVR-E", "recorder-west": "DEMO-NVR-W"}
PANEL_ADDRESS = 889
DETECTORS_BEHIND_PANEL = 500
SMOKE, HEAT = 40, 30  # component types of GB/T 26875.3: point smoke detector, heat detector
NORMAL, FIRE = 0, 1 << 1  # of a component's state
SPACE = "http://www.isapi.org/ver20/XMLSchema"
USER = "causeway"
ZONE = ZoneInfo("Asia/Shanghai")
Row = Mapping[str, object]


def detector_place(number: int) -> str:
    """Where the panel's detectors hang, the first ones in the car parts store B2."""
    where = zones()
    return where[(12 + number) % len(where)]


def camera_place(recorder: str, channel: int) -> str:
    where = zones()
    return where[(channel * 7 + (360 if recorder.endswith("west") else 0)) % len(where)]


def surveyed() -> Iterator[Row]:
    """Where cameras and detectors are: rows of `causeway import equipment`."""
    for recorder in RECORDERS:
        for channel in range(1, CAMERAS_EACH + 1):
            place = camera_place(recorder, channel)
            yield {
                "code": f"CAM-{recorder[9].upper()}{channel:02}",
                "kind": "CAMERA",
                "name": f"{place} 摄像机 Camera",
                "place": place,
                "monitors": place,
                "device": f"{recorder}/channel/{channel}",
            }
    for number in range(1, DETECTORS_BEHIND_PANEL + 1):
        place = detector_place(number)
        yield {
            "code": f"FD-{number:03}",
            "kind": "SENSOR",
            "name": f"{place} 感烟探测器 Smoke detector {number}",
            "place": place,
            "monitors": place,
            "device": f"fire-panel/panel/{PANEL_ADDRESS}/1.1/{1 + number // 200}-{number % 200}",
        }


class Devices:
    """`start` and `stop` all; passwords are made anew at each run and lie in files that the park file names."""

    def __init__(self, folder: Path, panel_port: int) -> None:
        self.password = secrets.token_urlsafe(12)
        (folder / "recorder.password").write_text(self.password, encoding="utf-8")
        self.recorders = {
            name: IsapiDevice(_recording(name, serial), USER, self.password) for name, serial in RECORDERS.items()
        }
        self.panel = Panel(panel_port, PANEL_ADDRESS, heartbeat=5.0)
        self.weather = Pages()
        self.weather.put("/warnings.atom", _feed())

    @property
    def urls(self) -> Mapping[str, str]:
        return {"weather": self.weather.url} | {name: recorder.url for name, recorder in self.recorders.items()}

    def start(self) -> None:
        for recorder in self.recorders.values():
            recorder.start()
        self.weather.start()
        for number in range(1, DETECTORS_BEHIND_PANEL + 1):
            self.detector(number, NORMAL)
        self.panel.start()

    def stop(self) -> None:
        self.panel.stop()
        self.weather.stop()
        for recorder in self.recorders.values():
            recorder.stop()

    def detector(self, number: int, word: int) -> None:
        """The panel reports a detector's state."""
        now = datetime.now(ZONE)
        data = component_state(SMOKE, 1 + number // 200, number % 200, word, detector_place(number), now)
        self.panel.report(data, now)

    def cross_line(self, recorder: str, channel: int) -> None:
        given: dict[str, Any] = {
            "@version": "2.0",
            "@xmlns": SPACE,
            "channelID": 32 + channel,
            "dateTime": datetime.now(ZONE).isoformat(timespec="seconds"),
            "activePostCount": 1,
            "eventType": "linedetection",
            "eventState": "active",
        }
        self.recorders[recorder].say(part(document({"EventNotificationAlert": given})))

    def warn_of_storm(self) -> str:
        """A warning over the whole park for the next hours; its identifier."""
        identifier = f"demo-storm-{secrets.token_hex(4)}"
        self.weather.put(f"/{identifier}.xml", _storm(identifier, datetime.now(UTC)))
        self.weather.put("/warnings.atom", _feed(f"{self.weather.url}/{identifier}.xml", identifier))
        return identifier


def _recording(name: str, serial: str) -> Mapping[str, Mapping[str, Any]]:
    channels = range(1, CAMERAS_EACH + 1)

    def proxy(number: int) -> dict[str, Any]:
        source = {"proxyProtocol": "HIKVISION", "model": "DEMO-CAM", "serialNumber": f"{serial}-CAM-{number:03}"}
        return {"id": str(number), "name": f"Camera {number:02}", "sourceInputPortDescriptor": source}

    return {
        "System/deviceInfo": {
            "response": {
                "DeviceInfo": {
                    "@xmlns": SPACE,
                    "deviceName": name,
                    "model": "DEMO-NVR",
                    "serialNumber": serial,
                    "firmwareVersion": "V4.0",
                    "deviceType": "NVR",
                }
            }
        },
        "System/Video/inputs/channels": {"status_code": 403},
        "ContentMgmt/InputProxy/channels": {
            "response": {"InputProxyChannelList": {"@xmlns": SPACE, "InputProxyChannel": [proxy(n) for n in channels]}}
        },
        "ContentMgmt/InputProxy/channels/status": {
            "response": {
                "InputProxyChannelStatusList": {
                    "@xmlns": SPACE,
                    "InputProxyChannelStatus": [{"id": str(n), "online": "true"} for n in channels],
                }
            }
        },
        "ContentMgmt/Storage": {
            "response": {
                "storage": {
                    "@xmlns": SPACE,
                    "hddList": {"hdd": [{"id": "1", "capacity": "8000000", "freeSpace": "1200000"}]},
                }
            }
        },
    }


def _feed(link: str | None = None, identifier: str = "") -> bytes:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entry = (
        f"<entry><id>{identifier}</id><title>Storm</title><updated>{now}</updated>"
        f'<link rel="alternate" type="application/cap+xml" href="{link}"/></entry>'
        if link
        else ""
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"><id>urn:demo:warnings</id>'
        f"<title>Demo weather office</title><updated>{now}</updated>{entry}</feed>"
    ).encode()


def _storm(identifier: str, now: datetime) -> bytes:
    corners = ((-500.0, -500.0), (EAST_STEP * COLUMNS + 500, -500.0))
    corners += ((EAST_STEP * COLUMNS + 500, NORTH_STEP * ROWS + 500), (-500.0, NORTH_STEP * ROWS + 500))
    ring = [at(east, north) for east, north in (*corners, corners[0])]
    polygon = " ".join(f"{latitude},{longitude}" for latitude, longitude in ring)
    until = (now + timedelta(hours=6)).isoformat(timespec="seconds")
    sent = now.isoformat(timespec="seconds")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{identifier}</identifier><sender>demo@weather.invalid</sender><sent>{sent}</sent>
  <status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <info>
    <language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Expected</urgency>
    <severity>Severe</severity><certainty>Likely</certainty><expires>{until}</expires>
    <senderName>示范气象台 Demo weather office</senderName><headline>示范气象台发布暴雨橙色预警</headline>
    <area><areaDesc>示范区 Demo district</areaDesc><polygon>{polygon}</polygon></area>
  </info>
</alert>""".encode()
