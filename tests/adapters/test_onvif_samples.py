"""Real cameras' events, over the wire: each becomes a signal; and broken, never a crash."""

import asyncio
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.contract import Raw, Signal, Unreadable
from hub.clock import now
from tests.adapters.onvif_peer import PASSWORD, USER
from tests.adapters.test_onvif import onvif, signals, take
from tests.servers.onvif import OnvifDevice, notification


@pytest.fixture(scope="session")
def events(samples: Path) -> dict[str, dict[str, Any]]:
    """The recorded events by their file's name."""
    files = sorted((samples / "onvif").glob("*.json"))
    found = {file.stem: orjson.loads(file.read_bytes()) for file in files}
    return {name: event for name, event in found.items() if isinstance(event, dict) and "Topic" in event}


def test_every_recorded_event_is_a_signal(events: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    device = OnvifDevice(USER, PASSWORD)
    for event in events.values():
        device.tell(notification(event))
    device.start()
    try:
        taken = asyncio.run(take(onvif(device.url, tmp_path), lambda b: len(signals(b)) >= len(events)))
    finally:
        device.stop()
    assert len(events) >= 21
    assert not [letter.reason for batch in taken for letter in batch.unreadable]
    assert len(signals(taken)) == len(events)
    assert {s.type for s in signals(taken)} >= {"line_crossed", "motion", "object_detected", "tamper", "alarm_input"}


def test_what_each_maker_means(events: dict[str, dict[str, Any]]) -> None:
    adapter = onvif("http://192.0.2.1", Path("/"))

    def told(name: str) -> tuple[str, object, object]:
        [event] = [event for key, event in events.items() if key.endswith(name)]
        [found] = adapter.decode(Raw(key="x", received_at=now(), data=notification(event).encode()))
        assert isinstance(found, Signal)
        return found.type, found.values["state"], found.values.get("target")

    assert told("ajax~test_ajax_human_vehicle") == ("object_detected", "active", "human,vehicle")
    assert told("ajax~test_ajax_object_detector_cleared") == ("object_detected", "inactive", None)
    assert told("generic~test_line_detector_crossed") == ("line_crossed", "active", None)
    assert told("hikvision~test_hikvision_alarm") == ("alarm_input", "active", None)
    assert told("tapo~test_tapo_intrusion") == ("intrusion", "active", None)
    assert told("tapo~test_tapo_tpsmartevent_pet") == ("object_detected", "active", "animal")
    assert told("unknown~test_reolink_package") == ("rule_doesnotexist", "active", None)


@pytest.mark.parametrize("seed", range(5))
def test_a_broken_event_is_a_signal_or_unreadable(events: dict[str, dict[str, Any]], seed: int) -> None:
    chance, adapter = random.Random(seed), onvif("http://192.0.2.1", Path("/"))
    for event in events.values():
        whole = notification(event).encode()
        for _ in range(40):
            data = bytearray(whole)
            for _ in range(chance.choice((1, 3, 20))):
                at = chance.randrange(len(data))
                match chance.randrange(3):
                    case 0:
                        data[at] = chance.randrange(256)
                    case 1:
                        del data[at : at + chance.choice((1, 10, 100))]
                    case _:
                        data[at:at] = chance.choice((b"<", b"&", b"]]>", b"\0", whole[:80]))
                data = data or bytearray(b"<")
            try:
                [found] = adapter.decode(Raw(key="x", received_at=now(), data=bytes(data)))
                assert isinstance(found, Signal)
            except Unreadable as unreadable:
                assert unreadable.reason
