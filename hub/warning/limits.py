"""A limit with hysteresis and delays: pure functions from what was and what was measured to what is."""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Direction(StrEnum):
    HIGH = "high"
    LOW = "low"


class Verdict(IntEnum):
    CLEAR = 0
    BETWEEN = 1  # within the hysteresis: neither past the limit nor back to normal
    BREACH = 2


class Phase(IntEnum):
    NORMAL = 0
    RISING = 1  # past the limit, not yet for as long as the on-delay
    OPEN = 2
    FALLING = 3  # back to normal, not yet for as long as the off-delay


class Change(IntEnum):
    OPENED = 1
    RETURNED = 2


class Bounds(NamedTuple):
    """`limit` and `hysteresis` are in the quantity's unit, the delays in microseconds."""

    direction: Direction
    limit: float
    hysteresis: float
    on_delay: int
    off_delay: int


class Track(NamedTuple):
    """Where one series stands with one rule. `seq` is the record that began the phase, `value` the newest one
    past the limit, `deadline` (microseconds since 1970) stands while a delay runs."""

    phase: Phase = Phase.NORMAL
    seq: int = 0
    deadline: int | None = None
    value: float | None = None


class Moved(NamedTuple):
    """`cause` is the record that began what `change` says."""

    track: Track
    change: Change | None = None
    cause: int = 0


NORMAL = Track()


def judge(bounds: Bounds, value: float) -> Verdict:
    """The limit itself is a breach; with a hysteresis of h, normal begins h on this side of the limit."""
    past = value - bounds.limit if bounds.direction is Direction.HIGH else bounds.limit - value
    if past >= 0:
        return Verdict.BREACH
    return Verdict.CLEAR if past <= -bounds.hysteresis else Verdict.BETWEEN


def on_value(bounds: Bounds, track: Track, value: float, now: int, seq: int) -> Moved:
    """After a reading of `value`, recorded at `now` under the number `seq`; deadlines up to `now` have fired."""
    verdict = judge(bounds, value)
    match track.phase:
        case Phase.NORMAL:
            if verdict is not Verdict.BREACH:
                return Moved(track)
            if bounds.on_delay == 0:
                return Moved(Track(Phase.OPEN, seq, None, value), Change.OPENED, seq)
            return Moved(Track(Phase.RISING, seq, now + bounds.on_delay, value))
        case Phase.RISING:
            if verdict is Verdict.BREACH:
                return Moved(track._replace(value=value))
            return Moved(NORMAL)
        case Phase.OPEN:
            if verdict is not Verdict.CLEAR:
                return Moved(track)
            if bounds.off_delay == 0:
                return Moved(NORMAL, Change.RETURNED, seq)
            return Moved(Track(Phase.FALLING, seq, now + bounds.off_delay, track.value))
        case Phase.FALLING:
            if verdict is Verdict.CLEAR:
                return Moved(track)
            return Moved(Track(Phase.OPEN, seq, None, track.value))


def on_deadline(track: Track) -> Moved:
    """After the track's delay has run out with nothing against it."""
    if track.phase is Phase.RISING:
        return Moved(Track(Phase.OPEN, track.seq, None, track.value), Change.OPENED, track.seq)
    if track.phase is Phase.FALLING:
        return Moved(NORMAL, Change.RETURNED, track.seq)
    return Moved(track)
