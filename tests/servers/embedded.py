"""The graph engine that comes with the hub, as a server of the tests' own."""

import asyncio
from pathlib import Path

from hub.clock import now
from hub.graph.embedded import Embedded
from hub.graph.store import GraphConfig
from tests.servers.process import ServerMissing


class EmbeddedServer:
    def __init__(self, engine: Embedded, config: GraphConfig) -> None:
        self._engine = engine
        self.config = config

    @classmethod
    def start(cls, folder: Path) -> "EmbeddedServer":
        """Raises ServerMissing where the package is not installed."""
        try:
            import arcadedb_embedded  # noqa: F401
        except ImportError as error:
            raise ServerMissing("the embedded graph needs `pip install arcadedb-embedded`") from error
        folder.mkdir(parents=True, exist_ok=True)
        engine = Embedded(folder, now)
        return cls(engine, asyncio.run(engine.start()))

    def stop(self) -> None:
        asyncio.run(self._engine.stop())
