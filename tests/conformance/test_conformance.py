"""The suites of `make conformance` that are cheap enough for every run."""

import shutil
from pathlib import Path

import pytest

from tests.conformance import fuzz, graphql_http
from tests.conformance.run import main, suites


def test_a_suite_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(SystemExit, match="graphql-http"):
        main(["nosuch"])
    assert {"federation", "fuzz", "graphql-http", "refused"} <= set(suites())


@pytest.mark.skipif(
    shutil.which("node") is None or not (graphql_http.NODE / "node_modules").exists(),
    reason="graphql-http: node and tests/servers/prepare",
)
def test_graphql_over_http_is_spoken_as_its_specification_says(tmp_path: Path) -> None:
    found = list(graphql_http.checks(tmp_path))
    assert [(check.name, check.wrong) for check in found if check.wrong] == []
    assert len(found) >= 61


@pytest.mark.skipif(not fuzz.ST.exists(), reason="fuzz: make .envs/conformance/stamp")
def test_nothing_breaks_inside_whatever_is_asked(tmp_path: Path) -> None:
    found = list(fuzz.checks(tmp_path, seconds=15, examples=2))
    assert [(check.name, check.wrong) for check in found if check.wrong] == []
    assert found
