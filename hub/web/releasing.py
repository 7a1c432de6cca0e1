"""The one way out: an answer leaves when what it shows is in the audit; without that, nothing personal does."""

from collections.abc import Hashable
from functools import lru_cache
from hashlib import sha256
from typing import Protocol, cast

from graphql import DocumentNode, FieldNode, OperationDefinitionNode, print_ast

from hub.access.audit.audit import Audit
from hub.access.audit.happenings import Happenings
from hub.access.audit.record import Asked, Ledger, Record
from hub.errors import Code
from hub.viewer import Viewer
from hub.web.answers import Made


class Audited(Protocol):
    """An operation's context, in which whatever loads notes what will be shown."""

    @property
    def ledger(self) -> Ledger: ...


class Release:
    """Without an audit, as in a hub of a test's own, every answer leaves."""

    def __init__(self, audit: Audit | None = None, happenings: Happenings | None = None) -> None:
        self._audit = audit
        self._happenings = happenings
        self._asked = lru_cache(256)(self._asking)

    def ledger(self, context: object, *, withholding: bool = False) -> Ledger:
        """That of a new context; it withholds what is personal while nothing can be recorded."""
        if self._audit is None:
            return Ledger()
        ledger = cast(Audited, context).ledger
        ledger.withholding = withholding or self.withholds
        return ledger

    @property
    def withholds(self) -> bool:
        """Nothing can be recorded at the moment."""
        return self._audit is not None and self._audit.failing is not None

    def asked(self, document: DocumentNode, operation: OperationDefinitionNode, transport: str) -> Asked:
        return self._asked(document, operation, transport)

    def _asking(self, document: DocumentNode, operation: OperationDefinitionNode, transport: str) -> Asked:
        return Asked(
            kind=operation.operation.value,
            name=operation.name.value[:200] if operation.name else None,
            document=_hash(document) if self._audit is not None else "",
            transport=transport,
            roots=tuple(
                sorted({each.name.value for each in operation.selection_set.selections if isinstance(each, FieldNode)})
            ),
        )

    def refused(self, code: Code | None, viewer: Viewer, transport: str) -> None:
        """An operation that was not let begin, or go on."""
        if self._happenings is not None and code in (Code.FORBIDDEN, Code.UNAUTHENTICATED):
            self._happenings.refused(code, {"transport": transport}, viewer)

    async def record(self, made: Made, viewer: Viewer, asked: Asked, same: Hashable = None) -> None:
        """Returns when the answer may leave: at once where it shows nothing personal. `same`: what makes it the same
        as that to another stream of the viewer, beside its cursor. Raises AuditUnavailable."""
        if made.ledger.personal and not made.ledger.withholding and self._audit is not None:
            await self._audit.write(self._record(self._audit, made, viewer, asked))
        else:
            self.note(made, viewer, asked, same)

    def note(self, made: Made, viewer: Viewer, asked: Asked, same: Hashable = None) -> None:
        """The same of an answer that shows nothing personal, at once."""
        if self._audit is None:
            return
        again = (viewer, asked.transport, same, made.answer.cursor) if made.answer.cursor is not None else None
        if not self._audit.again(again):
            self._audit.offer(self._record(self._audit, made, viewer, asked), again)

    @staticmethod
    def _record(audit: Audit, made: Made, viewer: Viewer, asked: Asked) -> Record:
        return Record(viewer=viewer, asked=asked, ledger=made.ledger, at=audit.clock(), code=made.answer.code)


def _hash(document: DocumentNode) -> str:
    """SHA-256 of the document without its layout and comments, in hex."""
    return sha256(print_ast(document).encode()).hexdigest()
