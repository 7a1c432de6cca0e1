"""What /readyz says of each part: whether it does its work, how far it is, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.access.audit.audit import Audit
from hub.access.policy.policies import Policies
from hub.access.policy.watching import Watcher
from hub.access.tokens import Tokens
from hub.errors import CausewayError
from hub.graph.projector import Projector
from hub.graph.store import Store
from hub.ingest.supervisor import Supervisor
from hub.journal.log import Journal
from hub.warning.engine import Engine
from hub.web.health import Part, PartState, Probe, Probes

GRAPH_ANSWERS_WITHIN = 1.5  # seconds, else it is called degraded; before the probe's own time ends
BEHIND = 10_000  # sequence numbers behind at which the graph is called degraded


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """`tokens`: None in a hub that trusts no issuer."""

    journal: Journal
    store: Store
    projector: Projector
    engine: Engine
    supervisor: Supervisor
    policies: Policies
    policy_files: Watcher
    audit: Audit
    tokens: Tokens | None

    def probes(self) -> Probes:
        """Without the journal the hub is of no use; without the others it does what it can."""
        others: dict[str, Probe] = {
            "graph": self._graph,
            "warning": self._warning,
            "sources": self._sources,
            "policies": self._policies,
            "audit": self._audit,
        }
        if self.tokens is not None:
            others["issuers"] = self._issuers
        return Probes(needed={"journal": self._journal}, others=others)

    async def _journal(self) -> Part:
        figures = {"head": self.journal.head, "epoch": self.journal.epoch}
        if (reason := self.journal.failing) is not None:
            return Part(state=PartState.DOWN, text=reason, figures=figures)
        return Part(state=PartState.OK, figures=figures)

    async def _graph(self) -> Part:
        behind = self.journal.head - self.projector.position
        figures = {"position": self.projector.position, "behind": behind}
        try:
            await self.store.answers(GRAPH_ANSWERS_WITHIN)
        except CausewayError as error:
            return _as_it_is(f"{error.message.rstrip('.')}. Ingest, alerts and acknowledging go on.", figures)
        return _as_it_is("the graph catches up with the journal" if behind > BEHIND else None, figures)

    async def _warning(self) -> Part:
        figures = {"position": self.engine.position, "behind": self.journal.head - self.engine.position}
        return _as_it_is(self.engine.failing, figures)

    async def _audit(self) -> Part:
        reason = self.audit.failing
        text = reason and f"{reason}. Nothing personal is shown until then; everything else goes on."
        return _as_it_is(text, {"chain": self.audit.chain, "missed": self.audit.missed})

    async def _sources(self) -> Part:
        states = {status.id: status.state.value for status in self.supervisor.statuses()}
        sick = [name for name, state in states.items() if state != "OK"]
        return _as_it_is(f"look at {', '.join(sick)}" if sick else None, {"states": states})

    async def _policies(self) -> Part:
        return _as_it_is(self.policy_files.failing, {"version": self.policies.version})

    async def _issuers(self) -> Part:
        failing = self.tokens.failing if self.tokens else {}
        text = f"{' '.join(failing.values())} Tokens signed by keys that are known go on counting."
        return _as_it_is(text if failing else None, {})


def _as_it_is(text: str | None, figures: Mapping[str, object]) -> Part:
    """Degraded where there is something to say."""
    return Part(state=PartState.DEGRADED if text else PartState.OK, text=text or "", figures=figures)
