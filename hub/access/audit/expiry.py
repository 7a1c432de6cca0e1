"""What the audit no longer has to keep goes, some at a time; a signed checkpoint stands for it, so the chain holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from hub.access.audit import tables as t
from hub.access.audit.chain import Checkpoint, Kind, Signer
from hub.clock import to_micros

AT_ONCE = 2000  # entries in one transaction: answers wait that long


class Gone(NamedTuple):
    """How many entries, and the word that stands for them."""

    entries: int
    signed: Sequence[Checkpoint]


def expire_some(connection: sa.Connection, signer: Signer, at: datetime, before: datetime) -> Gone:
    """Deletes entries at the beginning of one chain that are all older, with whom they name and what vouched for them;
    the last one's hash is signed in their stead."""
    e = t.entry.c
    oldest = connection.execute(
        sa.select(e.chain, sa.func.min(e.number).label("first")).where(e.at < to_micros(before)).group_by(e.chain)
    ).all()
    for chain, first in oldest:
        begins = connection.scalar(sa.select(sa.func.min(e.number)).where(e.chain == chain))
        if begins != first:  # a clock that went back: what is younger stands before it, and keeps it
            continue
        young = sa.select(sa.func.min(e.number)).where(e.chain == chain, e.at >= to_micros(before))
        ended = connection.scalar(young) or first + AT_ONCE
        last = connection.execute(
            sa.select(e.number, e.hash)
            .where(e.chain == chain, e.number < min(ended, first + AT_ONCE))
            .order_by(e.number.desc())
            .limit(1)
        ).one()
        signed = signer.sign(chain, last.number, Kind.EXPIRED, bytes(last.hash), at, before)
        of_chain = t.subject.c.chain == chain
        connection.execute(sa.delete(t.subject).where(of_chain, t.subject.c.number <= last.number))
        gone = connection.execute(sa.delete(t.entry).where(e.chain == chain, e.number <= last.number)).rowcount
        c = t.checkpoint.c
        kept = c.kind.in_([Kind.CLOSED.value, Kind.EMPTIED.value])
        connection.execute(sa.delete(t.checkpoint).where(c.chain == chain, c.number <= last.number, ~kept))
        connection.execute(sa.insert(t.checkpoint), [signed.row()])
        return Gone(gone, [signed])
    return Gone(0, [])


def empty_some(connection: sa.Connection, signer: Signer, at: datetime, before: datetime) -> Gone:
    """Drops what older entries say that showed nothing personal; their hashes stay, and a signed word that this was
    done up to `before`."""
    e = t.entry.c
    due = connection.execute(
        sa.select(e.chain, e.number, e.hash)
        .where(e.at < to_micros(before), e.personal.is_(False), e.body.is_not(None))
        .order_by(e.chain, e.number)
        .limit(AT_ONCE)
    ).all()
    last = {row.chain: row for row in due}
    signed = [
        signer.sign(each.chain, each.number, Kind.EMPTIED, bytes(each.hash), at, before) for each in last.values()
    ]
    for each in signed:
        numbers = [row.number for row in due if row.chain == each.chain]
        emptied = sa.update(t.entry).where(
            e.chain == each.chain, e.number.between(numbers[0], numbers[-1]), e.at < to_micros(before)
        )
        connection.execute(emptied.where(e.personal.is_(False)).values(body=None))
        c = t.checkpoint.c
        connection.execute(sa.delete(t.checkpoint).where(c.chain == each.chain, c.kind == Kind.EMPTIED.value))
        connection.execute(sa.insert(t.checkpoint), [each.row()])
    return Gone(len(due), signed)
