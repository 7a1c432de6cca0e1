"""A dead letter read once more, with the present adapter and settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.contract import Adapter, AnyDefinition, Raw, Record, Unreadable, guarded
from hub.errors import BadRequest
from hub.ingest.confirmed import source_of
from hub.ingest.intake import Intake, Refinement
from hub.ingest.letters import is_record, record_of
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.journal.records import HeldDeadLetter
from hub.units import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`reason` is None where all that the payload holds is stored now; else why it still cannot be read."""

    id: int
    stored: int = 0
    repeated: bool = False  # it was replayed before, and nothing was stored now
    reason: str | None = None


async def replay(
    journal: Journal,
    quantities: Mapping[str, Quantity],
    spec: SourceSpec,
    held: HeldDeadLetter,
    refinement: Refinement | None = None,
) -> Outcome:
    """Stores what can be read now and marks the letter as replayed, in one transaction; else leaves both as they are.
    A letter that was replayed before stores nothing."""
    if held.replayed_at is not None:
        return Outcome(id=held.id, repeated=True)
    if held.data is None:
        return Outcome(id=held.id, reason="its bytes were forgotten with their key")
    raw = Raw(key=held.key, received_at=held.received_at, data=held.data, redelivered=True)
    try:
        records = [record_of(raw)] if is_record(raw) else await _decode(journal, spec, raw)
    except Unreadable as still:
        return Outcome(id=held.id, reason=still.reason)
    # An intake of its own: to the running source's, times of then would be out of order.
    accepted = await Intake(journal, quantities, refinement).records(spec, records, moment(held))
    if accepted.draft.dead_letters:
        return Outcome(id=held.id, reason=accepted.draft.dead_letters[0].reason)
    try:
        appended = await journal.append(replace(accepted.draft, replayed=held.id))
    except BadRequest as refused:
        return Outcome(id=held.id, reason=f"the journal refuses it: {refused.message}")
    return Outcome(id=held.id, stored=0 if appended.repeated else len(records), repeated=appended.repeated)


def moment(held: HeldDeadLetter) -> datetime:
    """When what a letter holds counts as received: what has no time of its own stands beside what came in the same
    moment and could be read, and beside the other letters of that moment."""
    return held.received_at + timedelta(microseconds=1000 + held.id % 1000)


async def _decode(journal: Journal, spec: SourceSpec, raw: Raw) -> Sequence[Record]:
    definition: AnyDefinition = spec.definition
    adapter: Adapter = definition.factory((await source_of(journal, spec))[0], spec.config)
    return guarded(adapter.decode)(raw)
