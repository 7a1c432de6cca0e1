"""A real browser: Chromium without a window, driven by its DevTools protocol."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.servers.process import Process, ServerMissing, free_port, wait_for_port

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,900",
)


class Refused(RuntimeError):
    """What the browser could not do, in its words: a script whose page went away, for one."""


class Page:
    """One tab. `complaints` holds what its console called an error, such as a breach of the page's policy."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []

    async def read(self) -> None:
        async for text in self._connection:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            elif message["method"] == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.complaints.append(message["params"]["entry"]["text"])
            elif message["method"] == "Runtime.exceptionThrown":
                details = message["params"]["exceptionDetails"]
                self.complaints.append(f"{details['text']} {details.get('exception', {}).get('description', '')}")

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        async with asyncio.timeout(20):
            message = await answer
        if "error" in message:
            raise Refused(message["error"]["message"])
        result: dict[str, Any] = message["result"]
        return result

    async def evaluate(self, script: str) -> Any:
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description", "the script failed"))
        return result["result"].get("value")

    async def until(self, script: str, seconds: float = 30) -> Any:
        """The script's value once it is truthy; a page that goes away under the script is asked again."""
        async with asyncio.timeout(seconds):
            while True:
                with suppress(Refused):
                    if value := await self.evaluate(script):
                        return value
                await asyncio.sleep(0.1)

    async def type(self, text: str) -> None:
        """Into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def screenshot(self, file: Path) -> None:
        shot = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))


@asynccontextmanager
async def page(url: str, folder: Path) -> AsyncIterator[Page]:
    """A new tab of a new browser at `url`. Raises ServerMissing."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise ServerMissing("Chromium is not installed: apt-get install chromium")
    port = free_port()
    arguments = [program, *_QUIET, f"--user-data-dir={folder / 'profile'}", f"--remote-debugging-port={port}"]
    browser = Process([*arguments, "about:blank"], folder, name="chromium")
    try:
        await asyncio.to_thread(wait_for_port, port, browser)
        async with httpx.AsyncClient() as client:
            tabs = (await client.get(f"http://127.0.0.1:{port}/json/list")).json()
        address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        async with connect(address, max_size=1 << 26, ping_interval=None) as connection:
            tab = Page(connection)
            reading = asyncio.create_task(tab.read())
            for domain in ("Page", "Runtime", "Log"):
                await tab.call(f"{domain}.enable")
            await tab.call("Page.navigate", url=url)
            yield tab
            reading.cancel()
    finally:
        await asyncio.to_thread(browser.stop)
