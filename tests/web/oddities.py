"""A schema with something of everything that can stand in a row, and random rows and documents for it."""

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from random import Random
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError
from strawberry import Parent
from strawberry.schema.config import StrawberryConfig

from schema.rows import is_row_of, pick, related
from schema.scalars import SCALARS

Row = dict[str, Any]
_Branch = Annotated["Branch", strawberry.lazy("tests.web.oddities")]


class Colour(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


def _broken(row: Parent[Any]) -> str | None:
    if row["name"] == "a":
        raise GraphQLError("a is broken")
    return str(row["name"])


async def _soon(row: Parent[Any], times: int = 1) -> str | None:
    await asyncio.sleep(0)
    return "soon" * times


def _repeated(row: Parent[Any], info: strawberry.Info, times: int, colour: Colour = Colour.RED) -> str:
    return f"{info.path.key}{info.context}{colour.value}" * times


@strawberry.interface
class Named:
    id: strawberry.ID
    name: str | None


@strawberry.type
class Leaf(Named):
    number: int
    maybe: int | None
    size: float | None
    lit: bool
    kind: Colour
    at: datetime | None
    words: list[str]
    some: list[int | None] | None
    is_type_of = is_row_of("Leaf")


@strawberry.type
class Bare:
    """Without a test of what it is."""

    name: str | None
    number: int


_Thing = Annotated[Leaf | _Branch, strawberry.union("Thing")]


@strawberry.type
class Branch(Named):
    kind: Colour | None
    broken: str | None = strawberry.field(resolver=_broken)
    soon: str | None = strawberry.field(resolver=_soon)
    repeated: str = strawberry.field(resolver=_repeated)
    up: _Branch | None = strawberry.field(resolver=related)
    leaf: Leaf = strawberry.field(resolver=related)
    leaves: list[Leaf] = strawberry.field(resolver=related)
    holes: list[Leaf | None] | None = strawberry.field(resolver=related)
    whole: _Branch = strawberry.field(resolver=lambda root: root)
    bare: Bare | None = strawberry.field(resolver=related)
    bares: list[Bare] = strawberry.field(resolver=related)
    named: Named | None = strawberry.field(resolver=related)
    things: list[_Thing] = strawberry.field(resolver=related)
    is_type_of = is_row_of("Branch")


@strawberry.type
class Query:
    branches: list[Branch] = strawberry.field(resolver=lambda root: root["branches"])
    holes: list[Branch | None] = strawberry.field(resolver=lambda root: root["branches"])
    branch: Branch | None = strawberry.field(resolver=lambda root: next(iter(root["branches"]), None))


SCHEMA = strawberry.Schema(
    query=Query, types=[Leaf, Bare], config=StrawberryConfig(default_resolver=pick, scalar_map=SCALARS)
)
"""Executed with the value that `rows` gives as its root."""

LEAVES = {
    "Leaf": ["id", "name", "number", "maybe", "size", "lit", "kind", "at", "words", "some"],
    "Bare": ["name", "number"],
    "Branch": ["id", "name", "colour: kind", "broken", "repeated(times: 2)", "repeated(times: $times, colour: BLUE)"],
    "Named": ["id", "name"],
    "Thing": [],
    "Query": [],
}
BELOW = {
    "Branch": {
        "up": "Branch",
        "leaf": "Leaf",
        "leaves": "Leaf",
        "holes": "Leaf",
        "whole": "Branch",
        "bare": "Bare",
        "bares": "Bare",
        "named": "Named",
        "things": "Thing",
    },
    "Query": {"branches": "Branch", "holes": "Branch", "branch": "Branch"},
}
POSSIBLE = {"Named": ["Leaf", "Branch", "Named"], "Thing": ["Leaf", "Branch", "Named"]}


class Other:
    """Something that is no row, with some of its fields."""

    def __init__(self, dice: Random) -> None:
        self.name = dice.choice(["x", None, 7])
        self.number = dice.choice([1, "3", None])


class Rows:
    """`odd`: how often a value is not as it should be, from 0 to 1."""

    def __init__(self, dice: Random, odd: float) -> None:
        self._dice, self._odd = dice, odd

    def root(self) -> Row:
        return {"branches": self._many(lambda: self.branch(2))}

    def branch(self, depth: int) -> Any:
        row: Row = {"__typename": "Branch", "id": self._text(), "name": self._text(), "kind": self._colour()}
        deeper = depth > 0
        made = {
            "up": lambda: self.branch(depth - 1) if deeper else None,
            "leaf": self.leaf,
            "leaves": lambda: self._many(self.leaf),
            "holes": lambda: self._many(lambda: self._dice.choice([None, self.leaf()])),
            "bare": self._bare,
            "bares": lambda: self._many(self._bare),
            "named": lambda: self.branch(depth - 1) if deeper else self.leaf(),
            "things": lambda: self._many(lambda: self.branch(depth - 1) if deeper else self.leaf()),
        }
        for name, make in made.items():
            value = make()
            for key in (name, f"{name}_1", f"{name}_2"):
                row[f"@{key}"] = self._oddly(value)
        return self._oddly(row)

    def leaf(self) -> Any:
        dice = self._dice
        row = {
            "__typename": "Leaf",
            "id": self._text(),
            "name": dice.choice([None, "a", "b"]),
            "number": self._oddly(dice.choice([0, -5, 2**31 - 1])),
            "maybe": self._oddly(dice.choice([None, 3])),
            "size": self._oddly(dice.choice([None, 1.5, 2, -0.0])),
            "lit": self._oddly(dice.choice([True, False])),
            "kind": self._colour(),
            "at": self._oddly(dice.choice([None, "2026-01-01T00:00:00.000000Z", datetime(2026, 1, 1, tzinfo=UTC)])),
            "words": self._many(self._text),
            "some": self._oddly(dice.choice([None, [], [1, None], (2,)])),
        }
        if dice.random() < self._odd / 4:
            del row[dice.choice(list(row))]
        return self._oddly(row)

    def _bare(self) -> Any:
        return Other(self._dice) if self._dice.random() < self._odd else {"name": self._text(), "number": 3}

    def _text(self) -> Any:
        return self._oddly(self._dice.choice(["a", "b", "\u706b\u707e", '"', ""]))

    def _colour(self) -> Any:
        return self._oddly(self._dice.choice(["RED", "BLUE", Colour.RED]))

    def _many(self, make: Any) -> Any:
        many = [make() for _ in range(self._dice.randrange(3))]
        return self._oddly(tuple(many) if self._dice.random() < self._odd else many)

    def _oddly(self, value: Any) -> Any:
        if self._dice.random() >= self._odd:
            return value
        return self._dice.choice(
            [None, 2**40, "GREEN", 1.5, float("nan"), True, [], {}, ValueError("no value"), object, self._later(value)]
        )

    def _later(self, value: Any) -> Any:
        class Later:
            def __await__(self) -> Any:
                yield from asyncio.sleep(0).__await__()
                return value

        return Later()


class Documents:
    """A valid document or, now and then, one that merges what cannot be merged: ask whether it is."""

    def __init__(self, dice: Random, soon: float) -> None:
        self._dice, self._soon = dice, soon
        self._fragments: list[str] = []

    def one(self) -> str:
        body = self._braces("Query", 4)
        return "\n".join([f"query ($yes: Boolean!, $no: Boolean!, $times: Int! = 1) {body}", *self._fragments])

    def _braces(self, type_: str, depth: int) -> str:
        dice = self._dice
        parts = [self._field(type_, depth) for _ in range(dice.randrange(1, 5))]
        if dice.random() < 0.3:
            parts.append("__typename")
        if depth and dice.random() < 0.4:
            parts.append(self._spread(type_, depth - 1))
        return f"{{ {' '.join(part for part in parts if part) or '__typename'} }}"

    def _field(self, type_: str, depth: int) -> str:
        dice = self._dice
        below = BELOW.get(type_, {})
        if below and ((depth and dice.random() < 0.5) or not LEAVES[type_]):
            name = dice.choice(list(below))
            if not depth:
                return ""
            alias = f"{name}_{dice.choice('12')}: " if dice.random() < 0.4 else ""
            return f"{alias}{name} {self._directive()} {self._braces(below[name], depth - 1)}"
        if type_ in POSSIBLE and (not LEAVES[type_] or dice.random() < 0.6):
            return self._spread(type_, depth)
        if type_ == "Branch" and dice.random() < self._soon:
            return "soon"
        written = dice.choice(LEAVES[type_])
        name, _, rest = written.partition("(")
        alias = f"{name}_{len(rest)}: " if rest else f"{name}_3: " if ":" not in name and dice.random() < 0.3 else ""
        return f"{alias}{written} {self._directive()}"

    def _spread(self, type_: str, depth: int) -> str:
        on = self._dice.choice(POSSIBLE.get(type_, [type_]))
        if self._dice.random() < 0.5:
            return f"... on {on} {self._directive()} {self._braces(on, depth)}"
        body = self._braces(on, depth)
        name = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {on} {body}")
        return f"...{name} {self._directive()}"

    def _directive(self) -> str:
        if self._dice.random() > 0.2:
            return ""
        return f"@{self._dice.choice(['skip', 'include'])}(if: {self._dice.choice(['true', 'false', '$yes', '$no'])})"
