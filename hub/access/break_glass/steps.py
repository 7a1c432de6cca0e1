"""What the audit says of a break-glass's step: ids and when it ends; the reason and the note stay in the log."""

from collections.abc import Mapping
from typing import Any

from hub.journal.records import NewEvent

_SAID = ("id", "subject", "issuer", "client", "purpose", "incident", "case", "until", "code", "endedBy", "reviewedBy")


def about(event: NewEvent) -> Mapping[str, str | None]:
    """Of `break_glass.opened`, `.ended`, `.reviewed` and `.codes_made`."""
    glass: Any = event.data.get("breakGlass", {})
    said = {name: glass.get(name) for name in (*_SAID, "finding")}
    return {"actor": event.actor, **{name: str(value) for name, value in said.items() if value is not None}}
