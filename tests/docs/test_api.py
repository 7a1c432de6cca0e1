"""docs/api.md and README.md: each GraphQL document is one that the hub's schema takes, each error code one of ours."""

import json
import re
import shlex
from pathlib import Path

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate

from hub.errors import Code
from hub.web import cost
from tests.docs.pages import DOCS, ROOT, Block, blocks

PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md"]
DOCUMENTS = [block for page in PAGES for block in blocks(page, "graphql")]


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """What is checked in; its federation directives are declared nowhere else."""
    text = (ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid_sdl=True)


def test_there_are_documents() -> None:
    assert len([block for block in DOCUMENTS if block.page.name == "api.md"]) >= 8


@pytest.mark.parametrize("block", DOCUMENTS, ids=str)
def test_a_document_is_valid(block: Block, schema: GraphQLSchema) -> None:
    document = parse(block.text)
    assert not validate(schema, document)
    for operation in document.definitions:
        assert isinstance(operation, OperationDefinitionNode)
        cost.check(schema, document, operation, {})


def in_shell(page: Path) -> list[str]:
    """The queries that the page's shell blocks send by curl, on a command line or as a here-document."""
    found: list[str] = []
    for block in blocks(page, "sh"):
        here = re.findall(r"<<'END'\n(.*?)^END$", block.text, re.MULTILINE | re.DOTALL)
        words = [] if here else shlex.split(block.text, comments=True)
        sent = [text for text in [*here, *words] if text.lstrip().startswith("{")]
        found += [json.loads(text)["query"] for text in sent]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_curl_sends_is_valid(page: Path, schema: GraphQLSchema) -> None:
    for query in in_shell(page):
        assert not validate(schema, parse(query)), query


def test_the_shells_queries_are_found() -> None:
    assert len(in_shell(DOCS / "api.md")) == 4
    assert len(in_shell(DOCS / "write-an-adapter.md")) == 1


def test_each_code_of_the_page_is_one_of_ours() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    table = text[text.index("| code | do |") :]
    rows = re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)
    assert rows and set(rows) <= set(Code)
