"""XML of warnings, with what issuers get wrong and a reader can mend: an encoding by its old name, a prefix that is
declared nowhere. What is more than that is refused by `adapters.xml`."""

import re

from adapters.contract import Unreadable
from adapters.xml import Element, parse

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["'](gb2312|gbk|gb_2312-80)["']""", re.IGNORECASE)
_UNDECLARED = re.compile(r"Namespace prefix ([\w.-]+) ")
_ROOT = re.compile(rb"<[A-Za-z_][\w:.-]*")
_TRIES = 8


def read(data: bytes, *, most: int) -> tuple[Element, list[str]]:
    """The root, and flags that tell what was mended. Raises Unreadable."""
    flags: list[str] = []
    data = data.strip(b" \t\r\n\0") if data[:1] in b" \t\r\n" else data
    declared = _DECLARED.match(data[:300])
    if declared is not None:
        # GB 18030 is a superset, and characters beyond GB 2312 are common under its name.
        data = data[: declared.start(1)] + b"gb18030" + data[declared.end(1) :]
    for _ in range(_TRIES):
        try:
            return parse(data, most=most + 1024), flags
        except Unreadable as unreadable:
            prefix = _UNDECLARED.search(unreadable.reason)
            root = _ROOT.search(data)
            if prefix is None or root is None:
                raise
            flags.append(f"namespace_undeclared: {prefix[1]}")
            declaration = f' xmlns:{prefix[1]}="urn:undeclared:{prefix[1]}"'.encode()
            data = data[: root.end()] + declaration + data[root.end() :]
    raise Unreadable(f"more than {_TRIES} namespace prefixes are declared nowhere")
