"""Official warnings in force: what each covers, and one alert for each place that it covers.

A warning is in force when it is actual, neither updated nor cancelled, and not expired. It comes to an end by its own
word, by a later message that refers to it, by its time, or when no source tells of it any more. The alert passes it on
and adds nothing: issuer, time and colour are the issuer's.

One that gives no area, or none that can be read, may mean the park: it is taken for all of it, under a code of its own,
so that a person judges. A log says from where on that holds (`park.located`, version 2), so that a replay of an older
one says what was said then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from graph_models.entities import MessageType, Severity, WarningStatus
from hub.clock import from_micros, to_micros
from hub.journal.records import HUB, ClaimEntry
from hub.telemetry import logger
from hub.topology import Topology
from hub.warning import coverage, notices
from hub.warning.alerts import Named, Step
from hub.warning.episodes import Cause, Episodes
from hub.warning.rules import RESERVED
from hub.warning.timers import Key, Timers

RULE = RESERVED
CODE = "official_warning"
UNLOCATED = "official_warning_unlocated"
_PLACES: Key = (f"{RULE}/places", 0)
_SETTLE = 1_000_000  # microseconds from a change of places to looking at them: an import is many changes
_MEMBER = -1  # what holds an episode open: no series
_KEPT = 5_000  # warnings that are over are remembered, the latest, so that none begins anew
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """A source's latest word on a warning. Times are in microseconds since 1970; `expires` is 0 for never."""

    seq: int
    entity: str
    identifier: str
    actual: bool
    ended: bool
    severity: Severity
    expires: int
    sent_at: int
    passed: Mapping[str, str | None]  # what the alert says of it, as it was sent
    areas: str


class Officials:
    """Part of the machine's fold: it is told of entries, and adds to the steps of `episodes`."""

    def __init__(self, topology: Topology, episodes: Episodes, timers: Timers) -> None:
        self._topology = topology
        self._episodes = episodes
        self._timers = timers
        self._seq = 0
        self.geocodes: tuple[str, ...] = ()
        self.takes_unlocated = False  # whether a warning without an area is taken for the whole park
        self.notices: dict[tuple[str, str], Notice] = {}  # (source, external id)
        self.superseded: dict[str, tuple[int, int]] = {}  # warning → when the latest that ended it was sent, its number
        self.alerts: dict[str, dict[str, str]] = {}  # warning in force → place → alert
        self.unlocated: set[str] = set()  # of those in force, what is taken for the whole park
        self.covers: dict[str, tuple[str, ...]] = {}  # warning → the places that the log was told
        self.moved: tuple[int, int] | None = None  # when places must be looked at again, and which record moved one

    # ---- what it is told

    def claim(self, entry: ClaimEntry, now: int) -> None:
        if entry.source == HUB:
            return
        name, warning = (entry.source, entry.claim.external_id), self._topology.resolve(entry.entity)
        if entry.claim.gone:
            self.notices.pop(name, None)
            self._look(warning, now, entry.seq)
            return
        notice = self.notices[name] = _notice(entry)
        ended = self._supersede(entry, notice) if notice.actual else []
        for each in (warning, *ended):
            self._look(each, now, entry.seq)
        self._prune()

    def _supersede(self, entry: ClaimEntry, notice: Notice) -> list[str]:
        if entry.claim.values.get("message_type") not in (MessageType.UPDATE, MessageType.CANCEL):
            return []
        ended = []
        for link in entry.claim.links:
            target = entry.targets.get((link.relation, link.target))
            if link.relation == "REFERS_TO" and target is not None:
                earlier = self._topology.resolve(target)
                if earlier != self._topology.resolve(entry.entity):
                    by = (notice.sent_at, notice.seq)
                    self.superseded[earlier] = max(self.superseded.get(earlier, by), by)
                    ended.append(earlier)
        return ended

    def located(self, geocodes: Iterable[str], takes_unlocated: bool, now: int, seq: int) -> None:
        """The codes of the divisions that the park lies in, and whether a warning without an area is for it."""
        self.geocodes, self.takes_unlocated = tuple(geocodes), takes_unlocated
        self._look_at_all(now, seq)

    def places_moved(self, now: int, seq: int) -> None:
        if self.moved is not None:
            self.moved = self.moved[0], seq
        elif self.alerts or self._in_force(now):
            self.moved = now + _SETTLE, seq
            self._timers.arm(_PLACES, self.moved[0])

    def merged(self, alias: str, now: int, seq: int) -> None:
        """A warning became part of another: what it held open is the other's."""
        for _, alert in sorted(self.alerts.pop(alias, {}).items()):
            self._episodes.leave(alert, _MEMBER, now, seq)
        self.unlocated.discard(alias)
        self.covers.pop(alias, None)
        self._look(self._topology.resolve(alias), now, seq)

    def fire(self, key: Key, deadline: int) -> None:
        """A timer of its own ran out."""
        if key == _PLACES and self.moved is not None:
            cause, self.moved = self.moved[1], None
            self._look_at_all(deadline, cause)
        elif (notice := self._latest(key[0].removeprefix(f"{RULE}:"))) is not None:
            self._look(self._topology.resolve(notice.entity), deadline, notice.seq)

    def next_entry(self, seq: int) -> None:
        self._seq = seq

    def arm(self) -> None:
        """Its timers, in an empty set of them."""
        if self.moved is not None:
            self._timers.arm(_PLACES, self.moved[0])
        for warning in self.alerts:
            self._await_expiry(warning)

    # ---- what follows

    def _look_at_all(self, now: int, cause: int) -> None:
        for warning in sorted({*self.alerts, *self._in_force(now)}):
            self._look(warning, now, cause)

    def _look(self, warning: str, now: int, cause: int) -> None:
        """Begins and ends the warning's alerts as it stands now."""
        notice = self._latest(warning)
        held = self.alerts.get(warning, {})
        if notice is None or not self._holds(notice, now):
            self.alerts.pop(warning, None)
            self.unlocated.discard(warning)
            self._timers.disarm(_key(warning))
            for _, alert in sorted(held.items()):
                if notice is None:  # no word that it is over
                    self._episodes.let_go(alert, _MEMBER, now, cause)
                else:
                    self._episodes.leave(alert, _MEMBER, now, cause)
            if notice is None and warning in self.covers:
                self._say(warning, "", (), now, cause)
                del self.covers[warning]
            return
        places, code = self._covered(notice)
        same = (code == UNLOCATED) is (warning in self.unlocated)
        for place in sorted(held.keys() - set(places if same else ())):
            self._episodes.leave(held.pop(place), _MEMBER, now, cause)
        (self.unlocated.add if code == UNLOCATED else self.unlocated.discard)(warning)
        for place in places:
            if place not in held:
                held[place] = self._begin(warning, notice, code, place, now, cause)
        self.alerts[warning] = held
        if places != self.covers.get(warning, ()):
            self.covers[warning] = places
            self._say(warning, notice.identifier, places, now, cause)
        self._await_expiry(warning)

    def _begin(self, warning: str, notice: Notice, code: str, place: str, now: int, cause: int) -> str:
        topology = self._topology
        subject = Named(id=place, kind=topology.kind(place) or "ZONE", name=topology.name(place))
        why = Cause(
            id=RULE, severity=notice.severity, code=code, topic=warning, passed={"id": warning, **notice.passed}
        )
        return self._episodes.begin(why, subject, _MEMBER, cause, now, None, f"{warning}.{cause}")

    def _say(self, warning: str, identifier: str, places: tuple[str, ...], now: int, cause: int) -> None:
        named = [Named(id=p, kind=self._topology.kind(p) or "ZONE", name=self._topology.name(p)) for p in places]
        self._episodes.steps.append(
            Step(
                type=notices.COVERED,
                alert=warning,
                rule=RULE,
                subject=warning,
                at=from_micros(now),
                cause=cause,
                decided=self._seq,
                opening=notices.covering(warning, identifier, named),
            )
        )

    def _covered(self, notice: Notice) -> tuple[tuple[str, ...], str]:
        """The places, and the code of the alerts on them."""
        try:
            area = coverage.Area.of(notice.areas)
        except ValueError as error:
            _log.warning("warning.areas-unreadable", identifier=notice.identifier, reason=str(error))
            area = None
        if area is not None:
            return coverage.covered(self._topology, area, self.geocodes), CODE
        return (coverage.whole(self._topology), UNLOCATED) if self.takes_unlocated else ((), CODE)

    def _await_expiry(self, warning: str) -> None:
        notice = self._latest(warning)
        if notice is not None and notice.expires:
            self._timers.arm(_key(warning), notice.expires)
        else:
            self._timers.disarm(_key(warning))

    # ---- what holds

    def _of(self, warning: str) -> list[Notice]:
        return [one for one in self.notices.values() if self._topology.resolve(one.entity) == warning]

    def _latest(self, warning: str) -> Notice | None:
        return max(self._of(warning), key=lambda one: one.seq, default=None)

    def _in_force(self, now: int) -> set[str]:
        return {self._topology.resolve(one.entity) for one in self.notices.values() if self._holds(one, now)}

    def _holds(self, notice: Notice, now: int) -> bool:
        by = self.superseded.get(self._topology.resolve(notice.entity))
        over = by is not None and by > (notice.sent_at, notice.seq)
        return notice.actual and not notice.ended and not over and not 0 < notice.expires <= now

    def _prune(self) -> None:
        if len(self.notices) > 2 * _KEPT:
            over = [name for name, one in self.notices.items() if self._topology.resolve(one.entity) not in self.alerts]
            for name in sorted(over, key=lambda name: self.notices[name].seq)[:-_KEPT]:
                entity = self._topology.resolve(self.notices.pop(name).entity)
                self.superseded.pop(entity, None)
                self.covers.pop(entity, None)

    # ---- keeping

    def dump(self) -> dict[str, Any]:
        return {
            "geocodes": self.geocodes,
            "takesUnlocated": self.takes_unlocated,
            "unlocated": sorted(self.unlocated),
            "notices": [[*name, *asdict(one).values()] for name, one in sorted(self.notices.items())],
            "superseded": dict(sorted(self.superseded.items())),
            "alerts": {warning: dict(sorted(held.items())) for warning, held in sorted(self.alerts.items())},
            "covers": dict(sorted(self.covers.items())),
            "moved": self.moved,
        }

    def load(self, data: Mapping[str, Any]) -> None:
        self.geocodes = tuple(data["geocodes"])
        self.takes_unlocated = data.get("takesUnlocated", False)  # an older state took none
        self.unlocated = set(data.get("unlocated", ()))
        for source, external_id, seq, entity, identifier, actual, ended, severity, *more in data["notices"]:
            self.notices[source, external_id] = Notice(
                seq, entity, identifier, actual, ended, Severity(severity), *more
            )
        self.superseded = {warning: (by[0], by[1]) for warning, by in data["superseded"].items()}
        self.alerts = data["alerts"]
        self.covers = {warning: tuple(places) for warning, places in data["covers"].items()}
        self.moved = None if data["moved"] is None else (data["moved"][0], data["moved"][1])


def _key(warning: str) -> Key:
    return f"{RULE}:{warning}", 0


def _notice(entry: ClaimEntry) -> Notice:
    values = entry.claim.values

    def text(name: str) -> str | None:
        value = values.get(name)
        return value if isinstance(value, str) else None

    ended = text("ended_at") is not None or text("message_type") not in (None, MessageType.ALERT, MessageType.UPDATE)
    actual = text("status") == WarningStatus.ACTUAL
    severity, sent = text("severity"), _micros(text("sent"))
    return Notice(
        seq=entry.seq,
        entity=entry.entity,
        identifier=text("identifier") or entry.claim.external_id,
        actual=actual,
        ended=ended,
        severity=Severity.__members__.get(severity or "", Severity.UNKNOWN),
        expires=max(_micros(text("expires")), 0),
        sent_at=sent or to_micros(entry.recorded_at),
        passed={
            "identifier": text("identifier") or entry.claim.external_id,
            "event": text("event"),
            "headline": text("headline"),
            "issuer": text("sender_name") or text("sender"),
            "sent": text("sent"),
            "colour": text("colour"),
        },
        areas=text("areas") or "" if actual and not ended else "",
    )


def _micros(moment: str | None) -> int:
    return 0 if moment is None else to_micros(datetime.fromisoformat(moment))
