"""Trusted documents: operations that were registered beforehand in a manifest, and are asked for by their id.

A manifest is Apollo's (`apollo-persisted-query-manifest`), or a JSON object of id → document, as Relay and GraphQL Code
Generator write it. An operation names one by `documentId` (GraphQL over HTTP, appendix "Persisted Documents"), or by
the SHA-256 of its text in `extensions.persistedQuery`. Nothing registers a document while the hub runs.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from hub.errors import BadRequest, Forbidden, NotFound, SettingsError
from hub.web.encoding import decode
from hub.web.operation import Operation

_APOLLO = "apollo-persisted-query-manifest"
_PREFIX = "sha256:"
_NO_SUCH = "No trusted document has this id. The operator adds documents to the manifest; no client does."
_NOT_FOUND = "PersistedQueryNotFound"  # Apollo's word, at which its clients send the text too


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """`only`: no other document is run. Ids are looked up as the manifest writes them, and by the text's SHA-256."""

    by_id: Mapping[str, str] = field(default_factory=dict)
    only: bool = False

    @classmethod
    def of(cls, manifest: Mapping[str, str], *, only: bool = False) -> Self:
        by_hash = {hashed(text): text for text in manifest.values()}
        return cls(by_id={**by_hash, **manifest}, only=only)

    def found(self, operation: Operation) -> Operation:
        """With its text, and whether that is trusted. Raises BadRequest, NotFound for an id that is in no manifest,
        Forbidden for a text that is not trusted where only such are run."""
        wanted, text = operation.document_id, operation.document
        if wanted is not None:
            known = self.by_id.get(wanted) or self.by_id.get(wanted.removeprefix(_PREFIX))
            if known is None and not text:
                raise NotFound(_NOT_FOUND if operation.automatic else _NO_SUCH)
            if text and (hashed(text) != wanted if known is None else text != known):
                raise BadRequest("The hash is not that of the text in `query`.")
            text = known or text
        trusted = bool(self.by_id) and hashed(text) in self.by_id
        if self.only and not trusted:
            raise Forbidden(
                "This hub runs trusted documents alone, and this is none of them. "
                "Name one by `documentId`, or have yours added to its manifest."
            )
        return replace(operation, document=text, trusted=trusted)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read(file: Path) -> Mapping[str, str]:
    """Id → document. Raises SettingsError."""
    try:
        given = decode(file.read_bytes())
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{file}: not JSON: {error}") from error
    manifest: dict[str, str] = {}
    for id_, text in _entries(file, given):
        if not isinstance(id_, str) or not id_ or not isinstance(text, str):
            raise SettingsError(f"{file}: each operation needs an id and its document, both of them texts")
        if manifest.get(id_, text) != text:
            raise SettingsError(f"{file}: two documents have the id {id_!r}")
        manifest[id_] = text
    return manifest


def _entries(file: Path, given: object) -> Iterator[tuple[object, object]]:
    if not isinstance(given, dict):
        raise SettingsError(f"{file}: a manifest is a JSON object")
    if "operations" not in given and "format" not in given:
        yield from given.items()
        return
    if given.get("format") != _APOLLO or given.get("version") != 1 or not isinstance(given.get("operations"), list):
        raise SettingsError(f"{file}: its format must be {_APOLLO!r}, version 1, with a list of `operations`")
    for operation in given["operations"]:
        entry = operation if isinstance(operation, dict) else {}
        yield entry.get("id"), entry.get("body")
