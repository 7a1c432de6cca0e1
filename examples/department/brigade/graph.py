"""The brigade's subgraph. It owns Engine and Deployment, and adds what it knows to the hub's Place and Alert."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Self

import strawberry
from graphql import GraphQLError
from strawberry.dataloader import DataLoader
from strawberry.schema.config import StrawberryConfig

from brigade.store import DeploymentRow, EngineRow, Refused, Store
from brigade.tokens import Viewer

SEES = frozenset({"commander", "duty_officer", "administrator"})
SENDS = frozenset({"commander"})
"""The roles, as the hub's issuer names them, that see the brigade's things, and that send its engines."""

Changes = set[asyncio.Queue[DeploymentRow]]


class Asked:
    """One request: who asks, and its batches. Each relation is read with one statement for all that were asked for."""

    def __init__(self, store: Store, viewer: Viewer | None, refusal: str, changes: Changes) -> None:
        self.store = store
        self.changes = changes
        self.connection_params: dict[str, object] | None = None  # of a WebSocket's `connection_init`
        self._viewer = viewer
        self._refusal = refusal
        self.engines = _batch(_one(store.engines_by))
        self.deployments = _batch(_one(store.deployments_by))
        self.stationed = _batch(_many(store.engines_by, "station"))
        self.sent_to = _batch(_many(store.deployments_by, "place"))
        self.sent_for = _batch(_many(store.deployments_by, "alert"))

    def viewer(self, roles: frozenset[str] = SEES) -> Viewer:
        """Raises GraphQLError where the viewer has none of the roles."""
        if self._viewer is None:
            raise GraphQLError(self._refusal, extensions={"code": "UNAUTHENTICATED"})
        if not self._viewer.roles & roles:
            text = f"the brigade shows this to: {', '.join(sorted(roles))}"
            raise GraphQLError(text, extensions={"code": "FORBIDDEN"})
        return self._viewer


Info = strawberry.Info[Asked, None]
_Read = Callable[[str, Sequence[str]], list[Any]]


def _batch(load: Callable[[list[str]], Awaitable[list[Any]]]) -> DataLoader[str, Any]:
    return DataLoader(load, cache=False)  # over a WebSocket one request lasts for hours


def _one(read: _Read) -> Callable[[list[str]], Awaitable[list[Any]]]:
    async def load(keys: list[str]) -> list[Any]:
        found = {row.id: row for row in await asyncio.to_thread(read, "id", keys)}
        return [found.get(key) for key in keys]

    return load


def _many(read: _Read, column: str) -> Callable[[list[str]], Awaitable[list[Any]]]:
    async def load(keys: list[str]) -> list[Any]:
        found: dict[str, list[Any]] = defaultdict(list)
        for row in await asyncio.to_thread(read, column, keys):
            found[getattr(row, column)].append(row)
        return [found[key] for key in keys]

    return load


@strawberry.enum(description="What an engine is made for.")
class EngineKind(Enum):
    PUMP = "PUMP"
    LADDER = "LADDER"
    TANKER = "TANKER"
    FOAM = "FOAM"
    RESCUE = "RESCUE"


@strawberry.federation.type(keys=["id"])  # the hub's, which describes it
class Place:
    """What the brigade has at one of the hub's places."""

    id: strawberry.ID

    @strawberry.field(description="The engines that are stationed here; null where you may not see them.")
    async def engines(self, info: Info) -> list["Engine"] | None:
        info.context.viewer()
        return [Engine.of(row) for row in await info.context.stationed.load(self.id)]

    @strawberry.field(description="What was sent here, the newest first; null where you may not see it.")
    async def deployments(self, info: Info) -> list["Deployment"] | None:
        info.context.viewer()
        return [Deployment.of(row) for row in await info.context.sent_to.load(self.id)]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:  # noqa: A002 - the key's name
        return cls(id=id)


@strawberry.federation.type(keys=["id"])  # the hub's, likewise
class Alert:
    """Whom the brigade sent for one of the hub's alerts."""

    id: strawberry.ID

    @strawberry.field(description="What was sent for it, the newest first; null where you may not see it.")
    async def deployments(self, info: Info) -> list["Deployment"] | None:
        info.context.viewer()
        return [Deployment.of(row) for row in await info.context.sent_for.load(self.id)]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:  # noqa: A002
        return cls(id=id)


@strawberry.federation.type(keys=["id"], description="A fire engine.")
class Engine:
    id: strawberry.ID
    call_sign: str
    kind: EngineKind
    crew: int = strawberry.field(description="People.")
    station: Place | None = strawberry.field(description="Where it stands when it is not out.")
    deployed: strawberry.Private[str | None]

    @strawberry.field(description="What it is out for; null while it stands at its station.")
    async def deployment(self, info: Info) -> Annotated["Deployment", strawberry.lazy(__name__)] | None:
        row = await info.context.deployments.load(self.deployed) if self.deployed else None
        return Deployment.of(row) if row else None

    @classmethod
    def of(cls, row: EngineRow) -> Self:
        return cls(
            id=strawberry.ID(row.id),
            call_sign=row.call_sign,
            kind=EngineKind(row.kind),
            crew=row.crew,
            station=Place(id=strawberry.ID(row.station)) if row.station else None,
            deployed=row.deployed,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:  # noqa: A002
        info.context.viewer()
        row = await info.context.engines.load(id)
        return cls.of(row) if row else None


@strawberry.federation.type(keys=["id"], description="An engine that was sent somewhere.")
class Deployment:
    id: strawberry.ID
    alert: Alert | None = strawberry.field(description="What it was sent for; null for an exercise or a patrol.")
    place: Place
    ordered_at: datetime
    ordered_by: str = strawberry.field(description="The subject of the commander's token.")
    ended_at: datetime | None = strawberry.field(description="Null while it goes on.")
    engine_id: strawberry.Private[str]

    @strawberry.field
    async def engine(self, info: Info) -> Engine:
        row = await info.context.engines.load(self.engine_id)
        assert row is not None, "engines are never removed"
        return Engine.of(row)

    @classmethod
    def of(cls, row: DeploymentRow) -> Self:
        return cls(
            id=strawberry.ID(row.id),
            alert=Alert(id=strawberry.ID(row.alert)) if row.alert else None,
            place=Place(id=strawberry.ID(row.place)),
            ordered_at=datetime.fromisoformat(row.ordered_at),
            ordered_by=row.ordered_by,
            ended_at=datetime.fromisoformat(row.ended_at) if row.ended_at else None,
            engine_id=row.engine,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:  # noqa: A002
        info.context.viewer()
        row = await info.context.deployments.load(id)
        return cls.of(row) if row else None


@strawberry.type
class Query:
    @strawberry.field(description="All engines, by call sign.")
    async def engines(self, info: Info) -> list[Engine] | None:
        info.context.viewer()
        return [Engine.of(row) for row in await asyncio.to_thread(info.context.store.engines)]

    @strawberry.field(description="What goes on, the newest first; with `ended` what is over as well.")
    async def deployments(self, info: Info, ended: bool = False) -> list[Deployment] | None:
        info.context.viewer()
        rows = await asyncio.to_thread(info.context.store.deployments, ended=ended)
        return [Deployment.of(row) for row in rows]


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Sends an engine; the same idempotencyKey gets the first answer.")
    async def deploy_engine(
        self,
        info: Info,
        engine: strawberry.ID,
        place: strawberry.ID,
        idempotency_key: str,
        alert: strawberry.ID | None = None,
    ) -> Deployment:
        viewer = info.context.viewer(SENDS)
        return await _told(info, info.context.store.deploy, engine, alert, place, viewer.subject, idempotency_key)

    @strawberry.mutation(description="The engine is back at its station.")
    async def end_deployment(self, info: Info, deployment: strawberry.ID) -> Deployment:
        info.context.viewer(SENDS)
        return await _told(info, info.context.store.end, deployment)


async def _told(info: Info, change: Callable[..., DeploymentRow], *values: object) -> Deployment:
    try:
        row = await asyncio.to_thread(change, *values)
    except Refused as error:
        raise GraphQLError(str(error), extensions={"code": "BAD_REQUEST"}) from error
    for queue in info.context.changes:
        if queue.full():
            queue.get_nowait()  # who is slow misses the oldest, and reads `deployments` anew
        queue.put_nowait(row)
    return Deployment.of(row)


@strawberry.type
class Subscription:
    @strawberry.subscription(description="Each engine that is sent, and each that is back, from now on.")
    async def deployed(self, info: Info) -> AsyncIterator[Deployment]:
        viewer = info.context.viewer()
        queue: asyncio.Queue[DeploymentRow] = asyncio.Queue(1000)
        info.context.changes.add(queue)
        try:
            while True:
                yield Deployment.of(await asyncio.wait_for(queue.get(), viewer.seconds_left()))
        except TimeoutError:
            raise GraphQLError("the token has expired", extensions={"code": "UNAUTHENTICATED"}) from None
        finally:
            info.context.changes.discard(queue)


_DATE_TIME = strawberry.scalar(  # the hub's, which describes it
    name="DateTime", serialize=datetime.isoformat, parse_value=datetime.fromisoformat
)

schema = strawberry.federation.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Place, Alert, Engine, Deployment],
    federation_version="2.9",
    config=StrawberryConfig(scalar_map={datetime: _DATE_TIME}),
)
