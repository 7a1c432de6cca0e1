"""A schema of a few fields and a hub of one process around it, so that the web face is tried without the park."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import strawberry

from hub.access.authority import Authority
from hub.access.rights import Rights
from hub.clock import Clock, now
from hub.errors import CursorGone, NotFound
from hub.ingest.uploads import Uploads
from hub.telemetry import Metrics
from hub.viewer import Mask
from hub.web.application import create_application
from hub.web.config import WebConfig
from hub.web.health import Probes
from hub.web.operation import Asker
from hub.web.server import serve


@strawberry.type
class Tick:
    cursor: str

    @strawberry.field
    def number(self, info: strawberry.Info) -> int:
        info.context["executions"].append(self.cursor)
        return int(self.cursor)

    @strawberry.field
    def plus(self, by: int) -> int:
        return int(self.cursor) + by


@strawberry.type
class Query:
    @strawberry.field
    def greeting(self, name: str = "park") -> str:
        return f"hello {name}"

    @strawberry.field
    def language(self, info: strawberry.Info) -> str:
        return str(info.context["language"])

    @strawberry.field
    def words(self, first: int = 1) -> list[str]:
        return ["word"] * first

    @strawberry.field
    async def never(self, info: strawberry.Info) -> str:
        """Answers no one; notes that it was cancelled."""
        try:
            return str(await asyncio.get_running_loop().create_future())
        finally:
            info.context["executions"].append("cancelled")

    @strawberry.field
    async def together(self, info: strawberry.Info) -> int:
        """How many of this are running."""
        info.context["running"].append(None)
        await asyncio.sleep(0.02)
        count = len(info.context["running"])
        info.context["running"].pop()
        return count

    @strawberry.field
    def leak(self) -> str | None:
        raise ValueError("the password is swordfish")

    @strawberry.field
    def missing(self) -> str | None:
        raise NotFound("No asset has this id.")


@strawberry.type
class Mutation:
    @strawberry.mutation
    def touch(self) -> int:
        return 1


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: strawberry.Info, after: str | None = None) -> AsyncIterator[Tick]:
        """Every number that the test hands out, from the one after `after`."""
        if after == "gone":
            raise CursorGone("Read the list anew.")
        queue: asyncio.Queue[int] = asyncio.Queue()
        listeners = info.context["listeners"]
        listeners.add(queue)
        try:
            while True:
                number = await queue.get()
                if number < 0:
                    raise ValueError("the password is swordfish")
                if after is None or number > int(after):
                    yield Tick(cursor=str(number))
        finally:
            listeners.discard(queue)


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)


class TinyHub:
    def __init__(
        self,
        config: WebConfig,
        probes: Probes | None = None,
        *,
        authority: Authority | None = None,
        rights: Rights | None = None,
        clock: Clock = now,
        uploads: Uploads | None = None,
    ) -> None:
        self.config = config
        self.listeners: set[asyncio.Queue[int]] = set()
        self.executions: list[str] = []
        self.running: list[None] = []
        self.metrics = Metrics()
        self.stop = asyncio.Event()
        self.url = ""
        self.application = create_application(
            SCHEMA,
            self._context,
            config,
            metrics=self.metrics,
            probes=probes or Probes(),
            authority=authority,
            rights=rights,
            clock=clock,
            uploads=uploads,
        )

    def _context(self, asker: Asker, mask: Mask) -> dict[str, object]:
        return {
            "running": self.running,
            "listeners": self.listeners,
            "executions": self.executions,
            "language": asker.language,
        }

    def tell(self, number: int) -> None:
        for queue in tuple(self.listeners):
            queue.put_nowait(number)

    async def listened_to(self, by: int) -> None:
        """Until so many subscribers listen."""
        async with asyncio.timeout(10):
            while len(self.listeners) != by:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(
    config: WebConfig | None = None,
    probes: Probes | None = None,
    *,
    authority: Authority | None = None,
    rights: Rights | None = None,
    clock: Clock = now,
) -> AsyncIterator[TinyHub]:
    """The hub behind its real server, on a free port."""
    hub = TinyHub(config or WebConfig(port=0), probes, authority=authority, rights=rights, clock=clock)
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(hub.application, hub.config, hub.stop, listening.set_result))
        hub.url = await listening
        try:
            yield hub
        finally:
            hub.stop.set()
