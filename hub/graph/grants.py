"""A grant as a statement has it: when it holds a row, and what it shows of one."""

from typing import NamedTuple

from hub.graph import fragments
from hub.graph.fragments import fill
from hub.graph.kinds import KINDS
from hub.viewer import Visibility

CERTAIN = ("true", "false")


class GrantShape(NamedTuple):
    scope: str
    parameter: str  # "" for a scope that takes none
    terms: str  # the parameter of the terms on which it holds lots; "" for any
    types: frozenset[str] | None
    default: Visibility
    fields: tuple[tuple[str, Visibility], ...]
    without: str = ""  # the parameter of people whose rows it does not hold; "" for none

    def holds(self, entity: str, here: str) -> str:
        """When it holds a row: `true`, `false`, or a predicate of the row."""
        kind = KINDS[entity]
        if self.types is not None and entity not in self.types:
            return "false"
        by_rows = {"within_places": kind.within, "own_organization": kind.owned, "people_on_duty": kind.personal}
        scope = by_rows.get(self.scope, "true")
        held = fill(scope, here=here, parameter=self.parameter)
        if self.without and (others := fragments.WITHOUT.get(entity)):
            not_theirs = fill(others, here=here, parameter=self.without)
            return not_theirs if held == "true" else f"({held}) AND {not_theirs}"
        if not self.terms or entity != "SupplyLot":
            return held
        told = fill(fragments.TERMS, here=here, parameter=self.terms)
        return told if held == "true" else f"({held}) AND {told}"

    def visibility(self, entity: str, name: str) -> Visibility:
        """What is made of several fields is shown whole, or not at all."""
        shown = [dict(self.fields).get(f"{entity}.{part}", self.default) for part in KINDS[entity].behind(name)]
        return shown[0] if len(shown) == 1 or set(shown) == {Visibility.SHOW} else Visibility.HIDE
