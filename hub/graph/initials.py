"""The pinyin initials of Han text, from one small table: a dictionary of phrases in memory would take 55 MB.

`python -m hub.graph.initials` makes the table (initials.bin) anew from the readings of `pypinyin`, a package that only
this needs; a test compares the two. Phrases count because 重庆 is `cq` while 重 alone is `z`.
"""

import zlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

_FILE = Path(__file__).parent / "initials.bin"
_BLOCKS = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0x20000, 0x31350))
"""CJK ideographs and their extensions A to G; what is in none of them has no reading."""


@dataclass(frozen=True, slots=True)
class _Table:
    blocks: tuple[bytes, ...]  # of each block the initial of each character, a space for none
    phrases: str  # in order, a line each
    starts: "array[int]"  # where each phrase begins
    differing: dict[str, str]  # the phrases that are not read as their characters alone

    def single(self, character: str) -> str:
        code = ord(character)
        for block, letters in zip(_BLOCKS, self.blocks, strict=True):
            if code in block:
                return chr(letters[code - block.start]).strip()
        return ""

    def seek(self, text: str, first: int) -> int:
        """The first phrase from `first` on that is not before the text."""
        return bisect_left(self.starts, text, first, key=lambda start: self.phrases[start : start + len(text)])

    def longest(self, text: str) -> tuple[int, bool]:
        """How long the longest phrase is that begins the text (0: none), and whether the whole text begins one."""
        at, found = 0, 0
        for length in range(1, len(text) + 1):
            at = self.seek(text[:length], at)
            if at == len(self.starts) or not self.phrases.startswith(text[:length], self.starts[at]):
                return found, False
            if self.phrases[self.starts[at] + length] == "\n":
                found = length
        return found, True


def initials(run: str) -> str:
    """The initials of a run of Han characters, cut into phrases by the longest match from its beginning."""
    table, found, at = _table(), "", 0
    while at < len(run):
        length, exhausted = table.longest(run[at:])
        if not length and exhausted:  # the beginning of a phrase that is cut off: its characters stand alone
            return found + "".join(map(table.single, run[at:]))
        phrase = run[at : at + max(length, 1)]
        found += table.differing.get(phrase) or "".join(map(table.single, phrase))
        at += len(phrase)
    return found


@lru_cache(maxsize=1)
def _table() -> _Table:
    *blocks, phrases, differing = zlib.decompress(_FILE.read_bytes()).decode().split("\0")
    lengths = (len(phrase) + 1 for phrase in phrases.splitlines())
    return _Table(
        tuple(block.encode() for block in blocks),
        phrases,
        array("I", list(accumulate(lengths, initial=0))[:-1]),
        dict(line.split("\t") for line in differing.splitlines()),
    )


def made() -> bytes:
    """The table's text, by `pypinyin`."""
    from pypinyin import Style, lazy_pinyin
    from pypinyin.constants import PHRASES_DICT

    def read(text: str) -> str:
        return "".join(lazy_pinyin(text, style=Style.FIRST_LETTER, errors="ignore"))

    blocks = ("".join(read(chr(code)) or " " for code in block) for block in _BLOCKS)
    phrases = sorted(PHRASES_DICT)
    differing = (f"{phrase}\t{read(phrase)}\n" for phrase in phrases if read(phrase) != "".join(map(read, phrase)))
    return "\0".join((*blocks, "".join(f"{phrase}\n" for phrase in phrases), "".join(differing))).encode()


if __name__ == "__main__":
    _FILE.write_bytes(zlib.compress(made(), 9))
