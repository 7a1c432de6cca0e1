"""Writes the schema's text to `schema/schema.graphql`, or checks that the one there is right.

`python -m schema.export` writes it; `--check` ends with 1 where it differs, or breaks what `schema/released.graphql`
promised without a deprecation first; `--release` makes it the promise, as is done with each release.
"""

import sys
from difflib import unified_diff
from pathlib import Path

from schema.compatibility import broken
from schema.schema import schema

FILE = Path(__file__).with_name("schema.graphql")
RELEASED = Path(__file__).with_name("released.graphql")


def main(arguments: list[str]) -> int:
    text = schema.as_str() + "\n"
    if "--check" not in arguments:
        for file in (FILE, RELEASED) if "--release" in arguments else (FILE,):
            file.write_text(text, encoding="utf-8")
        return 0
    if breaking := broken(RELEASED.read_text(encoding="utf-8"), text):
        sys.stderr.write("This breaks those who ask by the released schema (deprecate first, remove later):\n")
        sys.stderr.writelines(f"  {change}\n" for change in breaking)
        return 1
    held = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    if held == text:
        return 0
    sys.stderr.writelines(unified_diff(held.splitlines(True), text.splitlines(True), "schema.graphql", "the types"))
    sys.stderr.write("schema/schema.graphql differs from the types: run `python -m schema.export`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
