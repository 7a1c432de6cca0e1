"""What real Hikvision devices say: each file accepted, flagged or refused with a reason; and broken, never a crash."""

import asyncio
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.contract import Claim, Raw, Signal, Unreadable
from adapters.nvr.isapi import Isapi
from hub.clock import now
from tests.adapters.isapi_peer import PASSWORD, USER
from tests.adapters.test_isapi import claims, isapi, letters, signals, take
from tests.servers.isapi import IsapiDevice, part


@pytest.fixture(scope="session")
def folder(samples: Path) -> Path:
    return samples / "isapi"


def adapter() -> Isapi:
    return isapi("http://192.0.2.1", Path("/nowhere"))


def accepted(data: bytes) -> str:
    """What becomes of a payload, in a word."""
    try:
        records = adapter().decode(Raw(key="sample", received_at=now(), data=data))
    except Unreadable as unreadable:
        assert unreadable.reason
        return unreadable.reason
    assert records
    return type(records[0]).__name__


def test_every_file_is_accepted_or_refused_with_a_reason(folder: Path) -> None:
    became = {file.name.split("~", 1)[1]: accepted(file.read_bytes()) for file in sorted(folder.iterdir())}
    assert len(became) >= 9
    for name, what in became.items():
        if name.startswith("EventNotificationAlert"):
            assert what == "Signal", name
        elif name.startswith("System.deviceInfo"):
            assert what == "Claim", name
        elif "picture" in name:
            assert what.startswith("the device reports:"), name
        elif name.startswith("DS-"):
            assert "eventType" in what, name  # a whole device's recording is no event


def test_events_of_four_devices_over_the_wire(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    device = IsapiDevice({}, USER, PASSWORD)
    files = sorted(folder.glob("*EventNotificationAlert*"))
    for number, file in enumerate(files):
        device.say(part(file.read_bytes(), length=-1 if number % 2 else None))
    device.say(part(b"<EventNotificationAlert><cut"))
    device.start()
    try:
        taken = asyncio.run(take(isapi(device.url, tmp_path), lambda b: bool(letters(b))))
    finally:
        device.stop()
    found = {(s.type, s.subject, s.values.get("target"), s.values["state"]) for s in signals(taken)}
    assert found == {
        ("alarm_input", "channel/1", None, "active"),
        ("intrusion", "channel/1", "human", "active"),
        ("intrusion", "channel/1", None, "active"),
        ("intrusion", "channel/2", None, "active"),  # a recorder's channel 34
    }
    assert all(s.at is not None and s.at.tzinfo is not None for s in signals(taken))


def recorded(file: Path, tmp_path: Path, **config: object) -> tuple[dict[str, Claim], str]:
    """The claims that a device's recording gives, and the address of its first channel's picture."""
    answers: Any = orjson.loads(file.read_bytes())["data"]["ISAPI"]
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    device = IsapiDevice(answers, USER, PASSWORD)
    device.start()

    async def opened() -> str:
        async with isapi(device.url, tmp_path, **config) as adapter:
            return (await adapter.open("channel/1")).url

    try:
        return claims(isapi(device.url, tmp_path, **config)), asyncio.run(opened())
    finally:
        device.stop()


def test_a_real_recorder(folder: Path, tmp_path: Path) -> None:
    found, picture = recorded(folder / "hikvision_next__devices~DS-7608NXI-I2.json", tmp_path)
    recorder = found.pop("device")
    assert (recorder.values["model"], recorder.values["firmware"]) == ("DS-7608NXI-I2/8P/S", "V4.62.210 build 230619")
    assert recorder.values["storage_capacity"] == 1907729 * 1048576.0
    assert recorder.values["storage_free"] == 0.0
    assert [claim.values["name"] for claim in found.values()] == ["garden", "home", "road", "gate"]
    assert [len(claim.identifiers) for claim in found.values()] == [2, 2, 2, 1]  # the gate's camera is away
    assert picture.endswith(":10554/Streaming/Channels/101")


def test_a_real_camera(folder: Path, tmp_path: Path) -> None:
    found, picture = recorded(folder / "hikvision_next__devices~DS-2CD2386G2-IU.json", tmp_path, device="camera")
    [claim] = found.values()
    assert (claim.external_id, claim.values["name"], claim.values["kind"]) == ("channel/1", "yard", "CAMERA")
    assert {i.scheme for i in claim.identifiers} == {"serial_number", "mac"}
    assert picture.endswith(":10554/Streaming/Channels/101")


@pytest.mark.parametrize("seed", range(5))
def test_a_broken_file_is_a_signal_or_unreadable(folder: Path, seed: int) -> None:
    chance, read = random.Random(seed), adapter()
    for file in sorted(folder.iterdir()):
        whole = file.read_bytes()[:20_000]
        for _ in range(60):
            data = bytearray(whole)
            for _ in range(chance.choice((1, 3, 20))):
                at = chance.randrange(len(data))
                match chance.randrange(4):
                    case 0:
                        data[at] = chance.randrange(256)
                    case 1:
                        del data[at : at + chance.choice((1, 10, 500))]
                    case 2:
                        data[at:at] = chance.choice((b"<", b"&", b"]]>", b"\0", b"{", b"<!DOCTYPE a [", whole[:50]))
                    case _:
                        data[at:at] = data[at : at + 100]
                if not data:
                    data = bytearray(b"<")
            try:
                for record in read.decode(Raw(key="x", received_at=now(), data=bytes(data))):
                    assert isinstance(record, Signal | Claim)
            except Unreadable as unreadable:
                assert unreadable.reason
