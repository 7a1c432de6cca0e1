"""The fenced blocks of the documents, as a reader meets them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"\*\*`([^`]+)`\*\*(?:, going on)?\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`file` is what the bold line right above the block names: the file that the block is."""

    page: Path
    line: int
    language: str
    text: str
    file: str | None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """All blocks of these languages; of every language where none is named."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if languages and found[1] not in languages:
            continue
        named = _FILE.search(text[: found.start()])
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=found[1],
            text=found[2],
            file=named[1] if named else None,
        )


def as_script(page: Path) -> Sequence[str]:
    """The page as bash: each file is written where the page shows it, each `sh` block is run where it stands."""
    steps = []
    for block in blocks(page):
        if block.file is not None:
            steps.append(f"cat > {block.file} <<'END OF {block.file}'\n{block.text}END OF {block.file}\n")
        elif block.language == "sh":
            steps.append(block.text)
    return steps
