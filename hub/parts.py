"""The hub's parts, opened in the order in which they lean on each other and closed in reverse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from adapters.secret import Secret
from hub.access.audit.store import AuditConfig
from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.issuer import Issuer
from hub.access.issuers import IssuerRules
from hub.access.personal.desk import PersonalDesk
from hub.clock import Clock, now
from hub.coordinates import CoordinateSystem
from hub.errors import SettingsError
from hub.graph.embedded import Embedded
from hub.graph.store import GraphConfig, Store
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.ingest.uploads import Uploads
from hub.journal.deliveries import Deliveries
from hub.journal.encoding import NoSeals
from hub.journal.lock import StateLock
from hub.journal.log import Journal, JournalConfig
from hub.journal.sealing import Keyring, KeyringConfig
from hub.journal.trust import SourceTrust
from hub.reserve.items import Catalogue
from hub.settings import Settings
from hub.units import Quantity

KEY_STORE = "keys.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a command works on; `serve` adds the tasks that run."""

    settings: Settings
    clock: Clock
    keyring: Keyring
    journal: Journal
    intake: Intake
    specs: tuple[SourceSpec, ...]
    deliveries: Deliveries
    issuer: Issuer | None = None  # where the park file has [accounts]

    @property
    def uploads(self) -> Uploads:
        return uploads_of(self.settings)

    @property
    def precedence(self) -> Mapping[str, int]:
        return {spec.id: spec.precedence for spec in self.specs}

    @property
    def retention(self) -> Mapping[str, timedelta]:
        return {q.name: q.retention for q in self.settings.quantities.values()}

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        return self.settings.quantities


def uploads_of(settings: Settings) -> Uploads:
    return Uploads(settings.state_dir / "uploads", settings.web.upload_limit)


def source_specs(settings: Settings) -> tuple[SourceSpec, ...]:
    return tuple(
        SourceSpec(
            id=s.section.id,
            definition=s.definition,
            config=s.config,
            every=s.section.every,
            discover_every=s.section.discover_every,
            expect_within=s.section.expect_within,
            max_skew=s.section.max_skew,
            timezone=ZoneInfo(s.section.timezone),
            coordinates=CoordinateSystem(s.section.coordinates),
            precedence=s.section.precedence,
            trusted_schemes=frozenset(s.section.trusted_schemes),
            organization=s.section.organization,
            retire_guard=s.section.retire_guard,
            buffered_history=s.section.buffered_history,
            dead_letters_per_hour=s.section.dead_letters_per_hour,
        )
        for s in settings.sources
    )


def keyring_config(settings: Settings) -> KeyringConfig:
    section = settings.journal
    store: Path | str = settings.state_dir / KEY_STORE
    if section.keys_url is not None:
        store = _with_password(settings, "journal.keys_password", section.keys_url, section.keys_password)
    return KeyringConfig(store=store, park_key=settings.park_key, state=settings.state_dir)


def journal_config(
    settings: Settings, *, keyring: Keyring | None = None, clock: Clock = now, lock: StateLock | None = None
) -> JournalConfig:
    """Without a keyring: where the journal is, for a backup or a restore."""
    specs = source_specs(settings)
    trust = {
        spec.id: SourceTrust(
            trusted_schemes=spec.trusted_schemes, organization=spec.organization, precedence=spec.precedence
        )
        for spec in specs
    }
    url = _with_password(settings, "journal.password", settings.journal.url, settings.journal.password)
    seals = keyring or NoSeals()
    return JournalConfig(url=url, folder=settings.state_dir, keyring=seals, trust=trust, lock=lock, clock=clock)


def audit_config(settings: Settings) -> AuditConfig:
    section = settings.audit
    return AuditConfig(
        url=_with_password(settings, "audit.password", section.url, section.password),
        folder=settings.state_dir,
        key=settings.audit_key,
        checkpoint_entries=section.checkpoint_entries,
        checkpoint_every=section.checkpoint_every,
    )


def _with_password(settings: Settings, name: str, url: str, password: Secret | None) -> str:
    if password is None:
        return url
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    if not at or ":" in user:
        raise SettingsError(
            f"{settings.file}: {name}: goes with a URL that names a user and no password: {scheme}://USER@HOST/…"
        )
    try:
        return f"{scheme}://{user}:{quote(password.reveal(), safe='')}@{host}"
    except LookupError as error:
        raise SettingsError(f"{settings.file}: {name}: {error}") from error


@contextlib.asynccontextmanager
async def open_parts(settings: Settings, clock: Clock = now) -> AsyncIterator[Parts]:
    """Takes the state's lock, opens keys and journal; raises AlreadyRunning, SettingsError."""
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = StateLock.take(settings.state_dir)
    try:
        keyring = Keyring.open(keyring_config(settings), clock=clock)
        try:
            journal = await Journal.open(journal_config(settings, keyring=keyring, clock=clock, lock=lock))
            issuer = None
            deliveries = Deliveries.open(settings.state_dir)
            try:
                issuer = await asyncio.to_thread(open_issuer, settings, keyring, clock)
                await PersonalDesk(journal, keyring, clock).settle()
                yield Parts(
                    settings=settings,
                    clock=clock,
                    keyring=keyring,
                    journal=journal,
                    intake=Intake(journal, settings.quantities, Catalogue(journal)),
                    specs=source_specs(settings),
                    deliveries=deliveries,
                    issuer=issuer,
                )
            finally:
                deliveries.close()
                if issuer is not None:
                    issuer.close()
                await journal.close()
        finally:
            keyring.close()
    finally:
        lock.release()


def open_issuer(settings: Settings, keyring: Keyring, clock: Clock) -> Issuer | None:
    """The hub's own issuer, where the park file asks for it; raises SettingsError."""
    section = settings.accounts
    if section is None:
        return None
    config = IssuerConfig(
        url=section.url,
        audience=section.audience or section.url,
        park=settings.park.name,
        access_life=section.access_life,
        refresh_life=section.refresh_life,
        session_life=section.session_life,
        key_life=section.key_life,
    )
    return Issuer.open(settings.state_dir, keyring, config, clock=clock)


def external_graph(settings: Settings) -> GraphConfig | None:
    """Where Neo4j is; None: the embedded engine. Raises SettingsError for a secret that is not there."""
    section = settings.graph
    if section.uri is None:
        return None
    try:
        password = section.password.reveal() if section.password else None
    except LookupError as error:
        raise SettingsError(f"{settings.file}: graph.password: {error}") from error
    return GraphConfig(uri=section.uri, user=section.user, password=password, database=section.database)


def trusted_issuers(settings: Settings) -> tuple[IssuerRules, ...]:
    """Raises SettingsError for a secret that is not there."""
    found = []
    for number, section in enumerate(settings.issuers):
        try:
            found.append(section.issuer())
        except LookupError as error:
            raise SettingsError(f"{settings.file}: issuer[{number}].client.secret: {error}") from error
    return tuple(found)


@contextlib.asynccontextmanager
async def open_graph(settings: Settings, clock: Clock = now) -> AsyncIterator[tuple[Store, Embedded | None]]:
    """The store, and the embedded engine where it is one that we run."""
    if (config := external_graph(settings)) is not None:
        store = await Store.open(config)
        try:
            yield store, None
        finally:
            await store.close()
        return
    embedded = Embedded(settings.state_dir, clock)
    store = await Store.open(await embedded.start())
    embedded.moved = store.move
    try:
        yield store, embedded
    finally:
        await store.close()
        await embedded.stop()
