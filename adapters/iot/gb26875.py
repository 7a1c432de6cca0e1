"""GB/T 26875.3: fire panels report to the hub through their user information transmission devices. It only listens.

No command goes to a panel: what is sent back is the confirmation of what was stored, or that a frame came broken.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address
from types import MappingProxyType, TracebackType
from typing import Self

from adapters.contract import (
    Batch,
    Claim,
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
    Unreachable,
    Unreadable,
    Value,
    guarded,
)
from adapters.iot.gb26875_config import DeclaredPanel, Gb26875Config
from adapters.iot.gb26875_frame import Frames, Piece, answer, parse
from adapters.iot.gb26875_units import DEVICE, Units
from adapters.outbox import Outbox
from hub.clock import now

PAGE = 5
"""Frames of one batch, at most: one may hold 102 information objects."""
SLICE = 1 << 14
"""Bytes that are looked at before others of the event loop have their turn."""
NOISE = 1 << 20
"""Bytes without a frame, after which a connection is closed: whoever it is, it is no panel."""
UNREAD = 1 << 16
"""Bytes of confirmations that a panel has not taken, after which it is left."""
MOST = 100_000
"""Things and states that are remembered; past it all are forgotten, and each is told once more."""
LOOK = 30.0
"""Seconds between looks at which declared panels are away."""


class Gb26875:
    """The adapter. Panels connect, report and are confirmed once what they said is stored."""

    def __init__(self, source: Source, config: Gb26875Config) -> None:
        self._config = config
        self._units = Units(config)
        self._declared = {f"panel/{panel.address}": _declared(panel) for panel in config.panels}
        self._known: dict[str, Claim] = dict(self._declared)
        self._states: dict[tuple[str, str], tuple[Value, datetime | None]] = {}
        self._live: dict[str, int] = {}  # panels, and how many connections each has
        self._connections = 0
        self._listening: socket.socket | None = None

    async def __aenter__(self) -> Self:
        self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    async def check(self) -> Health:
        """That panels can connect; whether they do is told while it is read."""
        self._listen()
        return Health(state=HealthState.OK, text=f"listens for panels at {self._config.host}:{self._config.port}")

    async def discover(self) -> AsyncIterator[Claim]:
        """The declared panels, and all that has shown itself."""
        for claim in list(self._known.values()):
            yield claim

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        outbox = Outbox(self._config.max_in_flight)
        async with aclosing(outbox.batches(self._serve(outbox))) as batches:
            async for batch in batches:
                yield batch

    def decode(self, raw: Raw) -> Sequence[Record]:
        """The key is the panel's IP address, which names it where its frames do not; the data are one frame."""
        frame = parse(raw.data, self._config.framing, self._config.max_unit)
        number = int.from_bytes(frame.source, "little")
        panel = f"panel/{number or raw.key}"
        if self._config.framing == "0x68":
            return self._units.read_short(frame, panel)
        return self._units.read(frame, panel)

    def _listen(self) -> socket.socket:
        config = self._config
        if self._listening is None:
            try:
                family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
                self._listening = socket.create_server((config.host, config.port), family=family, backlog=100)
            except OSError as error:
                raise Unreachable(
                    f"cannot listen at {config.host}:{config.port} ({error.strerror or error}): is it this machine's "
                    "address, and is no other hub or program at that port?"
                ) from error
            self._listening.setblocking(False)
        return self._listening

    async def _serve(self, outbox: Outbox) -> None:
        async with asyncio.TaskGroup() as group:

            def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                group.create_task(self._converse(reader, writer, outbox))

            # A duplicate: the port stays open when this run of read is left, and panels wait there for the next.
            server = await asyncio.start_server(accepted, sock=self._listen().dup())
            try:
                while True:
                    await asyncio.sleep(LOOK)
                    away = [panel for panel in self._declared if not self._live.get(panel)]
                    if away:
                        why = "it is not connected: look at it, and at its network"
                        faults = [Fault(where=panel, reason=why) for panel in away]
                        await outbox.put(Batch(faults=faults, received_at=now()))
            finally:
                server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, outbox: Outbox) -> None:
        peer = str((writer.get_extra_info("peername") or ("unknown",))[0])
        panels: set[str] = set()
        try:
            why = self._unwelcome(peer)
            if why is None:
                self._connections += 1
                try:
                    why = await self._hear(reader, writer, outbox, peer, panels)
                finally:
                    self._connections -= 1
        finally:
            writer.close()
            for panel in panels:
                self._live[panel] -= 1
        faults = [Fault(where=peer, reason=why)] if why is not None else []
        gone = [
            self._merged(_offline(self._known[panel]))
            for panel in panels
            if panel in self._known and not self._live.get(panel)
        ]
        if faults or gone:
            await outbox.put(Batch(records=gone, faults=faults, received_at=now()))

    def _unwelcome(self, peer: str) -> str | None:
        config = self._config
        if config.peers and not any(ip_address(peer.partition("%")[0]) in network for network in config.peers):
            return "it connected, and is none of the source's peers: if it is a panel, add its address"
        if self._connections >= config.max_connections:
            return f"{config.max_connections} connections are open (max_connections), so it was sent away"
        return None

    async def _hear(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        outbox: Outbox,
        peer: str,
        panels: set[str],
    ) -> str | None:
        """Until the connection ends; why it was ended, where it was from here."""
        config, quiet = self._config, 0
        frames = Frames(config.framing, config.max_unit)
        while True:
            try:
                async with asyncio.timeout(config.idle_seconds):
                    data = await reader.read(SLICE)
            except TimeoutError:
                return f"it said nothing for {config.idle_seconds:g} s, so its connection was closed"
            except OSError:
                return None
            if not data or writer.is_closing():
                return None
            await asyncio.sleep(0)
            pieces = list(frames.feed(data))
            quiet = 0 if any(piece.noise is None for piece in pieces) else quiet + len(data)
            for start in range(0, len(pieces), PAGE):
                await outbox.put(self._batch(pieces[start : start + PAGE], writer, peer, panels))
            if quiet > NOISE:
                return f"it sent {quiet} bytes without a frame: is it a panel, and is framing {config.framing!r} right?"

    def _batch(self, pieces: Sequence[Piece], writer: asyncio.StreamWriter, peer: str, panels: set[str]) -> Batch:
        received_at = now()
        records: list[Record] = []
        unreadable: list[DeadLetter] = []
        answers: list[bytes] = []
        decode = guarded(self.decode)
        for piece in pieces:
            raw = Raw(key=peer, received_at=received_at, data=piece.raw)
            try:
                if piece.noise is not None:
                    raise Unreadable(f"{piece.noise} bytes that are no frame")
                found = decode(raw)
            except Unreadable as error:
                unreadable.append(DeadLetter.of(raw, error))
                # What is stored as it came need not come again, but for what was broken on the way.
                whole = piece.noise is None and error.where != "sum"
            else:
                whole = True
                records += self._news(found, panels)
            if piece.noise is None:
                said = answer(piece.raw, self._config.framing, confirmed=whole)
                if said is not None:
                    answers.append(said)

        async def ack() -> None:
            if writer.is_closing():
                return
            if writer.transport.get_write_buffer_size() > UNREAD:
                writer.close()
                return
            writer.write(b"".join(answers))

        return Batch(records=records, unreadable=unreadable, received_at=received_at, ack=ack)

    def _news(self, found: Sequence[Record], panels: set[str]) -> list[Record]:
        """What is new of a frame's records, after the panel's own claim, which is its sign of life."""
        records: list[Record] = []
        if len(self._known) > MOST:
            self._known = dict(self._declared)
        if len(self._states) > MOST:
            self._states.clear()
        for record in found:
            if isinstance(record, Claim):
                if record.external_id.count("/") == 1 and record.external_id not in panels:
                    panels.add(record.external_id)
                    self._live[record.external_id] = self._live.get(record.external_id, 0) + 1
                before = self._known.get(record.external_id)
                merged = self._merged(record)
                if merged != before or record.external_id in panels:
                    records.append(merged)
            elif isinstance(record, Signal):
                key, told = (record.subject, record.type), (record.values.get("state"), record.at)
                last = self._states.get(key)
                if last is None or last[0] != told[0] or (told[0] == "active" and last[1] != told[1]):
                    self._states[key] = told
                    records.append(record)
            else:
                records.append(record)
        return records

    def _merged(self, claim: Claim) -> Claim:
        """With what was told of it before: a panel tells name and version each by itself."""
        known = self._known.get(claim.external_id)
        if known is not None:
            values = {**known.values, **claim.values}
            if "name" in known.values and str(claim.values["name"]).startswith(f"{claim.values['device_type']} "):
                values["name"] = known.values["name"]  # a name that the panel gave stands before one that was made up
            declared = self._declared.get(claim.external_id)
            if declared is not None:
                values |= declared.values
            links = known.links or claim.links
            claim = replace(claim, values=MappingProxyType(values), links=links, identifiers=known.identifiers)
        self._known[claim.external_id] = claim
        return claim


def _declared(panel: DeclaredPanel) -> Claim:
    values: dict[str, Value] = {"kind": "PANEL", "device_type": DEVICE}
    given: Mapping[str, Value] = {
        "name": panel.name,
        "manufacturer": panel.manufacturer,
        "model": panel.model,
        "serial_number": panel.serial_number,
    }
    values |= {name: value for name, value in given.items() if value is not None}
    numbered = panel.manufacturer is not None and panel.serial_number is not None
    serial = Identifier(scheme="serial_number", value=f"{panel.manufacturer}/{panel.serial_number}")
    return Claim(
        kind="Asset",
        external_id=f"panel/{panel.address}",
        identifiers=(serial,) if numbered else (),
        values=MappingProxyType(values),
        links=(Link(relation="LOCATED_IN", target=panel.place, source="hub"),) if panel.place else (),
    )


def _offline(claim: Claim) -> Claim:
    return replace(claim, values=MappingProxyType({**claim.values, "online": False}))


ADAPTER = Definition(
    name="gb26875",
    version="1",
    summary="GB/T 26875.3: fire panels that connect to the hub, their detectors, alarms, faults and values.",
    config=Gb26875Config,
    factory=Gb26875,
    polls=False,
    discovers_all=False,
    listens=True,
)
