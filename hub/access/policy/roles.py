"""Roles as data: what each is for, the purposes that it may act for, and the groups that policies can name."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hub.errors import SettingsError, nearest


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Part):
    """What a role, a purpose or a group is, for people."""

    zh: str
    en: str


class Role(Words):
    """`purpose`: what it acts for unless the viewer says otherwise. `description_*`: a sentence each."""

    purpose: str
    purposes: tuple[str, ...] = Field(min_length=1)
    groups: tuple[str, ...] = ()
    description_zh: str
    description_en: str


class Roles(_Part):
    """The file `roles.toml`."""

    purposes: Mapping[str, Words] = Field(min_length=1)
    groups: Mapping[str, Words] = Field(default_factory=dict)
    roles: Mapping[str, Role] = Field(min_length=1)

    @model_validator(mode="after")
    def _closed(self) -> Self:
        for name, role in self.roles.items():
            for purpose in (role.purpose, *role.purposes):
                if purpose not in self.purposes:
                    raise ValueError(
                        f"roles.{name}: there is no purpose {purpose!r}; {nearest(purpose, self.purposes)}"
                    )
            if role.purpose not in role.purposes:
                raise ValueError(f"roles.{name}: its own purpose {role.purpose!r} is not among its purposes")
            for group in role.groups:
                if group not in self.groups:
                    raise ValueError(f"roles.{name}: there is no group {group!r}; {nearest(group, self.groups)}")
        return self

    def known(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(name for name in names if name in self.roles)

    def acting(self, names: Iterable[str], purpose: str) -> frozenset[str]:
        """Those of the roles that may act for the purpose; the others give nothing under it."""
        return frozenset(name for name in self.known(names) if purpose in self.roles[name].purposes)

    def default_purpose(self, names: Iterable[str]) -> str | None:
        """What a viewer of these roles acts for where it does not say: the first's in the file's order."""
        held = self.known(names)
        return next((role.purpose for name, role in self.roles.items() if name in held), None)

    def allowed_purposes(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(purpose for name in self.known(names) for purpose in self.roles[name].purposes)


def load(file: Path) -> Roles:
    """Raises SettingsError with the file and what is wrong in it; TOML's own errors carry the line."""
    try:
        return Roles.model_validate(tomllib.loads(read(file)))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not TOML: {error}") from error
    except ValidationError as error:
        lines = [_told(e["loc"], e["msg"]) for e in error.errors()]
        raise SettingsError("\n".join(f"{file}: {line}" for line in lines)) from error


def _told(location: tuple[int | str, ...], message: str) -> str:
    where = ".".join(map(str, location))
    text = message.removeprefix("Value error, ")
    return f"{where}: {text}" if where else text


def read(file: Path) -> str:
    """Raises SettingsError where the file cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError(f"{file}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
