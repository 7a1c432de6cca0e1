"""What a bare Strawberry lets through, and more: what `tests/attacks` tries on documents and transports, and floods."""

from collections.abc import Iterator
from pathlib import Path

from tests.attacks import on_documents, on_floods, on_transports
from tests.attacks.park import attacked
from tests.conformance.check import Check


def checks(folder: Path) -> Iterator[Check]:
    """An attempt passes where it is refused, and the same thing done rightly succeeds."""
    with attacked(folder / "park") as park:
        for part in (on_documents, on_transports, on_floods):
            for attempt in part.attempts():
                wrong = None
                try:
                    attempt.attack(park)
                    attempt.companion(park)
                except Exception as error:  # noqa: BLE001 - whatever it is, this one does not count as refused
                    wrong = f"{type(error).__name__}: {error}"
                yield Check(name=attempt.name, wrong=wrong)
