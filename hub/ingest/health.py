"""How one source does: what failed, what is silent, what waits; and since when."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.contract import DeadLetter, Fault, HealthState
from hub.clock import EPOCH, Clock, from_micros
from hub.ingest.intake import Accepted
from hub.ingest.source import Counts, SourceSpec, SourceStatus

_NOTED = timedelta(seconds=60)
"""How long a fault is told after it was last met; at least two polls."""
_NOTES = 20


class SourceHealth:
    """Kept by the supervisor; `status` is what others see of it."""

    def __init__(self, spec: SourceSpec, clock: Clock) -> None:
        self.spec = spec
        self._clock = clock
        self._began = clock()
        self._seen: datetime | None = None
        self._counts = Counts()
        self._lag: float | None = None
        self._notes: dict[str, tuple[str, datetime]] = {}
        self._state = HealthState.DEGRADED
        self._since = self._began
        self.version: str | None = None
        self.failure: str | None = None  # the source fails as a whole
        self.full: str | None = None  # the journal cannot be written
        self.question: str | None = None  # a snapshot that waits for a person
        self.undiscovered: str | None = None  # why the last snapshot failed

    def seen(self) -> None:
        """The source gave a sign of life: data, or a poll that ended well."""
        self._seen = self._clock()
        self.failure = None

    def stored(self, accepted: Accepted) -> None:
        draft = accepted.draft
        counts = self._counts
        self._counts = Counts(
            batches=counts.batches + 1,
            readings=counts.readings + len(draft.readings),
            unchanged=counts.unchanged + accepted.unchanged,
            claims=counts.claims + len(draft.claims),
            signals=counts.signals + len(draft.signals),
            dead_letters=counts.dead_letters + len(draft.dead_letters),
            not_kept=counts.not_kept + accepted.not_kept,
            failures=counts.failures,
        )
        at = from_micros(draft.readings[-1].at) if draft.readings else draft.received_at
        self._lag = max(0.0, (self._clock() - at).total_seconds())
        for fault in accepted.faults:
            self.note(fault)

    def refused(self, letters: Sequence[DeadLetter]) -> None:
        """The journal would not take what these hold; they are kept."""
        if letters:
            self._counts = replace(self._counts, dead_letters=self._counts.dead_letters + len(letters))
            more = f" (and {len(letters) - 1} more)" if len(letters) > 1 else ""
            self.note(
                Fault(where=letters[0].where, reason=f"{letters[0].reason}{more}; see causeway dead-letters list")
            )

    def note(self, fault: Fault) -> None:
        self._notes.pop(fault.where, None)
        self._notes[fault.where] = (fault.reason, self._clock())
        while len(self._notes) > _NOTES:
            del self._notes[next(iter(self._notes))]

    def failed(self, text: str) -> None:
        self.failure = text
        self._counts = replace(self._counts, failures=self._counts.failures + 1)

    @property
    def stale(self) -> bool:
        """No data within the promise: what is known of the source may be out of date."""
        return self._clock() - (self._seen or EPOCH) > self.spec.expect_within

    @property
    def available(self) -> bool | None:
        """None: it is too early to tell, or the journal's fault."""
        if self.failure is not None:
            return False
        if self._clock() - (self._seen or self._began) > self.spec.expect_within:
            return None if self.full else False
        return True if self._seen else None

    def judge(self) -> tuple[HealthState, str]:
        """The state now, with its text."""
        if self.failure is not None:
            return HealthState.UNAVAILABLE, self.failure
        if self.full is not None:
            return HealthState.DEGRADED, self.full
        if self.available is False:
            promised = self.spec.expect_within.total_seconds()
            last = f"since {self._seen.isoformat(timespec='seconds')}" if self._seen else "since the hub started"
            return (
                HealthState.UNAVAILABLE,
                f"no data {last}, though it was promised within {promised:g} s (expect_within): look at the source",
            )
        kept = max(_NOTED, 2 * self.spec.every)
        notes = [f"{where}: {why}" for where, (why, at) in self._notes.items() if self._clock() - at <= kept]
        notes = [note for note in notes if not any(note in other for other in notes if note != other)]  # by check() too
        notes = [text for text in (self.question, self.undiscovered) if text is not None] + notes
        if notes:
            more = f" (and {len(notes) - 3} more)" if len(notes) > 3 else ""
            return HealthState.DEGRADED, "; ".join(notes[:3]) + more
        if self._seen is None:
            return HealthState.DEGRADED, "nothing was read yet"
        return HealthState.OK, ""

    def status(self) -> SourceStatus:
        state, text = self.judge()
        if state is not self._state:
            self._state, self._since = state, self._clock()
        return SourceStatus(
            id=self.spec.id,
            adapter=self.spec.definition.name,
            state=state,
            text=text,
            since=self._since,
            stale=self.stale,
            last_batch_at=self._seen,
            lag_seconds=self._lag,
            counts=self._counts,
            version=self.version,
            confirm_retirement=self.question is not None,
        )
