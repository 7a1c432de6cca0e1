"""The hash chain over the audit's entries, and the signed checkpoints that vouch for it."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def genesis(chain: str) -> bytes:
    """What stands before a chain's first entry."""
    return hashlib.sha256(b"causeway audit v1 " + chain.encode()).digest()


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def entry_hash(previous: bytes, chain: str, number: int, at: int, personal: bool, body_digest: bytes) -> bytes:
    """SHA-256 over the previous hash, the entry's columns and its body's digest."""
    columns = orjson.dumps([chain, number, at, personal])
    return hashlib.sha256(previous + len(columns).to_bytes(4, "big") + columns + body_digest).digest()


class Kind(StrEnum):
    OPENED = "opened"  # a process began the chain
    PERIODIC = "periodic"
    CLOSED = "closed"  # it stopped cleanly: nothing follows
    EXPIRED = "expired"  # what stood up to this entry was deleted by age
    EMPTIED = "emptied"  # bodies of entries without a personal field, older than `before`, were dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed word on a chain: at entry `number` its hash is `hash`. `key` is the public key, raw, in base64."""

    chain: str
    number: int
    kind: Kind
    hash: bytes
    at: datetime
    key: str
    signature: bytes = b""
    before: datetime | None = None

    @property
    def body(self) -> bytes:
        """What is signed."""
        said: dict[str, object] = {
            "chain": self.chain,
            "number": self.number,
            "kind": self.kind.value,
            "hash": self.hash.hex(),
            "at": self.at.isoformat(),
            "key": self.key,
            "before": None if self.before is None else self.before.isoformat(),
        }
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)

    def row(self) -> dict[str, object]:
        """As the table holds it."""
        return {
            "chain": self.chain,
            "number": self.number,
            "kind": self.kind.value,
            "body": self.body,
            "signature": self.signature,
        }

    @classmethod
    def of(cls, body: bytes, signature: bytes) -> Self:
        """Raises ValueError for what is no checkpoint."""
        try:
            said: dict[str, Any] = orjson.loads(body)
            before = said["before"]
            return cls(
                chain=str(said["chain"]),
                number=int(said["number"]),
                kind=Kind(said["kind"]),
                hash=bytes.fromhex(said["hash"]),
                at=datetime.fromisoformat(said["at"]),
                key=str(said["key"]),
                signature=signature,
                before=None if before is None else datetime.fromisoformat(before),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("this is no checkpoint") from error

    def holds(self) -> bool:
        """Whether the signature is that of the key that it names."""
        try:
            Ed25519PublicKey.from_public_bytes(base64.b64decode(self.key, validate=True)).verify(
                self.signature, self.body
            )
        except (InvalidSignature, ValueError, binascii.Error):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """The private key; `public` is the text by which others check."""

    key: Ed25519PrivateKey

    @property
    def public(self) -> str:
        return public_text(self.key.public_key())

    def sign(
        self, chain: str, number: int, kind: Kind, hash_: bytes, at: datetime, before: datetime | None = None
    ) -> Checkpoint:
        said = {"chain": chain, "number": number, "kind": kind, "hash": hash_, "at": at, "before": before}
        unsigned = Checkpoint(**said, key=self.public)  # type: ignore[arg-type]
        return Checkpoint(**said, key=self.public, signature=self.key.sign(unsigned.body))  # type: ignore[arg-type]


def public_text(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
