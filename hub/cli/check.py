"""`causeway check`: reaches everything that the park file names, and says what to mend."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from importlib.util import find_spec

import httpx

from adapters.contract import AdapterConfig, HealthState, Source, SourceError
from hub import control
from hub.access.discovery import Discovery
from hub.access.keys import fits, usable
from hub.cli.report import Finding
from hub.errors import CausewayError
from hub.graph.store import Store
from hub.journal.named import NamedOrganization
from hub.journal.reach import organizations, reach
from hub.parts import external_graph, journal_config, trusted_issuers
from hub.settings import ConfiguredSource, Settings
from hub.warning import rules

SECONDS = 15.0
AT_ONCE = 20


async def check(settings: Settings) -> Sequence[Finding]:
    """The park's own parts first, then the sources, all at once, in the park file's order."""
    own = [finding async for finding in _own(settings)]
    limit = asyncio.Semaphore(AT_ONCE)
    running = control.is_running(settings.state_dir / "hub.sock")

    async def limited(source: ConfiguredSource) -> Finding:
        async with limit:
            return await _source(source, running=running)

    return [*own, *await asyncio.gather(*map(limited, settings.sources))]


async def _own(settings: Settings) -> AsyncIterator[Finding]:
    yield Finding(what="park file", ok=True, text=f"{settings.file}: {len(settings.sources)} sources")
    if control.is_running(settings.state_dir / "hub.sock"):
        yield Finding(what="state", ok=True, text=f"a hub is running on {settings.state_dir}")
    yield await _journal(settings)
    for finding in await _organizations(settings):
        yield finding
    yield await _graph(settings)
    async for finding in _issuers(settings):
        yield finding
    if settings.rules is None:
        yield Finding(what="rules", ok=True, text="none: the hub will raise no alerts; name a file by rules = …")
    else:
        try:
            found = rules.load(settings.rules, settings.quantities)
        except CausewayError as error:
            yield Finding(what="rules", ok=False, text=error.message)
        else:
            yield Finding(what="rules", ok=True, text=f"{settings.rules.name}: {len(found.rules)} rules")


async def _issuers(settings: Settings) -> AsyncIterator[Finding]:
    try:
        issuers = trusted_issuers(settings)
    except CausewayError as error:
        yield Finding(what="issuers", ok=False, text=error.message)
        return
    async with httpx.AsyncClient() as http:
        for issuer in issuers:
            discovery = Discovery(http, issuer.url, jwks_uri=issuer.jwks_uri)
            try:
                keys = usable(await discovery.keys())
                fitting = [key for key in keys.values() if any(fits(key, each) for each in issuer.algorithms)]
                if issuer.introspect != "no":
                    await discovery.introspection_endpoint()
            except CausewayError as error:
                yield Finding(what=f"issuer {issuer.url}", ok=False, text=error.message)
            else:
                text = f"{len(fitting)} keys" if fitting else "it has no key for its algorithms; correct `algorithms`"
                yield Finding(what=f"issuer {issuer.url}", ok=bool(fitting), text=text)


async def _journal(settings: Settings) -> Finding:
    try:
        text = await asyncio.to_thread(reach, settings.journal.url, settings.state_dir)
    except CausewayError as error:
        return Finding(what="journal", ok=False, text=error.message)
    return Finding(what="journal", ok=True, text=text)


async def _organizations(settings: Settings) -> Sequence[Finding]:
    """Those by whose words sources say whose they are."""
    words = list(dict.fromkeys(s.section.organization for s in settings.sources if s.section.organization))
    if not words:
        return ()
    try:
        found = await asyncio.to_thread(organizations, journal_config(settings).url, settings.state_dir, words)
    except CausewayError as error:
        return (Finding(what="organizations", ok=False, text=error.message),)
    return () if found is None else [_organization(word, found.get(word), begun=bool(found)) for word in words]


def _organization(word: str, found: NamedOrganization | None, *, begun: bool) -> Finding:
    """`begun`: others of them are known; before that a park is yet to be entered, and nothing is wrong."""
    what = f"organization {word}"
    if found is None:
        text = (
            "names no organization of the park, so nobody sees its sources as their own; enter it with the code "
            f"{word} (causeway import organizations), or write the code under which it was entered"
        )
        return Finding(what=what, ok=not begun, text=text)
    if found.by_code:
        return Finding(what=what, ok=True, text=found.id)
    text = (
        f"{found.id}; stock that names no holder is tied by the code alone: write the code under which it was entered"
    )
    return Finding(what=what, ok=True, text=text)


async def _graph(settings: Settings) -> Finding:
    try:
        config = external_graph(settings)
    except CausewayError as error:
        return Finding(what="graph", ok=False, text=error.message)
    if config is None:
        there = find_spec("arcadedb_embedded") is not None
        text = (
            "the embedded engine, started with the hub"
            if there
            else "arcadedb-embedded is not installed; set [graph] uri"
        )
        return Finding(what="graph", ok=there, text=text)
    origin = (
        " (from NEO4J_URI in the environment, which overrides the park file)" if settings.graph_from_environment else ""
    )
    store = await Store.open(config)
    try:
        await store.read("RETURN 1 AS one", {})
    except CausewayError as error:
        return Finding(what="graph", ok=False, text=f"{config.uri}{origin}: {error.message}")
    finally:
        await store.close()
    return Finding(what="graph", ok=True, text=f"{config.uri}{origin}")


async def _source(source: ConfiguredSource, *, running: bool) -> Finding:
    what = f"source {source.section.id} ({source.definition.name})"
    if running and source.definition.listens:  # at a port that a second listener cannot have
        return Finding(what=what, ok=True, text="the running hub listens for it; causeway sources says how it does")
    config: AdapterConfig = source.config
    try:
        async with asyncio.timeout(SECONDS):
            async with source.definition.factory(Source(id=source.section.id), config) as adapter:
                health = await adapter.check()
    except SourceError as error:
        return Finding(what=what, ok=False, text=str(error))
    except TimeoutError:
        return Finding(
            what=what, ok=False, text=f"no answer within {SECONDS:g} s; is the address right and the way open?"
        )
    version = f" ({health.version})" if health.version else ""
    return Finding(what=what, ok=health.state is HealthState.OK, text=(health.text or "answers") + version)
