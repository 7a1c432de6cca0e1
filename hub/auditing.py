"""What an operator's commands see of the audit: does it hold, who saw whom; their looks are recorded like any other."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from hub.access.audit import keys, reading
from hub.access.audit.audit import Audit
from hub.access.audit.happenings import About, Happening
from hub.access.audit.reading import Access
from hub.access.audit.record import Asked, Ledger, Record
from hub.access.audit.store import open_engines
from hub.access.audit.verify import verify
from hub.access.audit.witness import in_journal, witnessed
from hub.control import Line
from hub.entering import operator
from hub.errors import BadRequest, SettingsError
from hub.parts import Parts, audit_config
from hub.units import duration
from hub.viewer import LOCAL_ADMINISTRATOR

PAGE = 500
SHOWN = 10_000  # rows that a command prints at most


async def verifying(parts: Parts, running: Audit | None, arguments: Mapping[str, object]) -> AsyncIterator[Line]:
    """Walks all chains. `keys`: public keys that are trusted beside, or without one instead of, the hub's own."""
    given = arguments.get("keys")
    trusted = [keys.public_key(str(each)) for each in given] if isinstance(given, list) and given else []
    if not trusted:
        trusted = [keys.signer(parts.settings.audit_key, make=False).public]
    told = await witnessed(parts.journal)
    yield {"progress": "walking the chains …"}
    engines = open_engines(audit_config(parts.settings))
    chain = None if running is None else running.chain
    try:
        found = await reading.in_thread(engines, lambda connection: verify(connection, trusted, told, chain))
    finally:
        engines.dispose()
    rows = [
        {"chain": each.chain, "entry": each.number, "what": each.what, "text": each.text} for each in found.findings
    ]
    for note in found.notes:
        yield {"progress": note}
    yield {
        "result": {
            "rows": rows,
            "chains": found.chains,
            "entries": found.entries,
            "checkpoints": found.checkpoints,
            "checkpoints_in_the_journal": len(told),
            "verdict": "the record holds" if found.holds else "the record was changed",
        }
    }


async def listing(parts: Parts, running: Audit | None, arguments: Mapping[str, object]) -> AsyncIterator[Line]:
    """The newest entries first."""
    since, first = _since(parts, arguments), _first(arguments)
    async with _opened(parts, running) as audit:
        found = await _all(audit, None, since, first)
        await _recorded(audit, "audit list", len(found), parts)
    yield {"result": {"rows": [_row(each, None) for each in found]}}


async def seen(parts: Parts, running: Audit | None, arguments: Mapping[str, object]) -> AsyncIterator[Line]:
    """Who was shown something personal of `person`, or of what that person holds; the newest first."""
    person = _person(arguments)
    since, first = _since(parts, arguments), _first(arguments)
    ids = await reading.ids_of(parts.journal, person)
    async with _opened(parts, running) as audit:
        found = await _all(audit, ids, since, first)
        await _recorded(audit, "audit who-saw", len(found), parts)
    rows = [_row(each, frozenset(ids)) for each in found]
    who = {(each.viewer.get("issuer"), each.viewer.get("subject")) for each in found}
    yield {"result": {"rows": rows, "answers": len(rows), "viewers": len(who)}}


async def reporting(parts: Parts, running: Audit | None, arguments: Mapping[str, object]) -> AsyncIterator[Line]:
    """A person's own access report: each viewer and purpose once, with what was shown, how often, from when to when."""
    person = _person(arguments)
    since = _since(parts, arguments)
    ids = await reading.ids_of(parts.journal, person)
    async with _opened(parts, running) as audit:
        found = await _all(audit, ids, since, SHOWN)
        await _recorded(audit, "audit report", len(found), parts)
    rows = [
        {
            **{name: seer.viewer.get(name, "") for name in ("subject", "issuer", "client", "organization", "purpose")},
            "roles": ", ".join(seer.viewer.get("roles", ())),
            "shown": ", ".join(seer.shown),
            "masked": ", ".join(seer.masked),
            "answers": seer.answers,
            "first": seer.first,
            "last": seer.last,
        }
        for seer in reading.report(found, frozenset(ids))
    ]
    yield {"result": {"rows": rows, "person": person, "since": since or "the beginning", "answers": len(found)}}


def _person(arguments: Mapping[str, object]) -> str:
    person = arguments.get("person")
    if not isinstance(person, str) or not person:
        raise BadRequest("name the person by their id, as a query shows it")
    return person


async def public_key(parts: Parts) -> AsyncIterator[Line]:
    try:
        yield {"result": {"key": keys.signer(parts.settings.audit_key, make=False).public}}
    except SettingsError as error:
        raise BadRequest(f"{error.message}. It is made when the hub first starts.") from error


@asynccontextmanager
async def _opened(parts: Parts, running: Audit | None) -> AsyncIterator[Audit]:
    """The running hub's, else one of this command's own."""
    if running is not None:
        yield running
        return
    config = replace(audit_config(parts.settings), checkpoint_every=timedelta(hours=1))
    audit = await Audit.open(config, clock=parts.clock, witness=in_journal(parts.journal))
    try:
        await audit.settled()
        yield audit
    finally:
        await audit.close()


async def _all(audit: Audit, ids: Sequence[str] | None, since: datetime | None, first: int) -> list[Access]:
    found: list[Access] = []
    while len(found) < first:
        after = found[-1].position if found else None
        page = await reading.accesses(audit.engines, ids, since=since, after=after, first=min(PAGE, first - len(found)))
        found += page
        if len(page) < PAGE:
            break
    return found


async def _recorded(audit: Audit, name: str, count: int, parts: Parts) -> None:
    ledger = Ledger()
    ledger.rows("Access", count)
    viewer = replace(LOCAL_ADMINISTRATOR, subject=operator())
    asked = Asked(kind="command", name=name, document=sha256(name.encode()).hexdigest(), transport="command")
    await audit.write(Record(viewer=viewer, asked=asked, ledger=ledger, at=parts.clock()))


async def happened(parts: Parts, running: Audit | None, name: str, about: About) -> None:
    """By the operator's command, beside answers. Raises AuditUnavailable."""
    viewer = replace(LOCAL_ADMINISTRATOR, subject=operator())
    async with _opened(parts, running) as audit:
        await audit.write(Happening(name, at=parts.clock(), viewer=viewer, about=about))


def _row(access: Access, ids: frozenset[str] | None) -> Mapping[str, object]:
    """`ids`: whose fields alone are named; None: everybody's, and counts of the rest."""
    body, viewer = access.body, access.viewer
    if ids is None:
        personal = body.get("personal", {})
        shown = [f"{name} of {len(each.get('shown', ()))}" for name, each in personal.items() if each.get("shown")]
        shown += [f"{each['rows']} {name}" for name, each in body.get("types", {}).items()]
        shown += [f"{key}={value}" for key, value in body.get("about", {}).items()]
        shown += [f"{body['times']} times"] if "times" in body else []
        masked = [f"{name} of {len(each['masked'])}" for name, each in personal.items() if each.get("masked")]
    else:
        shown, masked = list(access.fields(ids, "shown")), list(access.fields(ids, "masked"))
    return {
        "at": access.at,
        "subject": viewer.get("subject", "" if body else "(its time is over)"),
        "issuer": viewer.get("issuer", ""),
        "client": viewer.get("client", ""),
        "roles": ", ".join(viewer.get("roles", ())),
        "purpose": viewer.get("purpose", ""),
        "break_glass": viewer.get("breakGlass", ""),
        "over": body.get("transport", ""),
        "operation": body.get("event") or " ".join(filter(None, (body.get("kind"), body.get("name")))),
        "document": body.get("document", ""),
        "shown": ", ".join(shown),
        "masked": ", ".join(masked),
        "chain": access.chain,
        "entry": access.number,
    }


def _since(parts: Parts, arguments: Mapping[str, object]) -> datetime | None:
    """A moment, or how long ago. Raises BadRequest."""
    given = arguments.get("since")
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError:
        try:
            return parts.clock() - duration(str(given))
        except ValueError as error:
            raise BadRequest(
                f"{given} is neither a time such as 2026-05-01T08:00+08:00 nor a duration such as 7d"
            ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(parts.settings.park.timezone))


def _first(arguments: Mapping[str, object]) -> int:
    first = arguments.get("first")
    return first if isinstance(first, int) and 0 < first <= SHOWN else SHOWN
