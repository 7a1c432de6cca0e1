"""Times as devices may say them."""

from datetime import UTC, datetime

import pytest

from hub.clock import from_micros, to_micros


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("9999-12-31T23:59:59-23:59", datetime.max.replace(tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:59", datetime.min.replace(tzinfo=UTC)),
        ("2026-03-01T08:00:00+08:00", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_what_a_device_says_can_always_be_told_again(said: str, kept: datetime) -> None:
    assert from_micros(to_micros(datetime.fromisoformat(said))) == kept
