"""Units (UCUM) and the park's quantities; values are converted once, at intake."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What the park measures. A value within `deadband` of the last stored one is not stored until
    `heartbeat` has passed; stored readings are kept for `retention`."""

    name: str
    unit: str  # UCUM
    deadband: float = 0.0  # in `unit`
    heartbeat: timedelta = timedelta(seconds=60)
    retention: timedelta = timedelta(days=90)
