"""What the demo shows: each thing checked on a line of its own, and the alerts as they arrive."""

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

COLOURS = {"EXTREME": "bold red", "SEVERE": "red", "MODERATE": "yellow", "MINOR": "cyan", "UNKNOWN": "white"}
WORDS = {
    "OPENED": "opened",
    "ACKNOWLEDGED": "acknowledged",
    "RETURNED": "returned",
    "CLOSED": "closed",
}


class Stage:
    """Prints lines; remembers what did not hold."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self.begun = time.monotonic()
        self.held = 0
        self.failed: list[str] = []

    def say(self, text: str) -> None:
        self.console.print(text, markup=False)

    def act(self, title: str) -> None:
        self.console.print()
        self.console.print(Text(title, style="bold"))

    def check(self, what: str, held: bool, detail: str = "") -> None:
        mark = Text("  ok   ", style="green") if held else Text("  FAIL ", style="bold red")
        self.console.print(mark + Text(what) + Text(f": {detail}" if detail else "", style="dim"))
        if held:
            self.held += 1
        else:
            self.failed.append(what)

    def alert(self, kind: str, alert: Mapping[str, Any]) -> None:
        """One live event, as a guard would see it."""
        where = " ‹ ".join(place["name"] for place in alert["placePath"])
        value = f"{alert['value']:g} {alert['unit']}" if alert["value"] is not None else ""
        line = Text("  live ", style="magenta")
        line += Text(f"{alert['severity']:<8} ", style=COLOURS.get(alert["severity"], ""))
        line += Text(f"{WORDS.get(kind, kind):<12} {alert['code']} {value} {alert['subject']['name']} — {where}")
        self.console.print(line)

    def verdict(self) -> int:
        total = self.held + len(self.failed)
        if self.failed:
            self.say(f"\n{self.held} of {total} things held; these did not: {'; '.join(self.failed)}")
            return 1
        self.say(f"\nAll {total} things that were checked held.")
        return 0
