"""Compiled rows are what the executor alone would give: for any selection of any rows, whatever is wrong with them."""

import asyncio
from inspect import isawaitable
from random import Random
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    ExecutionResult,
    OverlappingFieldsCanBeMergedRule,
    execute_root_selection_set,
    parse,
    print_ast,
    validate,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from hub.web import turns
from hub.web.encoding import encode
from hub.web.templates import Templates
from hub.web.turns import InTurns
from tests.web.oddities import SCHEMA, Documents, Rows

CORE = SCHEMA._schema


async def told(executor: Any) -> tuple[bytes, list[object]]:
    """The data as it goes out, and the errors by their path, places and text."""
    assert not isinstance(executor, list), executor
    result: Any = execute_root_selection_set(executor)
    if isawaitable(result):
        result = await result
    assert isinstance(result, ExecutionResult)
    errors = [
        (each.path, [(at.line, at.column) for at in each.locations or ()], each.message) for each in result.errors or ()
    ]
    return encode(result.data), sorted(errors, key=str)


async def both(document: DocumentNode, root: Any, variables: dict[str, Any], templates: Templates) -> Any:
    stock = StrawberryGraphQLCoreExecutionContext.build(CORE, document, root, "!", dict(variables))
    ours = InTurns.build(CORE, document, root, "!", dict(variables), templates=templates)
    return await told(stock), await told(ours)


@pytest.mark.parametrize(("odd", "soon"), [(0.0, 0.0), (0.0, 0.1), (0.01, 0.0), (0.1, 0.05), (0.3, 0.0)])
def test_any_selection_of_any_rows_is_completed_as_the_executor_alone_does_it(
    odd: float, soon: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_TURN_SECONDS", 3600.0)  # which errors beside a null are told hangs on the order

    async def compare() -> None:
        for seed in range(25):
            dice = Random(f"{seed} {odd} {soon}")
            document = parse(Documents(dice, soon).one())
            if validate(CORE, document, [OverlappingFieldsCanBeMergedRule]):
                continue
            templates = Templates()  # kept from request to request
            for _ in range(3):
                variables = {"yes": dice.random() < 0.5, "no": dice.random() < 0.5, "times": dice.randrange(3)}
                stock, ours = await both(document, Rows(dice, odd).root(), variables, templates)
                assert ours == stock, (seed, print_ast(document), variables)

    asyncio.run(compare())


def test_no_field_of_a_plain_row_is_resolved_by_itself() -> None:
    class Counting(InTurns):
        resolved = 0

        def execute_field(self, *given: Any) -> Any:
            Counting.resolved += 1
            return super().execute_field(*given)

    leaf = {"__typename": "Leaf", "id": "a", "name": None, "number": 1, "lit": True, "kind": "RED", "words": ["a"]}
    row = {"__typename": "Branch", "id": "b", "@leaf": leaf, "@leaves": [leaf] * 5, "@named": leaf}
    document = parse(
        "{ branches { id leaf { ...L } leaves { number ...L } named { id ... on Leaf { lit } } repeated(times: 1) } }"
        " fragment L on Leaf { __typename name kind words }"
    )

    async def run() -> tuple[bytes, list[object]]:
        return await told(Counting.build(CORE, document, {"branches": [row] * 50}, "!"))

    data, errors = asyncio.run(run())
    assert data.count(b'"kind":"RED"') == 50 * 6
    assert (errors, Counting.resolved) == ([], 1)
