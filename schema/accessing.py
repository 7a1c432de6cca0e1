"""Who saw whom: the audit, asked by those who may read it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry

from hub.access.audit import reading
from hub.access.audit.audit import Audit
from hub.access.audit.reading import Position
from hub.clock import to_micros
from hub.errors import AuditUnavailable, BadRequest, Forbidden
from hub.graph.rows import iso
from hub.graph.selection import MAX_FIRST, Found, Order, Row
from schema import cursors
from schema.connections import After, Connection, First
from schema.rows import Asked
from schema.sight import sees_record

REPORTED = 10_000
"""The newest answers that one report is made of."""

_Person = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="The person's id; without it the person who you are, as your token says."),
]
_Since = Annotated[datetime | None, strawberry.argument(description="Only what was shown at or after this moment.")]


@strawberry.type(description="Whom an answer went to, as the audit has it.")
class AccessViewer:
    subject: str = strawberry.field(description="The issuer's own id of them.")
    issuer: str | None = strawberry.field(description="Who vouched for them; null for the hub's own machine.")
    client: str | None = strawberry.field(description="The program that they used.")
    roles: list[str] = strawberry.field(description="Their roles then.")
    organization: strawberry.ID | None = strawberry.field(description="The organization that they acted for.")
    purpose: str = strawberry.field(description="What they said it was for.")
    flags: list[str] = strawberry.field(description="What held at the moment, such as `incident`.")
    break_glass: strawberry.ID | None = strawberry.field(description="The break-glass by which they saw more.")


@strawberry.type(description="One answer in which something personal of the person was shown.")
class Access:
    at: datetime = strawberry.field(description="When it was answered.")
    viewer: AccessViewer = strawberry.field(description="Whom it went to.")
    shown: list[str] = strawberry.field(description="The person's fields that were shown, as `Type.field`.")
    masked: list[str] = strawberry.field(description="Those that were shown in part.")
    transport: str = strawberry.field(description="By which way: `http`, `websocket` or `sse`.")
    kind: str = strawberry.field(description="`query`, `mutation` or `subscription`.")
    operation: str | None = strawberry.field(description="The operation's name, where it had one.")
    document: str = strawberry.field(description="SHA-256 of the operation's normalised text, in hex.")
    chain: strawberry.ID = strawberry.field(description="The chain that its record stands in.")
    entry: int = strawberry.field(description="Its number there.")


@strawberry.type(description="One viewer, for one purpose, in a person's own report.")
class AccessSeer:
    viewer: AccessViewer = strawberry.field(description="Who, as they were at the last time.")
    answers: int = strawberry.field(description="In how many answers.")
    first: datetime = strawberry.field(description="The first time.")
    last: datetime = strawberry.field(description="The last time.")
    shown: list[str] = strawberry.field(description="The person's fields that were shown, as `Type.field`.")
    masked: list[str] = strawberry.field(description="Those that were shown in part.")


Accesses = Connection[Access]


async def accesses(
    info: Asked, person: _Person = None, since: _Since = None, first: First = 50, after: After = None
) -> Accesses:
    audit, ids = await _asked(info, person)
    if not 0 <= first <= MAX_FIRST:
        raise BadRequest(f"first is {first}: ask for 0 to {MAX_FIRST} rows, then for the next page")
    ended = None if after is None else _position(after)
    found = await reading.accesses(audit.engines, ids, since=since, after=ended, first=first + 1)
    total = await reading.counted(audit.engines, ids, since=since)
    info.context.ledger.rows("Access", len(found[:first]))
    journal = info.context.services.journal
    return Found(  # type: ignore[return-value]
        rows=[_row(each, frozenset(ids)) for each in found[:first]],
        has_next=len(found) > first,
        has_previous=after is not None,
        total=total,
        order=Order.AT_DOWN,
        position=journal.head,
        epoch=journal.epoch,
    )


async def report(info: Asked, person: _Person = None, since: _Since = None) -> list[AccessSeer]:
    audit, ids = await _asked(info, person)
    found = await reading.accesses(audit.engines, ids, since=since, first=REPORTED)
    info.context.ledger.rows("Access", len(found))
    return [
        AccessSeer(
            viewer=_viewer(seer.viewer),
            answers=seer.answers,
            first=seer.first,
            last=seer.last,
            shown=list(seer.shown),
            masked=list(seer.masked),
        )
        for seer in reading.report(found, frozenset(ids))
    ]


async def _asked(info: Asked, given: str | None) -> tuple[Audit, Sequence[str]]:
    """Everyone may ask who saw them. Raises Forbidden, BadRequest, AuditUnavailable."""
    services = info.context.services
    person = await info.context.own(given) or given
    if person is None:
        raise BadRequest("your token names none of the park's people: say whose accesses you ask for, by `person`")
    if await info.context.own(person) is None and not sees_record(info.context, "AuditRecord"):
        raise Forbidden("who saw another is for auditors and the privacy officer, for their purposes")
    if services.audit is None:
        raise AuditUnavailable("this hub keeps no audit")
    return services.audit, await reading.ids_of(services.journal, person)


def _row(access: reading.Access, ids: frozenset[str]) -> Row:
    body = access.body
    return {
        "id": f"{access.chain}/{access.number}",
        "@key": iso(access.at),
        "at": access.at,
        "viewer": _viewer(access.viewer),
        "shown": list(access.fields(ids, "shown")),
        "masked": list(access.fields(ids, "masked")),
        "transport": body["transport"],
        "kind": body["kind"],
        "operation": body.get("name"),
        "document": body["document"],
        "chain": access.chain,
        "entry": access.number,
    }


def _viewer(said: Any) -> AccessViewer:
    return AccessViewer(
        subject=said["subject"],
        issuer=said.get("issuer"),
        client=said.get("client"),
        roles=said.get("roles", []),
        organization=said.get("organization"),
        purpose=said["purpose"],
        flags=said.get("flags", []),
        break_glass=said.get("breakGlass"),
    )


def _position(after: str) -> Position:
    """Raises BadRequest."""
    key = cursors.decode(after, Order.AT_DOWN)
    chain, _, number = key.id.partition("/")
    try:
        return Position(at=to_micros(datetime.fromisoformat(str(key.value))), chain=chain, number=int(number))
    except ValueError:
        raise BadRequest("this cursor is not of this list: begin without `after`") from None
