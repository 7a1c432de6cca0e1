"""An operator's `causeway forget`: what is held of a person, its erasure, and taking it back."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from hub.access.personal.desk import Footprint, PersonalDesk, Word
from hub.clock import now
from hub.control import Line
from hub.entering import operator
from hub.errors import BadRequest
from hub.graph.embedded import Embedded
from hub.graph.projector import Projector
from hub.journal.encoding import personal_fields
from hub.parts import Parts, external_graph
from hub.settings import Settings

Arguments = Mapping[str, object]


class StoppedGraph:
    """The embedded engine's files while no hub runs: the next start writes the graph anew."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded

    def condemn(self) -> None:
        self._embedded.condemn()

    async def renew(self) -> None:
        await self._embedded.discard()


class EmbeddedFiles:
    """The same of a running hub: the graph is empty for a moment, and then written anew."""

    def __init__(self, embedded: Embedded, projector: Projector) -> None:
        self._embedded = embedded
        self._projector = projector

    def condemn(self) -> None:
        self._embedded.condemn()

    async def renew(self) -> None:
        await self._embedded.renew()
        self._projector.renewed()


def desk(parts: Parts) -> PersonalDesk:
    """For a command without a running hub."""
    files = None
    if external_graph(parts.settings) is None:
        files = StoppedGraph(Embedded(parts.settings.state_dir, parts.clock))
    return PersonalDesk(parts.journal, parts.keyring, parts.clock, files, parts.uploads)


def discard_graph(settings: Settings) -> None:
    """After a restore: the embedded engine's files are of another log, and may show whom this one has forgotten."""
    if external_graph(settings) is None:
        asyncio.run(Embedded(settings.state_dir, now).discard())


async def forgetting(personal: PersonalDesk, arguments: Arguments) -> AsyncIterator[Line]:
    """`dry_run`: the things that would be emptied; else erases. Raises NotFound, Refused, BadRequest."""
    name = _text(arguments, "person")
    if arguments.get("dry_run"):
        yield {"result": _shown(await personal.footprint(name))}
        return
    done = await personal.erase(name, Word(actor=operator(), reason=_text(arguments, "reason")))
    yield {
        "result": {
            "person": done.person,
            "emptied": done.things,
            "dead_letters_deleted": done.letters,
            "sequence": done.seq,
        }
    }


async def readmitting(personal: PersonalDesk, arguments: Arguments) -> AsyncIterator[Line]:
    """Raises NotFound, Refused, BadRequest."""
    done = await personal.readmit(_text(arguments, "person"), Word(actor=operator(), reason=_text(arguments, "reason")))
    yield {"result": {"person": done.person, "taken_in": "from its sources' next word on", "sequence": done.seq}}


def _shown(footprint: Footprint) -> Mapping[str, object]:
    rows = [
        {
            "source": thing.source,
            "external_id": thing.external_id,
            "kind": thing.kind,
            "personal": ", ".join(
                sorted(name for name in personal_fields(thing.kind) if thing.claim.values.get(name) is not None)
            ),
            "state": "gone" if thing.gone else "told of",
        }
        for thing in footprint.things
    ]
    return {
        "rows": rows,
        "person": footprint.person,
        "dead_letters": len(footprint.letters),
        "erased_before": "yes" if footprint.erased else "no",
    }


def _text(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{name} is missing")
    return value
