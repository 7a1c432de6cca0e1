"""Identifier schemes: how far a value of each is unique, and which values mean nothing."""

from dataclasses import dataclass
from enum import StrEnum


class SchemeScope(StrEnum):
    GLOBAL = "GLOBAL"
    ORGANIZATION = "ORGANIZATION"
    SOURCE = "SOURCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    name: str
    scope: SchemeScope
    meaning: str
    placeholders: frozenset[str] = frozenset()  # compared after upper-casing and dropping separators
    personal: bool = False  # stored as an HMAC under the park key
    exact: bool = False  # its separators tell values apart: `9/15` is not `91/5`


SOURCE_REFERENCE = "source_reference"
"""Every asset of a source bears it by itself; the hub's own claims name by it the thing that they speak of."""

COMMON_PLACEHOLDERS = frozenset({"", "0", "NA", "NONE", "NULL", "UNKNOWN", "TBD", "DEFAULT", "无", "未知"})

SCHEMES = (
    Scheme(name="unified_social_credit_code", scope=SchemeScope.GLOBAL, meaning="GB 32100, 18 characters"),
    Scheme(
        name="serial_number",
        scope=SchemeScope.GLOBAL,
        meaning="manufacturer and serial number, joined by '/'",
        placeholders=frozenset({"123456789", "00000000"}),
    ),
    Scheme(
        name="mac",
        scope=SchemeScope.GLOBAL,
        meaning="EUI-48",
        placeholders=frozenset({"000000000000", "FFFFFFFFFFFF"}),
    ),
    Scheme(name="onvif_endpoint", scope=SchemeScope.GLOBAL, meaning="WS-Discovery endpoint address"),
    Scheme(name="place_code", scope=SchemeScope.ORGANIZATION, meaning="the park's own code of a place"),
    Scheme(name="asset_tag", scope=SchemeScope.ORGANIZATION, meaning="an organization's inventory number"),
    Scheme(
        name="employee_number",
        scope=SchemeScope.ORGANIZATION,
        meaning="an organization's number of one of its people",
        personal=True,
    ),
    Scheme(
        name="email",
        scope=SchemeScope.GLOBAL,
        exact=True,
        personal=True,
        meaning="a person's own address for e-mail",
    ),
    Scheme(
        name=SOURCE_REFERENCE,
        scope=SchemeScope.GLOBAL,
        meaning="a source's id and what it calls the thing, joined by '/'; no source gives it of another's",
        exact=True,
    ),
    Scheme(
        name="recorder_channel",
        scope=SchemeScope.GLOBAL,
        exact=True,
        meaning="a recorder's serial number and channel, joined by '/'",
    ),
    Scheme(
        name="supply_code",
        scope=SchemeScope.GLOBAL,
        exact=True,
        meaning="standard and code of a coded item, joined by '/'",
    ),
    Scheme(
        name="stock_lot",
        scope=SchemeScope.ORGANIZATION,
        exact=True,
        meaning="item, lot number and place of a stock lot, joined by '/'; with its holder's scope that is one lot",
    ),
    Scheme(name="warning_identifier", scope=SchemeScope.GLOBAL, meaning="an official warning's own identifier"),
    Scheme(name="resident_identity", scope=SchemeScope.GLOBAL, meaning="GB 11643", personal=True),
)
