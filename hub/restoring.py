"""An operator's `causeway restore`: the journal, and what a backup has beside it; the audit is told."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from hub import auditing
from hub.access.audit.verify import RESTORED
from hub.access.copies import put_back
from hub.clock import now
from hub.errors import AuditUnavailable
from hub.forgetting import discard_graph
from hub.journal import backup
from hub.parts import audit_config, journal_config, keyring_config, open_parts
from hub.settings import Settings


def restored(
    settings: Settings, folder: Path, *, force: bool = False, key_copies: Sequence[Path] = ()
) -> Mapping[str, object]:
    """What was put in place; blocks. Raises as `hub.journal.backup.restore` does."""
    made_at = backup.read_manifest(folder).made_at
    found = backup.restore(
        folder,
        journal_config(settings),
        keyring_config(settings),
        force=force,
        key_copies=key_copies,
        beside=partial(put_back, audit_config(settings), now),
    )
    discard_graph(settings)
    about = {"backup": made_at.isoformat(), "head": str(found["head"]), "epoch": str(found["epoch"])}
    try:
        asyncio.run(_tell(settings, about))
    except AuditUnavailable as error:
        return {**found, "not_in_the_audit": error.message}
    return found


async def _tell(settings: Settings, about: Mapping[str, str]) -> None:
    async with open_parts(settings) as parts:
        await auditing.happened(parts, None, RESTORED, about)
