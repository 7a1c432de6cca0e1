"""A camera for the contract's tests that tells of lines crossed, each by a rule of its own number."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from adapters.contract import Raw, Record, Signal
from adapters.counterpart import Traits
from hub.clock import now
from tests.servers.onvif import OnvifDevice, notification

USER, PASSWORD = "hub", "sword&fish:<7>"


def event(
    topic: str, data: Mapping[str, str], source: Mapping[str, str] | None = None, at: str | None = "now", **more: Any
) -> dict[str, Any]:
    def items(given: Mapping[str, str]) -> dict[str, Any]:
        return {"SimpleItem": [{"Name": name, "Value": value} for name, value in given.items()]}

    stamp = now().isoformat(timespec="seconds") if at == "now" else at
    message = {"UtcTime": stamp, "Source": items(source or {}), "Data": items(data), **more}
    return {"Topic": {"_value_1": topic}, "Message": {"_value_1": message}}


class Camera:
    traits: ClassVar[Traits] = Traits(credentials=True, bound=100, patience=8.0)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.device = OnvifDevice(USER, PASSWORD)
        self._next = 0
        self._last: list[str] = []

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
            "pull_seconds": 1,
        }

    def refused_config(self) -> Mapping[str, object]:
        return {**self.config(), "password": {"file": str(self._folder / "wrong")}}

    def produce(self, n: int) -> Sequence[Record]:
        made: list[Record] = []
        self._last = []
        at = now().replace(microsecond=0)
        for _ in range(n):
            self._next += 1
            rule = f"line {self._next}"
            told = event("tns1:RuleEngine/LineDetector/Crossed", {"ObjectId": "0"}, {"Rule": rule}, at.isoformat())
            self._last.append(notification(told))
            values = {"event": "tns1:RuleEngine/LineDetector/Crossed", "state": "active", "rule": rule}
            made.append(Signal(type="line_crossed", subject="device", at=at, values=values))
        for message in self._last:
            self.device.tell(message)
        return made

    def spoil(self) -> None:
        self.device.tell('<n:NotificationMessage xmlns:n="http://docs.oasis-open.org/wsn/b-2"/>')

    def payloads(self) -> Sequence[Raw]:
        return [Raw(key="pullpoint", received_at=now(), data=message.encode()) for message in self._last]
