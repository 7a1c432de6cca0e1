"""The journal as a witness: every checkpoint is an event of the log too, whose own digest chain it stands in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hub.access.audit.audit import Witness
from hub.access.audit.chain import Checkpoint, Kind
from hub.errors import Conflict
from hub.journal.log import Journal
from hub.journal.records import HUB, Draft, NewEvent

STREAM = "audit"
_TRIES = 5  # processes of one park share the stream


def in_journal(journal: Journal) -> Witness:
    async def tell(signed: Checkpoint) -> None:
        for attempt in range(_TRIES):
            event = NewEvent(
                type="audit.checkpoint",
                version=1,
                stream=STREAM,
                expected=await journal.stream_version(STREAM),
                data=_data(signed),
                actor=HUB,
            )
            try:
                await journal.append(Draft(source=HUB, received_at=signed.at, events=[event]))
                return
            except Conflict:
                if attempt == _TRIES - 1:
                    raise

    return tell


async def witnessed(journal: Journal) -> Sequence[Checkpoint]:
    """All that the log knows of, the oldest first."""
    return [_checkpoint(entry.data) for entry in await journal.stream(STREAM)]


def _data(signed: Checkpoint) -> dict[str, str | int | None]:
    return {
        "chain": signed.chain,
        "number": signed.number,
        "kind": signed.kind.value,
        "hash": signed.hash.hex(),
        "at": signed.at.isoformat(),
        "key": signed.key,
        "before": None if signed.before is None else signed.before.isoformat(),
        "signature": signed.signature.hex(),
    }


def _checkpoint(data: Any) -> Checkpoint:
    before = data["before"]
    return Checkpoint(
        chain=data["chain"],
        number=data["number"],
        kind=Kind(data["kind"]),
        hash=bytes.fromhex(data["hash"]),
        at=datetime.fromisoformat(data["at"]),
        key=data["key"],
        before=None if before is None else datetime.fromisoformat(before),
        signature=bytes.fromhex(data["signature"]),
    )
