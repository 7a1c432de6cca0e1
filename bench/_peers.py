"""Children of a bench: our own hub, and peers from npm. Each answers line by line."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent


class Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._in, self._out = process.stdin, process.stdout

    def tell(self, line: str) -> None:
        self._in.write(line.encode() + b"\n")

    async def line(self) -> str:
        """The next one that it prints. Raises SystemExit where it has ended."""
        text = (await self._out.readline()).decode().strip()
        if not text:
            raise SystemExit(f"a bench's child has ended: {await self._process.wait()}")
        return text

    async def ask(self, line: str) -> str:
        self.tell(line)
        return await self.line()


@asynccontextmanager
async def child(*arguments: str | Path, folder: Path = ROOT) -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=folder,
        limit=1 << 26,
    )
    made = Child(process)
    try:
        yield made
    finally:
        made._in.close()
        try:
            async with asyncio.timeout(20):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def ours(module: str) -> list[str]:
    """The command of a module of the benches."""
    return [sys.executable, "-m", f"bench.{module}"]


async def node(peer: str) -> Path:
    """The folder of a peer with its locked packages. Raises SystemExit where there is no Node."""
    folder = HERE / "peers" / peer
    if shutil.which("npm") is None:
        raise SystemExit(f"bench/peers/{peer} needs Node and npm, which are not here")
    if not (folder / "node_modules").is_dir():
        installing = await asyncio.create_subprocess_exec(
            "npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=folder, stdout=sys.stderr
        )
        if await installing.wait():
            raise SystemExit(f"npm could not install bench/peers/{peer}")
    return folder
