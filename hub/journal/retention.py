"""Deletes what is older than its retention, a bounded number at a time: readings, dead letters, idempotency keys.

Of readings the latest stays, and the log is told before the first one goes, so that the digest chain holds at every
moment in between; the others are no part of the chain.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from hub.clock import to_micros
from hub.journal import tables as t
from hub.journal.fold import Fold
from hub.journal.records import HUB, Draft, NewEvent
from hub.journal.upcast import CURRENT

STREAM = "readings"
EVENT = "readings.expired"
AT_ONCE = 2000  # rows in one transaction: other writers wait that long


def _old(series: int, before: int) -> sa.ColumnElement[bool]:
    """A series' latest reading stays, however old it is: it is what is known of the sensor."""
    newest = sa.select(sa.func.max(t.reading.c.at)).where(t.reading.c.series == series).scalar_subquery()
    return (t.reading.c.series == series) & (t.reading.c.at < before) & (t.reading.c.at < newest)


def due(connection: sa.Connection, quantity: str, before: datetime) -> dict[int, int]:
    """How many readings of which series are older."""
    series = connection.scalars(sa.select(t.series.c.id).where(t.series.c.quantity == quantity)).all()
    found: dict[int, int] = {}
    for id_ in series:
        count = connection.scalar(sa.select(sa.func.count()).select_from(t.reading).where(_old(id_, to_micros(before))))
        if count:
            found[id_] = count
    return found


def announce(fold: Fold, quantity: str, before: datetime, series: Sequence[int], count: int) -> None:
    """Appends the event: from now on these may be missing."""
    versions = sa.select(sa.func.max(t.record.c.stream_version)).where(t.record.c.stream == STREAM)
    event = NewEvent(
        type=EVENT,
        version=CURRENT[EVENT],
        stream=STREAM,
        expected=fold.connection.scalar(versions) or 0,
        data={"before": before.isoformat(), "series": sorted(series), "count": count},
        actor=HUB,
        reason=f"retention of {quantity}",
    )
    fold.append(Draft(source=HUB, received_at=fold.recorded_at, events=[event]))


def delete_some(fold: Fold, series: int, before: datetime) -> int:
    """Deletes at most AT_ONCE of a series' old readings; how many."""
    old = sa.select(t.reading.c.at).where(_old(series, to_micros(before))).order_by(t.reading.c.at).limit(AT_ONCE)
    some = fold.connection.scalars(old).all()
    if some:
        fold.connection.execute(
            sa.delete(t.reading).where(t.reading.c.series == series, t.reading.c.at.between(some[0], some[-1]))
        )
    return len(some)


def delete_dead_letters(fold: Fold, before: datetime) -> int:
    """Deletes at most AT_ONCE of the dead letters recorded before, and their keys; how many."""
    letter = t.dead_letter.c
    oldest = sa.select(letter.id, letter.source, letter.sealed_as, letter.recorded_at).order_by(letter.id)
    some = [row for row in fold.connection.execute(oldest.limit(AT_ONCE)) if row.recorded_at < to_micros(before)]
    if some:
        fold.seals.discard([(row.source, row.sealed_as) for row in some])
        fold.connection.execute(sa.delete(t.dead_letter).where(letter.id.in_([row.id for row in some])))
    return len(some)


def delete_commands(fold: Fold, before: datetime) -> int:
    """Deletes at most AT_ONCE of the idempotency keys recorded before; how many. A repeat after that is a new
    command."""
    key = sa.tuple_(t.command.c.actor, t.command.c.key)
    old = sa.select(t.command.c.actor, t.command.c.key).where(t.command.c.recorded_at < to_micros(before))
    return fold.connection.execute(sa.delete(t.command).where(key.in_(old.limit(AT_ONCE)))).rowcount
