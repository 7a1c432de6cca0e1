"""What can be done."""

from typing import Annotated

import strawberry

from hub.errors import Conflict, NotFound
from hub.warning.desk import AlertClosed, AlreadyAcknowledged
from schema import consenting, entering, incidents, matching, privacy, stocking
from schema.acknowledging import AcknowledgeWarningResult, acknowledge_warning
from schema.break_glass import (
    BreakGlassResult,
    EndBreakGlassResult,
    ReviewBreakGlassResult,
)
from schema.break_glass import break_glass as break_the_glass
from schema.break_glass import end_break_glass as end_the_break_glass
from schema.break_glass import review_break_glass as review_the_break_glass
from schema.nodes.alerts import Alert
from schema.problems import AcknowledgementConflict, AlertAlreadyAcknowledged, AlertAlreadyClosed, AlertNotFound
from schema.reading import sees_alert
from schema.rows import Asked
from schema.sight import Sight
from schema.snapshots import row_of

PROJECTED_SECONDS = 2.0
"""How long a mutation's answer waits for the graph to show it."""


@strawberry.type(description="The acknowledgement is in the log.")
class AcknowledgeAlertSuccess:
    alert: Alert | None = strawberry.field(
        description="The alert as it stands now; null if it is no longer shown to you."
    )
    projected: bool = strawberry.field(description="Whether queries show it already; else they will.")


AcknowledgeAlertResult = Annotated[
    AcknowledgeAlertSuccess | AlertNotFound | AlertAlreadyAcknowledged | AlertAlreadyClosed | AcknowledgementConflict,
    strawberry.union(name="AcknowledgeAlertResult", description="What became of an acknowledgement."),
]

_Id = Annotated[strawberry.ID, strawberry.argument(name="id", description="The alert's id.")]
_Note = Annotated[str | None, strawberry.argument(description="What to remember of it.")]
_Key = Annotated[
    str, strawberry.argument(description="A new random text for each acknowledgement; a repeat gets the first answer.")
]


async def _acknowledge(info: Asked, id_: _Id, idempotency_key: _Key, note: _Note = None) -> AcknowledgeAlertResult:
    context = info.context
    try:
        if not await sees_alert(info, id_):
            raise NotFound(f"there is no alert {id_!r}")
        done = await context.services.desk.acknowledge(context.viewer, id_, note, idempotency_key)
    except NotFound as error:
        return AlertNotFound(code=error.code, message=error.message)
    except AlreadyAcknowledged as error:
        return AlertAlreadyAcknowledged(code=error.code, message=error.message)
    except AlertClosed as error:
        return AlertAlreadyClosed(code=error.code, message=error.message)
    except Conflict as error:
        return AcknowledgementConflict(code=error.code, message=error.message)
    projected = await context.services.projection.wait_for(done.seq, PROJECTED_SECONDS)
    return AcknowledgeAlertSuccess(alert=row_of(done.alert, done.seq, Sight.of(context)), projected=projected)  # type: ignore[arg-type]


@strawberry.type(description="What can be done in the park.")
class Mutation:
    acknowledge_warning: AcknowledgeWarningResult = strawberry.field(
        resolver=acknowledge_warning,
        description="Says that someone has received an official warning and passes it on. Needs no graph.",
    )
    acknowledge_alert: AcknowledgeAlertResult = strawberry.field(
        resolver=_acknowledge,
        description="Says that someone has seen the alert and takes care. Works while the graph is down.",
    )
    open_incident: incidents.OpenIncidentResult = strawberry.field(
        resolver=incidents.open_incident,
        description="Opens an incident, or an exercise, under the park's next number. Works while the graph is down.",
    )
    close_incident: incidents.CloseIncidentResult = strawberry.field(
        resolver=incidents.close_incident, description="Says that an incident is over. Works while the graph is down."
    )
    break_glass: BreakGlassResult = strawberry.field(
        resolver=break_the_glass,
        description="For some minutes, personal data that policies keep closed; a second person is told at once.",
    )
    end_break_glass: EndBreakGlassResult = strawberry.field(
        resolver=end_the_break_glass, description="Closes again what a break-glass opened, before its time is over."
    )
    review_break_glass: ReviewBreakGlassResult = strawberry.field(
        resolver=review_the_break_glass, description="Says what the review of a break-glass found: by another person."
    )
    accept_match: matching.AcceptMatchResult = strawberry.field(
        resolver=matching.accept, description="Says that the two sides of a match are one entity."
    )
    refuse_match: matching.RefuseMatchResult = strawberry.field(
        resolver=matching.refuse,
        description="Says that the two sides of a match are two; they are never proposed again.",
    )
    merge_entities: matching.MergeEntitiesResult = strawberry.field(
        resolver=matching.merge, description="Says that two entities are one, though nothing proposed it."
    )
    split_entity: matching.SplitEntityResult = strawberry.field(
        resolver=matching.split, description="Gives an id that was merged into another's back to a thing of its own."
    )
    import_table: entering.ImportTableResult = strawberry.field(
        resolver=entering.import_table,
        description="Takes in a table that a park enters by hand, or says what it would change.",
    )
    set_occupancy: entering.SetOccupancyResult = strawberry.field(
        resolver=entering.set_occupancy,
        description="Says how many people are in a place. Works while the graph is down.",
    )
    block_route: entering.BlockRouteResult = strawberry.field(
        resolver=entering.block_route, description="Says that nobody can pass. Works while the graph is down."
    )
    unblock_route: entering.UnblockRouteResult = strawberry.field(
        resolver=entering.unblock_route, description="Says that the way is free again. Works while the graph is down."
    )
    upload_stock_list: stocking.UploadStockListResult = strawberry.field(
        resolver=stocking.upload_stock_list, description="Puts a tenant's list into its source's folder."
    )
    confirm_stock_list: stocking.ConfirmStockListResult = strawberry.field(
        resolver=stocking.confirm_stock_list, description="Says what the columns of a tenant's list mean."
    )
    correct_rejected_row: stocking.CorrectRejectedRowResult = strawberry.field(
        resolver=stocking.correct_rejected_row, description="Says what a row that could not be read should say."
    )
    map_supply_item: stocking.MapSupplyItemResult = strawberry.field(
        resolver=stocking.map_supply_item, description="Says which coded item a name of stock is."
    )
    erase_person: privacy.ErasePersonResult = strawberry.field(
        resolver=privacy.erase_person,
        description="Erases what is held of a person, for good. What sources say of them later is taken in without it.",
    )
    correct_person: privacy.CorrectPersonResult = strawberry.field(
        resolver=privacy.correct_person,
        description="Says what is right of a person, above what any source says. Works while the graph is down.",
    )
    give_consent: consenting.ConsentResult = strawberry.field(
        resolver=consenting.give, description="Records on what basis fields of a person are used for a purpose."
    )
    withdraw_consent: consenting.ConsentResult = strawberry.field(
        resolver=consenting.withdraw,
        description="Records that a person took their consent back: from the next answer on the fields are closed.",
    )
    record_provision: consenting.ProvisionResult = strawberry.field(
        resolver=consenting.provide,
        description="Records that personal data was given to an organization beside the hub, which no audit knows.",
    )
    place_legal_hold: privacy.LegalHoldResult = strawberry.field(
        resolver=privacy.place_legal_hold,
        description="Keeps what is held of a person, or of an incident's response, whatever its time or anyone's wish.",
    )
    release_legal_hold: privacy.LegalHoldResult = strawberry.field(
        resolver=privacy.release_legal_hold, description="Lets the usual times run again."
    )
    register_person: privacy.RegisterPersonResult = strawberry.field(
        resolver=privacy.register_person,
        description="Takes in a person for an incident's response alone; what is personal goes after its close.",
    )
