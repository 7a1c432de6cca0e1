"""MQTT topic filters whose wildcards have names: `park/{place}/{sensor}/telemetry`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """`filter` is what is subscribed; a match gives the text of each named level."""

    filter: str
    names: tuple[str, ...]
    _regex: "re.Pattern[str]"

    @classmethod
    def parse(cls, text: str) -> "TopicPattern":
        """Raises ValueError for a filter that MQTT refuses (4.7.1) or a name that stands twice."""
        levels, regex = [], []
        names: list[str] = []
        given = text.split("/")
        for position, level in enumerate(given):
            named = _NAME.fullmatch(level)
            if named is not None:
                if named[1] in names:
                    raise ValueError(f"{text!r}: the name {named[1]!r} stands twice")
                names.append(named[1])
                levels.append("+")
                regex.append(f"(?P<{named[1]}>[^/]*)")
            elif level == "+":
                levels.append("+")
                regex.append("[^/]*")
            elif level == "#":
                if position != len(given) - 1:
                    raise ValueError(f"{text!r}: '#' stands at the end only")
                levels.append("#")
            elif any(mark in level for mark in "+#{}"):
                raise ValueError(f"{text!r}: a wildcard is a whole level: +, # or {{name}}, not {level!r}")
            else:
                levels.append(level)
                regex.append(re.escape(level))
        if not text or "\0" in text or len(text.encode()) > 65535:
            raise ValueError("a topic has between 1 and 65535 bytes, and no NUL")
        tail = "(?:/.*)?" if given[-1] == "#" and len(given) > 1 else ".*" if given[-1] == "#" else ""
        return cls("/".join(levels), tuple(names), re.compile("/".join(regex) + tail, re.DOTALL))

    def match(self, topic: str) -> Mapping[str, str] | None:
        found = self._regex.fullmatch(topic)
        if found is None or (topic[:1] == "$" and self.filter[:1] in "+#"):  # 4.7.2
            return None
        return MappingProxyType(found.groupdict())


def names_in(template: str) -> tuple[str, ...]:
    """The names that a template such as `{place}-{sensor}` uses."""
    return tuple(_NAME.findall(template))


def fill(template: str, values: Mapping[str, str]) -> str:
    return _NAME.sub(lambda found: values[found[1]], template)
