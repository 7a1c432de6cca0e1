"""The schema's text: kept in a file, described throughout, and level with the graph's declarations."""

from dataclasses import fields

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
)

from graph_models.entities import ENTITIES
from graph_models.relations import RELATIONS
from hub.errors import Code
from hub.graph.fragments import CONDITIONS, STEPS
from hub.graph.select import FIELDS
from schema.export import main
from schema.schema import schema
from schema.selection import GRAPHQL_FIELDS

CORE = schema._schema
NOT_YET_EXPOSED = {"Person", "Organization"}
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
    assert bare == []


def test_the_declared_kinds_and_fields_are_those_of_the_schema() -> None:
    declared = {entity.__name__: {field.name for field in fields(entity)} for entity in ENTITIES}
    assert set(declared) - set(FIELDS) == NOT_YET_EXPOSED
    for entity, names in FIELDS.items():
        assert set(names) - {"retired"} == declared[entity]
        of = CORE.type_map[entity]
        assert isinstance(of, GraphQLObjectType)
        assert set(GRAPHQL_FIELDS[entity]) <= set(of.fields)
        assert [each.name for each in of.interfaces] == ["Node"]


def test_every_relation_between_shown_kinds_can_be_walked() -> None:
    walked = " ".join(step.match for step in STEPS.values())
    for relation in RELATIONS:
        if set(relation.start) & set(FIELDS) and set(relation.end) & set(FIELDS):
            assert f":{relation.name}" in walked
    assert {entity for entity, _ in CONDITIONS} == set(FIELDS)


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
