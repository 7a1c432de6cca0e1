"""ONVIF over ipycam and a camera of our own: pictures, events that come in time, subscriptions that are given back."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import xml
from adapters.contract import (
    Batch,
    CertificateRefused,
    Claim,
    CredentialsRefused,
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
from adapters.nvr.onvif import ADAPTER, Onvif
from adapters.testing import contract_tests
from hub.clock import now
from tests.adapters.onvif_peer import PASSWORD, USER, Camera, event
from tests.servers.certificates import Certificates
from tests.servers.onvif import OnvifDevice, notification
from tests.servers.process import Process, free_port, wait_for_port

globals().update(contract_tests(ADAPTER, Camera))

ROOT = Path(__file__).resolve().parents[2]
CROSSED = "tns1:RuleEngine/LineDetector/Crossed"


@pytest.fixture
def device(tmp_path: Path) -> Iterator[OnvifDevice]:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    made = OnvifDevice(USER, PASSWORD)
    made.start()
    yield made
    made.stop()


def onvif(url: str, folder: Path, **more: object) -> Onvif:
    password = {"file": str(folder / "password")}
    given = {"url": url, "username": USER, "password": password, "timeout_seconds": 3, "pull_seconds": 0.5, **more}
    adapter = ADAPTER.factory(Source(id="camera"), ADAPTER.config.model_validate(given))
    assert isinstance(adapter, Onvif)
    return adapter


async def take(adapter: Onvif, until: Callable[[list[Batch]], bool], seconds: float = 8) -> list[Batch]:
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


def claims(adapter: Onvif) -> dict[str, Claim]:
    async def run() -> dict[str, Claim]:
        async with adapter:
            return {claim.external_id: claim async for claim in adapter.discover()}

    return asyncio.run(run())


def checked(adapter: Onvif) -> Health:
    async def run() -> Health:
        async with adapter:
            return await adapter.check()

    return asyncio.run(run())


def opened(adapter: Onvif, external_id: str) -> tuple[str, str | None, str | None]:
    async def run() -> tuple[str, str | None, str | None]:
        async with adapter:
            found = await adapter.open(external_id)
            assert PASSWORD not in repr(found)
            return found.url, found.username, found.password

    return asyncio.run(run())


def decode(told: Mapping[str, object], at: datetime | None = None, **config: object) -> Signal:
    adapter = onvif("http://192.0.2.1", Path("/nowhere"), **config)
    data = notification(dict(told)).encode()
    [found] = adapter.decode(Raw(key="pullpoint", received_at=at or now(), data=data))
    assert isinstance(found, Signal)
    return found


# A camera that is not ours.


@pytest.fixture
def ipycam(tmp_path: Path) -> Iterator[str]:
    python = ROOT / ".envs" / "camera" / "bin" / "python"
    if not python.exists():
        pytest.skip("ipycam is not installed: make .envs/camera/stamp")
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    port = free_port()
    script = ROOT / "tests" / "servers" / "ipycam_camera.py"
    server = Process([str(python), str(script), str(port), USER, PASSWORD], tmp_path, name="ipycam")
    try:
        wait_for_port(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def test_ipycam_is_a_camera_with_two_pictures_and_no_events(ipycam: str, tmp_path: Path) -> None:
    health = checked(onvif(ipycam, tmp_path))
    assert health.state is HealthState.OK
    assert "VirtualCam-1 answers; it has no events" in health.text
    [claim] = claims(onvif(ipycam, tmp_path)).values()
    assert (claim.external_id, claim.values["kind"], claim.values["model"]) == ("device", "CAMERA", "VirtualCam-1")
    assert [(i.scheme, i.value) for i in claim.identifiers] == [("serial_number", "PythonCam/PY-000001")]
    assert opened(onvif(ipycam, tmp_path), "device") == ("rtsp://127.0.0.1:8554/video_main", USER, PASSWORD)
    assert opened(onvif(ipycam, tmp_path, picture="sub"), "device")[0].endswith("/video_sub")
    [batch] = asyncio.run(take(onvif(ipycam, tmp_path, status_seconds=1), lambda b: True))
    assert [r.external_id for r in batch.records if isinstance(r, Claim)] == ["device"]
    (tmp_path / "password").write_text("guessed", encoding="utf-8")
    with pytest.raises(CredentialsRefused, match="compare username and password"):
        checked(onvif(ipycam, tmp_path))


# What a device says of itself.


def test_a_camera_and_its_identity(device: OnvifDevice, tmp_path: Path) -> None:
    [claim] = claims(onvif(device.url, tmp_path)).values()
    assert (claim.values["kind"], claim.values["name"], claim.values["firmware"]) == ("CAMERA", "北门", "2.0")
    assert {(i.scheme, i.value) for i in claim.identifiers} == {
        ("serial_number", "ACME/77"),
        ("mac", "02:00:00:00:00:09"),
        ("onvif_endpoint", "urn:uuid:00000000-0000-0000-0000-0000000000a1"),
    }


def test_a_recorder_and_its_sources(device: OnvifDevice, tmp_path: Path) -> None:
    device.sources = ["VS0", "VS1"]
    found = claims(onvif(device.url, tmp_path, device="recorder"))
    assert list(found) == ["device", "source/VS0", "source/VS1"]
    assert [claim.values["kind"] for claim in found.values()] == ["RECORDER", "CAMERA", "CAMERA"]
    assert [link.target for link in found["source/VS1"].links] == ["device"]
    assert opened(onvif(device.url, tmp_path, device="recorder"), "source/VS1")[0].endswith(":8554/VS1-main?a=1")
    for other in ("device", "source/VS9", "source/", "x"):
        with pytest.raises(LookupError):
            opened(onvif(device.url, tmp_path, device="recorder"), other)


def test_a_picture_has_no_credentials_in_its_address_and_is_where_we_reach_the_device(
    device: OnvifDevice, tmp_path: Path
) -> None:
    """The device names `rtsp://admin:1234@192.0.2.55:8554/…`, an address that only it knows."""
    assert opened(onvif(device.url, tmp_path), "device") == ("rtsp://127.0.0.1:8554/VS0-main?a=1", USER, PASSWORD)


def test_no_call_goes_to_another_host_that_the_device_names(device: OnvifDevice, tmp_path: Path) -> None:
    device.names_itself = "http://192.0.2.66:81"
    device.tell(notification(event(CROSSED, {})))
    assert checked(onvif(device.url, tmp_path)).state is HealthState.OK
    assert len(signals(asyncio.run(take(onvif(device.url, tmp_path), lambda b: bool(signals(b)))))) == 1


@pytest.mark.parametrize("hours", [-9, 8])
def test_a_device_whose_clock_is_wrong_still_accepts_us_and_its_health_says_so(
    device: OnvifDevice, tmp_path: Path, hours: int
) -> None:
    device.clock_off = timedelta(hours=hours)
    health = checked(onvif(device.url, tmp_path))
    assert health.state is HealthState.DEGRADED
    assert "its clock is" in health.text
    device.tell(notification(event(CROSSED, {})))
    assert signals(asyncio.run(take(onvif(device.url, tmp_path), lambda b: bool(signals(b)))))


# Events.


@pytest.mark.parametrize(
    ("topic", "data", "kind", "state", "target"),
    [
        (CROSSED, {"ObjectId": "0"}, "line_crossed", "active", None),
        ("tns1:RuleEngine/CellMotionDetector/Motion", {"IsMotion": "true"}, "motion", "active", None),
        ("tns1:VideoSource/MotionAlarm", {"State": "0"}, "motion", "inactive", None),
        ("tns1:RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "1"}, "intrusion", "active", None),
        ("tns1:RuleEngine/CellMotionDetector/People", {"IsPeople": "true"}, "object_detected", "active", "human"),
        ("x:ObjectDetection/Object", {"ClassTypes": "Human Vehicle"}, "object_detected", "active", "human,vehicle"),
        ("tns1:RuleEngine/ObjectDetection/Object", {"ClassTypes": ""}, "object_detected", "inactive", None),
        ("tns1:Device/Trigger/DigitalInput", {"LogicalState": "true"}, "alarm_input", "active", None),
        ("tns1:Device/HardwareFailure/StorageFailure", {"Failed": "true"}, "disk_error", "active", None),
        ("tns1:Device/Network/Firewall", {}, "network_firewall", "active", None),
        ("acme:Rule/门禁", {}, "rule", "active", None),
    ],
)
def test_topics(topic: str, data: Mapping[str, str], kind: str, state: str, target: str | None) -> None:
    found = decode(event(topic, data))
    assert (found.type, found.values["state"], found.values.get("target")) == (kind, state, target)


def test_whose_event_it_is_and_when() -> None:
    told = event(CROSSED, {}, {"VideoSourceToken": "VS1", "Rule": "gate"}, "2026-03-01T12:00:00Z")
    at = datetime(2026, 3, 1, 4, 0, 10, tzinfo=UTC)
    assert decode(told, at).subject == "device"
    found = decode(told, at, device="recorder")
    assert (found.subject, found.values["rule"], found.values["source"]) == ("source/VS1", "gate", "VS1")
    assert found.at is not None
    assert found.at.tzinfo is None  # local time that is marked as UTC
    assert found.values["clock"] == "local time marked as UTC"
    assert decode(event(CROSSED, {}, at=None)).at is None
    assert decode(event(CROSSED, {"State": "true"}, PropertyOperation="Deleted")).values["state"] == "inactive"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "not well-formed"),
        (b"<a/>", "<a> is no notification"),
        (b"<NotificationMessage/>", "without a topic"),
        (b"<NotificationMessage><Topic>x</Topic></NotificationMessage>", "without a message"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><NotificationMessage/>', "entities"),
    ],
)
def test_what_is_no_notification_says_why(data: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        onvif("http://192.0.2.1", Path("/")).decode(Raw(key="x", received_at=now(), data=data))


@given(topic=st.text(max_size=60), name=st.text(max_size=20), value=st.text(max_size=20), at=st.text(max_size=30))
def test_any_names_and_values_are_borne(topic: str, name: str, value: str, at: str) -> None:
    data = notification(event(topic, {name: value}, {"Rule": value}, at)).encode("utf-8", "surrogatepass")
    with contextlib.suppress(Unreadable):
        [found] = onvif("http://192.0.2.1", Path("/")).decode(Raw(key="x", received_at=now(), data=data))
        assert isinstance(found, Signal)
        assert found.type


def test_an_end_is_told_once_and_each_of_two_inputs_has_its_own(device: OnvifDevice, tmp_path: Path) -> None:
    topic = "tns1:Device/Trigger/DigitalInput"
    said = [("1", "true"), ("2", "false"), ("2", "false"), ("1", "false"), ("1", "false"), ("3", "true")]
    for token, state in said:
        device.tell(notification(event(topic, {"LogicalState": state}, {"InputToken": token})))
    taken = asyncio.run(take(onvif(device.url, tmp_path), lambda b: any(s.values["input"] == "3" for s in signals(b))))
    assert [(s.values["input"], s.values["state"]) for s in signals(taken)] == [
        ("1", "active"),
        ("2", "inactive"),
        ("1", "inactive"),
        ("3", "active"),
    ]


# Subscriptions.


def test_a_subscription_is_renewed_before_it_ends_and_given_back(device: OnvifDevice, tmp_path: Path) -> None:
    device.grants = 2.0

    async def run() -> None:
        adapter = onvif(device.url, tmp_path)
        async with adapter, closing(adapter.read(None)) as batches:
            coming = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(4.5)
            assert len(device.subscriptions) == 1
            device.tell(notification(event(CROSSED, {})))
            assert len(signals([await asyncio.wait_for(coming, 5)])) == 1

    asyncio.run(run())
    assert device.calls.count("CreatePullPointSubscription") == 1
    assert device.calls.count("Renew") >= 3
    assert not device.subscriptions


def test_a_device_that_does_not_renew_is_asked_for_a_new_one(device: OnvifDevice, tmp_path: Path) -> None:
    device.grants, device.renews = 2.0, False

    async def run() -> None:
        adapter = onvif(device.url, tmp_path)
        async with adapter, closing(adapter.read(None)) as batches:
            coming = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(3.5)
            device.tell(notification(event(CROSSED, {})))
            assert len(signals([await asyncio.wait_for(coming, 5)])) == 1

    asyncio.run(run())
    assert device.calls.count("CreatePullPointSubscription") >= 2
    assert not device.subscriptions


def test_what_the_device_wants_back_is_sent_back(device: OnvifDevice, tmp_path: Path) -> None:
    seen: list[str] = []
    known = device._is_known

    def look(asked: str) -> bool:
        seen.append(asked)
        return known(asked)

    device._is_known = look  # type: ignore[method-assign]
    device.tell(notification(event(CROSSED, {})))
    asyncio.run(take(onvif(device.url, tmp_path), lambda b: bool(signals(b))))
    pulls = [asked for asked in seen if "PullMessages>" in asked]
    assert pulls
    for asked in pulls:
        header = xml.find(xml.parse(asked.encode()), "Header")
        assert xml.text(header, "Id") == "secret-id"


# Failures.


def failure(adapter: Onvif) -> SourceError:
    with pytest.raises(SourceError) as failed:
        checked(adapter)
    return failed.value


def test_failures_are_called_by_their_name(device: OnvifDevice, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("guessed", encoding="utf-8")
    wrong = failure(onvif(device.url, tmp_path))
    assert isinstance(wrong, CredentialsRefused)
    assert "users of their own for ONVIF" in str(wrong)
    nobody = failure(onvif(f"http://127.0.0.1:{free_port()}", tmp_path))
    assert isinstance(nobody, Unreachable)
    assert "does not answer" in str(nobody)
    missing = failure(onvif(device.url, tmp_path, password={"env": "NO_SUCH_VARIABLE_HERE"}))
    assert isinstance(missing, CredentialsRefused)


def test_certificates(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    right = Certificates.make(tmp_path / "right", "127.0.0.1")
    other = Certificates.make(tmp_path / "other", "127.0.0.1")
    device = OnvifDevice(USER, PASSWORD, right)
    device.start()
    try:
        assert checked(onvif(device.url, tmp_path, ca_file=str(right.authority))).state is HealthState.OK
        assert isinstance(failure(onvif(device.url, tmp_path, ca_file=str(other.authority))), CertificateRefused)
    finally:
        device.stop()


def test_the_password_stands_nowhere(device: OnvifDevice, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    device.tell(notification(event(CROSSED, {})))
    device.tell("<n:NotificationMessage xmlns:n='x'/>")
    adapter = onvif(device.url, tmp_path)
    shown = [repr(adapter._config), repr(checked(adapter)), repr(claims(adapter))]
    taken = asyncio.run(take(adapter, lambda b: any(batch.unreadable for batch in b)))
    shown += [repr([(batch.records, batch.unreadable, batch.faults) for batch in taken])]
    device.stop()
    shown += [str(failure(adapter)), caplog.text]
    assert signals(taken)
    assert not [text for text in shown if PASSWORD in text or "sword&fish" in text or "sword&amp;" in text]
