"""What a person confirmed for a source, such as which column of a tenant's list is which field: events of the log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import orjson

from adapters.contract import Source
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.journal.records import HUB, Appended, Command, Draft, NewEvent

CONFIRMED = "tenant_mapping.confirmed"


class Confirmed:
    """One source's, as of the last `refresh`; what an adapter is handed as `Source.confirmed`."""

    def __init__(self, journal: Journal, spec: SourceSpec) -> None:
        self._journal = journal
        self._asks = spec.definition.confirms
        self._stream = _stream(spec.id)
        self._answers: dict[str, str] = {}

    async def refresh(self) -> None:
        if self._asks:
            events = await self._journal.stream(self._stream)
            self._answers = {
                str(event.data["fingerprint"]): orjson.dumps(event.data["mapping"]).decode()
                for event in events
                if event.type == CONFIRMED
            }

    def __call__(self) -> Mapping[str, str]:
        return self._answers


async def source_of(journal: Journal, spec: SourceSpec) -> tuple[Source, Confirmed]:
    """What the adapter is told, with what was confirmed until now."""
    confirmed = Confirmed(journal, spec)
    await confirmed.refresh()
    return replace(spec.source, confirmed=confirmed), confirmed


async def confirm(
    journal: Journal,
    spec: SourceSpec,
    *,
    fingerprint: str,
    header: Sequence[str],
    mapping: Mapping[str, object],
    actor: str,
    now: datetime,
    command: Command | None = None,
) -> Appended:
    """Stores that lists of this source with this header have this mapping; a later one takes its place. `mapping` was
    checked by whoever knows the adapter. Raises Conflict where another one was confirmed in the same moment."""
    stream = _stream(spec.id)
    event = NewEvent(
        type=CONFIRMED,
        version=1,
        stream=stream,
        expected=len(await journal.stream(stream)),
        data={"source": spec.id, "fingerprint": fingerprint, "header": list(header), "mapping": dict(mapping)},
        actor=actor,
    )
    return await journal.append(Draft(source=HUB, received_at=now, events=[event], command=command))


def _stream(source: str) -> str:
    return f"mapping:{source}"
