"""One CAP message as a claim: 1.2, and what is borne with of 1.1, 1.0, China's GB/T 35965 and the careless."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from lxml import etree

from adapters.contract import Claim, Unreadable
from adapters.government import gbt35965
from adapters.government.areas import Geocode, circle, polygon
from adapters.government.draft import COLOURS, SEVERITIES, Draft, colour_in, nameless
from adapters.government.times import moment
from adapters.xml import Element
from graph_models.entities import Certainty, MessageType, Severity, Urgency, WarningColour, WarningStatus

NAMESPACES = frozenset(
    {
        "urn:oasis:names:tc:emergency:cap:1.2",
        "urn:oasis:names:tc:emergency:cap:1.1",
        "urn:oasis:names:tc:emergency:cap:1.0",
        "http://www.incident.com/cap/1.0",
    }
)
_CERTAINTIES: Mapping[str, Certainty] = {"very likely": Certainty.LIKELY}  # CAP 1.0
_SCOPES = frozenset({"public", "restricted", "private"})
_COLOUR_WORDS: Mapping[str, WarningColour] = {str(one).lower(): one for one in WarningColour}
_SEVERITY_WORDS: Mapping[str, Severity] = {
    **{word: SEVERITIES[colour] for word, colour in _COLOUR_WORDS.items()},
    **{f"{sign}色": SEVERITIES[colour] for sign, colour in COLOURS.items()},
}
_MEASURES: Mapping[str, str] = {
    "magnitude": "magnitude",
    "eventpreliminarymagnitude": "magnitude",
    "depth": "depth",
    "eventdepth": "depth",
}
_LEADING = re.compile(r"[-+]?\d{1,6}(\.\d{1,9})?")


class Part:
    """An element's children by name, small letters, so that none is looked for twice. `namespaces`: those of these
    vocabularies alone, where their names are others' too."""

    __slots__ = ("_all",)

    def __init__(self, element: Element, namespaces: frozenset[str] | None = None) -> None:
        self._all: dict[str, list[Element]] = {}
        for child in element:
            uri, own = local(child)
            if namespaces is None or uri in namespaces:
                found = self._all.get(own)
                if found is None:
                    self._all[own] = [child]
                else:
                    found.append(child)

    def __contains__(self, wanted: str) -> bool:
        return wanted in self._all

    def all(self, wanted: str) -> Sequence[Element]:
        return self._all.get(wanted, ())

    def text(self, *wanted: str) -> str | None:
        """Of the first of these that says something."""
        for one in wanted:
            for element in self._all.get(one, ()):
                if found := words(element):
                    return found
        return None


def local(element: Element) -> tuple[str, str]:
    """The namespace, and the name in small letters."""
    return _split(element.tag)


@lru_cache(maxsize=1024)
def _split(tag: object) -> tuple[str, str]:
    uri, _, own = str(tag).rpartition("}")
    return uri[1:], own.lower()


def words(element: Element) -> str:
    """The element's text, that of markup within it too."""
    if len(element):
        return "".join(str(text) for text in element.itertext()).strip()
    return (element.text or "").strip()


@dataclass(frozen=True, slots=True)
class _Info:
    part: Part
    language: str  # as it says, else en-US: CAP's default


def claim_of(alert: Element, languages: Sequence[str], flags: Sequence[str] = ()) -> Claim:
    """`languages`: of several infos, the texts are of the first of these that there is. Raises Unreadable."""
    top = Part(alert)
    draft = Draft(flags=[*flags, *_namespace(alert)])
    identifier = top.text("identifier")
    infos = [_Info(part, part.text("language") or "en-US") for part in map(Part, top.all("info"))]
    if identifier is None:
        if not infos and "sender" not in top:
            raise Unreadable("an alert without identifier, sender and info says nothing", where="alert/identifier")
        identifier = nameless(etree.tostring(alert, with_tail=False))
        draft.flag("identifier_missing")
    elif re.search(r"[\s,<&]", identifier):
        draft.flag("identifier_malformed")
    _head(draft, top, identifier)
    if infos:
        _tell(draft, infos, languages)
    else:
        draft.flag("info_missing")
    return draft.claim(identifier)


def _namespace(alert: Element) -> Iterator[str]:
    uri, _ = local(alert)
    if not uri:
        yield "namespace_missing"
    elif uri not in NAMESPACES:
        yield f"namespace_unknown: {uri}"


def _head(draft: Draft, top: Part, identifier: str) -> None:
    sender = top.text("sender", "sendername", "sendercode")
    draft.text("sender", sender)
    if sender is None:
        draft.flag("sender_missing")
    draft.time("sent", top.text("sent", "sendtime"), needed=True)
    if "sent" not in draft.values and (issued := gbt35965.issued_at(identifier)) is not None:
        draft.values["sent"] = issued
    draft.word("status", top.text("status"), WarningStatus, needed=True)
    draft.word("message_type", top.text("msgtype"), MessageType, needed=True)
    scope = (top.text("scope") or "").lower()
    if scope != "public":
        draft.flag(f"scope_{scope}" if scope in _SCOPES else "scope_unknown" if scope else "scope_missing")
    said = top.text("references")
    if said is None:
        if "references" in top:
            draft.flag("references_empty")
        elif draft.values.get("message_type") in {MessageType.UPDATE, MessageType.CANCEL}:
            draft.flag("references_missing")
    else:
        draft.references += _references(said, draft)


def _references(said: str, draft: Draft) -> Iterator[str]:
    """CAP's `sender,identifier,sent` each, or China's bare identifiers."""
    for one in said.split():
        parts = one.split(",")
        if len(parts) >= 3:
            yield ",".join(parts[1:-1])
        elif len(parts) == 2:
            draft.flag("reference_malformed", one)
            yield parts[1] if moment(parts[1]) is None else parts[0]
        else:
            if not gbt35965.is_identifier(one):
                draft.flag("reference_malformed", one)
            yield one


def _tell(draft: Draft, infos: Sequence[_Info], languages: Sequence[str]) -> None:
    chosen = _of_language(infos, languages)
    if len(chosen) > 1:
        draft.flag("several_infos", str(len(chosen)))
    part = min((info.part for info in chosen), key=_rank) if len(chosen) > 1 else chosen[0].part
    draft.text("language", part.text("language"))
    draft.text("category", ", ".join(dict.fromkeys(filter(None, map(words, part.all("category"))))))
    draft.text("event", part.text("event", "eventtype"))
    if "event" not in draft.values:
        draft.flag("event_missing")
    draft.word("urgency", part.text("urgency"), Urgency, needed=True)
    draft.word("severity", part.text("severity"), Severity, needed=True, also=_SEVERITY_WORDS)
    draft.word("certainty", part.text("certainty"), Certainty, needed=True, also=_CERTAINTIES)
    for field, given in (("effective", "effective"), ("onset", "onset"), ("expires", "expires")):
        draft.time(field, part.text(given))
    draft.text("sender_name", part.text("sendername"))
    draft.text("headline", part.text("headline"))
    draft.text("description", part.text("description"))
    draft.text("instruction", part.text("instruction"))
    colour = _COLOUR_WORDS.get((part.text("severity") or "").lower()) or colour_in(
        f"{part.text('severity') or ''} {part.text('headline') or ''} {part.text('event') or ''}"
    )
    if colour is not None:
        draft.values["colour"] = str(colour)
    for parameter in part.all("parameter"):
        if any((child.text or "").strip().lower() in _MEASURES for child in parameter):
            _measure(draft, Part(parameter))
    _areas(draft, (area for info in chosen for area in info.part.all("area")))


def _rank(part: Part) -> int:
    """0 the gravest."""
    said = (part.text("severity") or "").lower()
    ranks = [str(one).lower() for one in Severity]
    known = str(_SEVERITY_WORDS.get(said, said)).lower()
    return ranks.index(known) if known in ranks else len(ranks)


def _of_language(infos: Sequence[_Info], languages: Sequence[str]) -> Sequence[_Info]:
    """The infos of the first language asked for that there is; else of the first info's."""
    for wanted in languages:
        found = [info for info in infos if _matches(info.language, wanted)]
        if found:
            return [info for info in found if info.language.lower() == found[0].language.lower()]
    return [info for info in infos if info.language.lower() == infos[0].language.lower()]


def _matches(language: str, wanted: str) -> bool:
    """`zh` asks for `zh-CN` too."""
    given, asked = language.replace("_", "-").lower(), wanted.replace("_", "-").lower()
    return given == asked or given.startswith(f"{asked}-")


def _measure(draft: Draft, parameter: Part) -> None:
    """What earthquake centres say beside CAP's own fields."""
    field = _MEASURES.get((parameter.text("valuename") or "").lower())
    number = _LEADING.match(parameter.text("value") or "")
    if field is not None and number is not None:
        draft.values[field] = float(number[0])


def _areas(draft: Draft, areas: Iterator[Element]) -> None:
    """One after the other, since there may be a hundred thousand."""
    described: dict[str, None] = {}
    nothing = True
    for area in areas:
        nothing = False
        named = False
        for element in area:
            kind = local(element)[1]
            said = "" if kind == "geocode" else words(element)
            if kind == "geocode":
                draft.geocodes += geocodes(element, draft)
            elif kind == "areadesc" and said:
                described[said] = None
                named = True
            elif kind == "polygon" and said:
                ring = polygon(said, draft.flags)
                if ring is not None:
                    draft.polygons.append(ring)
                else:
                    draft.flag("polygon_unreadable", said[:60])
            elif kind == "circle" and said:
                found = circle(said)
                if found is not None:
                    draft.circles.append(found)
                else:
                    draft.flag("circle_unreadable", said[:60])
        if not named:
            draft.flag("area_description_missing")
    draft.text("area_description", "; ".join(described))
    if nothing:
        draft.flag("area_missing")


def geocodes(element: Element, draft: Draft) -> Iterator[Geocode]:
    """1.2's valueName and value, several pairs in one as feeds have them, 1.0's `NAME=value`, China's bare codes."""
    if len(element):
        for key, value in pairwise(element):
            if local(key)[1] == "valuename" and local(value)[1] == "value":
                if said := words(value):
                    yield Geocode(scheme=words(key), value=said)
                else:
                    draft.flag("geocode_empty", words(key))
        return
    for code in words(element).split():
        scheme, sign, said = code.partition("=")
        if sign and said:
            yield Geocode(scheme=scheme, value=said)
        elif code.isascii() and code.isdigit():
            yield Geocode(scheme=gbt35965.PLACES, value=code)
        else:
            draft.flag("geocode_unreadable", code)
