"""Hikvision's ISAPI: a recorder with its cameras and disks, or one camera, and its alert stream as signals."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

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
    Raw,
    Record,
    Signal,
    Source,
    SourceError,
    StreamSource,
    Unreachable,
    Unreadable,
    guarded,
)
from adapters.nvr import isapi_answers as answers
from adapters.nvr.isapi_answers import Channel, Device
from adapters.nvr.isapi_config import IsapiConfig
from adapters.nvr.isapi_event import json_fields, signal, xml_fields
from adapters.nvr.multipart import Multipart, Part, boundary_of
from adapters.nvr.repeats import Repeats
from adapters.nvr.stamps import odd_clock
from adapters.nvr.web import Answer, Web, pieces, revealed
from adapters.outbox import Outbox
from hub.clock import now

DEVICE_INFO = "/ISAPI/System/deviceInfo"
CHANNELS = "/ISAPI/ContentMgmt/InputProxy/channels"
CHANNEL_STATES = "/ISAPI/ContentMgmt/InputProxy/channels/status"
INPUTS = "/ISAPI/System/Video/inputs/channels"
STORAGE = "/ISAPI/ContentMgmt/Storage"
PORTS = "/ISAPI/Security/adminAccesses"
ALERTS = "/ISAPI/Event/notification/alertStream"
PAGE = 50
"""Events of one batch, at most."""
SLICE = 1 << 14
"""Bytes of the alert stream that are looked at before others of the event loop have their turn."""
LARGE = 1 << 18
"""Bytes of events, or of an answer, that are read beside the event loop: some 10 ms."""
_UNSUPPORTED = frozenset({400, 403, 404, 405, 501})
"""How devices say that they lack a list; 403 is what recorders answer for what only cameras have."""


class Isapi:
    """The adapter. One client; the alert stream stays open, and beside it the channels' states are asked for."""

    def __init__(self, source: Source, config: IsapiConfig) -> None:
        self._config = config
        self._web = Web(config, config.auth)

    async def __aenter__(self) -> Self:
        await self._web.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._web.close()

    async def check(self) -> Health:
        """Also opens the alert stream, since a user may read the one and not the other."""
        device = await self._device()
        async with self._web.streaming("GET", ALERTS, quiet=self._config.timeout_seconds) as answer:
            self._judge_stream(answer.status_code, answer.headers.get("content-type", ""))
        if device.is_camera != (self._config.device == "camera"):
            right = "camera" if device.is_camera else "recorder"
            text = f"{self._config.url} is a {device.kind or right}: set device = {right!r}"
            return Health(state=HealthState.DEGRADED, text=text, version=device.firmware)
        text = f"{device.model or device.kind or 'the device'} answers and lets its alerts be heard"
        return Health(state=HealthState.OK, text=text, version=device.firmware)

    async def discover(self) -> AsyncIterator[Claim]:
        for claim in await self._claims():
            yield claim

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """Live: there is nothing to go on from."""
        outbox = Outbox(self._config.max_in_flight)
        async with aclosing(outbox.batches(self._listen(outbox), self._watch(outbox))) as batches:
            async for batch in batches:
                yield batch

    async def open(self, external_id: str) -> StreamSource:
        """The RTSP address of a channel. Raises LookupError for what is no channel, and SourceError."""
        kind, _, number = external_id.partition("/")
        if kind != "channel" or not (number.isascii() and number.isdigit()):
            raise LookupError(f"{external_id!r} is no channel of {self._config.url}")
        track = f"{number}{1 if self._config.picture == 'main' else 2:02d}"
        answer = await self._web.get(f"/ISAPI/Streaming/channels/{track}")
        if answer.status != 200:
            raise Unreachable(f"{self._config.url} has no picture of {external_id} now (track {track}): is it online?")
        port = self._config.rtsp_port
        if port is None:
            ports = await self._list(PORTS, "AdminAccessProtocolList")
            port = (None if ports is None else answers.rtsp_port(ports)) or 554
        return StreamSource(
            url=f"rtsp://{self._config.host}:{port}/Streaming/Channels/{track}",
            username=self._config.username,
            password=revealed(self._config),
        )

    def decode(self, raw: Raw) -> Sequence[Record]:
        """An event, as XML or JSON; or the device's own description, which is read the same way."""
        if len(raw.data) > self._config.max_part:
            raise _too_long(len(raw.data), self._config.max_part)
        if raw.data.lstrip()[:1] in (b"{", b"["):
            return [signal(json_fields(raw.data), raw.received_at, self._config)]
        root = answers.root_of(raw.data)
        if xml.name(root) == "DeviceInfo":
            device = answers.device(root, self._config)
            return [self._own_claim(device, None)]
        if xml.name(root) != "EventNotificationAlert":
            raise Unreadable(f"<{xml.name(root)[:60]}> is no event", where=xml.name(root)[:60])
        return [signal(xml_fields(root), raw.received_at, self._config)]

    # What the device says of itself.

    async def _device(self) -> Device:
        answer = await self._web.get(DEVICE_INFO)
        if answer.status == 403:
            raise CredentialsRefused(
                f"{self._config.url} does not tell the user {self._config.username!r} what it is: give it the right to "
                "read the device's parameters"
            )
        root = self._read(DEVICE_INFO, "DeviceInfo", answer)
        if root is None:
            raise Unreachable(f"{self._config.url} speaks no ISAPI ({answer.status}): is it a device of that kind?")
        return answers.device(root, self._config)

    async def _claims(self) -> Sequence[Claim]:
        device = await self._device()
        inputs = await self._list(INPUTS, "VideoInputChannelList")
        channels = {c.number: c for c in (answers.wired(inputs) if inputs is not None else ())}
        if self._config.device == "camera":
            return [answers.camera_claim(c, device) for c in (channels or {1: Channel(number=1)}).values()]
        proxied = await self._list(CHANNELS, "InputProxyChannelList")
        if proxied is not None:
            channels |= {c.number: c for c in answers.proxied(proxied, self._config)}
        states = await self._list(CHANNEL_STATES, "InputProxyChannelStatusList")
        online = {} if states is None else answers.online(states)
        disks = await self._list(STORAGE, "storage")
        claims = [self._own_claim(device, None if disks is None else answers.storage(disks))]
        for number in sorted(channels):
            channel = channels[number]
            claims.append(answers.channel_claim(replace(channel, online=online.get(number, channel.online)), device))
        return claims

    def _own_claim(self, device: Device, space: tuple[float, float] | None) -> Claim:
        if self._config.device == "camera":
            return answers.camera_claim(Channel(number=1), device)
        return answers.recorder_claim(device, space)

    async def _list(self, path: str, name: str) -> xml.Element | None:
        """None where the device has no such list. Raises SourceError for an answer that makes no sense."""
        return self._read(path, name, await self._web.get(path))

    def _read(self, path: str, name: str, answer: Answer) -> xml.Element | None:
        if answer.status in _UNSUPPORTED:
            return None
        if answer.status != 200:
            raise Unreachable(f"{self._config.url}{path} answers {answer.status}: is the device well?")
        try:
            return answers.root_of(answer.data, name)
        except Unreadable as error:
            raise SourceError(
                f"{self._config.url}{path} cannot be read ({error.reason}): is the device well, and known to us?"
            ) from error

    # What goes on while it is read.

    async def _watch(self, outbox: Outbox) -> None:
        """States and disks; also the sign of life that newer firmware's alert stream no longer gives."""
        missed = 0
        while True:
            await asyncio.sleep(self._config.status_seconds)
            try:
                batch = Batch(records=await self._claims(), received_at=now())
            except CredentialsRefused:
                raise
            except SourceError as error:
                missed += 1
                if missed > 1:
                    raise
                batch = Batch(faults=[Fault(where=CHANNEL_STATES, reason=str(error))], received_at=now())
            else:
                missed = 0
            await outbox.put(batch)

    async def _listen(self, outbox: Outbox) -> None:
        config = self._config
        repeats = Repeats(config.repeat_seconds)
        async with self._web.streaming("GET", ALERTS, quiet=None) as answer:
            boundary = self._judge_stream(answer.status_code, answer.headers.get("content-type", ""))
            parts = Multipart(boundary, config.max_part)
            async for piece in pieces(answer, config.url):
                for begin in range(0, len(piece), SLICE):
                    found = list(parts.feed(piece[begin : begin + SLICE]))
                    received_at = now()
                    for start in range(0, len(found), PAGE):
                        batch = await self._batched(found[start : start + PAGE], received_at, repeats)
                        if batch.records or batch.unreadable or batch.faults:
                            await outbox.put(batch)
                    await asyncio.sleep(0)
        raise Unreachable(f"{config.url} ended its alert stream: it may bear no more listeners, or starts anew")

    def _judge_stream(self, status: int, content_type: str) -> str:
        """The stream's boundary. Raises SourceError where it is none."""
        config = self._config
        if status in (401, 403):
            raise CredentialsRefused(
                f"{config.url} does not let the user {config.username!r} hear its alerts: give it the right to be "
                "notified (Remote: Notify Surveillance Center)"
            )
        boundary = boundary_of(content_type)
        if status != 200 or boundary is None:
            raise Unreachable(
                f"{config.url}{ALERTS} answers {status} {content_type[:60]!r} and no stream of parts: does the device "
                "have one, and is it switched on?"
            )
        return boundary

    async def _batched(self, parts: Sequence[Part], received_at: datetime, repeats: Repeats) -> Batch:
        """In a thread where reading them would hold the event loop."""
        if sum(len(part.data) for part in parts) < LARGE:
            return self._batch(parts, received_at, repeats)
        return await asyncio.to_thread(self._batch, parts, received_at, repeats)

    def _batch(self, parts: Sequence[Part], received_at: datetime, repeats: Repeats) -> Batch:
        records: list[Record] = []
        unreadable: list[DeadLetter] = []
        faults: dict[str, Fault] = {}
        decode = guarded(self.decode)
        for part in parts:
            raw = Raw(key=ALERTS, received_at=received_at, data=part.data)
            try:
                if part.cut is not None:
                    raise _too_long(part.cut, self._config.max_part)
                decoded = decode(raw)
            except Unreadable as error:
                unreadable.append(DeadLetter.of(raw, error))
                continue
            for record in decoded:
                if isinstance(record, Signal):
                    if "clock" in record.values:
                        faults[record.subject] = odd_clock(record)
                    if repeats.is_one(record, received_at):
                        continue
                records.append(record)
        return Batch(records=records, unreadable=unreadable, faults=list(faults.values()), received_at=received_at)


def _too_long(size: int, most: int) -> Unreadable:
    return Unreadable(f"{size} bytes that are no event of at most max_part, {most}: only the beginning was kept")


ADAPTER = Definition(
    name="isapi",
    version="1",
    summary="Hikvision ISAPI: recorders and cameras, their channels and disks, and their alert stream.",
    config=IsapiConfig,
    factory=Isapi,
    polls=False,
)
