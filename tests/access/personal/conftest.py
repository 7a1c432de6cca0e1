"""A desk over a journal of its own, on both engines."""

import pytest

from tests.journal.conftest import journals

__all__ = ["journals"]


class Files:
    """The graph's files: what is done to them."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def condemn(self) -> None:
        self.done.append("condemned")

    async def renew(self) -> None:
        self.done.append("renewed")


@pytest.fixture
def files() -> Files:
    return Files()
