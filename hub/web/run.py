"""One operation of one viewer, ready to be executed."""

from dataclasses import dataclass, field

from graphql import DocumentNode, OperationDefinitionNode

from hub.access.audit.record import Asked
from hub.viewer import Mask
from hub.web.answers import Price
from hub.web.operation import Asker, Operation
from hub.web.templates import Templates


@dataclass(frozen=True, slots=True)
class Prepared:
    """A parsed document, which of its operations is meant, and what was compiled of that."""

    document: DocumentNode
    operation: OperationDefinitionNode
    templates: Templates = field(default_factory=Templates, compare=False)


@dataclass(frozen=True, slots=True)
class Run:
    """Under the rights of the moment."""

    prepared: Prepared
    operation: Operation
    asker: Asker
    mask: Mask
    asked: Asked
    version: str
    """Of the policies that the mask is by."""
    key: tuple[object, ...]
    """Of what its answers are made of: the same one for all who are told the same."""
    price: Price
