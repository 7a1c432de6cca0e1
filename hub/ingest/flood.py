"""Keeps a broken device from filling the disk: of dead letters that say the same the first is kept, the rest counted.

Nothing is lost silently: the source's health says how many were counted, of what, and what to do.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from adapters.contract import DeadLetter, Fault
from hub.clock import EPOCH
from hub.ingest.intake import Accepted
from hub.ingest.letters import SIGNAL, is_record
from hub.ingest.source import SourceSpec
from hub.telemetry import logger

log = logger(__name__)

_HOUR = timedelta(hours=1)
_MET = 10_000  # different ones remembered; past it they begin anew, within the hour's bound
_TOLD = 5  # of those that were counted in one batch, as faults

Key = tuple[str, str, str]
"""What a dead letter says: its payload's name, where in it, and why."""


class Flood:
    """One source's dead letters, for as long as the hub runs."""

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._counted: dict[Key, int] = {}  # of which the first is kept → how many came after it
        self._first: dict[Key, tuple[bytes, int]] = {}  # its digest, and how many corrections there were
        self._unsure: set[Key] = set()  # whose first is on its way to the journal
        self._hour = -1
        self._kept = 0  # in this hour
        self._past = 0  # in this hour, beyond the bound

    def thin(self, accepted: Accepted) -> Accepted:
        """What was accepted, with the dead letters that are to be kept."""
        letters = accepted.draft.dead_letters
        if not letters:
            return accepted
        self._begin_hour(accepted)
        kept: list[DeadLetter] = []
        repeated: dict[Key, DeadLetter] = {}
        past = 0
        for letter in letters:
            key = self._key(letter)
            if key in self._counted and not self._is_anew(key, letter, accepted.corrections):
                self._counted[key] += 1
                repeated[key] = letter
            elif self._kept >= self._spec.dead_letters_per_hour:
                past += 1
            else:
                kept.append(letter)
                self._keep(key, letter, accepted.corrections)
        if len(kept) == len(letters):
            return accepted
        faults = [*accepted.faults, *self._repeats(repeated)]
        if past:
            faults.append(self._bounded(past))
        return replace(
            accepted,
            draft=replace(accepted.draft, dead_letters=kept),
            faults=faults,
            not_kept=accepted.not_kept + len(letters) - len(kept),
        )

    def stored(self, letters: Sequence[DeadLetter]) -> None:
        if self._unsure:
            self._unsure.difference_update(key for key in map(self._key, letters) if key is not None)

    def forget(self) -> None:
        """What was on its way did not get stored and comes again."""
        for key in self._unsure:
            self._counted.pop(key, None)
            self._first.pop(key, None)
        self._unsure.clear()

    def _key(self, letter: DeadLetter) -> Key | None:
        """None: none is like another. A stream's payload comes once, and so does a signal; a poll asks again."""
        raw = letter.raw
        if raw.key == SIGNAL or not (is_record(raw) or self._spec.definition.polls):
            return None
        return raw.key, letter.where, letter.reason

    def _is_anew(self, key: Key | None, letter: DeadLetter, corrections: int) -> bool:
        """The first may be the one that a person corrected, and this is what its source made of it since."""
        digest, before = self._first[key] if key is not None else (b"", corrections)
        return corrections > before and digest != _digest(letter)

    def _keep(self, key: Key | None, letter: DeadLetter, corrections: int) -> None:
        self._kept += 1
        if key is not None:
            if len(self._counted) >= _MET:
                self._counted.clear()
                self._first.clear()
                self._unsure.clear()
            self._counted[key] = 0
            self._first[key] = _digest(letter), corrections
            self._unsure.add(key)
        if letter.bug is not None:
            name = self._spec.definition.name
            log.error("source.decode_bug", source=self._spec.id, adapter=name, key=letter.raw.key, exc_info=letter.bug)

    def _begin_hour(self, accepted: Accepted) -> None:
        hour = (accepted.draft.received_at - EPOCH) // _HOUR
        if hour != self._hour:
            self._hour, self._kept, self._past = hour, 0, 0

    def _repeats(self, repeated: dict[Key, DeadLetter]) -> list[Fault]:
        return [
            Fault(
                where=letter.where or letter.raw.key,
                reason=f"could not be read: {letter.reason}; the first is kept (causeway dead-letters list), "
                f"{self._counted[key]} like it were counted and not kept",
            )
            for key, letter in list(repeated.items())[:_TOLD]
        ]

    def _bounded(self, past: int) -> Fault:
        bound = self._spec.dead_letters_per_hour
        if not self._past:
            log.warning("source.dead_letters_bounded", source=self._spec.id, bound=bound)
        self._past += past
        return Fault(
            where="dead letters",
            reason=f"{bound} were kept in this hour, and {self._past} more were counted and not kept: mend what sends "
            "them, or raise the source's dead_letters_per_hour",
        )


def _digest(letter: DeadLetter) -> bytes:
    return hashlib.sha256(letter.raw.data).digest()
