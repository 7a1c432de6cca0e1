"""What is said of a tenant's stock lists in the park file: where they are put, and how much of them is read."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from adapters.contract import AdapterConfig
from adapters.inventory.lots import LotColumns
from adapters.inventory.tables import Limits
from adapters.secret import Secret


class Sftp(AdapterConfig):
    """A tenant's server or the park's; its key is known beforehand, since a stranger's list would pass for stock."""

    host: str
    port: int = Field(default=22, ge=1, le=65535)
    user: str
    password: Secret | None = None
    key: Secret | None = None  # the private key, as text
    host_key: str = Field(pattern=r"^(ssh-|ecdsa-)\S+ \S+")  # as ssh-keyscan HOST prints it, without the host
    path: str = "."

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.password is None) == (self.key is None):
            raise ValueError("give either a password or a key")
        return self


class ListMapping(AdapterConfig):
    """Which column of a list is which field, as a person confirmed it."""

    id: str | None = None  # the column that tells rows apart; none: item, lot number and place do
    columns: LotColumns


class FilesConfig(AdapterConfig):
    folder: Path | None = None  # beside the park file unless absolute
    sftp: Sftp | None = None
    pattern: str = "*"  # of the files' names, such as stock-*.xlsx
    take: Literal["newest", "all"] = "newest"  # the newest file is the whole stock, or all files together are
    sheet: str | None = None  # none: the first that is shown and holds cells
    mapping: ListMapping | None = None  # none: proposed from the header, and confirmed by a person
    settle_seconds: float = Field(default=2.0, ge=0)  # a file that changed within it is still being written
    max_rows: int = Field(default=200_000, ge=1)
    max_bytes: int = Field(default=100_000_000, ge=1)
    timeout_seconds: float = Field(default=30.0, gt=0)  # of a step over SFTP

    @field_validator("folder")
    @classmethod
    def _beside(cls, folder: Path | None, info: ValidationInfo) -> Path | None:
        return None if folder is None else Path((info.context or {}).get("folder", ".")) / folder

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.folder is None) == (self.sftp is None):
            raise ValueError("name either a folder or an sftp server")
        return self

    @property
    def limits(self) -> Limits:
        return Limits(rows=self.max_rows, bytes=self.max_bytes)
