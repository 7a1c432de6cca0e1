"""The journal: the one log, on SQLite and PostgreSQL.

Every method may be called from the event loop; the work runs on the journal's own threads. Reads see only
what is committed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from adapters.contract import Cursor
from hub.journal.records import (
    Appended,
    Draft,
    Entry,
    EventEntry,
    HeldClaim,
    HeldDeadLetter,
    Latest,
    ReadingRow,
    Series,
)


class Journal(Protocol):
    epoch: str

    @property
    def head(self) -> int:
        """The last committed sequence number."""
        ...

    async def append(self, draft: Draft) -> Appended:
        """Returns once the draft is durable. Raises Conflict (a stream moved on, an idempotency key reused),
        StorageFull, BadRequest."""
        ...

    async def read(self, after: int, limit: int = 1000) -> Sequence[Entry]:
        """Entries with a number above `after`, in order, whole batches' readings as one entry; about `limit` of them.
        Recent ones come from memory."""
        ...

    async def wait(self, after: int, seconds: float) -> int:
        """Until the head is above `after`, or `seconds` have passed; the head either way."""
        ...

    async def stream(self, stream: str) -> Sequence[EventEntry]:
        """A stream's events, oldest first."""
        ...

    async def series(self, source: str, keys: Sequence[tuple[str, str, str]]) -> Sequence[Series]:
        """The series of (external id, quantity, UCUM unit), made where new, in the order of `keys`."""
        ...

    async def all_series(self) -> Sequence[Series]: ...

    async def latest(self, sensors: Sequence[str]) -> Mapping[str, Sequence[Latest]]:
        """The newest reading of each quantity of each sensor (entity ids), one statement, no scan."""
        ...

    async def readings(
        self, series: Sequence[int], since: datetime, until: datetime, limit: int
    ) -> Mapping[int, Sequence[ReadingRow]]:
        """Readings with since ≤ at < until, newest first, at most `limit` of each series, one statement."""
        ...

    async def claims_of(self, entities: Sequence[str]) -> Mapping[str, Sequence[HeldClaim]]:
        """Every source's latest live claim of each entity (aliases resolved), one statement."""
        ...

    async def referring(self, entities: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The entities whose live claims link to each of these."""
        ...

    async def entities(self, after: str, limit: int) -> Sequence[str]:
        """Ids of all living entities above `after`, in order: a rebuild pages through them."""
        ...

    async def live_external_ids(self, source: str) -> frozenset[str]:
        """The external ids that `source` claims and has not taken back."""
        ...

    async def resolve(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Each known id or alias to the entity id that lives."""
        ...

    async def unseal(self, claims: Sequence[HeldClaim]) -> Sequence[HeldClaim]:
        """The same with personal values in clear; a forgotten one is None."""
        ...

    async def cursor(self, source: str) -> Cursor | None: ...

    async def checkpoint(self, consumer: str) -> tuple[int, bytes | None]:
        """A consumer's position and state; (0, None) for a new one."""
        ...

    async def checkpoints(self, prefix: str) -> Sequence[tuple[str, int]]:
        """The consumers whose name begins with `prefix`, with their positions, in the order of position."""
        ...

    async def dead_letters(
        self, source: str | None = None, *, after: int = 0, limit: int = 100
    ) -> Sequence[HeldDeadLetter]: ...

    async def mark_replayed(self, dead_letter: int) -> None: ...
