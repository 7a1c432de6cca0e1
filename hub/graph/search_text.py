"""Search text of our own making, so that both engines find the same: one indexed property, asked with CONTAINS.

A text becomes words between spaces: NFKC and lower case; runs of letters and digits as they are; runs of Han as
single characters and bigrams; and the pinyin initials of a run (and of the whole text), so that `pdj` finds 配电间.
A query's words must each begin a word of the text.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain, pairwise

from hub.graph.initials import initials

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f"
_RUNS = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_IS_HAN = re.compile(rf"[{_HAN}]")


def _runs(text: str) -> list[str]:
    return _RUNS.findall(unicodedata.normalize("NFKC", text).lower())


@lru_cache(maxsize=8192)  # a park's names share most of their runs
def _words(run: str) -> tuple[str, tuple[str, ...]]:
    """What a run counts for in the whole text's initials, and the words that it is found by."""
    if not _IS_HAN.match(run):
        return run, (run,)
    letters = initials(run)
    return letters, (*run, *(a + b for a, b in pairwise(run)), letters)


def search_text(texts: Iterable[str]) -> str:
    """The words of a node's searchable texts, each with a space before it; "" for none."""
    words = dict.fromkeys(chain.from_iterable(map(_found_by, texts)))
    words.pop("", None)
    return f" {' '.join(words)}" if words else ""


@lru_cache(maxsize=8192)  # makers and models are said again and again
def _found_by(text: str) -> tuple[str, ...]:
    """The words of one text in their order, the last of them the initials of the whole."""
    words: list[str] = []
    whole = ""
    for run in _runs(text):
        letters, found = _words(run)
        whole += letters
        words += found
    return (*words, whole)


def search_words(query: str) -> list[str]:
    """What `search` must contain, each of them, for a node to be found; [] finds nothing."""
    words: list[str] = []
    for run in _runs(query):
        if _IS_HAN.match(run) and len(run) > 1:
            words.extend(f" {a}{b}" for a, b in pairwise(run))
        else:
            words.append(f" {run}")
    return list(dict.fromkeys(words))
