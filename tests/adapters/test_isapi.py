"""ISAPI over a device of our own: nothing lost, nothing shown that is secret, and failures called by their name."""

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest

from adapters.contract import (
    Batch,
    CertificateRefused,
    Claim,
    CredentialsRefused,
    Fault,
    Health,
    HealthState,
    Raw,
    Signal,
    Source,
    SourceError,
    Unreachable,
    Unreadable,
)
from adapters.counterpart import closing
from adapters.nvr.isapi import ADAPTER, Isapi
from adapters.testing import contract_tests
from hub.clock import now
from tests.adapters.isapi_peer import PASSWORD, USER, Recorder, event, recording
from tests.servers.certificates import Certificates
from tests.servers.isapi import IsapiDevice, part
from tests.servers.process import free_port

globals().update(contract_tests(ADAPTER, Recorder))


@pytest.fixture
def device(tmp_path: Path) -> Iterator[IsapiDevice]:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    made = IsapiDevice(recording(), USER, PASSWORD)
    made.start()
    yield made
    made.stop()


def isapi(url: str, folder: Path, **more: object) -> Isapi:
    given = {"url": url, "username": USER, "password": {"file": str(folder / "password")}, "timeout_seconds": 3, **more}
    adapter = ADAPTER.factory(Source(id="recorder"), ADAPTER.config.model_validate(given))
    assert isinstance(adapter, Isapi)
    return adapter


async def take(adapter: Isapi, until: Callable[[Sequence[Batch]], bool], seconds: float = 8) -> list[Batch]:
    taken: list[Batch] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), adapter, closing(adapter.read(None)) as batches:
            async for batch in batches:
                taken.append(batch)
                await batch.ack()
                if until(taken):
                    break
    return taken


def signals(batches: Sequence[Batch]) -> list[Signal]:
    return [record for batch in batches for record in batch.records if isinstance(record, Signal)]


def letters(batches: Sequence[Batch]) -> list[str]:
    return [letter.reason for batch in batches for letter in batch.unreadable]


def faults(batches: Sequence[Batch]) -> list[Fault]:
    return [fault for batch in batches for fault in batch.faults]


def claims(adapter: Isapi) -> dict[str, Claim]:
    async def run() -> dict[str, Claim]:
        async with adapter:
            return {claim.external_id: claim async for claim in adapter.discover()}

    return asyncio.run(run())


def decode(data: bytes, at: datetime | None = None, **config: object) -> Signal:
    adapter = isapi("http://192.0.2.1", Path("/nowhere"), **config)
    [found] = adapter.decode(Raw(key="x", received_at=at or now(), data=data))
    assert isinstance(found, Signal)
    return found


# What the device says of itself.


def test_a_recorder_its_cameras_and_its_disk(device: IsapiDevice, tmp_path: Path) -> None:
    found = claims(isapi(device.url, tmp_path))
    own = found.pop("device")
    assert dict(own.values) == {
        "kind": "RECORDER",
        "name": "recorder",
        "manufacturer": "Hikvision",
        "model": "TEST-NVR",
        "serial_number": "TEST-NVR-1",
        "firmware": "V4.0 build 240101",
        "device_type": "NVR",
        "online": True,
        "storage_capacity": 1_000_000 * 1048576.0,
        "storage_free": 2 * 1073741824.0,
    }
    assert {(i.scheme, i.value) for i in own.identifiers} == {
        ("serial_number", "Hikvision/TEST-NVR-1"),
        ("mac", "02:00:00:00:00:01"),
    }
    assert list(found) == ["channel/1", "channel/2", "channel/3", "channel/4"]
    assert [claim.values["online"] for claim in found.values()] == [True, True, True, False]
    assert [claim.values.get("manufacturer") for claim in found.values()] == ["Hikvision", "Hikvision", None, None]
    assert {(i.scheme, i.value) for i in found["channel/2"].identifiers} == {
        ("serial_number", "Hikvision/TEST-CAM-0002"),
        ("recorder_channel", "TEST-NVR-1/2"),
    }
    assert [(link.relation, link.target) for link in found["channel/4"].links] == [("RECORDED_BY", "device")]


def test_a_camera_that_is_asked_directly(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    answers = {
        "System/deviceInfo": {
            "response": {"DeviceInfo": {"model": "C", "serialNumber": "C1", "deviceType": "IPCamera"}}
        }
    }
    camera = IsapiDevice(answers, USER, PASSWORD)
    camera.start()
    try:
        [claim] = claims(isapi(camera.url, tmp_path, device="camera")).values()
        mistaken = checked(isapi(camera.url, tmp_path))
    finally:
        camera.stop()
    assert (claim.external_id, claim.values["kind"], claim.links) == ("channel/1", "CAMERA", ())
    assert [i.value for i in claim.identifiers] == ["Hikvision/C1"]
    assert mistaken.state is HealthState.DEGRADED
    assert "set device = 'camera'" in mistaken.text


def test_the_picture_of_a_channel_and_its_password_is_not_shown(device: IsapiDevice, tmp_path: Path) -> None:
    async def run() -> None:
        async with isapi(device.url, tmp_path) as adapter:
            found = await adapter.open("channel/1")
            assert found.url == "rtsp://127.0.0.1:10554/Streaming/Channels/101"
            assert (found.username, found.password) == (USER, PASSWORD)
            assert PASSWORD not in repr(found)
            with pytest.raises(Unreachable, match="is it online"):
                await adapter.open("channel/4")
            for other in ("device", "channel/x", "channel/", "", "channel/1/../../System/deviceInfo"):
                with pytest.raises(LookupError):
                    await adapter.open(other)
        async with isapi(device.url, tmp_path, picture="sub", rtsp_port=554) as adapter:
            assert (await adapter.open("channel/1")).url == "rtsp://127.0.0.1:554/Streaming/Channels/102"

    asyncio.run(run())


# Events.


@pytest.mark.parametrize(
    "space",
    [
        "http://www.hikvision.com/ver20/XMLSchema",
        "http://www.hikvision.com/ver10/XMLSchema",
        "http://www.isapi.org/ver20/XMLSchema",
        "http://www.std-cgi.com/ver20/XMLSchema",
        "urn:psialliance-org",
    ],
)
def test_an_event_is_read_in_every_namespace(space: str) -> None:
    found = decode(
        event(space, channelName="北门", DetectionRegionList={"E": {"regionID": 3, "detectionTarget": "human"}})
    )
    assert (found.type, found.subject) == ("intrusion", "channel/1")
    assert found.values == {
        "event": "fielddetection",
        "state": "active",
        "channel": 1,
        "channel_name": "北门",
        "target": "human",
        "region": "3",
        "posts": 1,
    }


def test_an_event_in_json() -> None:
    body = {"channelID": 2, "dateTime": "2026-03-01T08:00:00+08:00", "eventType": "linedetection", "isX": True}
    body |= {"Target": [{"detectionTarget": "vehicle"}], "activePostCount": 3, "eventState": "active"}
    for document in (body, {"EventNotificationAlert": body}):
        found = decode(orjson.dumps(document))
        assert (found.type, found.subject) == ("line_crossed", "channel/2")
        assert found.at == datetime(2026, 3, 1, tzinfo=UTC)
        assert found.values == {
            "event": "linedetection",
            "state": "active",
            "channel": 2,
            "target": "vehicle",
            "posts": 3,
        }


def test_an_empty_post_count_and_an_event_that_lasts() -> None:
    assert "posts" not in decode(event(activePostCount=None)).values
    lasting = decode(event(eventType="duration", DurationList={"Duration": {"relationEvent": "regionEntrance"}}))
    assert lasting.type == "region_entered"


@pytest.mark.parametrize(
    ("fields", "config", "subject"),
    [
        ({"channelID": 34}, {}, "channel/2"),
        ({"channelID": 34}, {"ip_channels_from": 0}, "channel/34"),
        ({"channelID": None, "dynChannelID": 3}, {}, "channel/3"),
        ({"channelID": 0}, {}, "device"),
        ({"channelID": None}, {}, "device"),
        ({"channelID": 0}, {"device": "camera"}, "channel/1"),
        ({"channelID": "one"}, {}, "device"),
    ],
)
def test_whose_event_it_is(fields: Mapping[str, object], config: Mapping[str, object], subject: str) -> None:
    assert decode(event(**fields), **config).subject == subject


def naive(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, minute, tzinfo=UTC).replace(tzinfo=None)


RECEIVED = datetime(2026, 3, 1, 4, 0, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "stamps", "at", "odd"),
    [
        ("2026-03-01T12:00:00+08:00", "detect", datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=8))), None),
        ("2026-03-01T04:00:00Z", "detect", datetime(2026, 3, 1, 4, tzinfo=UTC), None),
        ("2026-03-01T12:00:00Z", "detect", naive(12), "local time marked as UTC"),
        ("2026-03-01T09:30:00Z", "detect", naive(9, 30), "local time marked as UTC"),
        ("2026-03-01T12:00:00Z", "utc", datetime(2026, 3, 1, 12, tzinfo=UTC), None),
        ("2026-03-01T04:00:00Z", "local", naive(4), None),
        ("2026-03-01T12:07:00Z", "detect", datetime(2026, 3, 1, 12, 7, tzinfo=UTC), None),  # no zone: a wrong clock
        ("2026-02-27T04:00:00Z", "detect", datetime(2026, 2, 27, 4, tzinfo=UTC), None),  # a buffer of two days
        ("2026-03-01T12:00:00", "detect", naive(12), None),
        ("2026-03-01T11:46:3100:00", "detect", None, "unreadable"),  # as a device in the field writes it
        ("", "detect", None, None),
    ],
)
def test_the_time_of_an_event(stamp: str, stamps: str, at: datetime | None, odd: str | None) -> None:
    found = decode(event(dateTime=stamp), RECEIVED, stamps=stamps)
    assert found.at == at
    assert (found.at is None or found.at.tzinfo is None) == (at is None or at.tzinfo is None)
    assert found.values.get("clock") == odd


def test_a_recorder_that_stamps_local_time_with_z_is_put_right_and_said(device: IsapiDevice, tmp_path: Path) -> None:
    ahead = (now() + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
    device.say(part(event(dateTime=ahead)))
    taken = asyncio.run(take(isapi(device.url, tmp_path), lambda b: bool(signals(b))))
    [found] = signals(taken)
    assert found.at is not None
    assert found.at.tzinfo is None
    [told] = faults(taken)
    assert "stamps local time as UTC" in told.reason


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (event()[:-30], "not well-formed XML"),
        (b"", "not well-formed XML"),
        (b"{", "not JSON"),
        (b"[1]", "no object"),
        (b"{}", "without eventType"),
        (b"<EventNotificationAlert/>", "without eventType"),
        (b"<Other/>", "<Other> is no event"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><EventNotificationAlert/>', "entities"),
        (b"<ResponseStatus><statusString>Device Error</statusString></ResponseStatus>", "reports: Device Error"),
    ],
)
def test_what_is_no_event_says_why(body: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        decode(body)


def test_a_lasting_event_is_told_when_it_changes_and_a_heartbeat_once(device: IsapiDevice, tmp_path: Path) -> None:
    for _ in range(5):
        device.say(part(event(channelID=0, eventType="videoloss", eventState="inactive", activePostCount=0)))
    for post in range(1, 20):
        device.say(part(event(eventType="IO", activePostCount=post, inputIOPortID=1)))
    device.say(part(event(eventType="IO", eventState="inactive", activePostCount=0)))
    for line in ("1", "1", "2"):  # each is an event of its own
        device.say(part(event(eventType="linedetection", regionID=line)))
    taken = asyncio.run(take(isapi(device.url, tmp_path), lambda b: len(signals(b)) >= 6))
    assert [(s.type, s.values["state"]) for s in signals(taken)] == [
        ("video_loss", "inactive"),
        ("alarm_input", "active"),
        ("alarm_input", "inactive"),
        ("line_crossed", "active"),
        ("line_crossed", "active"),
        ("line_crossed", "active"),
    ]


def test_pictures_are_let_go_and_the_stream_goes_on(device: IsapiDevice, tmp_path: Path) -> None:
    picture = b"\xff\xd8" + bytes(range(256)) * 20_000
    device.say(part(event(regionID=1)) + part(picture, "image/jpeg") + part(event(regionID=2)))
    device.say(part(event(activePostCount=None, regionID=3), length=None))
    taken = asyncio.run(take(isapi(device.url, tmp_path), lambda b: len(signals(b)) >= 3))
    assert [s.values["region"] for s in signals(taken)] == ["1", "2", "3"]
    assert not letters(taken)


@pytest.mark.parametrize("garbage", ["in a part", "between parts", "in a part without end"])
def test_garbage_of_10_megabytes_keeps_memory_and_costs_no_event(
    device: IsapiDevice, tmp_path: Path, garbage: str
) -> None:
    noise = b"\x00<garbage>&" * 1_000_000
    body = {
        "in a part": part(noise),
        "between parts": noise + b"\r\n",
        "in a part without end": part(noise, length=None),
    }[garbage]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    device.say(body + part(event(regionID=9)))
    taken = asyncio.run(take(isapi(device.url, tmp_path), lambda b: bool(signals(b)), seconds=20))
    assert [s.values["region"] for s in signals(taken)] == ["9"]
    assert any("only the beginning was kept" in reason for reason in letters(taken))
    assert all(len(letter.raw.data) <= 4096 for batch in taken for letter in batch.unreadable)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KiB; the noise itself stands twice


def test_channels_and_disks_are_asked_for_again_and_again(device: IsapiDevice, tmp_path: Path) -> None:
    adapter = isapi(device.url, tmp_path, status_seconds=1)
    [batch] = asyncio.run(take(adapter, lambda b: True))
    assert {r.external_id for r in batch.records if isinstance(r, Claim)} >= {"device", "channel/4"}


# Failures.


def checked(adapter: Isapi) -> Health:
    async def run() -> Health:
        async with adapter:
            return await adapter.check()

    return asyncio.run(run())


def failure(adapter: Isapi) -> SourceError:
    """What `check` raises."""

    async def run() -> SourceError:
        with pytest.raises(SourceError) as failed:
            async with adapter:
                await adapter.check()
        return failed.value

    return asyncio.run(run())


def test_a_wrong_password_is_told_and_a_locked_account(device: IsapiDevice, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("guessed", encoding="utf-8")
    told = failure(isapi(device.url, tmp_path))
    assert isinstance(told, CredentialsRefused)
    assert "compare username and password" in str(told)
    assert "locked" not in str(told)
    device.lock_told = True
    with pytest.raises(CredentialsRefused, match="it has locked the account"):
        checked(isapi(device.url, tmp_path))


def test_a_user_who_may_not_hear_alerts_is_told(device: IsapiDevice, tmp_path: Path) -> None:
    device.refuses_alerts = True
    told = failure(isapi(device.url, tmp_path))
    assert isinstance(told, CredentialsRefused)
    assert "hear its alerts" in str(told)


def test_a_password_that_is_not_there_is_told(tmp_path: Path) -> None:
    told = failure(isapi("http://127.0.0.1:1", tmp_path, password={"env": "NO_SUCH_VARIABLE_HERE"}))
    assert isinstance(told, CredentialsRefused)
    assert "NO_SUCH_VARIABLE_HERE is not set" in str(told)


def test_nobody_and_somebody_else_at_the_address(device: IsapiDevice, tmp_path: Path) -> None:
    port = free_port()
    nobody = failure(isapi(f"http://127.0.0.1:{port}", tmp_path))
    assert isinstance(nobody, Unreachable)
    assert f"127.0.0.1:{port} does not answer" in str(nobody)
    device.recording = {}
    assert "speaks no ISAPI" in str(failure(isapi(device.url, tmp_path)))
    device.recording = {"System/deviceInfo": {"response": {}, "raw": b"<html>"}}
    assert "cannot be read" in str(failure(isapi(device.url, tmp_path)))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match="does not answer in time"):
            checked(isapi(url, tmp_path, timeout_seconds=0.3))


def test_certificates(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    right = Certificates.make(tmp_path / "right", "recorder.park")
    other = Certificates.make(tmp_path / "other", "recorder.park")
    device = IsapiDevice(recording(), USER, PASSWORD, right)
    device.start()
    try:
        known = {"ca_file": str(right.authority), "server_name": "recorder.park"}
        assert checked(isapi(device.url, tmp_path, **known)).state is HealthState.OK
        unknown = failure(isapi(device.url, tmp_path, **known | {"ca_file": str(other.authority)}))
        assert isinstance(unknown, CertificateRefused)
        assert "ca_file" in str(unknown)
        misnamed = failure(isapi(device.url, tmp_path, ca_file=str(right.authority)))
        assert isinstance(misnamed, CertificateRefused)
        with pytest.raises(CertificateRefused, match="cannot be used"):
            checked(isapi(device.url, tmp_path, ca_file=str(tmp_path / "none.pem")))
    finally:
        device.stop()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"url": "http://admin:secret@192.0.2.1"}, "no user and password"),
        ({"url": "http://192.0.2.1/?x=1"}, "alone"),
        ({"url": "rtsp://192.0.2.1"}, "pattern"),
        ({"url": "http://[::1"}, "no address"),
        ({"password": "secret"}, "a secret is never written here"),
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, object], told: str, tmp_path: Path) -> None:
    given = {"url": "http://192.0.2.1", "username": USER, "password": {"env": "X"}, **changed}
    with pytest.raises(ValueError, match=told) as refused:
        ADAPTER.config.model_validate(given)
    assert "admin" not in str(refused.value)


def test_the_password_stands_nowhere(device: IsapiDevice, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    device.say(part(event()) + part(b"<cut"))
    adapter = isapi(device.url, tmp_path, status_seconds=1)
    shown = [repr(adapter._config), repr(checked(adapter)), repr(claims(adapter))]
    taken = asyncio.run(take(adapter, lambda b: len(b) > 1 and bool(letters(b))))
    shown += [repr([replace(batch, ack=Batch.ack) for batch in taken])]
    device.stop()
    shown += [str(failure(adapter))]
    assert len(taken) > 1
    assert not [text for text in (*shown, caplog.text) if PASSWORD in text or "sword" in text.replace("password", "")]
