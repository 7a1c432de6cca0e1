"""The small table of initials reads as the library does that it is made from."""

import json
import random
import subprocess
import sys

from hub.graph.initials import initials

_BY_LIBRARY = """
import json, sys
from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT

if sys.argv[1] == "phrases":
    print(json.dumps(sorted(PHRASES_DICT)))
else:
    for text in json.load(sys.stdin):
        print("".join(lazy_pinyin(text, style=Style.FIRST_LETTER, errors="ignore")))
"""


def _library(what: str, given: str = "") -> str:
    """Asked in a process of its own, for its dictionary stays in memory."""
    command = [sys.executable, "-c", _BY_LIBRARY, what]
    return subprocess.run(command, input=given, capture_output=True, check=True, text=True).stdout


def test_every_phrase_every_character_and_texts_of_many_read_as_by_the_library() -> None:
    phrases: list[str] = json.loads(_library("phrases"))
    chance = random.Random(14)
    texts = phrases + [chr(code) for block in ((0x3400, 0x4DC0), (0x4E00, 0xA000)) for code in range(*block)]
    for _ in range(30_000):  # phrases that overlap, and beginnings of phrases at the end
        text = "".join(chance.choice(phrases)[: chance.randint(1, 4)] for _ in range(chance.randint(1, 5)))
        texts.append(text + "".join(chr(chance.randrange(0x4E00, 0xA000)) for _ in range(chance.randint(0, 2))))
    expected = _library("texts", json.dumps(texts)).split("\n")[:-1]
    assert len(expected) == len(texts) > 100_000
    assert [text for text, letters in zip(texts, expected, strict=True) if initials(text) != letters] == []


def test_a_phrase_counts_before_its_characters() -> None:
    assert (initials("重庆"), initials("重"), initials("园区重庆银行")) == ("cq", "z", "yqcqyh")
