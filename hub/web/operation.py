"""One GraphQL operation as a client asked for it, read out of JSON with a text for every mistake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from hub.errors import BadRequest
from hub.viewer import Viewer
from hub.web.encoding import decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    document: str
    variables: Mapping[str, object] = field(default_factory=dict)
    name: str | None = None

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
        if document is None:
            raise BadRequest("`query` is missing: the text of the operation.")
        if not isinstance(document, str):
            raise BadRequest("`query` is not a text.")
        variables = body.get("variables")
        if variables is not None and not isinstance(variables, dict):
            raise BadRequest("`variables` is not an object.")
        name = body.get("operationName")
        if name is not None and not isinstance(name, str):
            raise BadRequest("`operationName` is not a text.")
        extensions = body.get("extensions")
        if extensions is not None and not isinstance(extensions, dict):
            raise BadRequest("`extensions` is not an object.")
        return cls(document=document, variables=variables or {}, name=name or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and in which language the words of the answer are to be."""

    viewer: Viewer
    language: str = "zh"


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
