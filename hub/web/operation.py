"""One GraphQL operation as a client asked for it, read out of JSON with a text for every mistake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from hub.errors import BadRequest
from hub.viewer import Viewer
from hub.web.encoding import decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`document` is empty where only `document_id` names it, until `hub.web.documents` has found it."""

    document: str
    variables: Mapping[str, object] = field(default_factory=dict)
    name: str | None = None
    document_id: str | None = None
    automatic: bool = False  # the id is the hash of an automatic persisted query
    trusted: bool = False  # it stands in the manifest

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Raises BadRequest."""
        if not data:
            raise BadRequest("The body is empty. Send a JSON object with `query`.")
        try:
            body = decode(data)
        except ValueError as error:
            raise BadRequest(f"The body is not JSON: {error}.") from error
        if isinstance(body, list):
            raise BadRequest("Batches of operations are off. Send one operation a request.")
        return cls.from_body(body)

    @classmethod
    def from_body(cls, body: object) -> Self:
        """Raises BadRequest."""
        if not isinstance(body, dict):
            raise BadRequest("The body is not a JSON object. Send one with `query`.")
        document = body.get("query")
        document_id, automatic = _document_id(body)
        if document is None and document_id is None:
            raise BadRequest("`query` is missing: the text of the operation.")
        if document is not None and not isinstance(document, str):
            raise BadRequest("`query` is not a text.")
        variables = body.get("variables")
        if variables is not None and not isinstance(variables, dict):
            raise BadRequest("`variables` is not an object.")
        name = body.get("operationName")
        if name is not None and not isinstance(name, str):
            raise BadRequest("`operationName` is not a text.")
        return cls(
            document=document or "",
            variables=variables or {},
            name=name or None,
            document_id=document_id,
            automatic=automatic,
        )

    @classmethod
    def from_address(cls, parameters: Sequence[tuple[str, str]]) -> Self:
        """Of the query string of a GET. Raises BadRequest."""
        given: dict[str, object] = {}
        for name, value in parameters:
            if name not in _PARAMETERS:
                continue
            if name in given:
                raise BadRequest(f"`{name}` stands twice in the address.")
            given[name] = value
        for name in ("variables", "extensions"):
            written = given.get(name)
            if isinstance(written, str):
                try:
                    given[name] = None if written == "" else decode(written)
                except ValueError as error:
                    raise BadRequest(f"`{name}` in the address is not JSON: {error}.") from error
        return cls.from_body(given)


_PARAMETERS = ("query", "documentId", "operationName", "variables", "extensions")


def _document_id(body: Mapping[str, object]) -> tuple[str | None, bool]:
    """Of a trusted document, and whether it is the hash of an automatic persisted query. Raises BadRequest."""
    extensions = body.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest("`extensions` is not an object.")
    given = body.get("documentId")
    if given is not None:
        if not isinstance(given, str) or not given:
            raise BadRequest("`documentId` is not a text.")
        if body.get("query") is not None:
            raise BadRequest("Send either `query` or `documentId`.")
        return given, False
    persisted = (extensions or {}).get("persistedQuery")
    if persisted is None:
        return None, False
    if not isinstance(persisted, dict) or persisted.get("version") != 1:
        raise BadRequest("`extensions.persistedQuery` needs the version 1.")
    hashed = persisted.get("sha256Hash")
    if not isinstance(hashed, str) or not hashed:
        raise BadRequest("`extensions.persistedQuery.sha256Hash` is not a text.")
    return hashed, True


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and in which language the words of the answer are to be."""

    viewer: Viewer
    language: str = "zh"
    address: str = ""  # that it asks from


def language_of(accept_language: str | None) -> str:
    """`zh` or `en`, whichever the header wants more; `zh` where it says neither."""
    best, weight = "zh", 0.0
    for part in (accept_language or "").split(","):
        tag, _, parameter = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        if primary not in ("zh", "en"):
            continue
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            quality = 0.0
        if quality > weight:
            best, weight = primary, quality
    return best
