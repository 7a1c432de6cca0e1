"""What the machine keeps of one series under one rule, and the rules by what is asked of them."""

from hub.journal.records import Series
from hub.warning import limits
from hub.warning.limits import Direction
from hub.warning.rules import LimitRule, RuleSet, SignalRule, SilenceRule, SourceRule
from hub.warning.timers import Key


class Cell:
    """One series under one limit rule; `sign` turns a low limit into a high one."""

    __slots__ = ("alert", "bounds", "breach", "rule", "series", "sign", "track")

    def __init__(self, rule: LimitRule, series: Series) -> None:
        self.rule = rule
        self.series = series
        self.bounds = rule.bounds()
        self.sign = 1.0 if rule.direction is Direction.HIGH else -1.0
        self.breach = self.sign * rule.limit
        self.track = limits.NORMAL
        self.alert: str | None = None

    @property
    def key(self) -> Key:
        return self.rule.id, self.series.id


class Watch:
    """The rules that concern one series."""

    __slots__ = ("cells", "silences")

    def __init__(self, cells: tuple[Cell, ...], silences: tuple[SilenceRule, ...]) -> None:
        self.cells = cells
        self.silences = silences


NOTHING = Watch((), ())


class RuleBook:
    """The rule set in force, by what is asked of it. `seq` and `at` (microseconds since 1970) say since when."""

    def __init__(self, rules: RuleSet, seq: int = 0, at: int = 0) -> None:
        self.rules = rules
        self.seq = seq
        self.at = at
        self.by_id = {rule.id: rule for rule in rules.rules}
        self.by_quantity: dict[str, list[LimitRule | SilenceRule]] = {}
        for rule in rules.rules:
            if isinstance(rule, LimitRule | SilenceRule):
                self.by_quantity.setdefault(rule.quantity, []).append(rule)
        self.of_sources = [rule for rule in rules.rules if isinstance(rule, SourceRule)]
        self.by_signal: dict[str, list[SignalRule]] = {}
        for rule in rules.rules:
            if isinstance(rule, SignalRule):
                for type_ in dict.fromkeys(rule.signals):
                    self.by_signal.setdefault(type_, []).append(rule)
        self.selective = any(rule.selective for rule in rules.rules if not isinstance(rule, SourceRule))

    def watches(self, source: str) -> bool:
        return any(rule.covers(source) for rule in self.of_sources)
