"""What every resolver is handed: the hub's parts, who asks, what may be shown, and the request's batches."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from hub.access.audit.audit import Audit
from hub.access.audit.record import Ledger
from hub.access.break_glass.desk import BreakGlasses
from hub.access.personal.consents import Consents
from hub.access.personal.desk import PersonalDesk
from hub.access.pseudonyms import Pseudonyms
from hub.access.sharing import with_terms
from hub.clock import Clock
from hub.command.incident_desk import IncidentDesk
from hub.ingest.source import SourceSpec, SourceStatus
from hub.ingest.uploads import Uploads
from hub.journal.log import Journal
from hub.live.facts import BreakGlassFact, IncidentFact, LotFact, SourceFact, WarningFact
from hub.reserve.reserve import Reserve
from hub.viewer import Action, Mask, Viewer
from hub.warning.warning_desk import WarningDesk

if TYPE_CHECKING:
    from schema.loaders import Loaders


class Store(Protocol):
    """The graph; raises GraphUnavailable."""

    async def read(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, object]]:
        """The rows of a statement that writes nothing."""
        ...


class Sources(Protocol):
    def statuses(self) -> Sequence[SourceStatus]:
        """All configured sources, in the park file's order."""
        ...


class AlertFact(Protocol):
    """One `alert.*` event of the log, as the feed tells it."""

    @property
    def cursor(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def type(self) -> str:
        """`alert.opened`, `alert.acknowledged`, `alert.returned` or `alert.closed`, or its `AlertEventType`."""
        ...

    @property
    def alert(self) -> Mapping[str, Any]:
        """The event's payload, `hub.journal.payloads.AlertPayload`: its snapshot needs no graph."""
        ...


class Feed(Protocol):
    def alerts(self, after: str | None) -> AsyncGenerator[AlertFact, None]:
        """Alert events past the cursor `after`, then live ones, without end; from now on where it is None.
        Raises CursorGone."""
        ...

    def warnings(self, after: str | None) -> AsyncGenerator[WarningFact, None]:
        """The same of what is said of official warnings."""
        ...

    def incidents(self, after: str | None) -> AsyncGenerator[IncidentFact, None]:
        """The same of incidents."""
        ...

    def break_glasses(self, after: str | None) -> AsyncGenerator[BreakGlassFact, None]:
        """The same of break-glasses."""
        ...

    def sources(self, after: str | None) -> AsyncGenerator[SourceFact, None]:
        """The same of sources that are lost, and are back."""
        ...

    def lots(self, after: str | None) -> AsyncGenerator[LotFact, None]:
        """The same of what sources say of lots."""
        ...


class Acknowledged(Protocol):
    @property
    def seq(self) -> int: ...
    @property
    def alert(self) -> Mapping[str, Any]: ...


class Desk(Protocol):
    async def acknowledge(self, viewer: Viewer, alert_id: str, note: str | None, key: str) -> Acknowledged:
        """Raises NotFound, Conflict, StorageFull."""
        ...


class Projection(Protocol):
    @property
    def position(self) -> int:
        """The sequence up to which the graph holds the log."""
        ...

    async def wait_for(self, seq: int, seconds: float) -> bool:
        """True once the graph holds `seq`; False when `seconds` passed first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The hub's parts that the schema calls: one set a process. `precedence`: source id → how far it is believed."""

    journal: Journal
    store: Store
    feed: Feed
    sources: Sources
    desk: Desk
    warning_desk: WarningDesk
    incident_desk: IncidentDesk
    break_glasses: BreakGlasses
    reserve: Reserve
    projection: Projection
    clock: Clock
    uploads: Uploads  # files that were sent for mutations
    personal: PersonalDesk | None = None
    consents: Consents | None = None
    person: Callable[[Viewer], str | None] = lambda viewer: None  # the id of the person who a viewer is
    specs: Sequence[SourceSpec] = ()
    tenant: Callable[[str | None], str | None] = lambda word: None  # whose a source is, by its organization's word
    precedence: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))  # of the times that people enter
    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms.of_this_process)
    audit: Audit | None = None  # a hub of a test's own may do without
    extent: float = 50_000.0  # metres within which all places of the park lie


def _loaders() -> "Loaders":
    from schema.loaders import Loaders

    return Loaders()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One a request (a subscription's events each take a fresh one, so that their batches are new).

    `mask` is what may be read. `others`: what may be done otherwise, where the policies tell it apart. The terms of
    lots bind all of them.
    """

    services: Services
    viewer: Viewer
    mask: Mask
    others: Mapping[Action, Mask] = field(default_factory=lambda: MappingProxyType({}))
    live: Callable[[int], Awaitable[Mask]] | None = None  # what may be watched once the log is taken in up to there
    language: str = "zh"
    loaders: "Loaders" = field(default_factory=_loaders)
    ledger: Ledger = field(default_factory=Ledger)  # what is shown, for the audit

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", with_terms(self.mask))
        held = {action: with_terms(mask) for action, mask in self.others.items()}
        object.__setattr__(self, "others", MappingProxyType(held))

    async def own(self, person: str | None) -> str | None:
        """The id of the viewer's own person, where that is the one who is asked for, or nobody is; else None."""
        own = self.services.person(self.viewer)
        if own is None or person is None:
            return own
        known = await self.services.journal.resolve([person])
        return own if known.get(person, person) == own else None

    async def watched(self, seq: int) -> Mask:
        """What may be watched by the time of the event: rights change while a stream is open."""
        return self.allowed(Action.SUBSCRIBE) if self.live is None else with_terms(await self.live(seq))

    def allowed(self, action: Action) -> Mask:
        return self.others.get(action, self.mask)
