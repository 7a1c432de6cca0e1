"""Carries out an operator's command: by the running hub over its socket, else here, with the state's lock."""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Iterator, Mapping

from hub import control
from hub.errors import AlreadyRunning
from hub.settings import Settings


def operate(settings: Settings, name: str, arguments: Mapping[str, object]) -> Iterator[control.Line]:
    path = settings.state_dir / "hub.sock"
    if control.is_running(path):
        yield from control.ask(path, name, arguments)
    else:
        yield from _here(settings, name, arguments)


def refuse_while_running(settings: Settings, name: str) -> None:
    if control.is_running(settings.state_dir / "hub.sock"):
        raise AlreadyRunning(f"a hub is running on {settings.state_dir}; stop it before {name}")


def _here(settings: Settings, name: str, arguments: Mapping[str, object]) -> Iterator[control.Line]:
    """The same operation in this process; its lines arrive while it works."""
    from hub.operations import Desk
    from hub.parts import open_parts

    lines: queue.SimpleQueue[control.Line | BaseException | None] = queue.SimpleQueue()

    async def work() -> None:
        async with open_parts(settings) as parts:
            found: AsyncIterator[control.Line] = Desk(parts).run(name, arguments)
            async for line in found:
                lines.put(line)

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:  # noqa: BLE001  (handed to the thread that prints)
            lines.put(error)
        else:
            lines.put(None)

    thread = threading.Thread(target=run, name="operation")
    thread.start()
    try:
        while (line := lines.get()) is not None:
            if isinstance(line, BaseException):
                raise line
            yield line
    finally:
        thread.join()
