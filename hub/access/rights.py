"""What a viewer may do and be shown: the one question that every path asks, answered by the policies in force."""

from typing import Protocol

from hub.viewer import SHOW_ALL, Action, Mask, Viewer


class Rights(Protocol):
    """The policies in force. Answers at once: what a class of viewers may is kept."""

    @property
    def version(self) -> str:
        """Changes with the policies, and with it what was compiled from them."""
        ...

    def mask(self, viewer: Viewer, action: Action) -> Mask:
        """The grants that hold for the viewer; () where the viewer may nothing of the kind."""
        ...


class Everything:
    """For a hub without tokens, which stays on loopback: its one viewer is the local administrator."""

    version = "none"

    def mask(self, viewer: Viewer, action: Action) -> Mask:
        return SHOW_ALL
