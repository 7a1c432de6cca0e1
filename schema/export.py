"""Writes the schema's text to `schema/schema.graphql`, or checks that the one there is right.

`python -m schema.export` writes it; `python -m schema.export --check` ends with 1 where it differs.
"""

import sys
from difflib import unified_diff
from pathlib import Path

from schema.schema import schema

FILE = Path(__file__).with_name("schema.graphql")


def main(arguments: list[str]) -> int:
    text = schema.as_str() + "\n"
    if "--check" not in arguments:
        FILE.write_text(text, encoding="utf-8")
        return 0
    held = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    if held == text:
        return 0
    sys.stderr.writelines(unified_diff(held.splitlines(True), text.splitlines(True), "schema.graphql", "the types"))
    sys.stderr.write("schema/schema.graphql differs from the types: run `python -m schema.export`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
