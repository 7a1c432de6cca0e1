"""What holds at the moment, for policies: asked for each operation and for each event of a stream."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from hub.viewer import Viewer

BREAK_GLASS = "break_glass"
ON_DUTY = "on_duty"


class Moment(Protocol):
    def of(self, viewer: Viewer) -> Viewer:
        """The viewer with the flags that hold now; the same one where it has them already. Answers at once."""
        ...


class Unmoved:
    """For a schema without policies: viewers stay as they are."""

    def of(self, viewer: Viewer) -> Viewer:
        return viewer


class Now:
    """`flags` are the park's own, such as `incident`; `broken` tells which break-glass of the viewer's is in force,
    `on_duty` whether they are on duty."""

    def __init__(
        self,
        flags: Callable[[], frozenset[str]],
        broken: Callable[[Viewer], str | None],
        on_duty: Callable[[Viewer], bool],
    ) -> None:
        self._flags = flags
        self._broken = broken
        self._on_duty = on_duty

    def of(self, viewer: Viewer) -> Viewer:
        glass = self._broken(viewer)
        own = {BREAK_GLASS: glass is not None, ON_DUTY: self._on_duty(viewer)}
        flags = self._flags() | viewer.flags - own.keys() | {name for name, holds in own.items() if holds}
        if (flags, glass) == (viewer.flags, viewer.break_glass):
            return viewer
        return replace(viewer, flags=flags, break_glass=glass)
