"""One break-glass, as the log tells it: opened, ended by hand or by time, reviewed.

All stand in one stream, so that who opens one has seen all before it, and a code of a sealed envelope is used once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hub.journal.records import EventEntry, NewEvent

STREAM = "break_glass"
OPENED, ENDED, REVIEWED = "break_glass.opened", "break_glass.ended", "break_glass.reviewed"
CODES_MADE = "break_glass.codes_made"
VERSION = 1
BY_TIME = "time"
"""Who ended one that nobody did."""


SEALED = "urn:causeway:sealed"
"""The issuer of whoever comes with the code of a sealed envelope: none of the network can be called so."""


class Finding(StrEnum):
    JUSTIFIED = "JUSTIFIED"
    NOT_JUSTIFIED = "NOT_JUSTIFIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """`incident` is an incident's id, `case` a number of the park's own books; one of the two is there. `code` is the
    sealed envelope's that it was opened with, on the hub's own machine."""

    id: str
    subject: str
    issuer: str | None
    client: str | None
    roles: tuple[str, ...]
    organization: str | None
    purpose: str
    reason: str
    incident: str | None
    case: str | None
    opened_at: datetime
    until: datetime
    code: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    finding: Finding | None = None
    note: str | None = None

    def holds(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.until

    @property
    def over_at(self) -> datetime:
        return self.until if self.ended_at is None else min(self.ended_at, self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedCode:
    """`hash` is argon2id's, of the code without its number."""

    id: str
    hash: str


def event(type_: str, glass: BreakGlass, *, expected: int, actor: str) -> NewEvent:
    return NewEvent(
        type=type_,
        version=VERSION,
        stream=STREAM,
        expected=expected,
        data={"breakGlass": snapshot(glass)},
        actor=actor,
        reason=glass.reason if type_ == OPENED else None,
    )


def codes_made(codes: Sequence[SealedCode], *, expected: int, actor: str) -> NewEvent:
    """All earlier ones are void from here on."""
    data = {"codes": [{"id": code.id, "hash": code.hash} for code in codes]}
    return NewEvent(type=CODES_MADE, version=VERSION, stream=STREAM, expected=expected, data=data, actor=actor)


def codes_of(entry: EventEntry) -> tuple[SealedCode, ...]:
    given: Any = entry.data["codes"]
    return tuple(SealedCode(id=each["id"], hash=each["hash"]) for each in given)


def snapshot(glass: BreakGlass) -> Mapping[str, Any]:
    """`hub.journal.payloads.BreakGlassSnapshot`."""
    return {
        "id": glass.id,
        "subject": glass.subject,
        "issuer": glass.issuer,
        "client": glass.client,
        "roles": list(glass.roles),
        "organization": glass.organization,
        "purpose": glass.purpose,
        "reason": glass.reason,
        "incident": glass.incident,
        "case": glass.case,
        "openedAt": glass.opened_at.isoformat(),
        "until": glass.until.isoformat(),
        "code": glass.code,
        "endedAt": _text(glass.ended_at),
        "endedBy": glass.ended_by,
        "reviewedAt": _text(glass.reviewed_at),
        "reviewedBy": glass.reviewed_by,
        "finding": None if glass.finding is None else glass.finding.value,
        "note": glass.note,
    }


def glass_of(told: Mapping[str, Any]) -> BreakGlass:
    return BreakGlass(
        id=told["id"],
        subject=told["subject"],
        issuer=told["issuer"],
        client=told["client"],
        roles=tuple(told["roles"]),
        organization=told["organization"],
        purpose=told["purpose"],
        reason=told["reason"],
        incident=told["incident"],
        case=told["case"],
        opened_at=datetime.fromisoformat(told["openedAt"]),
        until=datetime.fromisoformat(told["until"]),
        code=told["code"],
        ended_at=_time(told["endedAt"]),
        ended_by=told["endedBy"],
        reviewed_at=_time(told["reviewedAt"]),
        reviewed_by=told["reviewedBy"],
        finding=None if told["finding"] is None else Finding(told["finding"]),
        note=told["note"],
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
