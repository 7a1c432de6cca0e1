"""The audit's signing key: Ed25519 in a PEM file outside the state folder, so that who has the one lacks the other."""

import base64
import binascii
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from hub.access.audit.chain import Signer, public_text
from hub.errors import SettingsError
from hub.journal import private_file
from hub.telemetry import logger

_log = logger(__name__)


def refuse_within(path: Path, state: Path) -> None:
    """Raises SettingsError where the key would lie in the state folder."""
    if path.resolve().is_relative_to(state.resolve()):
        raise SettingsError(
            f"the audit's key {path} lies within the state folder {state}: who can change the record there could "
            "sign it too; let audit.key name a file elsewhere"
        )


def signer(path: Path, *, make: bool) -> Signer:
    """`make`: nothing was signed yet, so a missing key is made. Raises SettingsError: missing, unreadable, no key."""
    try:
        if not path.exists():
            if not make:
                raise SettingsError(
                    f"the audit's key {path} is missing; put back the copy that was kept of it, or make a new one with "
                    "`openssl genpkey -algorithm ed25519` and let `causeway audit verify --key` know the old one's "
                    "public part"
                )
            made = Ed25519PrivateKey.generate()
            private_file.make(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            _log.info("audit.key_made", path=str(path))
        text = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise SettingsError(f"cannot read or make the audit's key {path}: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        _log.warning("audit.key_readable_by_others", path=str(path), mode=oct(stat.S_IMODE(mode)))
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"the audit's key {path} is no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"the audit's key {path} is no Ed25519 key: `openssl genpkey -algorithm ed25519` makes one")
    return Signer(key)


def public_key(given: str) -> str:
    """A public key's text, from itself or from a PEM file of it. Raises SettingsError."""
    path = Path(given)
    try:
        if path.is_file():
            loaded = load_pem_public_key(path.read_bytes())
            if isinstance(loaded, Ed25519PublicKey):
                return public_text(loaded)
        raw = base64.b64decode(given, validate=True)
        return public_text(Ed25519PublicKey.from_public_bytes(raw))
    except (OSError, ValueError, binascii.Error) as error:
        raise SettingsError(
            f"{given} is no public Ed25519 key: give the text that `causeway audit key` prints, or a PEM file"
        ) from error
