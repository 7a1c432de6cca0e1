"""What is said of a tenant's stock database in the park file: where it is, what is asked, which column means what."""

import re
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from pydantic import Field, ValidationInfo, field_validator, model_validator

from adapters.contract import AdapterConfig
from adapters.inventory.lots import LotColumns
from adapters.secret import Secret

_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
"""Those that come with the hub; any other dialect of SQLAlchemy is named with its driver."""


class SqlConfig(AdapterConfig):
    url: str  # SQLAlchemy's, such as postgresql://USER@HOST/DATABASE or sqlite:///stock.db; never with a password
    password: Secret | None = None
    query: str = Field(min_length=1)  # one SELECT, as the tenant's database understands it
    id: str  # the column that tells rows apart, and keeps its value as long as the row lives
    updated_at: str | None = None  # set at each change of a row; none: each poll reads every row
    overlap_seconds: float = Field(default=120.0, ge=1)  # how long a change may be under way before it commits
    columns: LotColumns
    timeout_seconds: float = Field(default=30.0, gt=0)  # of one statement
    page_rows: int = Field(default=1000, ge=1, le=10_000)

    @field_validator("url")
    @classmethod
    def _usable(cls, given: str, info: ValidationInfo) -> str:
        try:
            url = sa.make_url(given)
        except sa.exc.ArgumentError as error:
            raise ValueError("it is no database URL; write postgresql://USER@HOST/DATABASE") from error
        if url.password is not None or "password" in url.query:
            raise ValueError('the URL never holds the password: give password = { env = "NAME" } beside it')
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
            url = url.set(database=str(Path((info.context or {}).get("folder", ".")) / str(url.database)))
        return url.render_as_string(hide_password=False)

    @field_validator("query")
    @classmethod
    def _one_select(cls, given: str) -> str:
        query = given.strip().rstrip(";").rstrip()
        if not re.match(r"(?is)(select|with)\b", query):
            raise ValueError("a query begins with SELECT or WITH; the hub only reads")
        if ";" in re.sub(r"'[^']*'", "", query):
            raise ValueError("one statement is due; take the semicolon out")
        return query

    @model_validator(mode="after")
    def _password_needs_a_user(self) -> Self:
        if self.password is not None and sa.make_url(self.url).username is None:
            raise ValueError("a password needs a user in the url: postgresql://USER@HOST/DATABASE")
        return self

    def selected(self) -> list[str]:
        """The columns that are read, and no others: what else the query gives never leaves the tenant's database."""
        stamp = [self.updated_at] if self.updated_at else []
        return list(dict.fromkeys([self.id, *stamp, *self.columns.columns()]))
