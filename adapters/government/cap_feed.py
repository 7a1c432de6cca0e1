"""What stands in a payload: CAP messages, single or within Atom, RSS, EDXL-DE or anything else, and feeds' entries."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml import etree

from adapters.contract import Raw, Unreadable
from adapters.government import markup
from adapters.government.cap_message import NAMESPACES, local, words
from adapters.xml import Element, name

_ENTRIES = frozenset({"entry", "item", "contentobject"})
_FEEDS = frozenset({"feed", "rss", "rdf", "channel", "alerts", "edxldistribution"})
_OF_AN_ALERT = frozenset({"identifier", "sender", "info"})
_MARKUP_TEXT = frozenset({"content", "description", "summary", "embeddedxmlcontent", "contentdata"})


@dataclass(frozen=True, slots=True)
class Found:
    """An `alert`, or a feed's `entry` that holds none."""

    element: Element
    is_alert: bool
    flags: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A message or an entry by itself. `link`: where the message is of which `raw` is the feed's entry."""

    raw: Raw
    link: str | None = None


def found_in(root: Element, *, most: int) -> Iterator[Found]:
    """In the order of the document. Raises Unreadable where there is neither a message nor a feed."""
    kind = local(root)[1]
    if kind == "alert":
        yield Found(root, True)
        return
    nothing = True
    waiting = [root]
    while waiting:
        element = waiting.pop()
        kind = local(element)[1]
        if kind == "alert" and _is_cap(element):
            nothing = False
            yield Found(element, True)
        elif kind in _ENTRIES:
            nothing = False
            inner = list(_within(element, most=most))
            yield from inner or [Found(element, False)]
        else:
            waiting.extend(reversed(element))
    if nothing and local(root)[1] not in _FEEDS:
        raise Unreadable(f"the document <{name(root)}> holds no CAP alert and is no feed", where=name(root))


def _is_cap(element: Element) -> bool:
    """Other vocabularies have alerts too."""
    return local(element)[0] in NAMESPACES or any(local(child)[1] in _OF_AN_ALERT for child in element)


def _within(entry: Element, *, most: int) -> Iterator[Found]:
    waiting = [entry]
    while waiting:
        element = waiting.pop()
        if local(element)[1] == "alert" and _is_cap(element):
            yield Found(element, True)
        elif len(element):
            waiting.extend(reversed(element))
        elif local(element)[1] in _MARKUP_TEXT and "alert" in (text := element.text or "") and "<" in text:
            with suppress(Unreadable):  # it is text about an alert, and the entry tells what it is
                root, flags = markup.read(text.strip().encode(), most=most)
                yield from (Found(f.element, f.is_alert, [*flags, *f.flags]) for f in found_in(root, most=most))


def pieces(raw: Raw, root: Element, flags: Sequence[str], *, most: int) -> list[Piece]:
    """Each message and entry of its own, so that a bad one spares the others. A payload that is one message stays as
    it came. The key of a part is the payload's with `#` and its number, from 1."""
    found = list(found_in(root, most=most))
    if len(found) == 1 and (found[0].element is root or (flags and found[0].is_alert)):
        return [Piece(raw=raw)]
    parts: list[Piece] = []
    for number, one in enumerate(found, 1):
        data = etree.tostring(one.element, with_tail=False, encoding="UTF-8")
        part = Raw(key=f"{raw.key}#{number}", received_at=raw.received_at, data=data, redelivered=raw.redelivered)
        parts.append(Piece(raw=part, link=None if one.is_alert else link_of(one.element, raw.key)))
    return parts


def link_of(entry: Element, base: str) -> str | None:
    """Where the entry's CAP message is, as an absolute address; None where the entry is all there is."""
    said: list[tuple[int, str]] = []
    for child in entry:
        kind = local(child)[1]
        if kind == "eventtype" and "gdacs" in str(child.tag):
            return None  # the entry is the message
        if kind in {"link", "enclosure"}:
            address = child.get("href") or child.get("url") or words(child)
            rank = _rank(child.get("type"), child.get("rel"))
            if address and rank is not None:
                said.append((rank, address))
    for _, address in sorted(said, key=lambda one: one[0]):
        with suppress(ValueError):
            whole = urljoin(base, address.strip())
            if urlsplit(whole).scheme in {"http", "https"} and urlsplit(whole).hostname:
                return whole
    return None


def _rank(media: str | None, relation: str | None) -> int | None:
    """0 the surest; None for what is no message."""
    kind = (media or "").partition(";")[0].strip().lower()
    if "cap" in kind:
        return 0
    if relation not in {None, "alternate", "related", "via", "enclosure"}:
        return None
    if kind in {"text/xml", "application/xml"}:
        return 1
    return 2 if not kind else None
