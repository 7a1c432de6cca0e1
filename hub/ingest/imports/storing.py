"""Stores what a preview showed as one event of the log, in the transaction in which its claims stand."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from adapters.contract import Claim
from hub.ingest.imports.kinds import KINDS
from hub.ingest.imports.preview import Preview, stream
from hub.ingest.imports.standing import Standing
from hub.journal.log import Journal
from hub.journal.records import HUB, Appended, Command, Draft, NewEvent


async def store(
    journal: Journal, shown: Preview, *, file: str, actor: str, now: datetime, command: Command | None = None
) -> Appended | None:
    """Appends what the preview showed; None where there is nothing to store. Raises Conflict where such a table was
    stored since the preview looked."""
    if not shown.changes and command is None:
        return None
    kind = KINDS[shown.kind]
    standing = await Standing.read(journal, [kind.entity]) if shown.retired or shown.missing else None
    event = NewEvent(
        type="table.imported",
        version=1,
        stream=stream(kind),
        expected=shown.version,
        data={"kind": shown.kind, "file": file, **counts(shown)},
        actor=actor,
        claims=await asyncio.to_thread(_claims, shown, standing),
    )
    events = [event] if shown.changes else []
    return await journal.append(Draft(source=HUB, received_at=now, events=events, command=command))


def counts(shown: Preview) -> Mapping[str, int]:
    """How many rows came to what; their sum, but for `missing`, is the file."""
    return {
        "new": len(shown.new),
        "changed": len(shown.changed),
        "unchanged": len(shown.unchanged),
        "retired": len(shown.retired),
        "rejected": len(shown.rejected),
        "missing": len(shown.missing),
    }


def _claims(shown: Preview, standing: Standing | None) -> list[Claim]:
    claims = [row.claim for row in (*shown.new, *shown.changed)]
    if standing is not None:
        going = [row.claim for row in (*shown.retired, *shown.missing)]
        claims += [gone for claim in going for gone in _all_gone(claim, standing)]
    return claims


def _all_gone(claim: Claim, standing: Standing) -> list[Claim]:
    """With what else the hub says of the thing, such as who is in it: else that would keep it alive."""
    entity = standing.entity(claim.external_id)
    others = [] if entity is None else standing.own_claims(entity)
    names = dict.fromkeys([claim.external_id, *(held.claim.external_id for held in others)])
    return [Claim(kind=claim.kind, external_id=name, gone=True) for name in names]
