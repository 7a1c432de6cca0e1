"""Each `causeway` command line of the documents is one that the command takes: its name, its options, its arguments."""

import re
import shlex
from collections.abc import Iterator

import pytest
import typer
from typer.main import get_command

from hub.cli.commands import app
from tests.docs.pages import DOCS, ROOT, blocks

PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md"]
_PUNCTUATION = {"|", "||", "&&", "&", ";", ">", "<", "2>&1", "until", "do", "for", "done"}


def lines() -> Iterator[tuple[str, list[str]]]:
    """Where it stands, and the words after `causeway`."""
    for page in PAGES:
        for block in blocks(page, "sh", ""):
            here = re.sub(r"<<'END'\n.*?^END$", "", block.text.replace("\\\n", " "), flags=re.MULTILINE | re.DOTALL)
            for line in here.splitlines():
                words = shlex.split(line, comments=True, posix=True) if "causeway" in line and "'" not in line else []
                for at, word in enumerate(words):
                    if word == "causeway" and is_command(words[:at]):
                        yield f"{block}: {line.strip()}", list(up_to_punctuation(words[at + 1 :]))


def is_command(before: list[str]) -> bool:
    """`causeway` as a command's name, and not as an argument (`mkdir`, `-u causeway`, `enable causeway`)."""
    return before in ([], ["sudo", "-u", "causeway"]) or (len(before) == 1 and "=" in before[0])


def up_to_punctuation(words: list[str]) -> Iterator[str]:
    for word in words:
        if word in _PUNCTUATION:
            return
        yield word


LINES = list(lines())


def test_there_are_lines() -> None:
    assert len(LINES) >= 20


@pytest.mark.parametrize(("where", "words"), LINES, ids=[where for where, _ in LINES])
def test_a_command_line_is_one_that_the_command_takes(where: str, words: list[str]) -> None:
    command = get_command(app)
    context = command.make_context("causeway", list(words), resilient_parsing=True)
    rest = list(words)
    while hasattr(command, "commands"):
        name = rest.pop(0)
        assert name in command.commands, f"{where}: there is no command {name!r}"
        command = command.commands[name]
    options = {option for parameter in command.params for option in parameter.opts}
    given = [word.split("=")[0] for word in rest if word.startswith("-")]
    assert set(given) <= options, f"{where}: there is no option {sorted(set(given) - options)}"
    flags = {
        option for parameter in command.params if getattr(parameter, "is_flag", False) for option in parameter.opts
    }
    taken = sum(2 if word in options - flags else 1 for word in rest if word.startswith("-"))
    arguments = [p for p in command.params if isinstance(p, typer.core.TyperArgument)]
    free = len(rest) - taken
    needed = sum(1 for argument in arguments if argument.required)
    many = any(argument.nargs == -1 for argument in arguments)
    assert needed <= free and (many or free <= len(arguments)), f"{where}: the arguments do not fit"
    assert context is not None
