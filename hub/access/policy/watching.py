"""Puts changed policy files into force within a second; ones with an error are refused, and the old stay in force."""

import asyncio
from pathlib import Path

from hub.access.policy.catalogue import Catalogue
from hub.access.policy.load import files, load
from hub.access.policy.policies import Policies
from hub.errors import CausewayError
from hub.telemetry import logger

log = logger(__name__)

LOOK_EVERY = 0.25
"""Seconds between two looks at the files' times and sizes."""


class Watcher:
    """`failing` says what is wrong with the files as they are now; None where they are what is in force."""

    def __init__(self, policies: Policies, folder: Path | None, catalogue: Catalogue) -> None:
        self.failing: str | None = None
        self._policies = policies
        self._folder = folder
        self._catalogue = catalogue
        self._seen = _signature(folder)

    async def run(self) -> None:
        """Without end."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            seen = await asyncio.to_thread(_signature, self._folder)
            if seen != self._seen:
                self._seen = seen
                await self._reload()

    async def _reload(self) -> None:
        try:
            loaded = await asyncio.to_thread(load, self._folder, self._catalogue)
        except CausewayError as error:
            first, *more = error.message.splitlines()
            rest = f" and {len(more)} more" if more else ""
            self.failing = f"{first}{rest}. The policies of before stay in force; the log has all of it."
            log.warning("policies.refused", reason=error.message, version=self._policies.version)
            return
        self.failing = None
        if loaded.version != self._policies.version:
            self._policies.replace(loaded)
            log.info("policies.replaced", version=loaded.version, rules=len(loaded.rules))


def _signature(folder: Path | None) -> tuple[object, ...]:
    """Changes with any of the files; a file or folder that is gone counts as a change too."""
    found: list[object] = []
    for path in files(folder):
        try:
            seen = path.stat()
        except OSError:
            found.append((path, None))
        else:
            found.append((path, seen.st_mtime_ns, seen.st_size, seen.st_ino))
    return tuple(found)
