"""A secret in a setting: where it is to be found, never the thing itself."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

_SECRET_NAME = re.compile(
    r"(?i)(^|[-_])(pass(word|wd|phrase)?|pwd|secret|token|sig(nature)?|auth(orization)?|cookie|"
    r"api[-_]?key|app[-_]?key|access[-_]?key|key)$"
)
_PASSED_ON = (
    "PATH",
    "HOME",
    "TMPDIR",
    "TZ",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
)


class Secret(BaseModel):
    """`{ env = "NAME" }`, `{ file = "/run/secrets/x" }` or `{ credential = "name" }` (systemd's LoadCredential)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    env: str | None = None
    file: Path | None = None
    credential: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_plain_text(cls, given: object) -> object:
        if isinstance(given, str):
            raise ValueError(
                'a secret is never written here: use { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'
            )
        return given

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(x is not None for x in (self.env, self.file, self.credential)) != 1:
            raise ValueError("name exactly one of env, file and credential")
        return self

    def reveal(self) -> str:
        """The secret's text; raises LookupError that names what is missing."""
        if self.env is not None:
            if self.env not in os.environ:
                raise LookupError(f"the environment variable {self.env} is not set")
            return os.environ[self.env]
        path = self.file
        if path is None:
            folder = os.environ.get("CREDENTIALS_DIRECTORY")
            if folder is None:
                raise LookupError(f"no CREDENTIALS_DIRECTORY to take the credential {self.credential} from")
            path = Path(folder) / str(self.credential)
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise LookupError(f"cannot read the secret's file {path}: {error.strerror}") from error


def fingerprint(config: BaseModel) -> bytes:
    """Of all secrets within a config, as they are now; it changes when one does, or comes to be there."""
    digest = hashlib.sha256()
    for secret in _secrets(config):
        try:
            digest.update(hashlib.sha256(secret.reveal().encode()).digest())
        except (LookupError, UnicodeError):
            digest.update(b"-")
    return digest.digest()


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _secrets(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _secrets(one)


def names_a_secret(name: str) -> bool:
    """Whether a header or a URL's parameter is called like something secret."""
    return _SECRET_NAME.search(name) is not None


def open_address(url: str) -> str:
    """Raises ValueError where a password or a token stands in the address, which is shown in logs and health texts.
    The error does not repeat it."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return url  # no address at all: whoever opens it says so
    if password is not None:
        raise ValueError('the address never holds a password: give password = { env = "NAME" } beside it')
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if names_a_secret(name):
            raise ValueError(f"the address never holds a secret, and {name!r} looks like one: give it by reference")
    return url


OpenUrl = Annotated[str, AfterValidator(open_address)]
"""An address that may be shown to anyone."""


def bare_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a child process is given of the hub's environment: where programs are and how they speak, and no secret,
    of which any may stand there."""
    return {name: environment[name] for name in _PASSED_ON if name in environment}
