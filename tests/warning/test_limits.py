from hypothesis import given
from hypothesis import strategies as st

from hub.warning.limits import (
    NORMAL,
    Bounds,
    Change,
    Direction,
    Moved,
    Phase,
    Verdict,
    judge,
    on_deadline,
    on_value,
)

figures = st.floats(-1e6, 1e6)
bounds = st.builds(
    Bounds,
    st.sampled_from(Direction),
    figures,
    st.floats(0, 1e3),
    st.integers(0, 10),
    st.integers(0, 10),
)
series = st.lists(st.tuples(st.integers(0, 8), st.floats(-100, 100)), max_size=40)


def followed(rule: Bounds, steps: list[tuple[int, float]]) -> list[tuple[int, Moved]]:
    """Readings after the given pauses, deadlines between them fired: what the engine does for one series."""
    found: list[tuple[int, Moved]] = []
    track, now = NORMAL, 0
    for seq, (pause, value) in enumerate(steps, start=1):
        now += pause
        while track.deadline is not None and track.deadline <= now:
            at = track.deadline
            moved = on_deadline(track)
            track = moved.track
            found.append((at, moved))
        moved = on_value(rule, track, value, now, seq)
        track = moved.track
        found.append((now, moved))
    return found


def test_the_limit_itself_is_a_breach_and_normal_begins_beyond_the_hysteresis() -> None:
    high = Bounds(Direction.HIGH, 60, 5, 0, 0)
    assert [judge(high, v) for v in (60, 59.9, 55, 54)] == [
        Verdict.BREACH,
        Verdict.BETWEEN,
        Verdict.CLEAR,
        Verdict.CLEAR,
    ]
    low = Bounds(Direction.LOW, 198, 2, 0, 0)
    assert [judge(low, v) for v in (198, 199, 200)] == [Verdict.BREACH, Verdict.BETWEEN, Verdict.CLEAR]


@given(bounds, figures)
def test_low_is_high_mirrored(rule: Bounds, value: float) -> None:
    other = Direction.LOW if rule.direction is Direction.HIGH else Direction.HIGH
    assert judge(rule, value) is judge(rule._replace(direction=other, limit=-rule.limit), -value)


@given(bounds, series)
def test_opened_and_returned_take_turns(rule: Bounds, steps: list[tuple[int, float]]) -> None:
    rule = rule._replace(limit=rule.limit % 100, hysteresis=rule.hysteresis % 30)
    changes = [moved.change for _, moved in followed(rule, steps) if moved.change is not None]
    assert changes == [Change.OPENED if n % 2 == 0 else Change.RETURNED for n in range(len(changes))]


@given(bounds, series)
def test_an_alert_opens_only_when_every_reading_of_the_delay_was_past_the_limit(
    rule: Bounds, steps: list[tuple[int, float]]
) -> None:
    rule = rule._replace(direction=Direction.HIGH, limit=0.0, hysteresis=10.0)
    times, now = [], 0
    for pause, value in steps:
        now += pause
        times.append((now, value))
    for at, moved in followed(rule, steps):
        if moved.change is Change.OPENED:
            begun = times[moved.cause - 1][0]
            assert at - begun == rule.on_delay
            assert all(v >= 0 for n, (t, v) in enumerate(times, 1) if n >= moved.cause and t < at)
        elif moved.change is Change.RETURNED:
            begun = times[moved.cause - 1][0]
            assert at - begun == rule.off_delay
            assert all(v <= -10 for n, (t, v) in enumerate(times, 1) if n >= moved.cause and t < at)


def test_values_that_swing_within_the_hysteresis_neither_open_nor_close() -> None:
    rule = Bounds(Direction.HIGH, 60, 5, 0, 0)
    chatter = [(1, v) for v in (61.0, 59.0, 60.5, 56.0, 62.0, 58.0)]
    assert [m.change for _, m in followed(rule, chatter) if m.change] == [Change.OPENED]


def test_a_short_spike_opens_nothing_where_a_delay_is_asked_for() -> None:
    rule = Bounds(Direction.HIGH, 60, 0, 5, 0)
    assert all(m.change is None for _, m in followed(rule, [(1, 70), (4, 59), (9, 59)]))
    found = followed(rule, [(1, 70), (9, 70)])
    assert [(at, m.change, m.cause) for at, m in found if m.change] == [(6, Change.OPENED, 1)]
    assert found[-1][1].track.phase is Phase.OPEN
