"""From the text of an operation to what can be run: parsed, within the limits, its cost counted."""

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql import OperationType as Kind
from strawberry.schema.schema import validate_document

from hub.errors import CausewayError
from hub.web import cost, limits
from hub.web.encoding import encode
from hub.web.limits import Limits
from hub.web.operation import Operation
from hub.web.resuming import beginnings, begins_after, resumed
from hub.web.run import Prepared

_KEPT_DOCUMENT = 20_000  # characters; longer ones are parsed each time
_DOCUMENTS = 256

_SUGGESTION = re.compile(rb" Did you mean [^?]*\?")


class Preparing:
    """Of one schema; what was found of a document is kept for the next time. Without `introspection` no document that
    asks for the schema is taken."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        self._kept = lru_cache(_DOCUMENTS)(self._prepare)
        self._validated = lru_cache(_DOCUMENTS)(
            lambda document: tuple(validate_document(self._schema, document, tuple(specified_rules)))
        )
        self._sizes = lru_cache(_DOCUMENTS)(cost.sizes)
        self._costs = lru_cache(_DOCUMENTS)(
            lambda document, node, sizes: cost.check(self._schema, document, node, dict(sizes), self._limits)
        )
        self._beginnings = lru_cache(_DOCUMENTS)(lambda document: frozenset(beginnings(self._schema, document)))

    def prepared(self, operation: Operation) -> Prepared:
        """The same one for the same text. Raises GraphQLError, BadRequest, CostExceeded."""
        prepare = self._kept if len(operation.document) <= _KEPT_DOCUMENT else self._prepare
        return prepare(operation.document, operation.name)

    def _prepare(self, text: str, name: str | None) -> Prepared:
        document = self._parse(text)
        node = get_operation_ast(document, name)
        if node is None:
            raise GraphQLError(
                f"The document has no operation named {name}."
                if name
                else "The document has no operation, or several: name one in operationName."
            )
        if not self._introspection and (hidden := validate(self._schema, document, [NoSchemaIntrospectionCustomRule])):
            raise hidden[0]
        return Prepared(document, node)

    def problems(self, text: str) -> list[str]:
        """Why a document cannot be run, each in a sentence; none where it can be, whatever its variables are."""
        try:
            document = self._parse(text)
            if errors := validate_document(self._schema, document, tuple(specified_rules)):
                return [error.message for error in errors]
            nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
            if not nodes:
                return ["It holds no operation."]
            for node in nodes:
                self.cost(document, node, {})
        except (GraphQLError, CausewayError) as error:
            return [error.message]
        return []

    def kind(self, operation: Operation) -> Kind | None:
        """None for what cannot be prepared: running it says why."""
        try:
            return self.prepared(operation).operation.operation
        except (GraphQLError, CausewayError):
            return None

    def errors(self, document: DocumentNode) -> tuple[GraphQLError, ...]:
        """What validation finds."""
        return self._validated(document)

    def cost(self, document: DocumentNode, node: OperationDefinitionNode, variables: Mapping[str, object]) -> int:
        """Raises BadRequest, CostExceeded."""
        sizes = [(name, cost.size(variables[name])) for name in self._sizes(document) if name in variables]
        return self._costs(document, node, tuple(sizes))

    def beginnings(self, document: DocumentNode) -> frozenset[str]:
        """The variables that say from where a subscription begins."""
        return self._beginnings(document)

    def resumed(self, operation: Operation, cursor: str) -> Operation:
        """The same subscription, from where a client says that its stream broke off."""
        try:
            return resumed(self._schema, self.prepared(operation).document, operation, cursor)
        except (GraphQLError, CausewayError):
            return operation

    def watched(self, operation: Operation) -> tuple[Hashable, bool]:
        """What the operation watches, wherever it begins; and whether it goes on after an event."""
        try:
            anywhere = self.resumed(operation, "")
            begins = self.beginnings(self.prepared(anywhere).document)
            which = {name: value for name, value in sorted(operation.variables.items()) if name not in begins}
            goes_on = begins_after(self._schema, self.prepared(operation).document, operation)
        except (GraphQLError, CausewayError):
            return (operation.document, operation.name), False
        return (anywhere.document, operation.name, encode(which)), goes_on

    def told(self, body: bytes) -> bytes:
        """A refusal's text, without suggestions where the schema is hidden."""
        return body if self._introspection else _SUGGESTION.sub(b"", body)

    def _parse(self, text: str) -> DocumentNode:
        """Raises GraphQLError, BadRequest, CostExceeded."""
        try:
            document = parse(text, max_tokens=self._limits.tokens)
            limits.check(document, self._limits)
        except RecursionError:
            raise limits.too_deep(self._limits.depth) from None
        return document
