"""Every attempt of `make attacks`, as a test: what is wrong is refused, and beside it what is right succeeds."""

from collections.abc import Iterator

import pytest

from tests.attacks.attempt import Attempt
from tests.attacks.every import every
from tests.attacks.park import Park, attacked

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    with attacked(tmp_path_factory.mktemp("attacked") / "park") as park:
        yield park


@pytest.mark.parametrize("attempt", every(), ids=lambda attempt: attempt.name)
def test_refused(park: Park, attempt: Attempt) -> None:
    assert attempt.attack(park)
    attempt.companion(park)
