"""What a device says of itself over ISAPI, as claims: the recorder, its channels, its disks. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from adapters import xml
from adapters.contract import Claim, Identifier, Link, Unreadable, Value
from adapters.nvr.isapi_config import IsapiConfig
from adapters.nvr.isapi_event import DEVICE

_MEGABYTE = 1 << 20
"""ISAPI's unit of capacity and freeSpace: a 2 TB disk says 1907729."""
_GIGABYTE = 1 << 30
"""Free space is told in whole ones, so that a disk that fills is no news each half minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A recorder's input, or a camera's own."""

    number: int
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    online: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    mac: str | None = None
    firmware: str | None = None
    kind: str | None = None  # the device's own word, such as NVR, DVR, IPCamera

    @property
    def is_camera(self) -> bool:
        """Only what names itself so: a word that nobody knows is believed to be what the park file says."""
        word = (self.kind or "").lower()
        return "camera" in word or "dome" in word or word == "ipc"


def root_of(data: bytes, *names: str) -> xml.Element:
    """The document's root. Raises Unreadable, also where the device reports that it cannot answer."""
    root = xml.parse(data)
    found = xml.name(root)
    if found == "ResponseStatus":
        told = " / ".join(t for t in (xml.text(root, "statusString"), xml.text(root, "subStatusCode")) if t)
        raise Unreadable(f"the device reports: {told or 'an error without a text'}", where="ResponseStatus")
    if names and found not in names:
        raise Unreadable(f"<{found[:60]}> stands where <{names[0]}> is due", where=found[:60])
    return root


def device(root: xml.Element, config: IsapiConfig) -> Device:
    firmware = " ".join(t for t in (xml.text(root, "firmwareVersion"), xml.text(root, "firmwareReleasedDate")) if t)
    return Device(
        name=xml.text(root, "deviceName"),
        manufacturer=config.manufacturer,
        model=xml.text(root, "model"),
        serial_number=xml.text(root, "serialNumber"),
        mac=xml.text(root, "macAddress"),
        firmware=firmware or None,
        kind=xml.text(root, "deviceType"),
    )


def proxied(root: xml.Element, config: IsapiConfig) -> Iterator[Channel]:
    """An InputProxyChannelList: cameras that the recorder fetches over the network."""
    for one in xml.children(root, "InputProxyChannel"):
        number = _number(xml.text(one, "id"))
        if number is None:
            continue
        source = xml.find(one, "sourceInputPortDescriptor")
        own = xml.text(source, "proxyProtocol") == "HIKVISION"
        yield Channel(
            number=number,
            name=xml.text(one, "name"),
            manufacturer=config.manufacturer if own else None,
            model=xml.text(source, "model"),
            serial_number=xml.text(source, "serialNumber"),
            firmware=xml.text(source, "firmwareVersion"),
        )


def wired(root: xml.Element) -> Iterator[Channel]:
    """A VideoInputChannelList: a camera's own picture, or a recorder's analogue inputs."""
    for one in xml.children(root, "VideoInputChannel"):
        number = _number(xml.text(one, "id"))
        if number is not None:
            signalled = xml.text(one, "resDesc")
            yield Channel(
                number=number,
                name=xml.text(one, "name"),
                online=None if signalled is None else signalled.upper() not in {"NO VIDEO", "NO SIGNAL"},
            )


def online(root: xml.Element) -> Mapping[int, bool]:
    """An InputProxyChannelStatusList: whether the recorder has each channel's camera."""
    states: dict[int, bool] = {}
    for one in xml.children(root, "InputProxyChannelStatus"):
        number, said = _number(xml.text(one, "id")), xml.text(one, "online")
        if number is not None and said in {"true", "false"}:
            states[number] = said == "true"
    return states


def storage(root: xml.Element) -> tuple[float, float] | None:
    """Bytes in all and free, of all disks and network drives together; None where there is none."""
    disks = [disk for part in xml.children(root) for disk in xml.children(part, "hdd", "nas", "ssd")]
    sizes = [(_number(xml.text(disk, "capacity")), _number(xml.text(disk, "freeSpace"))) for disk in disks]
    known = [(size, free or 0) for size, free in sizes if size]
    if not known:
        return None
    free = sum(free for _, free in known) * _MEGABYTE
    return float(sum(size for size, _ in known) * _MEGABYTE), float(free // _GIGABYTE * _GIGABYTE)


def rtsp_port(root: xml.Element) -> int | None:
    for one in xml.children(root, "AdminAccessProtocol"):
        if (xml.text(one, "protocol") or "").upper() == "RTSP":
            return _number(xml.text(one, "portNo"))
    return None


def recorder_claim(device: Device, space: tuple[float, float] | None) -> Claim:
    values = _values(
        kind="RECORDER",
        name=device.name,
        manufacturer=device.manufacturer,
        model=device.model,
        serial_number=device.serial_number,
        firmware=device.firmware,
        device_type=device.kind,
        online=True,
    )
    if space is not None:
        values |= {"storage_capacity": space[0], "storage_free": space[1]}
    return Claim(kind="Asset", external_id=DEVICE, identifiers=_identifiers(device), values=MappingProxyType(values))


def channel_claim(channel: Channel, recorder: Device) -> Claim:
    """A recorder's channel; the camera behind it may be known to other sources by its serial number."""
    values = _values(
        kind="CAMERA",
        name=channel.name or f"{recorder.name or 'channel'} {channel.number}",
        manufacturer=channel.manufacturer,
        model=channel.model,
        serial_number=channel.serial_number,
        firmware=channel.firmware,
        channel=str(channel.number),
        online=channel.online,
    )
    identifiers = _serial(channel.manufacturer, channel.serial_number)
    if recorder.serial_number:
        value = f"{recorder.serial_number}/{channel.number}"
        identifiers = (*identifiers, Identifier(scheme="recorder_channel", value=value))
    return Claim(
        kind="Asset",
        external_id=f"channel/{channel.number}",
        identifiers=identifiers,
        values=MappingProxyType(values),
        links=(Link(relation="RECORDED_BY", target=DEVICE),),
    )


def camera_claim(channel: Channel, camera: Device) -> Claim:
    """A camera that is asked directly. Of several pictures, the first is the camera's own identity."""
    first = channel.number == 1
    known = camera if first else replace(camera, serial_number=None, mac=None)
    values = _values(
        kind="CAMERA",
        name=channel.name or camera.name or "camera",
        manufacturer=known.manufacturer,
        model=known.model,
        serial_number=known.serial_number,
        firmware=known.firmware,
        device_type=known.kind,
        channel=str(channel.number),
        online=True,
    )
    return Claim(
        kind="Asset",
        external_id=f"channel/{channel.number}",
        identifiers=_identifiers(known),
        values=MappingProxyType(values),
    )


def _identifiers(device: Device) -> tuple[Identifier, ...]:
    serial = _serial(device.manufacturer, device.serial_number)
    return (*serial, Identifier(scheme="mac", value=device.mac)) if device.mac else serial


def _serial(manufacturer: str | None, number: str | None) -> tuple[Identifier, ...]:
    if not manufacturer or not number:
        return ()
    return (Identifier(scheme="serial_number", value=f"{manufacturer}/{number}"),)


def _values(**given: Value) -> dict[str, Value]:
    return {name: value for name, value in given.items() if value is not None}


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else None
