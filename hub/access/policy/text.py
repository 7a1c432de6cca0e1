"""Cedar text with its lines: the library's errors name neither, and whoever mends a policy needs both."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import cedarpy

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;')
_ENDS = "unexpected end of input"


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy's text with the line that it begins in, from 1."""

    text: str
    line: int


def statements(text: str) -> Iterator[Statement]:
    """The policies of a file, each up to its semicolon; what follows the last one is told too, unless it is blank."""
    start = 0
    for token in _TOKEN.finditer(text):
        if token[0] == ";":
            yield _statement(text, start, token.end())
            start = token.end()
    if _bare(text[start:]).strip():
        yield _statement(text, start, len(text))


def _statement(text: str, start: int, end: int) -> Statement:
    """Leading blank lines and comments are not part of the line that it begins in."""
    body = text[start:end]
    bare = _bare(body)
    begins = start + len(bare) - len(bare.lstrip())
    return Statement(text=text[begins:end], line=text.count("\n", 0, begins) + 1)


def _bare(text: str) -> str:
    """The text with its comments blanked, as long as it was."""
    return _TOKEN.sub(lambda found: " " * len(found[0]) if found[0].startswith("//") else found[0], text)


def syntax_error(statement: Statement) -> tuple[int, str] | None:
    """The line and Cedar's reason where the policy cannot be read; None where it can.

    Cedar tells no position. But a text that is cut off before the error only ends too soon, so the first line with
    which it does more than that is the one.
    """
    reason = _reason(statement.text)
    if reason is None:
        return None
    lines = statement.text.splitlines(keepends=True)
    for number in range(1, len(lines) + 1):
        found = _reason("".join(lines[:number]))
        if found is not None and _ENDS not in found:
            return statement.line + number - 1, found
    return statement.line + len(lines) - 1, f"{reason}: a policy ends with a semicolon"


def _reason(text: str) -> str | None:
    try:
        cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        return str(error)
    return None


def line_of(statement: Statement, *words: str) -> int:
    """The line of the policy in which the first of the words that it has stands; its own first line otherwise."""
    for word in words:
        position = statement.text.find(word)
        if word and position >= 0:
            return statement.line + statement.text.count("\n", 0, position)
    return statement.line
