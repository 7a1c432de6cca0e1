"""The running hub: every part wired, each task under one group, SIGTERM drained."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import uvicorn

from hub.access.audit.audit import Audit
from hub.access.audit.happenings import Happenings
from hub.access.audit.witness import in_journal
from hub.access.break_glass import steps
from hub.access.break_glass.desk import BreakGlasses, Limits
from hub.access.break_glass.sealed import Sealed
from hub.access.break_glass.telling import Teller
from hub.access.moment import Now
from hub.access.personal.consents import Consents
from hub.access.personal.desk import PersonalDesk
from hub.access.personal.retention import PersonalRetention
from hub.access.policy.catalogue import declared
from hub.access.policy.load import load as load_policies
from hub.access.policy.policies import Policies
from hub.access.policy.watching import Watcher
from hub.access.pseudonyms import Pseudonyms
from hub.access.rights import Everything, Rights
from hub.access.tokens import Tokens
from hub.access.trusting import trusting
from hub.clock import Clock, now
from hub.command.circumstances import Circumstances
from hub.command.incident_desk import IncidentDesk
from hub.control import bind, create_control
from hub.errors import CausewayError, GraphUnavailable, SettingsError
from hub.facing import cap_of, face
from hub.forgetting import EmbeddedFiles
from hub.gauges import show
from hub.graph.embedded import Embedded
from hub.graph.projector import Projector
from hub.graph.selection import MASKABLE
from hub.graph.store import Store
from hub.hooking import webhooks_of
from hub.ingest.collector import hand_back, one_arena, spare_collector
from hub.ingest.supervisor import Supervisor
from hub.live.feed import Feed
from hub.live.window import Window
from hub.operations import Desk
from hub.parts import Parts, audit_config, external_graph, open_parts, trusted_issuers
from hub.readiness import Readiness
from hub.reserve.distances import Pace
from hub.reserve.duty import Duty
from hub.reserve.reserve import Reserve
from hub.reserve.tenants import Tenants
from hub.settings import Settings
from hub.telemetry import Metrics, logger
from hub.viewer import EVERYTHING, Action, Mask
from hub.warning import rules
from hub.warning.desk import AlertDesk
from hub.warning.engine import Engine
from hub.warning.warning_desk import WarningDesk, locate
from hub.web.application import create_application
from hub.web.execution import Execution
from hub.web.guard import refuse_to_leave_loopback
from hub.web.limits import Limits as WebLimits
from hub.web.operation import Asker
from hub.web.releasing import Release
from hub.web.server import serve as serve_web
from hub.web.webhooks import Webhooks
from schema.context import Context, Services
from schema.context import Feed as Told
from schema.schema import schema

log = logger(__name__)

EXPIRE_EVERY = timedelta(hours=1)
HOUSEKEEP_EVERY = timedelta(hours=1)
ENGINE_PAUSE = 5.0  # seconds between attempts to start the embedded graph
EVENT_WAIT = 0.5  # seconds that an event waits for what follows from it


class Hub:
    """The parts of one running process; `run` ends when `stop` is set."""

    def __init__(
        self, parts: Parts, store: Store, embedded: Embedded | None, audit: Audit, tokens: Tokens | None = None
    ) -> None:
        self.parts = parts
        self.audit = audit
        self.happenings = Happenings(audit)
        if parts.issuer is not None:
            parts.issuer.tell_to(self.happenings.tell)
        self.tokens = tokens
        self.stop = asyncio.Event()
        self._embedded = embedded
        journal, clock = parts.journal, parts.clock
        self.metrics = Metrics()
        self.store = store
        self.supervisor = Supervisor(parts.specs, parts.intake, journal, clock)
        self.projector = Projector(
            journal, store, clock, parts.precedence, broken=embedded.replace if embedded else None
        )
        self.engine = Engine(
            journal,
            clock,
            precedence=parts.precedence,
            keep=max(parts.retention.values(), default=timedelta(days=90)),
        )
        files = EmbeddedFiles(embedded, self.projector) if embedded else None
        self.personal = PersonalDesk(journal, parts.keyring, clock, files, parts.uploads)
        self.personal_retention = PersonalRetention(
            journal, parts.keyring, clock, parts.settings.privacy.response_retention, files
        )
        self.feed = Feed(journal)
        moving = parts.settings.movement
        self.reserve = Reserve(
            journal,
            self.engine,
            clock,
            precedence=parts.precedence,
            pace=Pace(walking=moving.walking_speed, driving=moving.driving_speed, inside=moving.inside),
        )
        self.duty = Duty(journal, self.reserve, clock)
        self.tenants = Tenants(journal, self.reserve, (spec.organization for spec in parts.specs))
        self.circumstances = Circumstances(
            journal,
            self.engine,
            clock,
            precedence=parts.precedence,
            metres=parts.settings.warning.threat_metres,
            on_duty=self.duty.on_duty,
        )
        section = parts.settings.break_glass
        self.teller = Teller(url=section.tell_url, command=section.tell_command)
        self.glasses = BreakGlasses(
            journal,
            clock,
            lambda: self.rights,
            self.teller,
            Limits(fresh=section.fresh, longest=section.longest, second_persons=frozenset(section.second_persons)),
            lambda event: self.happenings.tell(event.type, steps.about(event)),
        )
        self.sealed: Sealed | None = None
        if tokens is not None:
            self.sealed = Sealed(
                self.glasses, clock, tokens, roles=frozenset(section.sealed_roles), purpose=section.sealed_purpose
            )
        self.moment = Now(self.circumstances.flags, self.glasses.broken, self.duty.holds)
        catalogue = declared(MASKABLE)
        loaded = load_policies(parts.settings.policies, catalogue)
        self.consents = Consents(journal, clock, self.personal, lambda: tuple(self.policies.loaded.roles.purposes))
        self.policies = Policies(loaded, self.circumstances, self.consents.withheld)
        self.rights: Rights = Everything() if tokens is None else self.policies
        if tokens is not None:
            tokens.defaults = self._default_purposes
            tokens.meet = self.duty.meet
        self.policy_files = Watcher(self.policies, parts.settings.policies, catalogue)
        self.services = Services(
            journal=journal,
            store=store,
            feed=self.feed,
            sources=self.supervisor,
            desk=AlertDesk(journal, clock),
            warning_desk=WarningDesk(journal, clock),
            incident_desk=IncidentDesk(journal, clock, ZoneInfo(parts.settings.park.timezone)),
            break_glasses=self.glasses,
            reserve=self.reserve,
            projection=self.projector,
            clock=clock,
            personal=self.personal,
            specs=parts.specs,
            tenant=self.tenants.organization,
            precedence=parts.precedence,
            timezone=ZoneInfo(parts.settings.park.timezone),
            extent=parts.settings.park.extent,
            uploads=parts.uploads,
            audit=audit,
            consents=self.consents,
            person=self.duty.person,
            pseudonyms=Pseudonyms(parts.keyring.hmac),
        )
        roles = self.policies.loaded.roles.roles
        self.webhooks = Webhooks(
            webhooks_of(parts.settings, self._default_purposes(), {name: one.purposes for name, one in roles.items()}),
            parts.deliveries,
            journal,
            self._executing,
            clock,
        )
        self.readiness = Readiness(
            journal=journal,
            store=store,
            projector=self.projector,
            engine=self.engine,
            supervisor=self.supervisor,
            policies=self.policies,
            policy_files=self.policy_files,
            audit=audit,
            tokens=tokens,
        )
        show(
            self.metrics,
            journal=journal,
            projector=self.projector,
            engine=self.engine,
            reserve=self.reserve,
            feed=self.feed,
            statuses=self.supervisor.statuses,
        )

    async def run(self) -> None:
        settings = self.parts.settings
        config = face(settings)
        application = create_application(
            schema,
            self._context,
            config,
            metrics=self.metrics,
            uploads=self.parts.uploads,
            probes=self.readiness.probes(),
            issuer=self.parts.issuer,
            authority=self.sealed,
            rights=self.rights,
            moment=self.moment,
            clock=self.parts.clock,
            audit=self.audit,
            happenings=self.happenings,
            head=self.feed.head,
            standing=lambda: self.projector.standing,
            cap=cap_of(settings),
        )
        operations = Desk(
            self.parts,
            statuses=self.supervisor.statuses,
            projector=self.projector,
            confirm=self.supervisor.confirm_retirement,
            retry=self.supervisor.retry,
            audit=self.audit,
            personal=self.personal,
            sealed=self.sealed,
            webhooks=self.webhooks,
        )
        try:
            async with asyncio.TaskGroup() as group:
                ending = [
                    group.create_task(work, name=name)
                    for name, work in {
                        "graph engine": self._keep_engine(),
                        "projector": self.projector.run(),
                        "warning": self.engine.run(),
                        "feed": self.feed.run(),
                        "reserve": self.reserve.run(),
                        "duty": self.duty.run(),
                        "tenants": self.tenants.run(),
                        "circumstances": self.circumstances.run(),
                        "break-glass": self.glasses.run(),
                        "teller": self.teller.run(),
                        "policies": self.policy_files.run(),
                        "consents": self.consents.run(),
                        "retention": self._expire(),
                        "issuer": self._keep_issuer(),
                        "audit": self.audit.run(),
                        "happenings": self.happenings.run(),
                        "webhooks": self.webhooks.run(),
                        "memory": hand_back(),
                        "loop lag": self.metrics.watch_loop(),
                        **({"issuers": self.tokens.run()} if self.tokens else {}),
                    }.items()
                ]
                sources = group.create_task(self.supervisor.run(), name="sources")
                web = group.create_task(serve_web(application, config, self.stop, self._listening), name="web")
                control = group.create_task(self._control(operations), name="control")
                await self.stop.wait()
                log.info("hub.draining")
                await self.supervisor.stop()
                await asyncio.gather(sources, web, control)
                for task in ending:
                    task.cancel()
        finally:
            log.info("hub.stopped", head=self.parts.journal.head)

    def _default_purposes(self) -> Mapping[str, str]:
        return {name: role.purpose for name, role in self.policies.loaded.roles.roles.items()}

    def _executing(self, window: Window) -> Execution:
        """As for the web's clients, of a piece of the log; the hub's own work is on no budget."""
        return Execution(
            schema,
            lambda asker, mask: self._context(asker, mask, window),
            self.metrics,
            self.rights,
            Release(self.audit, self.happenings),
            self.moment,
            limits=WebLimits(budget=0),
        )

    def _context(self, asker: Asker, mask: Mask, feed: Told | None = None) -> Context:
        """What a change answers is shown as a read would show it."""
        masks = {action: self.rights.mask(asker.viewer, action) for action in Action}
        shown = masks[Action.READ] if mask == masks[Action.WRITE] else mask
        return Context(
            services=self.services if feed is None else replace(self.services, feed=feed),
            viewer=asker.viewer,
            mask=shown,
            others=masks,
            live=lambda seq: self._watched(asker, seq),
            language=asker.language,
        )

    async def _watched(self, asker: Asker, seq: int) -> Mask:
        """Which places are threatened hangs on the event itself: who does not see all waits until that is known."""
        mask = self.rights.mask(self.moment.of(asker.viewer), Action.SUBSCRIBE)
        if all(grant.scope == EVERYTHING for grant in mask):
            return mask
        await self.circumstances.wait_for(seq, EVENT_WAIT)
        return self.rights.mask(self.moment.of(asker.viewer), Action.SUBSCRIBE)

    def _listening(self, url: str) -> None:
        log.info("hub.listening", url=url, explorer=f"{url}/", graphql=f"{url}/graphql")

    async def _keep_engine(self) -> None:
        """The embedded engine, started beside everything else: neither ingest nor alerts wait for it."""
        if self._embedded is None:
            return
        while True:
            try:
                await self._embedded.start()
                break
            except (GraphUnavailable, OSError) as error:
                log.warning("graph.engine_failed", reason=str(error))
                await asyncio.sleep(ENGINE_PAUSE)
        await self._embedded.watch()

    async def _control(self, operations: Desk) -> None:
        path = self.parts.settings.state_dir / "hub.sock"
        listener = bind(path)
        server = _Quiet(uvicorn.Config(create_control(operations), lifespan="off", log_config=None, access_log=False))
        try:
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            await self.stop.wait()
            server.should_exit = True
            await serving
        finally:
            listener.close()
            path.unlink(missing_ok=True)

    async def _expire(self) -> None:
        kept = self.parts.settings.journal
        while True:
            try:
                at = self.parts.clock()
                await self.parts.journal.expire(at, self.parts.retention)
                pruned = await self.parts.journal.prune(
                    at, dead_letters=kept.dead_letter_retention, commands=kept.command_retention
                )
                await self.parts.uploads.expire()
                audited = self.parts.settings.audit
                if gone := await self.audit.expire(at - audited.retention, at - audited.log_retention):
                    log.info("audit.expired", entries=gone)
                await self.personal_retention.expire()
                if any(pruned):
                    log.info("retention.pruned", **pruned._asdict())
            except CausewayError as error:
                log.warning("retention.failed", reason=error.message)
            await asyncio.sleep(EXPIRE_EVERY.total_seconds())

    async def _keep_issuer(self) -> None:
        """Its keys move on, and what has ended is forgotten."""
        while self.parts.issuer is not None:
            await asyncio.sleep(HOUSEKEEP_EVERY.total_seconds())
            try:
                await asyncio.to_thread(self.parts.issuer.housekeep)
            except CausewayError as error:
                log.warning("issuer.housekeeping_failed", reason=error.message)


class _Quiet(uvicorn.Server):
    """Leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, clock: Clock = now) -> None:
    """Runs the hub until SIGTERM or SIGINT; raises AlreadyRunning, SettingsError."""
    one_arena()  # before there are threads: one that has an arena of its own keeps it
    if not settings.issuers and settings.accounts is None:
        refuse_to_leave_loopback(settings.web.host)
    found = rules.load(settings.rules, settings.quantities) if settings.rules else None
    async with (
        open_parts(settings, clock) as parts,
        _audit(parts) as audit,
        _graph(settings, clock) as (store, embedded),
        trusting(trusted_issuers(settings), parts.issuer, clock) as tokens,
    ):
        if found is not None:
            await rules.record(parts.journal, found, clock())
        await locate(parts.journal, settings.park.geocodes, clock())
        hub = Hub(parts, store, embedded, audit, tokens)
        await hub.consents.refresh()  # before anything is answered
        spare_collector()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, hub.stop.set)
        log.info("hub.starting", park=settings.park.name, epoch=parts.journal.epoch, head=parts.journal.head)
        try:
            await hub.run()
        except* SettingsError as group:
            raise group.exceptions[0] from None


@contextlib.asynccontextmanager
async def _audit(parts: Parts) -> AsyncIterator[Audit]:
    audit = await Audit.open(audit_config(parts.settings), clock=parts.clock, witness=in_journal(parts.journal))
    try:
        yield audit
    finally:
        await audit.close()


@contextlib.asynccontextmanager
async def _graph(settings: Settings, clock: Clock) -> AsyncIterator[tuple[Store, Embedded | None]]:
    config = external_graph(settings)
    embedded = Embedded(settings.state_dir, clock) if config is None else None
    store = await Store.open(config)
    if embedded is not None:
        embedded.moved = store.move
    try:
        yield store, embedded
    finally:
        await store.close()
        if embedded is not None:
            await embedded.stop()
