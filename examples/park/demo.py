"""`make demo`: a whole park on this machine, real protocol servers, a scripted emergency, live alerts."""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # run by its path: the park's own modules stand beside it

from children import Children, MissingBroker, free_ports  # noqa: E402
from devices import Devices  # noqa: E402
from park import Ports, detectors, write  # noqa: E402
from questions import PASTE  # noqa: E402
from script import Script  # noqa: E402
from stage import Stage  # noqa: E402


@contextlib.asynccontextmanager
async def running(children: Children, folder: Path, stage: Stage) -> AsyncIterator[Script]:
    """All servers and devices; the hub is the script's to start and to kill."""
    ports = Ports(**dict(zip(("east", "west", "broker", "panel", "web"), free_ports(5), strict=True)))
    stage.say("starting Modbus servers, an MQTT broker, two recorders, a fire panel and a weather office on loopback …")
    for side, seed in (("east", 1), ("west", 2)):
        children.cabinets(side, getattr(ports, side), seed)
    children.broker(ports.broker)
    devices = Devices(folder, ports.panel)
    await asyncio.to_thread(devices.start)
    try:
        for port in (ports.east, ports.west, ports.broker):
            await children.listening(port)
        park_file = await asyncio.to_thread(write, folder, ports, devices.urls)
        script = Script(children, park_file, ports, devices, stage)
        async with script.detectors(detectors()):
            yield script
    finally:
        await asyncio.to_thread(devices.stop)


async def play(once: bool, stage: Stage) -> int:
    with tempfile.TemporaryDirectory(prefix="causeway-demo-") as name:
        folder = Path(name)
        children = Children(folder)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            async with running(children, folder, stage) as script, asyncio.TaskGroup() as group:
                acting = group.create_task(script.act())
                ended = group.create_task(stop.wait())
                await asyncio.wait({acting, ended}, return_when=asyncio.FIRST_COMPLETED)
                if acting.done() and not once and not stop.is_set():
                    stage.say(
                        f"\nThe park goes on. Explorer: http://127.0.0.1:{script.ports.web}/   Paste one of these:"
                    )
                    stage.say(PASTE)
                    stage.say("Ctrl-C ends it.")
                    await stop.wait()
                acting.cancel()
                ended.cancel()
                script.close()
        finally:
            await asyncio.to_thread(children.stop)
    return stage.verdict()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--once", action="store_true", help="end after the script; fail if anything did not hold")
    once = arguments.parse_args().once
    stage = Stage()
    try:
        sys.exit(asyncio.run(play(once, stage)))
    except MissingBroker as error:
        sys.exit(f"demo: {error}")


if __name__ == "__main__":
    main()
