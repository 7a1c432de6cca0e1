"""The demo's emergency, act by act: each act does something real and checks what a user would see."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from children import Children
from detectors import Detectors
from devices import Devices
from emergency import Emergency, confirm_lists
from park import CABINETS_EACH, Ports, cabinets
from pymodbus.client import AsyncModbusTcpClient
from questions import ACKNOWLEDGE, LATEST
from stage import Stage
from watcher import Seen, Watcher, ask

CABINETS = 2 * CABINETS_EACH
HOT = cabinets("east")[16]
SMOKY = "smoke-07"
HEAT_CODE, SMOKE_CODE = "cable_temperature_high", "smoke_high"
UP_WITHIN = 15.0  # seconds from the demo's beginning, everything installed
MEMORY = 400  # MB, of the hub's own process
WITHIN = 1.0  # seconds from the value's change to the subscriber


class Script:
    def __init__(self, children: Children, park_file: Path, ports: Ports, devices: Devices, stage: Stage) -> None:
        self.children, self.park_file, self.ports, self.stage = children, park_file, ports, stage
        self.address = f"127.0.0.1:{ports.web}"
        self.emergency = Emergency(park_file.parent, self.address, devices, stage, self._until)
        self.watcher: Watcher | None = None
        self._watching: asyncio.Task[None] | None = None
        self._detectors: Detectors | None = None

    @contextlib.asynccontextmanager
    async def detectors(self, names: Sequence[str]) -> AsyncIterator[None]:
        self._detectors = await asyncio.to_thread(Detectors, names, self.ports.broker)
        try:
            yield
        finally:
            await asyncio.to_thread(self._detectors.stop)

    def close(self) -> None:
        if self._watching:
            self._watching.cancel()

    async def act(self) -> None:
        """All acts; one that breaks is a thing that did not hold, and the rest is not tried."""
        acts: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (
            self.start,
            self.enter,
            self.emergency.entered,
            self.heat,
            self.smoke,
            self.more,
            self.emergency.tenant,
            self.lose_a_source,
            self.kill_the_hub,
            self.compare,
        )
        for act in acts:
            try:
                await act()
            except (TimeoutError, RuntimeError, OSError, KeyError) as error:
                self.stage.check(f"{act.__name__.replace('_', ' ')}", False, f"{type(error).__name__}: {error}")
                self.stage.say(self.children.tail("hub"))
                return

    async def start(self) -> None:
        self.stage.act("The hub starts")
        config = str(self.park_file)
        status, out = await self.children.command("check", "--config", config)
        self.stage.check("causeway check reaches every source", status == 0, "" if status == 0 else out)
        self.children.hub(self.park_file)
        await self._until(self._answers, 60)
        took = time.monotonic() - self.stage.begun
        self.stage.check("the hub answers", took <= UP_WITHIN, f"{took:.1f} s after the demo began")

    async def enter(self) -> None:
        self.stage.act("A park is entered, while its sources are read")
        config, folder = str(self.park_file), str(self.park_file.parent)
        begun = time.monotonic()
        status, out = await self.children.command("import", "park", folder, "--config", config, "--yes")
        said = f"in {time.monotonic() - begun:.0f} s" if status == 0 else out[-2000:]
        self.stage.check("a folder of tables comes in: places, people, duty, hazards, devices …", status == 0, said)
        await confirm_lists(self.children.command, config, self.stage)
        await self._until(self._all_seen, 90)
        found = await ask(self.address, LATEST)
        measured = [a for a in found["assets"]["nodes"] if a["sensor"]["latest"]]
        self.stage.check("sensors tell their latest readings", len(measured) == 20, f"{len(measured)} of 20 asked")
        begin = (await ask(self.address, "{ alerts(first: 1) { readAt } }"))["alerts"]["readAt"]
        self.watcher = Watcher(self.address, begin)
        self._watching = asyncio.create_task(self.watcher.run())
        asyncio.get_running_loop().create_task(self._show(self.watcher))
        await asyncio.wait_for(self.watcher.connected.wait(), 10)

    async def heat(self) -> None:
        self.stage.act(f"A cable in {HOT.zone} grows hot (a register is written over Modbus)")
        sent = await self._set_heat(95.0)
        seen = await self._event("OPENED", HOT.name, HEAT_CODE)
        self._in_time("a Modbus register's rise reaches the subscriber", sent, seen)
        answers = [await ask(self.address, ACKNOWLEDGE, {"id": seen.alert["id"], "key": "demo-1"}) for _ in range(2)]
        kinds = [answer["acknowledgeAlert"]["__typename"] for answer in answers]
        self.stage.check(
            "it is acknowledged, and a repeat with the same key changes nothing", len(set(kinds)) == 1, kinds[0]
        )
        await self._event("ACKNOWLEDGED", HOT.name, HEAT_CODE)

    async def smoke(self) -> None:
        self.stage.act(f"Smoke rises at {SMOKY} (a detector publishes over MQTT)")
        assert self._detectors is not None
        self._detectors.smoke[SMOKY] = 18.0
        sent = self._detectors.publish(SMOKY)
        seen = await self._event("OPENED", SMOKY, SMOKE_CODE)
        self._in_time("an MQTT message's rise reaches the subscriber", sent, seen)

    async def more(self) -> None:
        assert self.watcher is not None
        await self.emergency.panel(self.watcher)
        await self.emergency.camera(self.watcher)
        await self.emergency.storm(self.watcher)

    async def lose_a_source(self) -> None:
        self.stage.act("The western Modbus server dies and comes back")
        self.children.kill("cabinets-west")
        lost = await self._until(lambda: self._state("cabinets-west", "UNAVAILABLE", stale=True), 20)
        self.stage.check("its source is unavailable and stale, with what to do", bool(lost), lost)
        east = await self._state("cabinets-east", "OK", stale=False)
        self.stage.check("its neighbours go on", bool(east))
        self.children.cabinets("west", self.ports.west, 2)
        # A device that was missed at the first poll is told for a minute after.
        back = await self._until(lambda: self._state("cabinets-west", "OK", stale=False), 90)
        self.stage.check("it recovers by itself", bool(back))

    async def kill_the_hub(self) -> None:
        self.stage.act("The hub is killed (kill -9) while the cable cools, and started again")
        assert self.watcher is not None
        before = self.watcher.reconnects
        self.stage.say(
            f"  The hub took {self.children.memory('hub')} MB while the whole park came in for the first time."
        )
        self.children.kill("hub")
        await self._set_heat(35.0)
        begun = time.monotonic()
        self.children.hub(self.park_file)
        await self._event("RETURNED", HOT.name, HEAT_CODE, 60)
        await self._event("CLOSED", HOT.name, HEAT_CODE)
        took = time.monotonic() - begun
        resumed = self.watcher.reconnects > before
        self.stage.check(
            "the subscriber resumes by its cursor and learns of the return", resumed, f"{took:.1f} s later"
        )
        twice = [k for k, n in Counter((s.type, s.alert["id"]) for s in self.watcher.events).items() if n > 1]
        self.stage.check("nothing came twice", not twice, f"{len(self.watcher.events)} events")

    async def compare(self) -> None:
        self.stage.act("The record is compared")
        config = str(self.park_file)
        for words, said in (
            (("replay", "--check"), "the recorded alerts equal a fresh run over the journal"),
            (("rebuild",), "the graph is written anew beside the old one"),
        ):
            status, out = await self.children.command(*words, "--config", config)
            self.stage.check(said, status == 0, out.strip().splitlines()[-1] if out.strip() else "")
        self.stage.check("nothing is missing after it", bool(await self._all_seen()))
        used = self.children.memory("hub")
        self.stage.check(f"the hub keeps within {MEMORY} MB", used <= MEMORY, f"{used} MB")

    async def _set_heat(self, celsius: float) -> float:
        client = AsyncModbusTcpClient("127.0.0.1", port=self.ports.east)
        await client.connect()
        sent = time.monotonic()
        await client.write_register(0, round(celsius * 10), device_id=HOT.unit)
        client.close()
        return sent

    def _in_time(self, what: str, sent: float, seen: Seen) -> None:
        took = seen.at - sent
        self.stage.check(f"{what} within {WITHIN:g} s", took <= WITHIN, f"{took * 1000:.0f} ms")

    async def _event(self, kind: str, name: str, code: str, seconds: float = 15) -> Seen:
        assert self.watcher is not None
        return await self.watcher.wait_for(kind, name, code, seconds)

    async def _show(self, watcher: Watcher) -> None:
        async for seen in watcher.follow():
            self.stage.alert(seen.type, seen.alert)

    async def _answers(self) -> str:
        found = await ask(self.address, "{ places { totalCount } }")
        return str(found["places"]["totalCount"])

    async def _all_seen(self) -> str:
        found = await ask(self.address, SOURCED)
        count = sum(one["totalCount"] for one in found.values())
        return str(count) if count == CABINETS else ""

    async def _state(self, source: str, state: str, *, stale: bool) -> str:
        found = await ask(self.address, "{ sources { id state stale text } }")
        mine = next(s for s in found["sources"] if s["id"] == source)
        return (mine["text"] or state) if (mine["state"], mine["stale"]) == (state, stale) else ""

    async def _until(self, asked: Callable[[], Coroutine[Any, Any, str]], seconds: float) -> str:
        """The first answer that is not empty; errors on the way (the hub still starts) are waited out."""
        async with asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(OSError, RuntimeError, ValueError):
                    if answer := await asked():
                        return answer
                if not self.children.alive("hub"):
                    raise RuntimeError("the hub ended by itself")
                await asyncio.sleep(0.2)


SOURCED = """{ east: assets(filter: {kind: [SENSOR], search: "east"}) { totalCount }
  west: assets(filter: {kind: [SENSOR], search: "west"}) { totalCount } }"""
