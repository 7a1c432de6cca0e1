"""An operation that asks for too much is refused before it runs, with what to do; what people ask is not."""

import pytest
from graphql import get_introspection_query, get_operation_ast, parse

from hub.errors import BadRequest, CostExceeded
from hub.web.cost import check
from hub.web.limits import Limits
from hub.web.preparing import Preparing
from schema.schema import schema

SCHEMA = schema._schema
DEPTH, FIELDS, VALUES = Limits().depth, Limits().fields, Limits().values


def cost(document: str, **variables: object) -> None:
    parsed = parse(document)
    operation = get_operation_ast(parsed, None)
    assert operation is not None
    check(SCHEMA, parsed, operation, variables)


def lists(levels: int, arguments: str = "") -> str:
    inner = "nodes{name}"
    for _ in range(levels - 1):
        inner = f"nodes{{parts{arguments}{{{inner}}}}}"
    return f"{{places{arguments}{{{inner}}}}}"


def test_lists_within_lists_are_multiplied_by_what_each_may_give() -> None:
    cost(lists(2))
    with pytest.raises(CostExceeded, match=f"more than {VALUES} values.*`first`"):
        cost(lists(4))
    cost(lists(3))
    cost(lists(12, "(first: 1)"))
    cost("query ($n: Int!) " + lists(8, "(first: $n)"), n=1)
    with pytest.raises(CostExceeded):
        cost("query ($n: Int!) " + lists(3, "(first: $n)"), n=500)
    cost("query ($n: Int = 1) " + lists(8, "(first: $n)"))
    with pytest.raises(CostExceeded):  # by the variable's own default
        cost("query ($n: Int = 500) " + lists(3, "(first: $n)"))
    with pytest.raises(CostExceeded):
        cost(lists(3, f"(first: {'9' * 6000})"))
    cost("{places(first: 99999999999){nodes{name}}}")


def test_what_was_counted_before_is_counted_anew_where_a_list_may_be_longer() -> None:
    preparing = Preparing(SCHEMA, Limits(), introspection=True)
    lists = "places(first: $n){nodes{name}} _entities(representations: $of){__typename}"
    page = parse(f"query ($n: Int, $of: [_Any!]!) {{{lists}}}")
    operation = get_operation_ast(page, None)
    assert operation is not None
    for given in ({"n": 7}, {"n": 9}, {"n": None}, {}, {"n": "7"}, {"n": 7}, {"n": 7, "of": [1, 2]}, {"n": 7, "of": 1}):
        variables: dict[str, object] = {"of": [], **given}
        assert preparing.cost(page, operation, variables) == check(SCHEMA, page, operation, variables), given
    with pytest.raises(CostExceeded):
        preparing.cost(page, operation, {"n": 7, "of": [0] * (VALUES + 1)})


def test_many_aliases_are_refused_also_where_fragments_hold_them() -> None:
    aliases = " ".join(f"a{number}: name" for number in range(100))
    cost(f"{{places(first: 1){{nodes{{{aliases}}}}}}}")
    spreads = " ".join("...Many" for _ in range(FIELDS // 100 + 1))
    with pytest.raises(CostExceeded, match="fragments written out"):
        cost(f"{{places(first: 1){{nodes{{{spreads}}}}}}} fragment Many on Place {{{aliases}}}")


def test_fragments_that_double_at_each_step_are_counted_at_once() -> None:
    chain = " ".join(f"fragment F{n} on Place {{...F{n + 1} ...F{n + 1}}}" for n in range(28))
    with pytest.raises(CostExceeded):
        cost(f"{{places(first: 1){{nodes{{...F0}}}}}} {chain} fragment F28 on Place {{name}}")


def test_what_is_nested_too_deep_is_a_bad_request_also_by_way_of_fragments() -> None:
    deep = "partOf{" * DEPTH + "name" + "}" * DEPTH
    with pytest.raises(BadRequest, match=f"deeper than {DEPTH}"):
        cost(f"{{places(first: 1){{nodes{{{deep}}}}}}}")
    half = "partOf{" * (DEPTH // 2)
    shut = "}" * (DEPTH // 2)
    twice = f"{{places(first: 1){{nodes{{...A}}}}}} fragment A on Place {{{half}...B{shut}}}"
    with pytest.raises(BadRequest, match="deeper"):
        cost(f"{twice} fragment B on Place {{{half}name{shut}}}")


def test_what_validation_refuses_is_left_to_it() -> None:
    cost("{...A} fragment A on Query {...B} fragment B on Query {...A}")
    cost('{nosuch{more} places(first: "many"){nodes{...Nobody}}}')


def test_the_explorers_question_for_the_schema_is_taken() -> None:
    cost(get_introspection_query())
    rings = "fields{type{" * 8 + "name" + "}}" * 8
    with pytest.raises(CostExceeded):
        cost(f"{{__schema{{types{{{rings}}}}}}}")
