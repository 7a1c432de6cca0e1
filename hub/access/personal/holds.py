"""Legal holds: what a person or an incident has left is kept, whatever its time or anyone's wish, until released."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.errors import BadRequest, Refused
from hub.journal.log import Journal
from hub.journal.records import HUB, Appended, Command, Draft, NewEvent

STREAM = "legal_holds"
PLACED, RELEASED = "legal_hold.placed", "legal_hold.released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """`subject`: a person's id, or an incident's number."""

    subject: str
    placed_at: datetime
    placed_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be placed, or released."""

    subject: str
    place: bool
    actor: str
    reason: str
    command: Command | None


async def standing(journal: Journal) -> Mapping[str, Hold]:
    """By subject, those that were not released."""
    held: dict[str, Hold] = {}
    for event in await journal.stream(STREAM):
        subject = str(event.data["subject"])
        if event.type == PLACED:
            held[subject] = Hold(
                subject=subject, placed_at=event.recorded_at, placed_by=event.actor, reason=event.reason or ""
            )
        else:
            held.pop(subject, None)
    return held


async def change(journal: Journal, order: Order, at: datetime) -> Appended:
    """Raises Refused where it stands so already, BadRequest without a reason, Conflict."""
    command = order.command
    if not order.reason.strip():
        raise BadRequest("give a reason: the file number of the claim, or the authority's order")
    if command is not None:
        first = await journal.carry_out(lambda fold: fold.first_answer(command))
        if first is not None:
            return first
    held = (await standing(journal)).get(order.subject)
    if order.place and held is not None:
        raise Refused(f"{order.subject} is on legal hold already, since {held.placed_at:%Y-%m-%d}: {held.reason}")
    if not order.place and held is None:
        raise Refused(f"{order.subject} is not on legal hold")
    event = NewEvent(
        type=PLACED if order.place else RELEASED,
        version=1,
        stream=STREAM,
        expected=await journal.stream_version(STREAM),
        data={"subject": order.subject},
        actor=order.actor,
        reason=order.reason,
    )
    return await journal.append(Draft(source=HUB, received_at=at, events=[event], command=command))
