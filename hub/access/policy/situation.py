"""What row scopes are filled in with, as it is at the moment: places and agreements of a viewer's organization, and who
is on duty."""

from collections.abc import Sequence
from typing import Protocol


class Agreement(Protocol):
    """What an organization shows another: rows of its own, of these types, for these purposes."""

    @property
    def provider(self) -> str: ...
    @property
    def types(self) -> tuple[str, ...]: ...
    @property
    def purposes(self) -> tuple[str, ...]: ...


class Situation(Protocol):
    """Answers at once, from memory. Places are ids whose subtrees are meant."""

    def jurisdiction(self, organization: str) -> tuple[str, ...]:
        """The places that an authority, a property company or a community looks after."""
        ...

    def threatened(self, organization: str) -> tuple[str, ...]:
        """The places whose alerts concern the organization: its own, those beside them, and those with an open grave
        alert near enough to them."""
        ...

    def agreements(self, recipient: str) -> Sequence[Agreement]:
        """Those in force by which the organization sees what is others'."""
        ...

    def on_duty(self) -> Sequence[str]:
        """The people who are on duty, by the ids of those that live."""
        ...


class Quiet:
    """Knows of none, so that row scopes which need them open nothing."""

    def jurisdiction(self, organization: str) -> tuple[str, ...]:
        return ()

    def threatened(self, organization: str) -> tuple[str, ...]:
        return ()

    def agreements(self, recipient: str) -> Sequence[Agreement]:
        return ()

    def on_duty(self) -> Sequence[str]:
        return ()
