"""What a person types finds what is called so."""

import pytest

from hub.graph.search_text import search_text, search_words

NAME = "一号楼 B2-3F 配电间"


def found(query: str, *texts: str) -> bool:
    words = search_words(query)
    return bool(words) and all(word in search_text(texts) for word in words)


@pytest.mark.parametrize(
    "query", ["配电", "配电间", "间", "pdj", "PDJ", "yhl", "b2", "Ｂ２", "3f", "一号楼 配电", "b2-3f", "pd"]
)
def test_found(query: str) -> None:
    assert found(query, NAME)


@pytest.mark.parametrize("query", ["", "  ", "电配", "dj", "泵房", "b3", "2-3g", "%"])
def test_not_found(query: str) -> None:
    assert not found(query, NAME)


def test_each_word_may_come_from_another_field() -> None:
    assert found("柜温 acme", "柜温 1", "ACME")
