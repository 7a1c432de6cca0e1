"""A warning of China's as weather.com.cn gives it: a row of the list, or its details; JSON, often within a script."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from adapters.contract import Claim, Unreadable
from adapters.government import gbt35965
from adapters.government.areas import Circle, Geocode, geojson, loads, on_earth
from adapters.government.draft import SEVERITIES, Draft, colour_in
from adapters.government.times import BEIJING, moment
from graph_models.entities import MessageType, WarningColour, WarningStatus

AREA_CODE = "weather.com.cn"
"""The scheme of the site's own area codes, such as 101131007."""

_FILE = re.compile(r"([0-9A-Za-z]{6,12})-([0-9]{14})-([0-9]{2})([0-9]{2})\.html")
_LEVELS: Mapping[str, WarningColour] = {
    "01": WarningColour.BLUE,
    "02": WarningColour.YELLOW,
    "03": WarningColour.ORANGE,
    "04": WarningColour.RED,
}
"""As the file names and LEVELCODE have them; from memory, but for 02."""
_ISSUER = re.compile(r"^([^，,。：:；\s]{2,40}?)(?=[0-9]{4}年|[0-9]{1,2}月|[0-9]{1,2}日|于|继续|变更|解除|升级|发布)")
_LIST_KEYS = ("data", "list", "page", "alarminfo")


def document(data: bytes) -> Any:
    """The JSON in `var x = {…};`, `x({…})` or by itself, in UTF-8 or GB 18030. Raises Unreadable."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise Unreadable(f"neither UTF-8 nor GB 18030: {error}", where=f"byte {error.start}") from error
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    end = max(text.rfind("}"), text.rfind("]"))
    if not starts or end < min(starts):
        raise Unreadable("there is no JSON in it: is it a page for people, or does the server ask for a Referer?")
    try:
        return orjson.loads(text[min(starts) : end + 1])
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error}", where=f"character {min(starts) + error.pos}") from error


def items(read: object) -> Sequence[object]:
    """The rows and details that the document holds. Raises Unreadable where it is no list of warnings."""
    found = read
    for _ in range(4):
        if isinstance(found, dict):
            if _is_detail(found):
                return [found]
            inner = next((found[key] for key in _LIST_KEYS if isinstance(found.get(key), list | dict)), None)
            if inner is None:
                raise Unreadable(f"neither a warning nor a list of them: there is {', '.join(list(found)[:8])}")
            found = inner
        elif isinstance(found, list):
            return [found] if found and all(isinstance(part, str) for part in found[:3]) else found
        else:
            break
    raise Unreadable("neither a warning nor a list of them")


def claim_of(item: object) -> Claim:
    """Raises Unreadable."""
    if isinstance(item, list):
        return _row(item)
    if isinstance(item, dict):
        return _detail({str(key).lower(): value for key, value in item.items()})
    raise Unreadable("a warning is a row or an object, and this is neither")


def file_of(item: object) -> str | None:
    """The name of the details' page that a row gives."""
    if isinstance(item, list):
        return next((part for part in item if isinstance(part, str) and _FILE.fullmatch(part)), None)
    return None


def is_of(item: object, places: Sequence[str]) -> bool:
    """Whether the warning is of one of these places, named by the beginning of its name or of its GB/T 2260 code."""
    if not places:
        return True
    values = item if isinstance(item, list) else list(item.values()) if isinstance(item, dict) else []
    return any(isinstance(value, str) and value.startswith(tuple(places)) for value in values)


def joined(row: Claim, detail: Claim) -> Claim:
    """The details, with the row's areas where those have shapes: the details have none."""
    said = row.values.get("areas")
    if row.external_id != detail.external_id or not isinstance(said, str) or not loads(said).polygons:
        return detail
    return Claim(
        kind=detail.kind,
        external_id=detail.external_id,
        identifiers=detail.identifiers,
        values={**detail.values, "areas": said},
        links=detail.links,
        observed_at=detail.observed_at,
    )


def _is_detail(found: Mapping[str, object]) -> bool:
    keys = {str(key).lower() for key in found}
    return bool(keys & {"identifier", "alertid"}) and bool(keys & {"head", "issuecontent", "title", "headline"})


def _detail(item: Mapping[str, object]) -> Claim:
    identifier = _text(item.get("identifier")) or _text(item.get("alertid"))
    head = _text(item.get("head")) or _text(item.get("title")) or _text(item.get("headline"))
    content = _text(item.get("issuecontent"))
    if identifier is None or (head is None and content is None):
        raise Unreadable("a warning without identifier, or without title and text", where=identifier or "identifier")
    draft = Draft()
    _common(draft, identifier, head)
    draft.text("description", content)
    draft.text("event", item.get("signaltype"))
    issuer = _ISSUER.match(content or "")
    if issuer is not None:
        draft.text("sender_name", issuer[1])
    _time(draft, "sent", item.get("issuetime"))
    _time(draft, "expires", item.get("relievetime"))
    said = gbt35965.issued_at(identifier)
    if said is not None and "sent" in draft.values and draft.values["sent"] != said:
        draft.flag("sent_differs_from_identifier")
    if _text(item.get("msgtype")) is not None:
        draft.word("message_type", item.get("msgtype"), MessageType, needed=False)
    _lifted(draft, head or "")
    _colour(draft, _text(item.get("signallevel")) or head or "", _text(item.get("levelcode")))
    names = [_text(item.get(key)) for key in ("province", "city", "stationname")]
    draft.text("area_description", "".join(dict.fromkeys(filter(None, names))))
    if (code := _text(item.get("effect"))) is not None:
        draft.geocodes += [Geocode(scheme=AREA_CODE, value=one) for one in re.split(r"[,;\s]+", code) if one]
    draft.references += _references(item.get("references"))
    return draft.claim(identifier)


def _row(row: Sequence[object]) -> Claim:
    texts = [part for part in row if isinstance(part, str)]
    identifiers = [text for text in texts if gbt35965.is_identifier(text.strip())]
    file = file_of(row)
    head = next((text for text in texts[1:] if "发布" in text or "预警" in text or "解除" in text), None)
    identifier = identifiers[0] if identifiers else file
    if identifier is None or not texts:
        raise Unreadable("a row without identifier and file", where="row")
    draft = Draft(flags=["from_feed_entry"])
    if not identifiers:
        draft.flag("identifier_missing")
    _common(draft, identifier, head or texts[0])
    draft.text("area_description", texts[0])
    _lifted(draft, head or "")
    parts = _FILE.fullmatch(file) if file else None
    _colour(draft, head or "", parts[4] if parts else None)
    if parts is not None:
        draft.geocodes.append(Geocode(scheme=AREA_CODE, value=parts[1]))
    for part in row:
        if isinstance(part, dict) and "coordinates" in part:
            kind = "MultiPolygon" if _depth(part["coordinates"]) > 3 else "Polygon"
            draft.polygons += geojson({"type": kind, "coordinates": part["coordinates"]}, draft.flags)[0]
    if not draft.polygons:
        draft.circles += _point(texts)
    draft.references += identifiers[1:]
    return draft.claim(identifier)


def _common(draft: Draft, identifier: str, head: str | None) -> None:
    """What holds of all: only warnings in force are published, in Chinese, by the weather service."""
    draft.values |= {
        "status": str(WarningStatus.ACTUAL),
        "message_type": str(MessageType.ALERT),
        "category": "Met",
        "language": "zh-CN",
    }
    draft.text("headline", head)
    if head and "发布" in head:
        draft.text("sender_name", head.partition("发布")[0])
    if not gbt35965.is_identifier(identifier):
        draft.flag("identifier_malformed")
        return
    draft.text("sender", identifier.partition("_")[0])
    issued = gbt35965.issued_at(identifier)
    if issued is not None:
        draft.values["sent"] = issued
    else:
        draft.flag("identifier_without_time")
    if (place := gbt35965.place_of(identifier)) is not None:
        draft.geocodes.append(Geocode(scheme=gbt35965.PLACES, value=place))


def _time(draft: Draft, name: str, given: object) -> None:
    """Beijing time, which the texts do not say."""
    said = _text(given)
    if said is None:
        return
    found = moment(said)
    if found is None:
        draft.flag(f"{name}_unreadable", said)
    else:
        draft.values[name] = found if found.tzinfo else found.replace(tzinfo=BEIJING)


def _lifted(draft: Draft, head: str) -> None:
    if "解除" in head and draft.values.get("message_type") == MessageType.ALERT:
        draft.values["message_type"] = str(MessageType.CANCEL)
        draft.flag("cancel_told_in_title")


def _colour(draft: Draft, said: str, code: str | None) -> None:
    colour = colour_in(said) or _LEVELS.get(code or "")
    if colour is None:
        draft.flag("colour_missing")
        return
    draft.values |= {"colour": str(colour), "severity": str(SEVERITIES[colour])}


def _references(given: object) -> Iterator[str]:
    for one in re.split(r"[;\s]+", given) if isinstance(given, str) else []:
        parts = [part for part in one.split(",") if part]
        known = [part for part in parts if gbt35965.is_identifier(part)]
        yield from known or parts[:1]


def _depth(coordinates: object) -> int:
    depth = 0
    while isinstance(coordinates, list) and coordinates and depth < 6:
        coordinates, depth = coordinates[0], depth + 1
    return depth


def _point(texts: Sequence[str]) -> Iterator[Circle]:
    numbers = [float(text) for text in texts if re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,8}", text.strip())]
    if len(numbers) >= 2 and on_earth((numbers[1], numbers[0])):
        yield Circle(latitude=numbers[1], longitude=numbers[0], radius=0.0)


def _text(given: object) -> str | None:
    return given.strip() or None if isinstance(given, str) else None
