"""The graph engine that comes with the hub: ArcadeDB's Bolt server as a child process on loopback.

It outlives a hub that is killed, and the next hub adopts it: `engine.json` names its process id, start time and
ports. Files that it cannot read are set aside, since the graph can always be made again from the journal.
"""

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import orjson

from adapters.secret import bare_environment
from hub.clock import Clock
from hub.errors import DeadlineExceeded, GraphUnavailable, Internal
from hub.graph import derive
from hub.graph.store import GraphConfig, Store
from hub.telemetry import logger

log = logger(__name__)

DATABASE = "hub"
_START_SECONDS = 60.0
_SCAN_SECONDS = 30.0  # of one kind
_ADOPT_SECONDS = 15.0  # it may still be coming up
_STOP_SECONDS = 20.0
_WATCH_SECONDS = 0.5
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What `engine.json` says; `started` tells a process from a later one with the same id."""

    pid: int
    started: str
    bolt: int
    http: int


class Embedded:
    """One engine for one state folder. `start`, then run `watch` as a task, then `stop`."""

    def __init__(self, state: Path, clock: Clock, *, heap: str = "512m") -> None:
        self._state = state.resolve()
        self._folder = self._state / "graph"
        self._note = self._state / "engine.json"
        self._password = self._state / "engine.password"
        self._condemned = self._state / "graph.condemned"
        self._clock = clock
        self._heap = heap
        self._engine: Engine | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = asyncio.Lock()
        self.moved: Callable[[GraphConfig], Awaitable[None]] | None = None
        """Is told the address after each start, such as `store.move`."""

    @property
    def config(self) -> GraphConfig:
        if self._engine is None:
            raise GraphUnavailable("the embedded graph has not been started")
        return self._config(self._engine)

    @property
    def pid(self) -> int | None:
        return self._engine.pid if self._engine else None

    def _config(self, engine: Engine) -> GraphConfig:
        uri = f"bolt://127.0.0.1:{engine.bolt}"
        return GraphConfig(uri=uri, user="root", password=self._password.read_text("ascii"), database=DATABASE)

    async def start(self) -> GraphConfig:
        """Adopts the engine that still runs, or starts one; sets files aside that it cannot read.

        Raises GraphUnavailable if even an empty folder gives no engine that answers."""
        async with self._lock:
            return await self._start()

    async def _start(self) -> GraphConfig:
        await asyncio.to_thread(self._prepare)
        known = self._read_note()
        if known is not None and _started(known.pid) == known.started and not self._condemned.exists():
            if await self._answers(known, _ADOPT_SECONDS):
                log.info("graph.engine_adopted", pid=known.pid)
                return await self._settle(known)
            await self._end(known)
        await self._clear(known)
        engine = await self._launch(known)
        if not await self._answers(engine, _START_SECONDS):
            await self._end(engine)
            self._set_aside()
            engine = await self._launch(engine)
            if not await self._answers(engine, _START_SECONDS):
                await self._end(engine)
                raise GraphUnavailable(f"the embedded graph does not start: see {self._state / 'engine.log'}")
        return await self._settle(engine)

    async def _clear(self, known: Engine | None) -> None:
        """Ends engines that nobody looks after, then deletes what is condemned."""
        if known is not None and self._condemned.exists() and _started(known.pid) == known.started:
            await self._end(known)
        for orphan in await asyncio.to_thread(self._running):  # started, but never noted
            await self._end(orphan)
        if self._condemned.exists():
            await asyncio.to_thread(self._delete)

    async def _settle(self, engine: Engine) -> GraphConfig:
        self._engine = engine
        config = self._config(engine)
        if self.moved is not None:
            await self.moved(config)
        return config

    async def watch(self) -> None:
        """Starts the engine again whenever it ends; runs until cancelled."""
        pause = 1.0
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            async with self._lock:
                engine = self._engine
                if engine is None or self._runs(engine):
                    pause = 1.0
                    continue
                log.warning("graph.engine_ended", pid=engine.pid)
                try:
                    await self._start()
                    log.info("graph.engine_restarted", pid=self.pid)
                    continue
                except (GraphUnavailable, OSError) as error:
                    log.warning("graph.engine_failed", reason=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 60.0)

    async def stop(self) -> None:
        """Ends the engine, after it has written everything."""
        async with self._lock:
            if self._engine is not None:
                engine, self._engine = self._engine, None
                await self._end(engine)
            for unsettled in await asyncio.to_thread(self._running):  # it was told to stop before that one answered
                await self._end(unsettled)

    def condemn(self) -> None:
        """Whatever happens from now on, the engine's files are deleted before it is used again."""
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(self._condemned, b"these files are deleted at the next start\n")

    async def renew(self) -> None:
        """Deletes all that the engine ever wrote, logs and files set aside among it, and starts with none: after an
        erasure, for a database's files keep what was deleted from it."""
        async with self._lock:
            self.condemn()
            if self._engine is not None:
                await self._end(self._engine)
            await self._start()

    async def discard(self) -> None:
        """The same, and leaves no engine running."""
        async with self._lock:
            self.condemn()
            self._engine, known = None, self._read_note()
            if known is not None and _started(known.pid) == known.started:
                await self._end(known)
            await self._clear(known)

    async def replace(self) -> None:
        """Sets the files aside and starts with none: for files that turn out to be broken."""
        async with self._lock:
            if self._engine is not None:
                await self._end(self._engine)
            self._set_aside()
            await self._start()

    # ---- the process

    def _prepare(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._password.exists():
            _write_private(self._password, secrets.token_urlsafe(32).encode())

    async def _launch(self, before: Engine | None) -> Engine:
        """Starts the process, on the ports it had before where they are free."""
        bolt, http = _ports(before)
        spawning = asyncio.ensure_future(asyncio.to_thread(self._spawn, bolt, http))
        try:
            pid = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            await spawning  # so that who stops it finds it
            raise
        engine = Engine(pid=pid, started=_started(pid) or "", bolt=bolt, http=http)
        _write_private(self._note, orjson.dumps(asdict(engine)))
        return engine

    def _spawn(self, bolt: int, http: int) -> int:
        settings = {
            "server.rootPath": self._folder,
            "server.rootPasswordPath": self._password,
            "server.plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "server.mode": "production",  # flushes its log at each commit
            "server.defaultDatabases": f"{DATABASE}[root]",
            "server.httpIncomingHost": "127.0.0.1",
            "server.httpIncomingPort": http,
            "bolt.host": "127.0.0.1",
            "bolt.port": bolt,
        }
        package = _package()
        with (self._state / "engine.log").open("wb") as out:
            self._child = subprocess.Popen(
                [
                    str(package / "jre" / "bin" / "java"),
                    f"-Xmx{self._heap}",
                    "-XX:+UseSerialGC",
                    "--add-modules=jdk.incubator.vector",
                    "--enable-native-access=ALL-UNNAMED",
                    *(f"-Darcadedb.{key}={value}" for key, value in settings.items()),
                    "-cp",
                    f"{package / 'jars'}/*",
                    "com.arcadedb.server.ArcadeDBServer",
                ],
                cwd=self._folder,
                env=bare_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for the hub, which then ends the engine in order
            )
        return self._child.pid

    def _runs(self, engine: Engine) -> bool:
        if self._child is not None and self._child.pid == engine.pid:
            return self._child.poll() is None
        return _started(engine.pid) == engine.started

    async def _end(self, engine: Engine) -> None:
        """By its id and start time, so that a later process with the same id is never hit."""
        for how, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 5.0)):
            if not self._runs(engine):
                break
            os.kill(engine.pid, how)
            for _ in range(round(seconds / 0.05)):
                if not self._runs(engine):
                    break
                await asyncio.sleep(0.05)
        self._note.unlink(missing_ok=True)

    def _running(self) -> list[Engine]:
        """The engines on our folder, whoever started them, and whether `engine.json` names them or not."""
        mark = f"-Darcadedb.server.rootPath={self._folder}".encode()
        found = []
        for entry in _PROC.glob("[0-9]*") if _PROC.is_dir() else ():
            try:
                ours = mark in (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:  # it ended meanwhile, or is another user's
                continue
            if ours and (started := _started(int(entry.name))):
                found.append(Engine(pid=int(entry.name), started=started, bolt=0, http=0))
        return found

    def _read_note(self) -> Engine | None:
        try:
            return Engine(**orjson.loads(self._note.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            log.warning("graph.engine_note_unreadable", file=str(self._note))
            return None

    # ---- its files

    async def _answers(self, engine: Engine, seconds: float) -> bool:
        """Whether it takes our password and can read its files, waiting for it to come up."""
        store = await Store.open(self._config(engine))
        deadline = time.monotonic() + seconds
        try:
            while self._runs(engine) and time.monotonic() < deadline:
                if await _listens(engine.bolt):
                    try:
                        await store.contact()
                        await store.read("RETURN 1", {})
                    except (GraphUnavailable, Internal):  # its listener comes up before its database does
                        pass
                    else:
                        return await _sound(store)
                await asyncio.sleep(0.1)
            return False
        finally:
            await store.close()

    def _delete(self) -> None:
        for folder in (self._folder, *self._state.glob("graph.broken-*")):
            if folder.exists():
                shutil.rmtree(folder)
        (self._state / "engine.log").unlink(missing_ok=True)
        self._folder.mkdir(mode=0o700)
        self._condemned.unlink()
        log.info("graph.files_deleted", folder=str(self._folder))

    def _set_aside(self) -> None:
        """Renames the folder by the time, keeping the newest such folder only."""
        for old in self._state.glob("graph.broken-*"):
            shutil.rmtree(old, ignore_errors=True)
        aside = self._state / f"graph.broken-{self._clock():%Y%m%dT%H%M%S%f}"
        self._folder.rename(aside)
        self._folder.mkdir(mode=0o700)
        log.warning("graph.files_set_aside", folder=str(aside))


async def _sound(store: Store) -> bool:
    """Whether each kind's count and what a scan of it finds agree; a torn file answers with fewer, an error, or never,
    though the engine itself has answered before."""

    async def read(statement: str) -> list[dict[str, object]]:
        return await store.read(statement, {}, seconds=_SCAN_SECONDS)

    try:
        held = {row["label"] for row in await read("CALL db.labels() YIELD label RETURN label")}
        for label in held & derive.entities().keys():
            [counted] = await read(f"MATCH (n:{label}) RETURN count(n) AS n")
            [scanned] = await read(f"MATCH (n:{label}) WHERE n.id IS NOT NULL RETURN count(n.id) AS n")
            if counted != scanned:
                log.warning("graph.files_torn", label=label, counted=counted["n"], found=scanned["n"])
                return False
    except (Internal, DeadlineExceeded, GraphUnavailable) as error:
        log.warning("graph.files_unreadable", reason=error.message)
        return False
    return True


def _write_private(file: Path, data: bytes) -> None:
    """Whole or not at all, and for nobody else to read."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
    new.rename(file)


def _package() -> Path:
    spec = find_spec("arcadedb_embedded")
    if spec is None or spec.origin is None:
        raise GraphUnavailable("the package arcadedb-embedded is not installed: install it, or set [graph] uri")
    return Path(spec.origin).parent


def _ports(before: Engine | None) -> tuple[int, int]:
    if before is not None and before.bolt and _free(before.bolt) and _free(before.http):
        return before.bolt, before.http
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


async def _listens(port: int) -> bool:
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:  # TimeoutError is one
        return False
    writer.close()
    return True


def _started(pid: int) -> str | None:
    """When the process began, in words that no later process of that id shares; None if there is none."""
    if _PROC.is_dir():
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        if fields[0] in "ZX":
            return None
        return f"{(_PROC / 'sys/kernel/random/boot_id').read_text().strip()}:{fields[19]}"
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or None
