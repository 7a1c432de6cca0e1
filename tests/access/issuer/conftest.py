"""The park of these tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.issuer.park import Park, opened


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose signing key is made already: that takes a while."""
    folder = tmp_path_factory.mktemp("made")
    with opened(folder, empty=True):
        pass
    return folder


@pytest.fixture
def park(made: Path, tmp_path: Path) -> Iterator[Park]:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    with opened(tmp_path) as park:
        yield park
