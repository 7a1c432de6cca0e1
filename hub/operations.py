"""What an operator's commands do, the same whether the hub runs (over `hub.sock`) or not (with the lock taken here)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from adapters.contract import HealthState
from hub import auditing, breaking, deciding, entering, forgetting, issuing, supplying
from hub.access.audit.audit import Audit
from hub.access.break_glass.sealed import Sealed
from hub.access.copies import copiers
from hub.access.personal.desk import PersonalDesk
from hub.control import Line
from hub.errors import BadRequest, NotFound
from hub.graph.projector import Projector
from hub.hooking import HookDesk
from hub.ingest.replay import Outcome, replay
from hub.ingest.source import SourceStatus
from hub.journal import backup
from hub.journal.records import HeldDeadLetter
from hub.parts import Parts, audit_config, journal_config, keyring_config, open_graph
from hub.reserve.items import Catalogue
from hub.warning import replay as warning_replay
from hub.web.webhooks import Webhooks

Arguments = Mapping[str, object]
PAGE = 200
SHOWN_BYTES = 4000


class Desk:
    """Carries out operations by name. What else is given is the running hub's, where one runs."""

    def __init__(
        self,
        parts: Parts,
        *,
        statuses: Callable[[], Sequence[SourceStatus]] | None = None,
        projector: Projector | None = None,
        confirm: Callable[[str], None] | None = None,
        retry: Callable[[str], None] | None = None,
        audit: Audit | None = None,
        personal: PersonalDesk | None = None,
        sealed: Sealed | None = None,
        webhooks: Webhooks | None = None,
    ) -> None:
        self._parts = parts
        self._journal = parts.journal
        self._statuses = statuses
        self._projector = projector
        self._confirm = confirm
        self._retry = retry
        self._audit = audit
        self._personal = personal or forgetting.desk(parts)
        self._sealed = sealed
        self._hooks = HookDesk(parts, webhooks)

    def run(self, name: str, arguments: Arguments) -> AsyncIterator[Line]:
        """The operation's lines, the last one its result; raises NotFound, BadRequest and what the work raises."""
        operations: Mapping[str, Callable[[Arguments], AsyncIterator[Line]]] = {
            "sources": self._sources,
            "confirm-retirement": self._confirm_retirement,
            "retry-source": self._retry_source,
            "rebuild": self._rebuild,
            "replay": self._replay,
            "backup": self._backup,
            "backup-keys": self._backup_keys,
            "dead-letters": self._dead_letters,
            "dead-letter": self._dead_letter,
            "replay-dead-letters": self._replay_dead_letters,
            "unmapped": lambda arguments: supplying.unmapped(self._parts),
            "map-item": lambda arguments: supplying.mapping(self._parts, arguments),
            "stock-lists": lambda arguments: supplying.lists(self._parts, arguments),
            "confirm-list": lambda arguments: supplying.confirming(self._parts, arguments),
            "preview-table": self._preview_table,
            "import-table": self._import_table,
            **issuing.operations(self._parts, self._audit),
            **self._hooks.operations(),
            "matches": self._matches,
            "decide-match": self._decide_match,
            "audit-verify": lambda arguments: auditing.verifying(self._parts, self._audit, arguments),
            "audit-list": lambda arguments: auditing.listing(self._parts, self._audit, arguments),
            "audit-who-saw": lambda arguments: auditing.seen(self._parts, self._audit, arguments),
            "audit-report": lambda arguments: auditing.reporting(self._parts, self._audit, arguments),
            "break-glass-codes": lambda arguments: breaking.making_codes(self._sealed, arguments),
            "break-glass-open": lambda arguments: breaking.opening(self._sealed, arguments),
            "audit-key": lambda arguments: auditing.public_key(self._parts),
            "forget": lambda arguments: forgetting.forgetting(self._personal, arguments),
            "readmit": lambda arguments: forgetting.readmitting(self._personal, arguments),
        }
        if name not in operations:
            raise NotFound(f"the hub knows no operation {name!r}; its version may differ from the command's")
        return operations[name](arguments)

    async def _sources(self, arguments: Arguments) -> AsyncIterator[Line]:
        if self._statuses is not None:
            rows = [_status_row(status) for status in self._statuses()]
            yield {"result": {"rows": rows}}
            return
        rows = [
            {"id": spec.id, "adapter": spec.definition.name, "state": "", "text": "the hub is not running"}
            for spec in self._parts.specs
        ]
        yield {"result": {"rows": rows}}

    async def _confirm_retirement(self, arguments: Arguments) -> AsyncIterator[Line]:
        if self._confirm is None:
            raise BadRequest("only a running hub retires what a source no longer has: start it with causeway serve")
        source = _text(arguments, "source")
        self._confirm(source)
        yield {"result": {"source": source, "confirmed": "its next snapshot may retire what is missing"}}

    async def _retry_source(self, arguments: Arguments) -> AsyncIterator[Line]:
        if self._retry is None:
            raise BadRequest("only a running hub asks its sources: start it with causeway serve")
        source = _text(arguments, "source")
        self._retry(source)
        yield {"result": {"source": source, "asked": "again, at once"}}

    async def _rebuild(self, arguments: Arguments) -> AsyncIterator[Line]:
        if self._projector is not None:
            async for line in _rebuilding(self._projector):
                yield line
            return
        async with open_graph(self._parts.settings, self._parts.clock) as (store, _):
            projector = Projector(self._journal, store, self._parts.clock, self._parts.precedence)
            following = asyncio.create_task(projector.run())
            try:
                async for line in _rebuilding(projector):
                    yield line
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    async def _replay(self, arguments: Arguments) -> AsyncIterator[Line]:
        yield {"progress": "running the rules over the journal again …"}
        report = await warning_replay.check(self._journal, self._parts.precedence)
        result: dict[str, object] = {
            "rows": [{"difference": str(d)} for d in report.differences],
            "from": report.since or "the beginning of the log",
            "up_to": report.until,
            "compared": report.compared,
            "timers": report.timers,
            "verdict": "the recorded alerts equal a fresh run" if report.agrees else "they differ",
        }
        yield {"result": result}

    async def _backup(self, arguments: Arguments) -> AsyncIterator[Line]:
        folder = Path(_text(arguments, "folder"))
        config = journal_config(self._parts.settings)
        async for line in backup.backup(config, folder, copiers(audit_config(self._parts.settings))):
            yield line

    async def _backup_keys(self, arguments: Arguments) -> AsyncIterator[Line]:
        target = Path(_text(arguments, "file"))
        copied = await asyncio.to_thread(backup.backup_keys, keyring_config(self._parts.settings), target)
        yield {"result": copied}

    async def _dead_letters(self, arguments: Arguments) -> AsyncIterator[Line]:
        source = arguments.get("source")
        rows = [_letter_row(one) async for one in self._letters(str(source) if source else None)]
        yield {"result": {"rows": rows}}

    async def _letters(self, source: str | None) -> AsyncIterator[HeldDeadLetter]:
        after = 0
        while page := await self._journal.dead_letters(source, after=after, limit=PAGE):
            for one in page:
                yield one
            after = page[-1].id

    async def _letter(self, number: int) -> HeldDeadLetter:
        found = await self._journal.dead_letters(after=number - 1, limit=1)
        if not found or found[0].id != number:
            raise NotFound(f"there is no dead letter {number}; causeway dead-letters list shows them")
        return found[0]

    async def _dead_letter(self, arguments: Arguments) -> AsyncIterator[Line]:
        one = await self._letter(_number(arguments.get("id")))
        shown = "its key was forgotten" if one.data is None else _shown(one.data)
        yield {"result": {**_letter_row(one), "adapter_version": one.adapter_version, "data": shown}}

    async def _replay_dead_letters(self, arguments: Arguments) -> AsyncIterator[Line]:
        ids = arguments.get("ids")
        source = arguments.get("source")
        if isinstance(ids, list) and ids:
            chosen = [await self._letter(_number(one)) for one in ids]
        else:
            wanted = self._letters(str(source) if source else None)
            chosen = [one async for one in wanted if one.replayed_at is None]
        mended = 0
        still: list[Mapping[str, object]] = []
        for one in chosen:
            spec = next((s for s in self._parts.specs if s.id == one.source), None)
            if spec is None:
                still.append({"id": one.id, "reason": f"the park file has no source {one.source}"})
                continue
            outcome: Outcome = await replay(self._journal, self._parts.quantities, spec, one, Catalogue(self._journal))
            if outcome.reason is not None:
                still.append({"id": one.id, "reason": outcome.reason})
            elif outcome.repeated:
                yield {"progress": f"{one.id}: was replayed before"}
            else:
                mended += 1
                yield {"progress": f"{one.id}: stored"}
        yield {"result": {"rows": still, "stored": mended, "still_unreadable": len(still)}}

    def _preview_table(self, arguments: Arguments) -> AsyncIterator[Line]:
        return entering.previewing(self._parts, arguments)

    def _import_table(self, arguments: Arguments) -> AsyncIterator[Line]:
        return entering.importing(self._parts, arguments)

    def _matches(self, arguments: Arguments) -> AsyncIterator[Line]:
        return deciding.listing(self._journal)

    def _decide_match(self, arguments: Arguments) -> AsyncIterator[Line]:
        return deciding.deciding(self._journal, arguments)


async def _rebuilding(projector: Projector) -> AsyncIterator[Line]:
    """The rebuild's progress, at most a line a second, then how many entities it wrote."""
    reached = 0

    def progress(count: int) -> None:
        nonlocal reached
        reached = count

    work = asyncio.ensure_future(projector.rebuild(progress))
    shown = -1
    while not (await asyncio.wait({work}, timeout=1.0))[0]:
        if reached != shown:
            shown = reached
            yield {"progress": f"{shown} entities written" if shown else "waiting for the graph …"}
    yield {"result": {"entities": await work, "graph": "written anew"}}


def _status_row(status: SourceStatus) -> Mapping[str, object]:
    row = asdict(status)
    counts = row.pop("counts")
    records = sum(counts[name] for name in ("readings", "unchanged", "claims", "signals"))
    text = "" if status.state is HealthState.OK else status.text
    return {
        **row,
        "records": records,
        "dead_letters": counts["dead_letters"],
        "not_kept": counts["not_kept"],
        "text": text,
    }


def _letter_row(one: HeldDeadLetter) -> Mapping[str, object]:
    names = ("id", "source", "received_at", "key", "where", "reason", "replayed_at")
    return {name: getattr(one, name) for name in names}


def _shown(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.hex(" ")
    return text if len(text) <= SHOWN_BYTES else f"{text[:SHOWN_BYTES]} … ({len(data)} bytes)"


def _text(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"the argument {name} is missing")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise BadRequest(f"{value!r} is no number of a dead letter")
    return value
