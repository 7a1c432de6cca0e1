"""The machine's state as bytes, so that it can be taken up at the position that it belongs to."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from graph_models.entities import Severity
from hub.journal.records import Series
from hub.warning.cells import Cell, RuleBook
from hub.warning.episodes import Episode
from hub.warning.limits import Phase, Track
from hub.warning.machine import Machine
from hub.warning.rules import LimitRule, RuleSet

_VERSION = 1


def dump(machine: Machine) -> bytes:
    """Equal for equal state; without the topology, which is kept beside it."""
    marks: dict[tuple[int, int], list[int]] = {}
    for series, mark in machine.seen.items():
        marks.setdefault(mark, []).append(series)
    return orjson.dumps(
        {
            "version": _VERSION,
            "epoch": machine.epoch,
            "clock": machine.clock,
            "rules": machine.book.rules.recorded(),
            "rulesSeq": machine.book.seq,
            "rulesAt": machine.book.at,
            "timerVersion": machine.timer_version,
            "seen": [[*mark, sorted(series)] for mark, series in sorted(marks.items())],
            "active": [[*key, *cell.track, cell.alert] for key, cell in sorted(machine.active.items())],
            "silent": [[*key, alert] for key, alert in sorted(machine.silent.items())],
            "episodes": [
                [e.id, e.rule, e.subject, sorted(e.members), e.acknowledged, e.returned, e.severity, e.held, e.topic]
                for _, e in sorted(machine.episodes.open.items())
            ],
            "signals": machine.signals.dump(),
            "officials": machine.officials.dump(),
            "down": sorted(machine.down),
            "recovered": dict(sorted(machine.recovered.items())),
        }
    )


def load(machine: Machine, state: bytes, series: Iterable[Series]) -> None:
    """Takes up what `dump` gave, in a machine whose topology stands at the same position."""
    data: Mapping[str, Any] = orjson.loads(state)
    if data["version"] != _VERSION:
        raise ValueError(f"a warning state of version {data['version']} cannot be taken up")
    machine.know(series)
    machine.epoch = data["epoch"]
    machine.clock = data["clock"]
    machine.timer_version = data["timerVersion"]
    machine.book = RuleBook(RuleSet.of(data["rules"]), data["rulesSeq"], data["rulesAt"])
    machine.seen = {one: (at, seq) for at, seq, found in data["seen"] for one in found}
    for rule_id, one, phase, seq, deadline, value, alert in data["active"]:
        rule = machine.book.by_id[rule_id]
        if isinstance(rule, LimitRule):
            cell = Cell(rule, machine.series[one])
            cell.track, cell.alert = Track(Phase(phase), seq, deadline, value), alert
            machine.active[cell.key] = cell
    machine.silent = {(rule_id, one): alert for rule_id, one, alert in data["silent"]}
    for alert, rule_id, subject, members, acknowledged, returned, *more in data["episodes"]:
        if not more:
            more = [Severity.EXTREME, False]  # an older state does not tell: better held than closed
        severity, held, topic = (*more, "")[:3]
        episode = Episode(alert, rule_id, subject, Severity(severity), topic)
        episode.members.update(members)
        episode.acknowledged, episode.returned, episode.held = acknowledged, returned, held
        machine.episodes.take_up(episode)
    machine.signals.load(data.get("signals", ()))  # an older state has none
    if "officials" in data:
        machine.officials.load(data["officials"])
    machine.down = set(data["down"])
    machine.recovered = dict(data["recovered"])
    machine.rebuild()


def epoch_of(state: bytes) -> str:
    return str(orjson.loads(state)["epoch"])
