"""Which places concern an organization at the moment: what policies' row scopes are filled in with."""

from typing import Protocol


class Places(Protocol):
    """Answers at once, from memory. All are ids of places whose subtrees are meant."""

    def jurisdiction(self, organization: str) -> tuple[str, ...]:
        """The places that an authority, a property company or a community looks after."""
        ...

    def threatened(self, organization: str) -> tuple[str, ...]:
        """The places whose alerts concern the organization: its own, those beside them, and those with an open grave
        alert near enough to them, as `[warning] threat_metres` says."""
        ...


class NoPlaces:
    """Knows of none, so row scopes that need places open nothing."""

    def jurisdiction(self, organization: str) -> tuple[str, ...]:
        return ()

    def threatened(self, organization: str) -> tuple[str, ...]:
        return ()
