"""Searches files for what must not be in them: every byte, in the encodings in which a text may stand there."""

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote


def forms(text: str) -> Iterator[bytes]:
    """As it is in UTF-8, UTF-16 (a Java heap dump), GB 18030, JSON's and Python's escapes, hexadecimal, base64 (at
    each of its three offsets) and a URL."""
    plain = text.encode()
    yield plain
    for coding in ("utf-16-le", "utf-16-be", "gb18030"):
        yield text.encode(coding)
    yield text.encode("ascii", "backslashreplace")
    yield repr(plain)[2:-1].encode()
    yield plain.hex().encode()
    yield quote(text).encode()
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + plain)
        inner = coded[0 if shift == 0 else 4 : -4]
        if len(inner) >= 8:
            yield inner


def found(folders: Sequence[Path], texts: Sequence[str]) -> list[str]:
    """`file: text` for each text in each file below the folders; a file that goes meanwhile is passed over."""
    wanted = [(text, form) for text in texts for form in dict.fromkeys(forms(text))]
    hits = []
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
            try:
                data = file.read_bytes()
            except OSError:
                continue
            hits += [f"{file}: {text}" for text in texts if any(form in data for of, form in wanted if of == text)]
    return hits
