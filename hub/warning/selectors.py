"""Which series and devices a rule concerns, as far as the log has told by now where things stand."""

from hub.journal.records import HUB, Series
from hub.topology import Topology
from hub.warning.rules import LimitRule, SignalRule, SilenceRule


def subject_of(series: Series, topology: Topology) -> str:
    """The sensor's living entity at this point of the log, which is not always the one that it is today."""
    return topology.find(series.source, series.external_id) or topology.resolve(series.sensor)


def selects(rule: LimitRule | SilenceRule, series: Series, topology: Topology) -> bool:
    if rule.quantity != series.quantity or (rule.unit and rule.unit != series.unit):
        return False
    external = f"{series.source}/{series.external_id}"
    return not rule.selective or selects_subject(rule, subject_of(series, topology), external, topology, series.sensor)


def selects_subject(
    rule: LimitRule | SilenceRule | SignalRule,
    subject: str,
    external: str,
    topology: Topology,
    named: str | None = None,
) -> bool:
    """`external` is SOURCE/EXTERNAL-ID; `named` an id by which the subject was once known."""
    if rule.assets and not {subject, external, named} & set(rule.assets):
        return False
    if rule.kinds and topology.kind(subject) not in rule.kinds:
        return False
    if rule.within:
        around = {place.id for place in topology.path(subject)}
        return any(topology.find(HUB, code) in around for code in rule.within)
    return True
