"""The audit's tables, on SQLite and PostgreSQL alike. Times are integers: microseconds since 1970, UTC.

A chain is what one process wrote. An entry's `hash` covers the one before it, its own columns and the digest of
its body; so a body can go after its time while the chain stays whole.
"""

import sqlalchemy as sa

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData()

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("chain", sa.Text, nullable=False),
    sa.Column("number", BIG, nullable=False),  # from 1, without a gap
    sa.Column("at", BIG, nullable=False),
    sa.Column("personal", sa.Boolean, nullable=False),  # a personal field was shown, or a part of one
    sa.Column("digest", sa.LargeBinary, nullable=False),  # SHA-256 of the body
    sa.Column("body", sa.LargeBinary),  # JSON; null: its time is over
    sa.Column("previous", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("chain", "number"),
    sa.Index("ix_entry_at", "at"),
)

subject = sa.Table(  # who was seen; all of it follows from the bodies
    "subject",
    metadata,
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("at", BIG, nullable=False),
    sa.Column("chain", sa.Text, nullable=False),
    sa.Column("number", BIG, nullable=False),
    sa.PrimaryKeyConstraint("id", "at", "chain", "number"),
    sa.Index("ix_subject_entry", "chain", "number"),
)

checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("chain", sa.Text, nullable=False),
    sa.Column("number", BIG, nullable=False),  # of the entry that it vouches for, 0 at the chain's beginning
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # JSON, what is signed
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("chain", "number", "kind"),
)
