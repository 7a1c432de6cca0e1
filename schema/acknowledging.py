"""What can be done with an official warning: to say that someone of the park has received it."""

from datetime import datetime
from typing import Annotated

import strawberry

from hub.errors import Conflict, NotFound
from hub.warning.warning_desk import WarningAlreadyAcknowledged as AlreadyAcknowledged
from schema.problems import AcknowledgementConflict, Problem
from schema.reading import sees_warning
from schema.rows import Asked

PROJECTED_SECONDS = 2.0
"""How long a mutation's answer waits for the graph to show it."""


@strawberry.type(description="No warning has this id that a source still tells of and that you may see.")
class WarningNotFound(Problem):
    pass


@strawberry.type(description="Someone acknowledged it before; nothing is left to do.")
class WarningAlreadyAcknowledged(Problem):
    pass


@strawberry.type(description="The acknowledgement is in the log.")
class AcknowledgeWarningSuccess:
    id: strawberry.ID = strawberry.field(description="The warning's id.")
    identifier: str = strawberry.field(description="The issuer's own identifier.")
    acknowledged_at: datetime = strawberry.field(description="When it was acknowledged.")
    acknowledged_by: str = strawberry.field(description="Who acknowledged it.")
    projected: bool = strawberry.field(description="Whether queries show it already; else they will.")


AcknowledgeWarningResult = Annotated[
    AcknowledgeWarningSuccess | WarningNotFound | WarningAlreadyAcknowledged | AcknowledgementConflict,
    strawberry.union(name="AcknowledgeWarningResult", description="What became of a warning's acknowledgement."),
]

_Id = Annotated[strawberry.ID, strawberry.argument(name="id", description="The warning's id.")]
_Note = Annotated[str | None, strawberry.argument(description="What to remember of it.")]
_Key = Annotated[
    str, strawberry.argument(description="A new random text for each acknowledgement; a repeat gets the first answer.")
]


async def acknowledge_warning(
    info: Asked, id_: _Id, idempotency_key: _Key, note: _Note = None
) -> AcknowledgeWarningResult:
    context = info.context
    try:
        if not await sees_warning(info, id_):
            raise NotFound(f"there is no warning {id_!r} that a source still tells of")
        done = await context.services.warning_desk.acknowledge(context.viewer, id_, note, idempotency_key)
    except NotFound as error:
        return WarningNotFound(code=error.code, message=error.message)
    except AlreadyAcknowledged as error:
        return WarningAlreadyAcknowledged(code=error.code, message=error.message)
    except Conflict as error:
        return AcknowledgementConflict(code=error.code, message=error.message)
    told = done.warning
    return AcknowledgeWarningSuccess(
        id=strawberry.ID(told["id"]),
        identifier=told["identifier"],
        acknowledged_at=datetime.fromisoformat(told["acknowledgedAt"]),
        acknowledged_by=told["acknowledgedBy"],
        projected=await context.services.projection.wait_for(done.seq, PROJECTED_SECONDS),
    )
