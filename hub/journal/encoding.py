"""The bytes in which claims, signals and events stand in the log, and back: JSON, with personal values sealed."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Protocol, get_type_hints

import orjson

from adapters.contract import Claim, Identifier, Link, Position, Signal, Value
from graph_models.annotations import Privacy
from graph_models.entities import ENTITIES
from graph_models.schemes import SCHEMES
from hub.errors import SettingsError
from hub.journal.records import Json
from hub.journal.upcast import CLAIM, SIGNAL, upcast

SEALED = "sealed:"
_PERSONAL_SCHEMES = frozenset(scheme.name for scheme in SCHEMES if scheme.personal)

Targets = Mapping[tuple[str, str], str]


class Seals(Protocol):
    """What the journal asks of the key store; called from several threads."""

    def ensure(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Makes the keys of (source, external id) that are new; durable when it returns."""
        ...

    def seal(self, source: str, external_id: str, plain: bytes) -> bytes:
        """Sealed with the key of (source, external id)."""
        ...

    def unseal(self, source: str, external_id: str, sealed: bytes) -> bytes | None:
        """The plain bytes; None where the key was forgotten."""
        ...

    def discard(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Deletes keys whose sealed values are about to go by age."""
        ...

    def barred(self, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of whom nothing personal may be taken in, since they were erased."""
        ...

    def bar(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Adds to them."""
        ...

    def hmac(self, text: str) -> str:
        """A keyed hash: equal texts can be seen to be equal, and no more."""
        ...


class NoSeals:
    """For a journal that is given no key store: it refuses what would have to be sealed."""

    def ensure(self, pairs: Iterable[tuple[str, str]]) -> None:
        if any(True for _ in pairs):
            self._refuse()

    def seal(self, source: str, external_id: str, plain: bytes) -> bytes:
        self._refuse()
        raise AssertionError

    def unseal(self, source: str, external_id: str, sealed: bytes) -> bytes | None:
        return None

    def discard(self, pairs: Iterable[tuple[str, str]]) -> None:
        """There are none."""

    def barred(self, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        return set()

    def bar(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._refuse()

    def hmac(self, text: str) -> str:
        self._refuse()
        raise AssertionError

    def _refuse(self) -> None:
        raise SettingsError("personal values and dead letters are stored sealed: open the journal with a key store")


@cache
def personal_fields(kind: str) -> frozenset[str]:
    """The fields of a declared kind that are marked personal."""
    for entity in ENTITIES:
        if entity.__name__ == kind:
            hints = get_type_hints(entity, include_extras=True)
            return frozenset(
                name for name, hint in hints.items() if Privacy.PERSONAL in getattr(hint, "__metadata__", ())
            )
    return frozenset()


def says_personal(claim: Claim) -> bool:
    """Whether sealing the claim needs a key."""
    return any(claim.values.get(name) is not None for name in personal_fields(claim.kind))


def without_personal(claim: Claim) -> Claim:
    """The claim with nothing said of its personal fields."""
    personal = personal_fields(claim.kind)
    return replace(claim, values={name: value for name, value in claim.values.items() if name not in personal})


def content_hash(claim: Claim, seals: Seals) -> bytes:
    """Of all that a claim says but the time it was observed; keyed where it says something personal."""
    position = claim.position
    text = orjson.dumps(
        {
            "kind": claim.kind,
            "gone": claim.gone,
            "values": dict(claim.values),
            "identifiers": sorted((i.scheme, i.value) for i in claim.identifiers),
            "links": sorted((link.relation, link.source or "", link.target) for link in claim.links),
            "position": None if position is None else (position.latitude, position.longitude),
        },
        option=orjson.OPT_SORT_KEYS,
    )
    if says_personal(claim) or any(i.scheme in _PERSONAL_SCHEMES for i in claim.identifiers):
        return seals.hmac(text.decode()).encode()
    return hashlib.sha256(text).digest()


def encode_claim(source: str, claim: Claim, targets: Targets, seals: Seals) -> bytes:
    """`targets`: (source, external id) of the links' targets → entity id."""
    personal = personal_fields(claim.kind)
    body: dict[str, object] = {
        "values": {
            name: _seal(source, claim.external_id, value, seals) if name in personal else value
            for name, value in claim.values.items()
        }
    }
    if claim.identifiers:
        body["identifiers"] = [
            {
                "scheme": i.scheme,
                "value": seals.hmac(f"{i.scheme}:{i.value}") if i.scheme in _PERSONAL_SCHEMES else i.value,
            }
            for i in claim.identifiers
        ]
    if claim.links:
        body["links"] = [
            {
                "relation": link.relation,
                "target": link.target,
                "source": link.source,
                "entity": targets.get((link.source or source, link.target)),
            }
            for link in claim.links
        ]
    if claim.position is not None:
        body["position"] = {"latitude": claim.position.latitude, "longitude": claim.position.longitude}
    if claim.observed_at is not None:
        body["observedAt"] = claim.observed_at.isoformat()
    if claim.gone:
        body["gone"] = True
    return orjson.dumps(body)


def encode_gone(payload: bytes, version: int, last: bytes) -> bytes:
    """A claim that a thing is gone, with what it does not say itself taken from the last one, sealed as it was: what
    is shown of a thing that was retired comes from the log as well."""
    body: dict[str, Any] = orjson.loads(payload)
    before: Mapping[str, Any] = upcast(CLAIM, version, orjson.loads(last))[1]
    for part in ("values", "identifiers", "links", "position"):
        if not body.get(part) and before.get(part):
            body[part] = before[part]
    return orjson.dumps(body)


def decode_claim(kind: str, external_id: str, version: int, payload: bytes) -> Claim:
    return _claim(kind, external_id, _body(version, payload))


def decode_resolved(kind: str, external_id: str, version: int, payload: bytes) -> tuple[Claim, Targets]:
    """The claim, and (relation, target external id) → entity id as they were resolved when it was recorded."""
    body = _body(version, payload)
    return _claim(kind, external_id, body), {
        (link["relation"], link["target"]): link["entity"]
        for link in body.get("links", ())
        if link.get("entity") is not None
    }


def _body(version: int, payload: bytes) -> Any:
    return upcast(CLAIM, version, orjson.loads(payload))[1]


def _claim(kind: str, external_id: str, body: Any) -> Claim:
    identifiers, links = body.get("identifiers"), body.get("links")
    position, observed_at = body.get("position"), body.get("observedAt")
    return Claim(
        kind=kind,
        external_id=external_id,
        identifiers=tuple([Identifier(scheme=i["scheme"], value=i["value"]) for i in identifiers])
        if identifiers
        else (),
        values=_values(body["values"]),
        links=tuple([Link(relation=link["relation"], target=link["target"], source=link["source"]) for link in links])
        if links
        else (),
        position=None if position is None else Position(latitude=position["latitude"], longitude=position["longitude"]),
        observed_at=None if observed_at is None else datetime.fromisoformat(observed_at),
        gone=body.get("gone", False),
    )


def encode_signal(signal: Signal) -> bytes:
    return orjson.dumps(
        {
            "at": None if signal.at is None else signal.at.isoformat(),
            "values": dict(signal.values),
            "evidence": signal.evidence,
        }
    )


def decode_signal(type_: str, subject: str, version: int, payload: bytes) -> Signal:
    body: Any = upcast(SIGNAL, version, orjson.loads(payload))[1]
    at = body["at"]
    return Signal(
        type=type_,
        subject=subject,
        at=None if at is None else datetime.fromisoformat(at),
        values=_values(body["values"]),
        evidence=tuple(body["evidence"]),
    )


def encode_event(data: Json) -> bytes:
    return orjson.dumps(dict(data))


def decode_event(type_: str, version: int, payload: bytes) -> tuple[int, Json]:
    return upcast(type_, version, orjson.loads(payload))


def unseal_claim(source: str, claim: Claim, seals: Seals) -> Mapping[str, Value]:
    """The claim's values in clear; a forgotten one is None."""
    personal = personal_fields(claim.kind)
    return {
        name: _unseal(source, claim.external_id, value, seals) if name in personal else value
        for name, value in claim.values.items()
    }


def _values(body: Mapping[str, Any]) -> Mapping[str, Value]:
    if list not in map(type, body.values()):
        return body
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}


def _seal(source: str, external_id: str, value: Value, seals: Seals) -> Value:
    if value is None:
        return None
    return SEALED + b64encode(seals.seal(source, external_id, orjson.dumps(value))).decode()


def _unseal(source: str, external_id: str, value: Value, seals: Seals) -> Value:
    if not isinstance(value, str) or not value.startswith(SEALED):
        return value
    plain = seals.unseal(source, external_id, b64decode(value.removeprefix(SEALED)))
    if plain is None:
        return None
    clear: Any = orjson.loads(plain)
    return tuple(clear) if isinstance(clear, list) else clear
