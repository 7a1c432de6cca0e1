"""The suites of `make conformance` that are cheap enough for every run."""

import pytest

from tests.conformance.run import main, suites


def test_a_suite_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(SystemExit, match="graphql-http"):
        main(["nosuch"])
    assert {"graphql-http", "refused"} <= set(suites())
