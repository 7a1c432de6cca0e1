"""A panel for the contract's tests, whose detectors each report once: an alarm, or a temperature."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from adapters.contract import Raw, Reading, Record, Signal
from adapters.counterpart import Traits
from hub.clock import now
from tests.servers.gb26875 import Panel, component_state, component_value
from tests.servers.process import free_port


def local() -> datetime:
    """As a panel's clock shows it, here in UTC."""
    return now().replace(microsecond=0, tzinfo=None)


class FirePanel:
    traits: ClassVar[Traits] = Traits(acknowledges=True, bound=100, patience=5.0)

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.panel = Panel(self.port, heartbeat=0.05)
        self._next = 0
        self._last: list[bytes] = []

    def start(self) -> None:
        self.panel.start()

    def stop(self) -> None:
        self.panel.stop()

    def pause(self) -> None:
        self.panel.stop()

    def resume(self) -> None:
        self.panel.start()

    def config(self) -> Mapping[str, object]:
        return {"port": self.port, "max_in_flight": 100}

    def refused_config(self) -> Mapping[str, object]:
        raise NotImplementedError("the protocol has no credentials")

    def produce(self, n: int) -> Sequence[Record]:
        made: list[Record] = []
        self._last = []
        at = local()
        for _ in range(n):
            self._next += 1
            detector = f"panel/889/1.1/3-{self._next}"
            if self._next % 2:
                data = component_value(31, 3, self._next, 3, self._next, at)
                made.append(Reading(detector, "temperature", self._next / 10, "Cel", at))
            else:
                data = component_state(42, 3, self._next, 0b11, f"3区{self._next}号", at)
                made.append(Signal(type="fire_alarm", subject=detector, at=at, values={"state": "active"}))
            self._last.append(self.panel.report(data, at))
        return made

    def spoil(self) -> None:
        self.panel.report(b"\x02\x01cut off", local())

    def payloads(self) -> Sequence[Raw]:
        return [Raw(key="127.0.0.1", received_at=now(), data=frame) for frame in self._last]
