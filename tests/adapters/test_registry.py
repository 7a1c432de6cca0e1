"""The registry: the built-in names are pyproject's, and a wrong name gets the nearest right one."""

import tomllib
from pathlib import Path

import pytest

from adapters import registry

ROOT = Path(__file__).resolve().parents[2]


def test_the_built_in_adapters_are_those_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert dict(registry.BUILT_IN) == project["entry-points"][registry.GROUP]


def test_a_wrong_name_gets_the_nearest() -> None:
    with pytest.raises(registry.UnknownAdapter, match="did you mean 'modbus'"):
        registry.find("modbuss")


def test_each_adapter_tells_what_it_is() -> None:
    for row in registry.describe():
        assert row["name"] and row["summary"] and row["reads"] in {"poll", "stream"}
