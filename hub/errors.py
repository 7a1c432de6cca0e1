"""Every error that the hub raises on purpose, and what each tells whoever meets it.

CausewayError
├── SettingsError        a setting is wrong: says the key, the file and the nearest right key
├── BadRequest           the caller's arguments make no sense
├── Unauthenticated      no viewer could be made of the request
│   └── IssuerUnavailable  nor can one be for now: the token's issuer does not answer
├── Forbidden            the viewer may not
├── NotFound             nothing of that id, or nothing that the viewer may see
├── Conflict             the stream moved on since it was read; read again and decide
├── CursorGone           the cursor is of an earlier epoch, or past what is kept
├── TooSlow              a subscriber reads more slowly than the log grows; resume by cursor
├── GraphUnavailable     the graph does not answer; the journal goes on
├── GraphBehind          the graph has not yet reached the sequence that was asked for
├── StorageFull          the journal cannot be written; nothing was acknowledged
├── AuditUnavailable     what would be shown cannot be recorded, so nothing personal is shown
├── CostExceeded         the operation asks for too much at once
├── RateLimited          the client has asked for too much within the window; says when to come again
├── DeadlineExceeded     the work did not end in its time
├── AlreadyRunning       another hub holds this state
├── JournalCorrupt       the digest chain or a payload does not hold
├── Refused              a guard stopped the work and asks a person (retire guard, wide merge)
└── Internal             anything else, masked towards clients

A client may read `message` where `public` is true; every other exception is masked as INTERNAL.
"""

import difflib
from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """The closed list of codes that stand in `extensions.code` and in `Problem.code`."""

    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    CURSOR_GONE = "CURSOR_GONE"
    GRAPH_UNAVAILABLE = "GRAPH_UNAVAILABLE"
    GRAPH_BEHIND = "GRAPH_BEHIND"
    STORAGE_FULL = "STORAGE_FULL"
    COST_EXCEEDED = "COST_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    AUDIT_UNAVAILABLE = "AUDIT_UNAVAILABLE"
    INTERNAL = "INTERNAL"


class CausewayError(Exception):
    """The root: a message that says what to do, whether a retry helps, and whether clients may read it."""

    code: ClassVar[Code] = Code.INTERNAL
    retry: ClassVar[bool] = False
    public: ClassVar[bool] = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SettingsError(CausewayError):
    public = False


class BadRequest(CausewayError):
    code = Code.BAD_REQUEST


class Unauthenticated(CausewayError):
    code = Code.UNAUTHENTICATED


class IssuerUnavailable(Unauthenticated):
    retry = True


class Forbidden(CausewayError):
    code = Code.FORBIDDEN


class NotFound(CausewayError):
    code = Code.NOT_FOUND


class Conflict(CausewayError):
    code = Code.CONFLICT
    retry = True


class CursorGone(CausewayError):
    code = Code.CURSOR_GONE


class TooSlow(CausewayError):
    code = Code.RATE_LIMITED
    retry = True


class GraphUnavailable(CausewayError):
    code = Code.GRAPH_UNAVAILABLE
    retry = True


class GraphBehind(CausewayError):
    code = Code.GRAPH_BEHIND
    retry = True


class StorageFull(CausewayError):
    code = Code.STORAGE_FULL
    retry = True


class AuditUnavailable(CausewayError):
    code = Code.AUDIT_UNAVAILABLE
    retry = True


class CostExceeded(CausewayError):
    code = Code.COST_EXCEEDED


class RateLimited(CausewayError):
    code = Code.RATE_LIMITED
    retry = True

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds  # after which the same is answered


class DeadlineExceeded(CausewayError):
    code = Code.DEADLINE_EXCEEDED
    retry = True


class AlreadyRunning(CausewayError):
    public = False


class JournalCorrupt(CausewayError):
    public = False


class Refused(CausewayError):
    code = Code.CONFLICT


class Internal(CausewayError):
    public = False


def nearest(given: str, known: Iterable[str]) -> str:
    """What an error says of a word that is not known: `did you mean 'x'?`, or all that are."""
    names = sorted(known)
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.4)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known here: {', '.join(names)}" if names else "none is declared"
