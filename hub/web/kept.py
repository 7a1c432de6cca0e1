"""Answers as they went out, kept for whoever asks the same under the same rights while nothing new was said.

Kept is an answer that hangs on the graph alone: every field that is selected is a row's own or carries the mark of
`schema.rows.of_the_graph`. What hangs on the clock, on readings, on sources' health or on who it is that asks carries
none, and so switches it off; a new field does too, until someone has thought about it. No answer is kept that shows
something personal, or has an error.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import NamedTuple

from graphql import DocumentNode, FieldNode, GraphQLSchema, TypeInfo, TypeInfoVisitor, Visitor, visit
from graphql import OperationType as Kind
from strawberry.types.field import StrawberryField

from hub.web.answers import Made
from hub.web.encoding import encode
from hub.web.run import Run
from schema.rows import OF_THE_GRAPH

Standing = Callable[[], Hashable | None]
"""What the graph shows: equal only while no answer of it can have changed. None while that is not known, or while it
does not show yet what was said."""

_MOST_BYTES = 64_000_000
_LARGEST_BYTES = 4_000_000
_OVERHEAD_BYTES = 2_000  # of an answer beside its texts: its key, what it shows
_TYPENAME = "__typename"


class Place(NamedTuple):
    standing: Hashable
    key: tuple[object, ...]  # `hub.web.sharing`
    variables: bytes  # all of them


class Kept:
    """All of one standing of the graph, the latest used ones; what is asked of another standing finds nothing."""

    def __init__(self, schema: GraphQLSchema, standing: Standing, most_bytes: int = _MOST_BYTES) -> None:
        self._schema = schema
        self._standing = standing
        self._most = most_bytes
        self._bytes = 0
        self._of: Hashable = None
        self._made: OrderedDict[Place, tuple[Made, int]] = OrderedDict()
        self._hangs = lru_cache(256)(self._hangs_on_the_graph_alone)  # by the document

    def place(self, run: Run) -> Place | None:
        """Where the run's answer is, or belongs; to be taken before it is executed. None: nowhere."""
        prepared = run.prepared
        if prepared.operation.operation is not Kind.QUERY or not self._hangs(prepared.document):
            return None
        standing = self._standing()
        if standing is None:
            return None
        variables = encode(dict(sorted(run.operation.variables.items())))  # those of the first fields too
        return Place(standing, run.key, variables)

    def find(self, place: Place) -> Made | None:
        if place not in self._made:
            return None
        self._made.move_to_end(place)
        return self._made[place][0]

    def keep(self, place: Place, run: Run, made: Made) -> None:
        """Unless something was said while it was made: then nobody knows on which side of that it is."""
        standing = place.standing
        size = len(made.answer.body) + len(run.operation.document) + len(place.variables) + _OVERHEAD_BYTES
        if made.answer.code is not None or made.ledger.personal or made.ledger.withholding or size > _LARGEST_BYTES:
            return
        if standing != self._standing():
            return
        if standing != self._of:
            self._of, self._bytes = standing, 0
            self._made.clear()
        _, before = self._made.pop(place, (made, 0))
        self._made[place] = made, size
        self._bytes += size - before
        while self._bytes > self._most:
            _, (_, oldest) = self._made.popitem(last=False)
            self._bytes -= oldest

    def _hangs_on_the_graph_alone(self, document: DocumentNode) -> bool:
        looking = _Looking(TypeInfo(self._schema))
        visit(document, TypeInfoVisitor(looking.types, looking))
        return looking.all_of_the_graph


class _Looking(Visitor):
    """Over the whole document, its other operations too: they are seldom, and it errs on the safe side."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.all_of_the_graph = True

    def enter_field(self, node: FieldNode, *_: object) -> None:
        field = self.types.get_field_def()
        if node.name.value == _TYPENAME:
            return
        of = None if field is None else field.extensions.get("strawberry-definition")
        if not isinstance(of, StrawberryField) or of.extensions or not of_the_graph(of):
            self.all_of_the_graph = False


def of_the_graph(field: StrawberryField) -> bool:
    resolver = field.base_resolver
    return resolver is None or OF_THE_GRAPH in vars(resolver.wrapped_func)
