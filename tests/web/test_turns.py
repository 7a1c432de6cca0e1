"""A long answer leaves the event loop to others between its rows, and is the same answer."""

import asyncio

import pytest
import strawberry
from graphql import GraphQLError

from hub.web import turns
from hub.web.turns import InTurns


@strawberry.type
class Row:
    number: int

    @strawberry.field
    def odd(self) -> str | None:
        if self.number % 2:
            raise GraphQLError(f"{self.number} is odd")
        return "even"

    @strawberry.field
    async def soon(self) -> int:
        await asyncio.sleep(0)
        return self.number

    @strawberry.field
    def below(self) -> list["Row"]:
        return [Row(number=number) for number in range(5)]


@strawberry.type
class Query:
    @strawberry.field
    def rows(self, count: int) -> list[Row]:
        return [Row(number=number) for number in range(count)]


DOCUMENT = "query ($n: Int!) { rows(count: $n) { number odd soon a: below { number odd } b: below { number } } }"


def asked(count: int, *, in_turns: bool) -> tuple[object, list[object], int]:
    """The data, the errors by their path, and how often another task ran meanwhile."""
    schema = strawberry.Schema(query=Query)
    if in_turns:
        schema.execution_context_class = InTurns
    ran = 0

    async def other() -> None:
        nonlocal ran
        while True:
            ran += 1
            await asyncio.sleep(0)

    async def run() -> tuple[object, list[object]]:
        neighbour = asyncio.create_task(other())
        result = await schema.execute(DOCUMENT, variable_values={"n": count})
        neighbour.cancel()
        return result.data, sorted((str(error.path), error.message) for error in result.errors or ())

    return *asyncio.run(run()), ran


def test_a_long_answer_is_the_same_and_lets_others_in_between_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_TURN_SECONDS", 0.0)  # every row takes longer
    data, errors, _ = asked(200, in_turns=False)
    again, the_same, ran = asked(200, in_turns=True)
    assert (again, the_same) == (data, errors)
    assert len(errors) == 100 + 200 * 2
    assert ran > 200


def test_an_answer_within_its_turn_takes_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_TURN_SECONDS", 3600.0)
    assert asked(3, in_turns=True)[2] < 10
