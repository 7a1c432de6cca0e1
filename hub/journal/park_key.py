"""The park key: 32 bytes in base64, in a file of its own outside the state folder, made at first use."""

import base64
import binascii
import secrets
import stat
from pathlib import Path

from hub.errors import SettingsError
from hub.journal import private_file
from hub.telemetry import logger

_log = logger(__name__)


def read(path: Path, state: Path | None, *, make: bool) -> bytes:
    """Raises SettingsError: missing, unreadable, no key, or within the state folder."""
    if state is not None and path.resolve().is_relative_to(state.resolve()):
        raise SettingsError(
            f"the park key {path} lies within the state folder {state}: "
            "whoever takes a copy of the one would have the other; name a file elsewhere"
        )
    try:
        if not path.exists():
            if not make:
                raise SettingsError(f"the park key {path} is missing; put back the copy that was kept of it")
            private_file.make(path, base64.b64encode(secrets.token_bytes(32)) + b"\n")
            _log.info("keys.park_key_made", path=str(path))
        text = path.read_text(encoding="ascii")
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read or make the park key {path}: {error}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        _log.warning("keys.park_key_readable_by_others", path=str(path), mode=oct(stat.S_IMODE(mode)))
    try:
        key = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise SettingsError(f"the park key {path} is not base64") from error
    if len(key) != 32:
        raise SettingsError(f"the park key {path} holds {len(key)} bytes instead of 32 (in base64)")
    return key
