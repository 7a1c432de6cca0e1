"""The alerts that are not yet closed: who holds each open, and what is said of it when that changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graph_models.entities import Severity
from hub.clock import from_micros
from hub.journal.stories import Snapshot
from hub.topology import Topology
from hub.warning import alerts
from hub.warning.alerts import Measured, Named, Step
from hub.warning.rules import AnyRule

_GRAVE = frozenset({Severity.EXTREME, Severity.SEVERE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why an episode begins where no rule of the rule file asks for it. `topic` tells two of one subject apart;
    `passed` is the official warning that the alert passes on."""

    id: str
    severity: Severity
    code: str
    topic: str
    passed: Mapping[str, str | None]


class Episode:
    """An alert from its opening until it is closed; `members` are the series that hold it open. `held`: one of them
    is no longer measured, so that nobody but a person can say that the danger is over."""

    __slots__ = ("acknowledged", "held", "id", "members", "returned", "rule", "severity", "subject", "topic")

    def __init__(
        self,
        id: str,  # noqa: A002 - the alert's id
        rule: str,
        subject: str,
        severity: Severity,
        topic: str = "",
    ) -> None:
        self.id = id
        self.rule = rule
        self.subject = subject
        self.severity = severity
        self.topic = topic
        self.members: set[int] = set()
        self.acknowledged = False
        self.returned = False
        self.held = False

    @property
    def key(self) -> tuple[str, str]:
        return _key(self.rule, self.topic), self.subject


class Episodes:
    """`steps` are the decisions of the entry at hand, in order. All times are in microseconds since 1970."""

    def __init__(self, identify: Callable[[str, str, str], str], topology: Topology) -> None:
        self.open: dict[str, Episode] = {}
        self.current: dict[tuple[str, str], str] = {}  # (rule, subject) → the episode that has not returned
        self.steps: list[Step] = []
        self._identify = identify
        self._topology = topology
        self._openings: dict[tuple[str, str, str], int] = {}  # within the entry at hand
        self._seq = 0

    def take_up(self, episode: Episode) -> None:
        """One of a stored state."""
        self.open[episode.id] = episode
        if not episode.returned:
            self.current[episode.key] = episode.id

    def next_entry(self, seq: int) -> None:
        self.steps = []
        self._openings.clear()
        self._seq = seq

    def begin(
        self,
        rule: AnyRule | Cause,
        subject: Named,
        member: int,
        cause: int,
        at: int,
        measured: Measured | None,
        origin: str,
    ) -> str:
        """Opens an episode, or joins the one that is open for this rule and subject.

        `origin` tells episodes of the two apart: the sequence with which this one began; a second one within
        the same batch is numbered.
        """
        topic = rule.topic if isinstance(rule, Cause) else ""
        current = self.current.get((_key(rule.id, topic), subject.id))
        if current is not None:
            self.open[current].members.add(member)
            return current
        nth = self._openings.get((rule.id, subject.id, origin), 0)
        self._openings[rule.id, subject.id, origin] = nth + 1
        alert = self._identify(rule.id, subject.id, f"{origin}+{nth}" if nth else origin)
        path = [Named(id=p.id, kind=p.kind, name=p.name) for p in self._topology.path(subject.id)]
        self.open[alert] = episode = Episode(alert, rule.id, subject.id, rule.severity, topic)
        episode.members.add(member)
        self.current[episode.key] = alert
        snapshot = alerts.opened(
            id=alert,
            rule=rule.id,
            severity=rule.severity,
            code=rule.code,
            at=from_micros(at),
            measured=measured,
            subject=subject,
            path=path,
            warning=rule.passed if isinstance(rule, Cause) else None,
        )
        self._say(alerts.OPENED, episode, at, cause, snapshot)
        return alert

    def leave(self, alert: str, member: int, at: int, cause: int) -> None:
        """The member is back to normal; with the last one the episode returns."""
        episode = self.open.get(alert)
        if episode is not None and not episode.returned:
            episode.members.discard(member)
            self._return_if_over(episode, at, cause)

    def let_go(self, alert: str, member: int, at: int, cause: int) -> None:
        """The member is no longer measured, or no rule asks for it: that is no word that all is well. A grave alert
        that nobody has acknowledged stays open, however well the others are; any other one goes on as by `leave`."""
        episode = self.open.get(alert)
        if episode is not None and episode.severity in _GRAVE and not episode.acknowledged:
            episode.held = True
        self.leave(alert, member, at, cause)

    def acknowledge(self, alert: str, at: int, cause: int) -> None:
        episode = self.open.get(alert)
        if episode is None or episode.acknowledged:
            return
        episode.acknowledged = True
        episode.held = False
        if episode.returned:
            self._close(episode, at, cause)
        else:
            self._return_if_over(episode, at, cause)

    def _return_if_over(self, episode: Episode, at: int, cause: int) -> None:
        if episode.members or episode.held:
            return
        episode.returned = True
        del self.current[episode.key]
        self._say(alerts.RETURNED, episode, at, cause)
        if episode.acknowledged:
            self._close(episode, at, cause)

    def _close(self, episode: Episode, at: int, cause: int) -> None:
        del self.open[episode.id]
        self._say(alerts.CLOSED, episode, at, cause)

    def _say(
        self,
        type: str,  # noqa: A002 - the log's own name for it
        episode: Episode,
        at: int,
        cause: int,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.steps.append(
            Step(
                type=type,
                alert=episode.id,
                rule=episode.rule,
                subject=episode.subject,
                at=from_micros(at),
                cause=cause,
                decided=self._seq,
                opening=snapshot,
            )
        )


def _key(rule: str, topic: str) -> str:
    return f"{rule}:{topic}" if topic else rule
