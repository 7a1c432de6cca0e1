"""The tables of `access.db`. Times are whole seconds since 1970, as in tokens; what is secret is stored as a hash,
or sealed."""

import sqlalchemy as sa

VERSION = 2
metadata = sa.MetaData()

about = sa.Table(
    "about",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
account = sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # the tokens' subject
    sa.Column("name", sa.Text, nullable=False, unique=True),  # what a person types, in lower case
    sa.Column("password", sa.Text, nullable=False),  # argon2id
    sa.Column("totp", sa.LargeBinary),  # the shared secret, sealed
    sa.Column("totp_step", sa.BigInteger, nullable=False, default=0),  # the last that was taken: none is taken twice
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("organization", sa.Text),
    sa.Column("person", sa.Text),  # an entity's id, since version 2
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
)
client = sa.Table(
    "client",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),  # what the consent page shows
    sa.Column("secret", sa.LargeBinary),  # SHA-256 of 256 random bits; none: a public client
    sa.Column("native", sa.Boolean, nullable=False),
    sa.Column("introspects", sa.Boolean, nullable=False),  # a resource server: may ask about any token
    sa.Column("redirect_uris", sa.JSON, nullable=False),
    sa.Column("grants", sa.JSON, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),  # of its own tokens, by client credentials
    sa.Column("organization", sa.Text),
    sa.Column("made_at", sa.BigInteger, nullable=False),
)
grant = sa.Table(  # one consent, and the family of refresh tokens that came of it
    "grant_",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("client", sa.Text, nullable=False, index=True),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.Column("amr", sa.JSON, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)
code = sa.Table(
    "code",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("grant_id", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("redirect_uri", sa.Text),  # as the request named it
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("challenge", sa.Text, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
)
refresh = sa.Table(
    "refresh",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("grant_id", sa.Text, nullable=False, index=True),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
)
token = sa.Table(  # access tokens that were given out
    "token",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # jti
    sa.Column("grant_id", sa.Text, index=True),
    sa.Column("account", sa.Text, index=True),
    sa.Column("client", sa.Text, nullable=False, index=True),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)
device = sa.Table(
    "device",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("user_code", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("interval", sa.BigInteger, nullable=False),
    sa.Column("polled_at", sa.BigInteger, nullable=False),
    sa.Column("allowed", sa.Boolean),  # none: nobody has said yet
    sa.Column("grant_id", sa.Text),
    sa.Column("used_at", sa.BigInteger),
)
session = sa.Table(
    "session",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.Column("amr", sa.JSON, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
)
signing_key = sa.Table(
    "signing_key",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # kid
    sa.Column("public", sa.JSON, nullable=False),  # a JWK
    sa.Column("private", sa.LargeBinary, nullable=False),  # a PEM, sealed
    sa.Column("signs_from", sa.BigInteger, nullable=False),
)
