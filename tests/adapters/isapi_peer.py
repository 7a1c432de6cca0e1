"""A recorder for the contract's tests: four channels of our own invention, one of them dark, and one disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from adapters.contract import Raw, Record, Signal
from adapters.counterpart import Traits
from hub.clock import now
from tests.servers.isapi import IsapiDevice, Recording, document, part

USER, PASSWORD = "hub", "sword&fish:<7>"
SPACE = "http://www.isapi.org/ver20/XMLSchema"


def recording() -> Recording:
    def input_proxy(number: int) -> dict[str, Any]:
        source = {
            "proxyProtocol": "HIKVISION" if number < 3 else "ONVIF",
            "model": "TEST-CAM" if number < 4 else None,
            "serialNumber": f"TEST-CAM-{number:04}" if number < 4 else None,
            "firmwareVersion": "V1.0" if number < 4 else None,
        }
        return {"id": str(number), "name": f"门 {number}", "sourceInputPortDescriptor": source}

    return {
        "System/deviceInfo": {
            "response": {
                "DeviceInfo": {
                    "@xmlns": SPACE,
                    "deviceName": "recorder",
                    "model": "TEST-NVR",
                    "serialNumber": "TEST-NVR-1",
                    "macAddress": "02:00:00:00:00:01",
                    "firmwareVersion": "V4.0",
                    "firmwareReleasedDate": "build 240101",
                    "deviceType": "NVR",
                }
            }
        },
        "System/Video/inputs/channels": {"status_code": 403},
        "ContentMgmt/InputProxy/channels": {
            "response": {
                "InputProxyChannelList": {"@xmlns": SPACE, "InputProxyChannel": [input_proxy(n) for n in range(1, 5)]}
            }
        },
        "ContentMgmt/InputProxy/channels/status": {
            "response": {
                "InputProxyChannelStatusList": {
                    "@xmlns": SPACE,
                    "InputProxyChannelStatus": [
                        {"id": str(n), "online": "true" if n < 4 else "false"} for n in range(1, 5)
                    ],
                }
            }
        },
        "ContentMgmt/Storage": {
            "response": {
                "storage": {
                    "@xmlns": SPACE,
                    "hddList": {"hdd": [{"id": "1", "capacity": "1000000", "freeSpace": "2500"}]},
                    "nasList": None,
                }
            }
        },
        "Security/adminAccesses": {
            "response": {"AdminAccessProtocolList": {"AdminAccessProtocol": [{"protocol": "RTSP", "portNo": "10554"}]}}
        },
        "Streaming/channels/101": {"response": {"StreamingChannel": {"id": "101"}}},
        "Streaming/channels/102": {"response": {"StreamingChannel": {"id": "102"}}},
        "Streaming/channels/401": {"status_code": 403},
    }


def event(space: str = SPACE, **fields: Any) -> bytes:
    """An event as a device writes it; a field that is None stands there empty."""
    given: dict[str, Any] = {
        "@version": "2.0",
        "@xmlns": space,
        "ipAddress": "192.0.2.9",
        "channelID": 1,
        "dateTime": now().isoformat(timespec="seconds"),
        "activePostCount": 1,
        "eventType": "fielddetection",
        "eventState": "active",
        **fields,
    }
    return document({"EventNotificationAlert": given})


class Recorder:
    """`IsapiDevice` as the contract wants it."""

    traits: ClassVar[Traits] = Traits(credentials=True, bound=100, patience=8.0)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.device = IsapiDevice(recording(), USER, PASSWORD)
        self._next = 0
        self._last: list[bytes] = []

    def start(self) -> None:
        (self._folder / "right").write_text(PASSWORD, encoding="utf-8")
        (self._folder / "wrong").write_text("guessed", encoding="utf-8")
        self.device.start()

    def stop(self) -> None:
        self.device.stop()

    def pause(self) -> None:
        self.device.stop()

    def resume(self) -> None:
        self.device.start()

    def config(self) -> Mapping[str, object]:
        return {
            "url": self.device.url,
            "username": USER,
            "password": {"file": str(self._folder / "right")},
            "max_in_flight": 100,
            "timeout_seconds": 3,
        }

    def refused_config(self) -> Mapping[str, object]:
        return {**self.config(), "password": {"file": str(self._folder / "wrong")}}

    def produce(self, n: int) -> Sequence[Record]:
        made: list[Record] = []
        self._last = []
        stamp = now().replace(microsecond=0)
        for _ in range(n):
            self._next += 1
            region = f"{self._next}"
            self._last.append(
                event(
                    channelID=33 + self._next % 4,
                    dateTime=stamp.isoformat(),
                    DetectionRegionList={"DetectionRegionEntry": {"regionID": region, "detectionTarget": "human"}},
                )
            )
            channel = 1 + self._next % 4
            values = {"event": "fielddetection", "state": "active", "channel": channel, "target": "human"}
            values |= {"region": region, "posts": 1}
            made.append(Signal(type="intrusion", subject=f"channel/{channel}", at=stamp, values=values))
        for body in self._last:
            self.device.say(part(body))
        return made

    def spoil(self) -> None:
        self.device.say(part(event()[:-40]))

    def payloads(self) -> Sequence[Raw]:
        return [Raw(key="alerts", received_at=now(), data=body) for body in self._last]
