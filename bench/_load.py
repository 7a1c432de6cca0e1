"""HTTP servers under the same load, in turn."""

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench._peers import Child

WARM, ROUNDS = 1, 5


@dataclass(slots=True)
class Side:
    """`bodies` are asked in turn. `rates`: answers a second, a round each; `late`: p99 in milliseconds."""

    url: str
    headers: dict[str, str]
    bodies: list[str]
    connections: int
    rates: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    async def round(self, load: Child, seconds: float) -> tuple[float, float]:
        """Raises SystemExit where not all of it was answered."""
        order = {"url": self.url, "headers": self.headers, "bodies": self.bodies}
        heard = json.loads(await load.ask(json.dumps({**order, "connections": self.connections, "seconds": seconds})))
        if heard["void"]:
            raise SystemExit(f"void: {self.url}: {heard['void']}")
        return heard["rate"], heard["p99"]


async def turns(load: Child, sides: Sequence[Side], *, warm: float = 5, seconds: float = 10) -> None:
    """Rounds of each, one after the other."""
    for number in range(WARM + ROUNDS):
        for side in sides:
            rate, late = await side.round(load, seconds if number >= WARM else warm)
            if number >= WARM:
                side.rates.append(rate)
                side.late.append(late)
    late = [f"{statistics.median(side.late):.0f} ms" for side in sides]
    print(f"p99 {', '.join(late)}", file=sys.stderr)
