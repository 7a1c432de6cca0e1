"""Which coded item a lot is, by its name: what people decided, else the item's own name; applied to all sources' lots.

Decisions are events. Intake applies them before a claim is appended, and a later decision appends the lots' claims
anew, so that the graph stays what the log's claims say (docs/adr/0008-items-are-mapped-before-the-log.md).
"""

import asyncio
import difflib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from adapters.contract import Claim, Link, Value
from hub.errors import BadRequest, nearest
from hub.journal.log import Journal
from hub.journal.records import HUB, Appended, Command, Draft, EventEntry, HeldClaim, NewEvent

LOT, ITEM = "SupplyLot", "SupplyItem"
MAPPED = "supply_item.mapped"
_STREAM = "supplies:mapping"
_IMPORTED = "import:codes"
_PAGE = 500
_LONGEST = 200  # characters of a text that is mapped
_SHORTEST = 2  # characters of one that may stand anywhere in a name


class Match(StrEnum):
    EXACT = "EXACT"  # the name is this
    CONTAINS = "CONTAINS"  # it stands somewhere in the name


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`code` None: what was said of this text before no longer holds."""

    text: str
    match: Match = Match.EXACT
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """`external_id`, of `source`: what a lot's link leads to."""

    code: str
    name: str | None
    source: str
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped:
    """A name whose lots have no code; `proposed` is the item whose name is most like it."""

    text: str
    lots: int
    sources: tuple[str, ...]
    proposed: Item | None


def plain(text: str) -> str:
    """As names are compared: NFKC, lower case, without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True, slots=True)
class Rules:
    """What is decided at one moment. A person's exact word goes first, then the item's own name, then the longest text
    that the name contains."""

    items: Mapping[str, Item] = field(default_factory=dict)  # by code
    exact: Mapping[str, str] = field(default_factory=dict)  # plain name → code
    contains: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)  # plain name of an item → code, where it is one's alone

    def code_of(self, name: str) -> str | None:
        said = plain(name)
        if (code := self.exact.get(said) or self.named.get(said)) is not None:
            return code
        found = [text for text in self.contains if text in said]
        return self.contains[max(found, key=lambda text: (len(text), text))] if found else None

    def applied(self, claim: Claim) -> Claim:
        """The lot with its item's code and link. A code that its source gives stays as it is."""
        if claim.kind != LOT or claim.gone:
            return claim
        name, given = claim.values.get("name"), claim.values.get("item_code")
        code = given if isinstance(given, str) else self.code_of(name) if isinstance(name, str) else None
        links = tuple(link for link in claim.links if link.relation != "OF_ITEM")
        if code is None:
            return claim
        if (item := self.items.get(code)) is not None:
            links = (*links, Link(relation="OF_ITEM", target=item.external_id, source=item.source))
        elif given is not None:
            links = claim.links
        return replace(claim, values={**claim.values, "item_code": code}, links=links)

    def taken_back(self, claim: Claim) -> Claim:
        """The lot as its source gave it: without the code that these rules gave it."""
        name, code = claim.values.get("name"), claim.values.get("item_code")
        if code is None or not isinstance(name, str) or self.code_of(name) != code:
            return claim
        values: dict[str, Value] = {key: value for key, value in claim.values.items() if key != "item_code"}
        return replace(claim, values=values, links=tuple(link for link in claim.links if link.relation != "OF_ITEM"))


class Catalogue:
    """The rules as the log has them; `refresh` brings them up to date, by two short reads. Intake's refinement."""

    kinds = frozenset({LOT})

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._head = -1
        self._seen = 0  # version of the stream of decisions
        self._imports = -1  # of the stream of imports
        self.rules = Rules()

    async def refresh(self) -> None:
        head = self._journal.head
        if head == self._head:
            return
        # Several sources' intakes ask at once: what is set at the end is of one look, however many there are.
        seen, imports, rules = self._seen, self._imports, self.rules
        decided = await self._journal.stream(_STREAM, after=seen)
        imported = await self._journal.stream(_IMPORTED, after=max(0, imports))
        if decided:
            rules = _decided(rules, decided)
        if imported or imports < 0:
            items = _items(await self._journal.live_of([ITEM]))
            rules = Rules(items, rules.exact, rules.contains, _by_name(items.values()))
        self._seen, self._imports = seen + len(decided), max(0, imports) + len(imported)
        self._head, self.rules = head, rules

    def refine(self, claim: Claim) -> Claim:
        return self.rules.applied(claim)


async def map_items(
    journal: Journal, decisions: Sequence[Decision], *, actor: str, now: datetime, command: Command | None = None
) -> tuple[Appended, int]:
    """Stores what a person decided and applies it to the lots that are there; how many changed. Raises BadRequest for
    a code that was never imported, Conflict where someone decided in the same moment."""
    catalogue = Catalogue(journal)
    await catalogue.refresh()
    before = catalogue.rules
    mappings = [_checked(decision, before.items) for decision in decisions]
    event = NewEvent(
        type=MAPPED,
        version=1,
        stream=_STREAM,
        expected=len(await journal.stream(_STREAM)),
        data={"mappings": mappings},
        actor=actor,
    )
    appended = await journal.append(Draft(source=HUB, received_at=now, events=[event], command=command))
    await catalogue.refresh()
    return appended, await settle(journal, before, catalogue.rules)


async def settle_new(journal: Journal) -> int:
    """Gives the lots that have no code, or no link to its item, what the rules say now: after items were imported."""
    catalogue = Catalogue(journal)
    await catalogue.refresh()
    return await settle(journal, Rules(), catalogue.rules)


async def settle(journal: Journal, before: Rules, after: Rules) -> int:
    """Says anew each lot's claim that `after` changes; how many. When it was last seen stays as it was."""
    count = 0
    async for page in journal.live_pages([LOT], _PAGE):
        changed: dict[tuple[str, datetime], dict[int, Claim]] = {}
        for held in page:
            claim = after.applied(before.taken_back(held.claim))
            if claim != held.claim:
                changed.setdefault((held.source, held.last_seen), {})[held.seq] = claim
        for (source, seen), claims in changed.items():
            count += await journal.revise(source, claims, seen)
    return count


async def unmapped(journal: Journal) -> list[Unmapped]:
    """The queue: names without a code, those of most lots first."""
    catalogue = Catalogue(journal)
    await catalogue.refresh()
    waiting: dict[str, list[HeldClaim]] = {}
    async for page in journal.live_pages([LOT], _PAGE):
        for held in page:
            name = held.claim.values.get("name")
            if held.claim.values.get("item_code") is None and isinstance(name, str):
                waiting.setdefault(plain(name), []).append(held)
    return await asyncio.to_thread(_queue, waiting, catalogue.rules)


def _queue(waiting: Mapping[str, Sequence[HeldClaim]], rules: Rules) -> list[Unmapped]:
    names = {plain(item.name): item for item in rules.items.values() if item.name}
    rows = [
        Unmapped(
            text=str(lots[0].claim.values["name"]),
            lots=len(lots),
            sources=tuple(sorted({lot.source for lot in lots})),
            proposed=_nearest(text, names),
        )
        for text, lots in waiting.items()
    ]
    return sorted(rows, key=lambda row: (-row.lots, row.text))


def _nearest(text: str, names: Mapping[str, Item]) -> Item | None:
    near = difflib.get_close_matches(text, names, n=1, cutoff=0.5)
    if near:
        return names[near[0]]
    within = [name for name in names if name in text or text in name]
    return names[max(within, key=len)] if within else None


def _checked(decision: Decision, items: Mapping[str, Item]) -> Mapping[str, str | None]:
    text = plain(decision.text)
    if not text or len(text) > _LONGEST:
        raise BadRequest(f"the text to map is empty, or longer than {_LONGEST} characters")
    if decision.match is Match.CONTAINS and len(text) < _SHORTEST:
        raise BadRequest(f"{decision.text!r} stands in too many names; give at least {_SHORTEST} characters")
    if decision.code is not None and decision.code not in items:
        raise BadRequest(
            f"there is no item with the code {decision.code!r}; {nearest(decision.code, items)}. "
            "`causeway import codes` enters the table"
        )
    return {"text": text, "match": str(decision.match), "code": decision.code}


def _decided(rules: Rules, events: Sequence[EventEntry]) -> Rules:
    texts = {Match.EXACT: dict(rules.exact), Match.CONTAINS: dict(rules.contains)}
    for event in events:
        mappings = event.data["mappings"]
        if event.type != MAPPED or not isinstance(mappings, list):
            continue
        for one in mappings:
            of = texts[Match(one["match"])]
            of.pop(one["text"], None)
            if one["code"] is not None:
                of[one["text"]] = one["code"]
    return Rules(rules.items, texts[Match.EXACT], texts[Match.CONTAINS], rules.named)


def _items(held: Iterable[HeldClaim]) -> dict[str, Item]:
    """Of two sources' items with one code the hub's own."""
    found: dict[str, Item] = {}
    for each in sorted(held, key=lambda one: (one.source == HUB, one.source)):
        code, name = each.claim.values.get("code"), each.claim.values.get("name")
        if isinstance(code, str):
            called = name if isinstance(name, str) else None
            found[code] = Item(code=code, name=called, source=each.source, external_id=each.claim.external_id)
    return found


def _by_name(items: Iterable[Item]) -> dict[str, str]:
    """A name that two items have names neither."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for item in items:
        if item.name:
            name = plain(item.name)
            if name in found:
                twice.add(name)
            found[name] = item.code
    return {name: code for name, code in found.items() if name not in twice}
