"""What a suite of `make conformance` yields: each thing that was tried, and what was wrong with it."""

from dataclasses import dataclass


class Missing(RuntimeError):
    """What the suite needs is not on this machine; says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    name: str
    wrong: str | None = None  # None: it passed
