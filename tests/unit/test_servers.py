"""How far a clock is off, as far as an answer over a network can tell."""

import pytest

from chatsite.kernel.servers import ahead_ms, clock_findings


@pytest.mark.parametrize(
    ("told", "ahead"),
    [(100.0, 0.0), (150.0, 0.0), (200.0, 0.0), (201.5, 1.5), (5_200.0, 5_000.0), (99.0, -1.0), (-2_900.0, -3_000.0)],
)
def test_only_what_the_way_does_not_explain_counts(told: float, ahead: float) -> None:
    assert ahead_ms(told, before_ms=100.0, after_ms=200.0) == ahead


def test_a_clock_is_wrong_from_a_second_on() -> None:
    assert clock_findings("it", 1_000) == clock_findings("it", -1_000) == []
    assert "2,000 ms ahead of" in clock_findings("it", 2_000)[0].what
    assert "2,000 ms behind" in clock_findings("it", -2_000)[0].what
