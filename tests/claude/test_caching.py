import pytest

from curation.claude.caching import break_even_ratio, pays


@pytest.mark.parametrize(
    ("model", "shortest"),
    [
        ("claude-haiku-5-5", 512),
        ("claude-haiku-5-5-20261001", 512),
        ("claude-sonnet-5-5", 512),
        ("claude-opus-5-5", 1024),
        ("claude-haiku-4-5", 4096),
    ],
)
def test_a_prefix_is_marked_at_first_if_it_can_be_cached_at_all(model, shortest):
    assert not pays(model, 3 * shortest - 3, 0, 0)
    assert pays(model, 3 * shortest, 0, 0)


def test_the_break_even_follows_from_the_prices():
    """0.125 to write, 0.01 to read, 0.10 plain: .125 (1 - h) + .01 h = .10 at h = 5/23."""
    assert break_even_ratio("claude-haiku-5-5") == pytest.approx(5 / 23)
    assert break_even_ratio("offline-rules-1") == 1.0


def test_measured_hits_below_the_break_even_turn_the_breakpoint_off_and_above_keep_it():
    prefix, seen = 9_000, 3_000 * 1_000
    for hits, is_paying in ((0.0, False), (0.21, False), (0.22, True), (0.9, True)):
        assert pays("claude-haiku-5-5", prefix, round(seen * (1 - hits)), round(seen * hits)) is is_paying


def test_a_few_requests_decide_nothing():
    assert pays("claude-haiku-5-5", 9_000, 10 * 3_000, 0)
