"""What an adapter yields, made fit for the journal; what is not fit becomes a dead letter, and the rest goes on."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.contract import Batch, Claim, Cursor, DeadLetter, Fault, Reading, Record, Signal
from hub.errors import Refused
from hub.ingest.claims import BadRecord, normalise_claim, normalise_signal
from hub.ingest.corrected import Corrections
from hub.ingest.letters import letter
from hub.ingest.readings import Readings, Taken
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.journal.records import Draft
from hub.units import Quantity

SNAPSHOT_PAGE = 1000
"""Claims in one transaction of a snapshot, so that a large source does not hold up the others."""
_AT_ONCE = 100
"""Claims and signals that are looked at before others of the event loop have their turn: some 15 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A draft to append, with what the source's health should say of it."""

    draft: Draft
    faults: Sequence[Fault] = ()
    unchanged: int = 0  # readings within their deadband, seen and not stored
    not_kept: int = 0  # dead letters that were only counted
    corrections: int = 0  # of the source's rows, by people; known where there are dead letters


class Refinement(Protocol):
    """What the hub itself knows of a claim's thing beside its source, such as the code of a supply's name."""

    kinds: frozenset[str]

    async def refresh(self) -> None:
        """Up to what the log says now."""
        ...

    def refine(self, claim: Claim) -> Claim: ...


class Intake:
    """Used by the supervisor, by replays and by imports. Appends nothing itself."""

    def __init__(
        self, journal: Journal, quantities: Mapping[str, Quantity], refinement: Refinement | None = None
    ) -> None:
        self._journal = journal
        self._refinement = refinement
        self._quantities = quantities
        self._readings: dict[str, Readings] = {}
        self._corrections = Corrections(journal)

    def forget(self, source: str) -> None:
        """What was accepted of `source` was not stored and comes again: it must not count as the last value."""
        if source in self._readings:
            self._readings[source].forget()

    async def accept(self, spec: SourceSpec, batch: Batch) -> Accepted:
        """A batch, normalised. Raises nothing for a bad record."""
        return await self.records(
            spec,
            batch.records,
            batch.received_at,
            unreadable=batch.unreadable,
            faults=batch.faults,
            cursor=batch.cursor,
        )

    async def records(
        self,
        spec: SourceSpec,
        records: Sequence[Record],
        received_at: datetime,
        *,
        unreadable: Sequence[DeadLetter] = (),
        faults: Sequence[Fault] = (),
        cursor: Cursor | None = None,
    ) -> Accepted:
        readings: list[Reading] = []
        others: list[Claim | Signal] = []
        for record in records:
            if isinstance(record, Reading):
                readings.append(record)
            else:
                others.append(record)
        taken = await self._of(spec).take(readings, received_at) if readings else Taken()
        letters = [*unreadable, *(letter(reading, why, received_at) for reading, why in taken.refused)]
        claims: list[Claim] = []
        signals: list[Signal] = []
        refinement = self._refinement
        if refinement is not None and any(isinstance(o, Claim) and o.kind in refinement.kinds for o in others):
            await refinement.refresh()
        skewed = {sensor: micros / 1_000_000 for sensor, micros in taken.skewed}
        for number, other in enumerate(others, start=1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if isinstance(other, Claim) and other.named_only:
                continue
            try:
                if isinstance(other, Claim):
                    claim, off = normalise_claim(other, spec, received_at)
                    claims.append(claim if refinement is None else refinement.refine(claim))
                    subject = claim.external_id
                else:
                    signal, off = normalise_signal(other, spec, received_at)
                    signals.append(signal)
                    subject = signal.subject
            except BadRecord as bad:
                letters.append(letter(other, str(bad), received_at))
            else:
                if off:
                    skewed[subject] = off
        corrections = 0
        if letters and (corrections := await self._corrections.count(spec.id)):
            letters, standing = await self._corrections.apart(spec.id, letters)
            if standing and refinement is not None:
                await refinement.refresh()
            claims += standing if refinement is None else map(refinement.refine, standing)
        return Accepted(
            draft=Draft(
                source=spec.id,
                received_at=received_at,
                claims=claims,
                readings=taken.rows,
                signals=signals,
                dead_letters=letters,
                adapter_version=spec.definition.version,
                cursor=cursor,
            ),
            faults=[*faults, *_clocks(skewed, spec), *_refusals(letters)],
            unchanged=taken.unchanged,
            corrections=corrections,
        )

    async def missing(self, spec: SourceSpec, named: Collection[str], *, confirm: bool = False) -> Sequence[Claim]:
        """What retires the things that the source had and that are not among `named`, the external ids of the whole set
        that it has.

        A claim that is refused still counts as named. Raises Refused where more than the source's `retire_guard`
        of its entities would be retired, unless a person confirms it.
        """
        live = await self._journal.live_claims(spec.id)
        missing = sorted(live.keys() - set(named))
        if not confirm and len(missing) > spec.retire_guard * len(live):
            raise Refused(
                f"the source names {len(named)} things, and {len(missing)} of {len(live)} that it had are missing: "
                f"more than {spec.retire_guard:.0%} (retire_guard), so none is retired. Look whether the source is "
                f"whole, such as {', '.join(missing[:3])}; if they are truly gone: "
                f"causeway sources --confirm-retirement {spec.id}"
            )
        return [Claim(kind=live[external_id], external_id=external_id, gone=True) for external_id in missing]

    def _of(self, spec: SourceSpec) -> Readings:
        if spec.id not in self._readings:
            self._readings[spec.id] = Readings(self._journal, spec, self._quantities)
        return self._readings[spec.id]


def _clocks(skewed: Mapping[str, float], spec: SourceSpec) -> list[Fault]:
    if not skewed:
        return []
    name, off = max(skewed.items(), key=lambda item: abs(item[1]))
    others = f" (and of {len(skewed) - 1} more)" if len(skewed) > 1 else ""
    return [
        Fault(
            where=name,
            reason=f"the clock of {name}{others} is {_span(abs(off))} {'ahead' if off > 0 else 'behind'}; its data is "
            f"kept at the time of receipt. Set its clock, the source's timezone ({spec.timezone.key}), or max_skew"
            + ("" if off > 0 else "; if it sends a buffer, buffered_history = true"),
        )
    ]


def _span(seconds: float) -> str:
    for name, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds:.0f} seconds"


def _refusals(letters: Sequence[DeadLetter]) -> list[Fault]:
    if not letters:
        return []
    first = letters[0]
    others = f" (and {len(letters) - 1} more)" if len(letters) > 1 else ""
    where = first.where or first.raw.key
    return [Fault(where=where, reason=f"could not be read{others}: {first.reason}; see causeway dead-letters list")]
