"""The journal's tables, on SQLite and PostgreSQL alike. Times are integers: microseconds since 1970, UTC.

`external.entity` is the one place that says which entity a source's thing is: claims, links and series name
things by (source, external id) and are joined through it. A merge writes `alias` (old → into, one step, never
a chain) and a split deletes it; `external.entity` never changes.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

BIG = BigInteger().with_variant(Integer(), "sqlite")  # an INTEGER PRIMARY KEY is SQLite's own row id

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# ---- the log

meta = Table(  # one row
    "meta",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Text, nullable=False),
    Column("head", BIG, nullable=False),  # the last number given out
    Column("digest", LargeBinary, nullable=False),  # of the last batch
)

batch = Table(
    "batch",
    metadata,
    Column("seq", BIG, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("received_at", BIG, nullable=False),
    Column("recorded_at", BIG, nullable=False),
    Column("cursor", Text),
    Column("adapter_version", Text, nullable=False),
    Column("records", Integer, nullable=False),  # they have the numbers seq + 1 … seq + records
    Column("readings", Integer, nullable=False),
    Column("oldest_at", BIG),  # of its readings
    Column("readings_hash", LargeBinary),
    Column("digest", LargeBinary, nullable=False),
)

record = Table(
    "record",
    metadata,
    Column("seq", BIG, primary_key=True, autoincrement=False),
    Column("batch", BIG, ForeignKey(batch.c.seq), nullable=False),
    Column("kind", Text, nullable=False),  # claim, signal or event
    Column("type", Text, nullable=False),  # a claim's kind, a signal's or an event's type
    Column("version", SmallInteger, nullable=False),  # of the payload
    Column("source", Text, nullable=False),
    Column("external_id", Text),
    Column("entity", Text),  # as it was resolved when recorded; an alias may lead on from it
    Column("stream", Text),
    Column("stream_version", Integer),
    Column("actor", Text),
    Column("reason", Text),
    Column("cause", BIG),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("stream", "stream_version"),
)

reading = Table(
    "reading",
    metadata,
    Column("batch", BIG, nullable=False),
    Column("series", Integer, nullable=False),
    Column("at", BIG, nullable=False),
    Column("value", Float(53), nullable=False),
    Column("flags", SmallInteger, nullable=False),
    Column("device_at", BIG),
    PrimaryKeyConstraint("batch", "series", "at"),
    UniqueConstraint("series", "at"),  # a redelivery adds nothing; the latest is one step from its end
    sqlite_with_rowid=False,
)

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("unit", Text, nullable=False),  # UCUM
    UniqueConstraint("source", "external_id", "quantity", "unit"),
    Index("ix_series_quantity", "quantity"),
)

# ---- what the log says now

claim_latest = Table(
    "claim_latest",
    metadata,
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("seq", BIG, nullable=False),  # of the record with its payload
    Column("kind", Text, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("last_seen", BIG, nullable=False),
    Column("gone", Boolean, nullable=False),
    PrimaryKeyConstraint("source", "external_id"),
)

link = Table(  # of live claims
    "link",
    metadata,
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("target_source", Text, nullable=False),
    Column("target_external_id", Text, nullable=False),
    PrimaryKeyConstraint("source", "external_id", "relation", "target_source", "target_external_id"),
    Index("ix_link_target", "target_source", "target_external_id"),
)

cursor = Table(
    "cursor",
    metadata,
    Column("source", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("position", BIG, nullable=False),
    Column("state", LargeBinary),
)

command = Table(  # idempotency keys and their first answers
    "command",
    metadata,
    Column("actor", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("batch", BIG, nullable=False),
    Column("seq", BIG, nullable=False),
    Column("recorded_at", BIG, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("entities", LargeBinary, nullable=False),
    PrimaryKeyConstraint("actor", "key"),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("sealed_as", Text, nullable=False),  # the name of its own key
    Column("key", Text, nullable=False),
    Column("received_at", BIG, nullable=False),
    Column("recorded_at", BIG, nullable=False),
    Column("reason", Text, nullable=False),
    Column("where", Text, nullable=False),
    Column("adapter_version", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),  # sealed
    Column("replayed_at", BIG),
    Index("ix_dead_letter_source", "source", "id"),
)

# ---- identity

external = Table(  # each thing of each source has an id of its own, made once; `alias` says what it is part of now
    "external",
    metadata,
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("made_at", BIG, nullable=False),
    Column("kind", Text),  # null: it was linked to, and never claimed
    Column("gone", Boolean, nullable=False),
    Column("organization", Text, nullable=False),  # that its source declares; "" the park's own
    Column("signature", LargeBinary),  # of what identity read in the latest claim
    Column("alike", LargeBinary),  # hash of kind, name and place
    PrimaryKeyConstraint("source", "external_id"),
    Index("ix_external_entity", "entity"),
    Index("ix_external_alike", "alike"),
)

identifier = Table(  # who holds which; a thing that is gone keeps those it had last
    "identifier",
    metadata,
    Column("scheme", Text, nullable=False),
    Column("scope", Text, nullable=False),  # "" where global, else an organization or a source
    Column("value", Text, nullable=False),  # normalised; HMAC where the scheme is personal
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("entity", Text, nullable=False),  # as `external` has it
    Column("trusted", Boolean, nullable=False),
    PrimaryKeyConstraint("scheme", "scope", "value", "source", "external_id"),
    Index("ix_identifier_external", "source", "external_id"),
    Index("ix_identifier_entity", "entity"),
)

alias = Table(  # `into` is the entity that lives: never itself an alias
    "alias",
    metadata,
    Column("old", Text, primary_key=True),
    Column("into", Text, nullable=False),
    Index("ix_alias_into", "into"),
)

match = Table(
    "match",
    metadata,
    Column("id", Text, primary_key=True),
    Column("left", Text, nullable=False),  # ids as `external` has them, left < right
    Column("right", Text, nullable=False),
    Column("state", Text, nullable=False),  # proposed, accepted, refused
    Column("reason", Text, nullable=False),  # payloads.MatchReason, or DECIDED where nothing had proposed it
    Column("evidence", LargeBinary, nullable=False),  # JSON
    Column("proposed_at", BIG, nullable=False),
    Column("decided_at", BIG),
    UniqueConstraint("left", "right"),
    Index("ix_match_right", "right"),
)
