"""PostgreSQL: whether a transaction went through whose COMMIT got no answer, so that nothing is stored twice."""

import sqlalchemy as sa

from hub.journal.engine import APPEND_LOCK


def begin(connection: sa.Connection) -> int:
    """Takes the lock under which alone is numbered, until the end of the transaction, so that commit order is number
    order; the transaction's number, by which the server can be asked about it."""
    locked = sa.select(sa.func.pg_advisory_xact_lock(APPEND_LOCK)).subquery("locked")
    return int(connection.execute(sa.select(sa.func.txid_current()).select_from(locked)).scalar_one())


def committed(connection: sa.Connection, transaction: int) -> bool | None:
    """None while the server does not know it yet: the session of before still ends."""
    status = connection.scalar(sa.select(sa.func.txid_status(transaction)))
    connection.rollback()
    return None if status == "in progress" else status == "committed"
