"""The schema's text: kept in a file, described throughout, and level with the graph's declarations."""

import re
from collections.abc import Mapping
from dataclasses import fields

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    is_specified_scalar_type,
)

from graph_models.entities import ENTITIES
from graph_models.relations import RELATIONS as RELATIONS_DECLARED
from hub.errors import Code
from hub.graph.fragments import BELOW
from hub.graph.kinds import KINDS
from hub.graph.selection import FIELDS, PROVENANCE, Order
from schema.export import main
from schema.schema import schema
from schema.selection import FACETS, GRAPHQL_FIELDS, RELATIONS, _camel, _snake

CORE = schema._schema
IN_AN_OBJECT = {("SupplyLot", "terms"), ("SupplyLot", "agreedQuantity")}
OF_UNIONS = {("Asset", "monitorsPlaces"), ("Asset", "monitorsAssets"), ("Alert", "subjectPlace"), ("Alert", "path")}
OWN = {name: of for name, of in CORE.type_map.items() if "__" not in name and not name.startswith("_")}


def test_the_file_holds_the_schema() -> None:
    assert main(["--check"]) == 0


def test_everything_says_what_it_is() -> None:
    bare = []
    for name, of in OWN.items():
        if not of.description:
            bare.append(name)
        if isinstance(of, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in of.fields.items():
                if field_name.startswith("_"):
                    continue
                bare += [] if field.description else [f"{name}.{field_name}"]
                arguments = {} if isinstance(of, GraphQLInputObjectType) else field.args
                bare += [f"{name}.{field_name}({key})" for key, each in arguments.items() if not each.description]
        if isinstance(of, GraphQLEnumType):
            bare += [f"{name}.{key}" for key, value in of.values.items() if not value.description]
        if isinstance(of, GraphQLScalarType) and not is_specified_scalar_type(of):
            bare += [] if of.specified_by_url else [f"{name} @specifiedBy"]
    assert bare == []


def test_the_declared_kinds_and_fields_are_those_of_the_schema() -> None:
    declared = {entity.__name__: {field.name for field in fields(entity)} for entity in ENTITIES}
    assert set(declared) == set(FIELDS) == set(KINDS)
    for entity, names in FIELDS.items():
        assert set(names) - {"retired", *PROVENANCE, *KINDS[entity].computed} == declared[entity]
        of = CORE.type_map[entity]
        assert isinstance(of, GraphQLObjectType)
        within = {name for kind, name in IN_AN_OBJECT if kind == entity}
        assert set(GRAPHQL_FIELDS[entity]) - within <= set(of.fields)
        assert [each.name for each in of.interfaces] == ["Node"]


def fields_of(name: str) -> Mapping[str, GraphQLField]:
    of = CORE.type_map[name]
    assert isinstance(of, GraphQLObjectType | GraphQLInputObjectType)
    return of.fields


def test_every_relation_can_be_walked_by_a_field_of_its_type() -> None:
    walked = " ".join(step.match for kind in KINDS.values() for step in kind.steps.values())
    for relation in RELATIONS_DECLARED:
        assert re.search(rf"[:|]{relation.name}\b", walked)
    for entity, names in RELATIONS.items():
        sides = [fields_of(side) for (of, _), (side, _) in FACETS.items() if of == entity]
        shown = {name for fields in (fields_of(entity), *sides) for name in fields}
        assert set(names) - {name for kind, name in OF_UNIONS if kind == entity} <= shown
        for name, step in KINDS[entity].steps.items():
            assert step.target in KINDS
            assert step.at is None or KINDS[step.target].condition(step.at)
            if name.endswith(BELOW):
                assert "below" in fields_of(entity)[_camel(name.removesuffix(BELOW))].args


def test_every_filter_and_order_is_one_of_the_kinds_and_the_other_way_round() -> None:
    for entity, kind in KINDS.items():
        offered = set(fields_of(f"{entity}Filter")) - {"includeRetired"}
        assert {_snake(name) for name in offered} - {"ids", "within", "search"} == set(kind.conditions)
        assert ("search" in offered) == bool(kind.searched)
        for name in offered:
            condition = kind.condition(_snake(name))
            assert condition is not None
            assert set(condition.tells) <= set(FIELDS[entity]) | set(kind.steps)
        orders = CORE.type_map[f"{entity}Order"]
        assert isinstance(orders, GraphQLEnumType)
        assert {Order(str(value.value)).field for value in orders.values.values()} == {"id", *kind.orders}


def test_the_codes_are_the_closed_list() -> None:
    codes = CORE.type_map["Code"]
    assert isinstance(codes, GraphQLEnumType)
    assert set(codes.values) == set(Code.__members__)


def test_a_mutations_problems_all_tell_code_and_message() -> None:
    mutation = CORE.mutation_type
    assert mutation is not None
    for field in mutation.fields.values():
        union = getattr(field.type, "of_type", field.type)
        assert isinstance(union, GraphQLUnionType)
        success, *problems = union.types
        assert success.name.endswith("Success")
        assert problems
        assert all([each.name for each in problem.interfaces] == ["Problem"] for problem in problems)


def test_it_is_a_federation_subgraph_that_common_gateways_take() -> None:
    text = schema.as_str()
    assert "https://specs.apollo.dev/federation/v2.9" in text
    for entity in FIELDS:
        assert f'type {entity} implements Node @key(fields: "id")' in text
