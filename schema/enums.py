"""The closed lists of words that the schema speaks, each with its meaning."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import TypeVar

import strawberry

from adapters.contract import HealthState, Quality
from graph_models.entities import (
    AlarmState,
    AssetKind,
    Certainty,
    IncidentKind,
    IncidentState,
    LotSharing,
    MessageType,
    OrganizationKind,
    PlaceKind,
    Severity,
    Urgency,
    WarningColour,
    WarningStatus,
)
from hub.coordinates import CoordinateSystem
from hub.errors import Code

E = TypeVar("E", bound=type[Enum])


def described(words: E, description: str, meanings: Mapping[str, str], name: str | None = None) -> E:
    """Makes the enum GraphQL's; raises KeyError for a word without its meaning."""
    made = strawberry.enum(words, name=name, description=description)
    for value in made.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = meanings[value.name]
    return made


described(
    PlaceKind,
    "What a place is.",
    {
        "PARK": "The whole park.",
        "BUILDING": "A building.",
        "STOREY": "A storey of a building.",
        "ZONE": "A room or an area.",
    },
)
described(
    AssetKind,
    "What an asset is.",
    {
        "SENSOR": "Measures quantities.",
        "CAMERA": "Sees.",
        "RECORDER": "Keeps what cameras see.",
        "PANEL": "A fire panel, which detectors report to.",
        "EQUIPMENT": "Anything else that is looked after.",
    },
)
described(
    Severity,
    "How bad it is, after CAP 1.2.",
    {
        "EXTREME": "Extraordinary threat to life or property.",
        "SEVERE": "Significant threat to life or property.",
        "MODERATE": "Possible threat to life or property.",
        "MINOR": "Minimal to no known threat.",
        "UNKNOWN": "Not known.",
    },
)
described(
    AlarmState,
    "An alarm's state, after ISA-18.2.",
    {
        "UNACKNOWLEDGED": "The condition stands and nobody has acknowledged it.",
        "ACKNOWLEDGED": "The condition stands and someone has acknowledged it.",
        "RETURNED_UNACKNOWLEDGED": "The condition is over and nobody has acknowledged it.",
        "NORMAL": "The condition is over and was acknowledged: the episode is closed.",
    },
)
described(
    Quality,
    "How far a reading can be trusted.",
    {
        "GOOD": "As the device measured it.",
        "UNCERTAIN": "Doubtful, such as one with an impossible time stamp.",
        "BAD": "The device itself calls it wrong.",
    },
)
described(
    HealthState,
    "How a source fares.",
    {
        "OK": "It works.",
        "DEGRADED": "A part of it gives nothing, or not as it should.",
        "UNAVAILABLE": "It gives nothing.",
    },
)
described(
    Code,
    "What kind of error it is; stands in `extensions.code` and in `Problem.code`.",
    {
        "BAD_REQUEST": "The arguments make no sense.",
        "UNAUTHENTICATED": "No viewer could be made of the request.",
        "FORBIDDEN": "The viewer may not.",
        "NOT_FOUND": "Nothing of that id, or nothing that the viewer may see.",
        "CONFLICT": "It has changed since it was read: read again and decide.",
        "CURSOR_GONE": "The cursor is of an earlier epoch or past what is kept: read the list anew.",
        "GRAPH_UNAVAILABLE": "The graph does not answer; live alerts go on. Try again.",
        "GRAPH_BEHIND": "The graph has not yet taken in what was asked for. Try again.",
        "STORAGE_FULL": "Nothing can be written.",
        "COST_EXCEEDED": "The operation asks for too much at once.",
        "RATE_LIMITED": "Too many requests.",
        "DEADLINE_EXCEEDED": "It did not end in its time: ask for less.",
        "AUDIT_UNAVAILABLE": "What must be recorded before it is shown cannot be recorded.",
        "INTERNAL": "A mistake of the hub's.",
    },
)


class AlertEventType(StrEnum):
    OPENED = "alert.opened"
    ACKNOWLEDGED = "alert.acknowledged"
    RETURNED = "alert.returned"
    CLOSED = "alert.closed"


described(
    AlertEventType,
    "What happened to an alert.",
    {
        "OPENED": "A new episode began.",
        "ACKNOWLEDGED": "Someone acknowledged it.",
        "RETURNED": "The condition is over.",
        "CLOSED": "The condition is over and was acknowledged.",
    },
)


class SubjectKind(StrEnum):
    PARK = "PARK"
    BUILDING = "BUILDING"
    STOREY = "STOREY"
    ZONE = "ZONE"
    SENSOR = "SENSOR"
    CAMERA = "CAMERA"
    RECORDER = "RECORDER"
    PANEL = "PANEL"
    EQUIPMENT = "EQUIPMENT"
    SOURCE = "SOURCE"


described(
    SubjectKind,
    "What an alert is about.",
    {
        "PARK": "The whole park.",
        "BUILDING": "A building.",
        "STOREY": "A storey.",
        "ZONE": "A room or an area.",
        "SENSOR": "A sensor.",
        "CAMERA": "A camera.",
        "RECORDER": "A recorder.",
        "PANEL": "A fire panel.",
        "EQUIPMENT": "Another asset.",
        "SOURCE": "A whole source of data, by its id in the park file.",
    },
)

described(
    OrganizationKind,
    "What an organization is to the park.",
    {
        "OPERATOR": "Runs the park.",
        "TENANT": "Works in it.",
        "GOVERNMENT": "An authority.",
        "PROPERTY": "Looks after buildings.",
        "COMMUNITY": "Of the neighbourhood.",
        "RESCUE": "Comes to help.",
    },
)
described(
    LotSharing,
    "On what terms others may count on a lot.",
    {
        "OWN": "The park operator's own.",
        "AGREED": "A tenant's, up to the quantity that it agreed to.",
        "ASK": "A tenant's, who is to be asked each time.",
        "NOT_SHARED": "A tenant's, for itself alone; so is what nothing is said of.",
    },
    name="LotTerms",
)
described(
    Urgency,
    "How soon to act, after CAP 1.2.",
    {
        "IMMEDIATE": "At once.",
        "EXPECTED": "Within the next hour.",
        "FUTURE": "In the near future.",
        "PAST": "No longer.",
        "UNKNOWN": "Not known.",
    },
)
described(
    Certainty,
    "How sure it is, after CAP 1.2.",
    {
        "OBSERVED": "It has happened or goes on.",
        "LIKELY": "More than 50 %.",
        "POSSIBLE": "50 % or less.",
        "UNLIKELY": "Not expected.",
        "UNKNOWN": "Not known.",
    },
)
described(
    WarningColour,
    "The colour of an official warning in China.",
    {"RED": "The gravest.", "ORANGE": "Grave.", "YELLOW": "Serious.", "BLUE": "Ordinary."},
)
described(
    WarningStatus,
    "What a warning's message is for, after CAP 1.2.",
    {
        "ACTUAL": "To be acted upon.",
        "EXERCISE": "For those who take part in an exercise.",
        "SYSTEM": "Between systems.",
        "TEST": "A technical test, for nobody to act upon.",
        "DRAFT": "Not to be acted upon as it is.",
    },
)
described(
    MessageType,
    "What a warning's message does, after CAP 1.2.",
    {
        "ALERT": "Says something new.",
        "UPDATE": "Replaces what it refers to.",
        "CANCEL": "Takes back what it refers to.",
        "ACK": "Confirms that a message was taken.",
        "ERROR": "Refuses a message.",
    },
)


described(
    IncidentKind,
    "What it is that is going on.",
    {
        "FIRE": "A fire.",
        "EXPLOSION": "An explosion.",
        "LEAK": "Something dangerous escapes.",
        "FLOOD": "Water where it should not be.",
        "STORM": "A storm, heavy rain or hail.",
        "EARTHQUAKE": "An earthquake.",
        "COLLAPSE": "A structure gives way.",
        "POWER_FAILURE": "No power.",
        "MEDICAL": "People need a doctor.",
        "SECURITY": "Someone threatens people or things.",
        "OTHER": "Anything else.",
    },
)
described(IncidentState, "Where an incident stands.", {"OPEN": "It goes on.", "CLOSED": "It is over."})


class IncidentEventType(StrEnum):
    OPENED = "incident.opened"
    CLOSED = "incident.closed"


described(
    IncidentEventType, "What happened to an incident.", {"OPENED": "Someone opened it.", "CLOSED": "Someone closed it."}
)


class PositionSystem(StrEnum):
    WGS_84 = CoordinateSystem.WGS84.value
    GCJ_02 = CoordinateSystem.GCJ02.value
    BD_09 = CoordinateSystem.BD09.value


described(
    PositionSystem,
    "The system that coordinates are given in.",
    {
        "WGS_84": "GPS's, as the hub keeps all.",
        "GCJ_02": "China's official maps'.",
        "BD_09": "Baidu's maps'.",
    },
    name="CoordinateSystem",
)


class MatchReason(StrEnum):
    SAME_SOURCE = "SAME_SOURCE"
    TWO_ORGANIZATIONS = "TWO_ORGANIZATIONS"
    TWO_KINDS = "TWO_KINDS"
    UNTRUSTED_SCHEME = "UNTRUSTED_SCHEME"
    LOOKS_ALIKE = "LOOKS_ALIKE"
    WIDE = "WIDE"
    CONFLICT_NEARBY = "CONFLICT_NEARBY"
    DECIDED = "DECIDED"


described(
    MatchReason,
    "Why two entities were not joined without being asked.",
    {
        "SAME_SOURCE": "One source tells of both.",
        "TWO_ORGANIZATIONS": "Two organizations each tell of one.",
        "TWO_KINDS": "They are of two kinds.",
        "UNTRUSTED_SCHEME": "A source that names the identifier is not trusted with it.",
        "LOOKS_ALIKE": "They have kind, name and place in common, and no identifier.",
        "WIDE": "It would join too many.",
        "CONFLICT_NEARBY": "The two agree, but what else they are connected with does not.",
        "DECIDED": "A person said so, unasked.",
    },
)
