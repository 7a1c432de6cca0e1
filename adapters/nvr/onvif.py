"""ONVIF: a camera, or a recorder with its video sources, their pictures' addresses, and events by PullPoint."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit, urlunsplit

from lxml import etree

from adapters import xml
from adapters.contract import (
    Batch,
    Claim,
    CredentialsRefused,
    Cursor,
    DeadLetter,
    Definition,
    Fault,
    Health,
    HealthState,
    Identifier,
    Link,
    Raw,
    Record,
    Signal,
    Source,
    SourceError,
    StreamSource,
    Unreachable,
    Unreadable,
    Value,
    guarded,
)
from adapters.nvr import soap
from adapters.nvr.onvif_config import OnvifConfig
from adapters.nvr.onvif_event import DEVICE, signal
from adapters.nvr.onvif_pullpoint import PullPoint
from adapters.nvr.repeats import Repeats
from adapters.nvr.soap import Refused, Soap, element
from adapters.nvr.stamps import odd_clock
from adapters.nvr.web import Web, revealed
from adapters.outbox import Outbox
from hub.clock import now

PULLPOINT = "pullpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    token: str
    source: str | None  # the video source's token
    name: str | None
    width: int


class Onvif:
    """The adapter. Calls go one after the other, but for the waiting for events."""

    def __init__(self, source: Source, config: OnvifConfig) -> None:
        self._config = config
        self._web = Web(config, "digest")  # beside the token: some devices ask for it
        self._soap = Soap(config, self._web)
        self._services: dict[str, str] | None = None

    async def __aenter__(self) -> Self:
        await self._web.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._web.close()

    async def check(self) -> Health:
        services = await self._begin()
        told = await self._call(self._config.path, soap.DEVICE, "GetDeviceInformation")
        model, firmware = xml.text(told, "Model"), xml.text(told, "FirmwareVersion")
        if soap.MEDIA in services:
            await self._profiles()
        text = f"{model or 'the device'} answers"
        if soap.EVENTS not in services:
            text += "; it has no events, so only that it is there is known"
        off = self._soap.clock_off.total_seconds()
        if abs(off) > 300:
            text += f"; its clock is {abs(off):.0f} s {'ahead' if off > 0 else 'behind'}: set it, or its NTP server"
            return Health(state=HealthState.DEGRADED, text=text, version=firmware)
        return Health(state=HealthState.OK, text=text, version=firmware)

    async def discover(self) -> AsyncIterator[Claim]:
        for claim in await self._claims():
            yield claim

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """Live: there is nothing to go on from."""
        services = await self._begin()
        outbox = Outbox(self._config.max_in_flight)
        work = [self._watch(outbox)]
        if soap.EVENTS in services:
            work.append(self._hear(outbox, services[soap.EVENTS]))
        async with aclosing(outbox.batches(*work)) as batches:
            async for batch in batches:
                yield batch

    async def open(self, external_id: str) -> StreamSource:
        """The RTSP address of a camera's picture. Raises LookupError for what is no camera, and SourceError."""
        services = await self._begin()
        kind, _, token = external_id.partition("/")
        profiles = await self._profiles() if soap.MEDIA in services else []
        if kind == "source" and token:
            profiles = [one for one in profiles if one.source == token]
        elif external_id != DEVICE or self._config.device == "recorder":
            profiles = []
        if not profiles:
            raise LookupError(f"{self._config.url} has no picture of {external_id!r}")
        choose = max if self._config.picture == "main" else min
        profile = choose(profiles, key=lambda one: one.width)
        told = await self._call(
            services[soap.MEDIA],
            soap.MEDIA,
            "GetStreamUri",
            element(
                soap.MEDIA,
                "StreamSetup",
                element(soap.SCHEMA, "Stream", "RTP-Unicast"),
                element(soap.SCHEMA, "Transport", element(soap.SCHEMA, "Protocol", "RTSP")),
            ),
            element(soap.MEDIA, "ProfileToken", profile.token),
        )
        uri = xml.text(xml.first(told, "Uri"))
        if uri is None:
            raise Unreachable(f"{self._config.url} names no address for the profile {profile.token}")
        return StreamSource(url=self._picture(uri), username=self._config.username, password=revealed(self._config))

    def decode(self, raw: Raw) -> Sequence[Record]:
        """One NotificationMessage."""
        root = xml.parse(raw.data)
        if xml.name(root) != "NotificationMessage":
            raise Unreadable(f"<{xml.name(root)[:60]}> is no notification", where=xml.name(root)[:60])
        return [signal(root, raw.received_at, self._config)]

    # What the device says of itself.

    async def _begin(self) -> dict[str, str]:
        """The device's clock, and where its services are, by namespace."""
        if self._services is None:
            await self._learn_clock()
            told = await self._call(
                self._config.path, soap.DEVICE, "GetServices", element(soap.DEVICE, "IncludeCapability", "false")
            )
            found = ((xml.text(one, "Namespace"), xml.text(one, "XAddr")) for one in xml.children(told, "Service"))
            services = {name: self._soap.address(at, self._config.path) for name, at in found if name and at}
            self._services = services
        return self._services

    async def _learn_clock(self) -> None:
        """It is the one call that needs no token (core specification 5.9.4.3); not every device knows that."""
        with contextlib.suppress(CredentialsRefused, Refused):
            told = await self._call(self._config.path, soap.DEVICE, "GetSystemDateAndTime", anonymous=True)
            utc = xml.first(told, "UTCDateTime")
            numbers = [
                xml.text(utc, part, name)
                for part, name in (
                    ("Date", "Year"),
                    ("Date", "Month"),
                    ("Date", "Day"),
                    ("Time", "Hour"),
                    ("Time", "Minute"),
                    ("Time", "Second"),
                )
            ]
            try:
                year, month, day, hour, minute, second = (int(number or "") for number in numbers)
                device = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            except (ValueError, OverflowError):
                return  # without it, our own clock stamps the tokens
            off = device - now()
            self._soap.clock_off = off if abs(off) > timedelta(seconds=2) else timedelta(0)

    async def _call(
        self, address: str, space: str, name: str, *inside: etree._Element, anonymous: bool = False
    ) -> xml.Element:
        return await self._soap.call(address, f"{space}/{name}", element(space, name, *inside), anonymous=anonymous)

    async def _asked(self, name: str) -> xml.Element | None:
        """What not every device tells; None where it does not."""
        try:
            return await self._call(self._config.path, soap.DEVICE, name)
        except Refused:
            return None
        except CredentialsRefused:
            return None  # a right that this user lacks, of a call that is not needed

    async def _profiles(self) -> list[Profile]:
        told = await self._call((await self._begin())[soap.MEDIA], soap.MEDIA, "GetProfiles")
        found = []
        for one in xml.children(told, "Profiles"):
            token = one.get("token")
            width = xml.text(one, "VideoEncoderConfiguration", "Resolution", "Width")
            source = xml.text(one, "VideoSourceConfiguration", "SourceToken")
            if token and source:
                number = int(width) if width is not None and width.isascii() and width.isdigit() else 0
                found.append(Profile(token=token, source=source, name=xml.text(one, "Name"), width=number))
        return found

    async def _claims(self) -> Sequence[Claim]:
        services = await self._begin()
        told = await self._call(self._config.path, soap.DEVICE, "GetDeviceInformation")
        scopes, interfaces = await self._asked("GetScopes"), await self._asked("GetNetworkInterfaces")
        endpoint = await self._asked("GetEndpointReference")
        maker, serial = xml.text(told, "Manufacturer"), xml.text(told, "SerialNumber")
        given: dict[str, Value] = {
            "kind": self._config.device.upper(),
            "name": _name(scopes) or xml.text(told, "Model") or self._config.host,
            "manufacturer": maker,
            "model": xml.text(told, "Model"),
            "serial_number": serial,
            "firmware": xml.text(told, "FirmwareVersion"),
            "online": True,
        }
        identifiers = []
        if maker and serial:
            identifiers.append(Identifier(scheme="serial_number", value=f"{maker}/{serial}"))
        mac = None if interfaces is None else xml.text(xml.first(interfaces, "HwAddress"))
        if mac:
            identifiers.append(Identifier(scheme="mac", value=mac))
        guid = None if endpoint is None else xml.text(endpoint, "GUID")
        if guid:
            identifiers.append(Identifier(scheme="onvif_endpoint", value=guid))
        values = {name: value for name, value in given.items() if value is not None}
        own = Claim(kind="Asset", external_id=DEVICE, identifiers=tuple(identifiers), values=MappingProxyType(values))
        if self._config.device == "camera" or soap.MEDIA not in services:
            return [own]
        sources = dict.fromkeys(one.source for one in await self._profiles() if one.source)
        return [own, *(_source(token, serial) for token in sources)]

    def _picture(self, uri: str) -> str:
        """Without credentials in it, and at the host that we reach the device by."""
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError as error:
            raise Unreachable(f"{self._config.url} names an address of its picture that is none: {error}") from error
        at = self._config.host + (f":{port}" if port is not None else "")
        return urlunsplit((parts.scheme, at, parts.path, parts.query, ""))

    # What goes on while it is read.

    async def _watch(self, outbox: Outbox) -> None:
        """That it is there: a camera that sees nothing says nothing."""
        missed = 0
        while True:
            await asyncio.sleep(self._config.status_seconds)
            try:
                batch = Batch(records=await self._claims(), received_at=now())
                missed = 0
            except CredentialsRefused:
                raise
            except SourceError as error:
                missed += 1
                if missed > 1:
                    raise
                batch = Batch(faults=[Fault(where=DEVICE, reason=str(error))], received_at=now())
            await outbox.put(batch)

    async def _hear(self, outbox: Outbox, address: str) -> None:
        repeats = Repeats(1.0)
        while True:
            async with PullPoint.opened(self._soap, self._config, address) as point:
                async for messages in point.messages():
                    batch = self._batch(messages, repeats)
                    if batch.records or batch.unreadable or batch.faults:
                        await outbox.put(batch)

    def _batch(self, messages: Sequence[xml.Element], repeats: Repeats) -> Batch:
        received_at = now()
        records: list[Record] = []
        unreadable: list[DeadLetter] = []
        faults: dict[str, Fault] = {}
        decode = guarded(self.decode)
        for message in messages:
            raw = Raw(key=PULLPOINT, received_at=received_at, data=etree.tostring(message, with_tail=False))
            try:
                decoded = decode(raw)
            except Unreadable as error:
                unreadable.append(DeadLetter.of(raw, error))
                continue
            for record in decoded:
                if isinstance(record, Signal) and "clock" in record.values:
                    faults[record.subject] = odd_clock(record)
                if not (isinstance(record, Signal) and repeats.is_one(record, received_at)):
                    records.append(record)
        return Batch(records=records, unreadable=unreadable, faults=list(faults.values()), received_at=received_at)


def _source(token: str, serial: str | None) -> Claim:
    known = (Identifier(scheme="recorder_channel", value=f"{serial}/{token}"),) if serial else ()
    return Claim(
        kind="Asset",
        external_id=f"source/{token}",
        identifiers=known,
        values=MappingProxyType({"kind": "CAMERA", "name": token, "channel": token}),
        links=(Link(relation="RECORDED_BY", target=DEVICE),),
    )


def _name(scopes: xml.Element | None) -> str | None:
    """The device's name of its scopes (`onvif://www.onvif.org/name/…`)."""
    if scopes is None:
        return None
    for one in scopes.iter():
        head, mark, name = (one.text or "").strip().partition("onvif.org/name/")
        if mark and head and name:
            return unquote(name)
    return None


ADAPTER = Definition(
    name="onvif",
    version="1",
    summary="ONVIF: cameras and recorders, their pictures' addresses, and events by PullPoint.",
    config=OnvifConfig,
    factory=Onvif,
    polls=False,
)
