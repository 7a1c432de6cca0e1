"""Identifiers as identity compares them: normalised, scoped, placeholders refused."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import NamedTuple

from adapters.contract import Identifier
from graph_models.schemes import COMMON_PLACEHOLDERS, SCHEMES, SOURCE_REFERENCE, Scheme, SchemeScope

_SCHEMES: Mapping[str, Scheme] = {scheme.name: scheme for scheme in SCHEMES}
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—―_:./\\]+")
_NOTHING = re.compile(r"0*")


class Key(NamedTuple):
    """What two claims must have in common to be one thing; `scope` is "" where the scheme is global."""

    scheme: str
    scope: str
    value: str


def normalise(text: str) -> str:
    """NFKC, upper case, separators dropped: `a0:b1-c2` is `A0B1C2`."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text).upper())


def reference(source: str, external_id: str) -> Key:
    """What a source's thing is known by, whatever else it is known by."""
    return Key(SOURCE_REFERENCE, "", f"{source}/{external_id}")


def _compared(text: str, scheme: Scheme) -> str:
    return unicodedata.normalize("NFKC", text).strip().upper() if scheme.exact else normalise(text)


def key_of(identifier: Identifier, source: str, organization: str, hmac: Callable[[str], str]) -> Key | None:
    """None for a placeholder (`N/A`, `00:00:00:00:00:00`) and for a scheme that nobody declared: neither says
    anything. Values of personal schemes are given as their HMAC."""
    scheme = _SCHEMES.get(identifier.scheme)
    if scheme is None or _is_placeholder(identifier.value, scheme):
        return None
    value = identifier.value.strip() if scheme.name == SOURCE_REFERENCE else _compared(identifier.value, scheme)
    if scheme.personal:
        value = hmac(f"{scheme.name}:{value}")
    match scheme.scope:
        case SchemeScope.GLOBAL:
            scope = ""
        case SchemeScope.ORGANIZATION:
            scope = f"organization:{organization}"
        case SchemeScope.SOURCE:
            scope = f"source:{source}"
    return Key(scheme.name, scope, value)


def _is_placeholder(text: str, scheme: Scheme) -> bool:
    """The whole, or what stands behind a manufacturer's name (`ACME/00000000`, `ACME/N/A`), is no value."""
    if scheme.name == SOURCE_REFERENCE:
        return not text.strip()
    refused = COMMON_PLACEHOLDERS | scheme.placeholders
    pieces = text.split("/")
    parts = [normalise("/".join(pieces[start:])) for start in range(len(pieces))]
    return any(part in refused or _NOTHING.fullmatch(part) is not None for part in parts)
