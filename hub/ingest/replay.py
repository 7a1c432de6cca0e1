"""A dead letter read once more, with the present adapter and settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.contract import AnyDefinition, Raw, Record, Source, Unreadable
from hub.ingest.intake import Intake
from hub.ingest.letters import is_record, record_of
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.journal.records import HeldDeadLetter


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`reason` is None where all that the payload holds is stored now; else why it still cannot be read."""

    id: int
    stored: int = 0
    reason: str | None = None


async def replay(journal: Journal, intake: Intake, spec: SourceSpec, held: HeldDeadLetter) -> Outcome:
    """Stores what can be read now and marks the letter as replayed; else leaves both as they are."""
    if held.data is None:
        return Outcome(id=held.id, reason="its bytes were forgotten with their key")
    raw = Raw(key=held.key, received_at=held.received_at, data=held.data, redelivered=True)
    try:
        records = [record_of(raw)] if is_record(raw) else _decode(spec, raw)
    except Unreadable as still:
        return Outcome(id=held.id, reason=still.reason)
    accepted = await intake.records(spec, records, held.received_at)
    if accepted.draft.dead_letters:
        return Outcome(id=held.id, reason=accepted.draft.dead_letters[0].reason)
    await journal.append(accepted.draft)
    await journal.mark_replayed(held.id)
    return Outcome(id=held.id, stored=len(records))


def _decode(spec: SourceSpec, raw: Raw) -> Sequence[Record]:
    definition: AnyDefinition = spec.definition
    records: Sequence[Record] = definition.factory(Source(id=spec.id), spec.config).decode(raw)
    return records
