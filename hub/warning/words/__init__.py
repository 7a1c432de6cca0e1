"""Words for alert codes, in Chinese and English: a code and its parameters become text.

Alerts store the code and the figures; the catalogues are `zh.toml` and `en.toml` beside this file.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("zh", "en")
DEFAULT = "zh"


@cache
def catalogue(language: str) -> Mapping[str, Mapping[str, str]]:
    """`codes`, `quantities`, `units` and `colours` of one language."""
    return tomllib.loads((files(__name__) / f"{language}.toml").read_text(encoding="utf-8"))


def codes() -> frozenset[str]:
    return frozenset(catalogue(DEFAULT)["codes"])


def pick(accept_language: str | None) -> str:
    """The language to answer in, of an `Accept-Language` header (RFC 9110, 12.5.4)."""
    wanted: list[tuple[float, int, str]] = []
    for order, part in enumerate((accept_language or "").split(",")):
        tag, _, parameters = part.strip().partition(";")
        name, _, weight = parameters.strip().partition("=")
        try:
            q = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            q = 0.0
        wanted.append((-q, order, tag.strip().lower().split("-")[0]))
    return next((tag for q, _, tag in sorted(wanted) if q < 0 and tag in LANGUAGES), DEFAULT)


def text(alert: Mapping[str, Any], language: str) -> str:
    """One sentence of an alert's snapshot: what, where, how much. An unknown code is shown as it is."""
    words = catalogue(language)
    template = words["codes"].get(alert["code"])
    if template is None:
        return str(alert["code"])
    around = [place for place in reversed(alert["path"]) if place["id"] != alert["subject"]["id"]]
    places = [place["name"] or place["id"] for place in around]
    passed = alert.get("warning") or {}
    subject = alert["subject"]["name"] or alert["subject"]["id"]
    quantity = alert["quantity"] or ""
    unit = words["units"].get(alert["unit"] or "", alert["unit"] or "")
    return template.format(
        subject=words["grammar"]["separator"].join([*places, subject]),
        quantity=words["quantities"].get(quantity, quantity),
        value=_figure(alert["value"], unit),
        limit=_figure(alert["limit"], unit),
        issuer=passed.get("issuer") or "–",
        event=passed.get("event") or "",
        colour=words["colours"].get(passed.get("colour") or "", ""),
        headline=passed.get("headline") or passed.get("event") or passed.get("identifier") or "–",
    )


def _figure(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.6g} {unit}".strip()
