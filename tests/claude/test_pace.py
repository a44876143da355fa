import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.claude.pace import Pace, headroom

DATE = {"date": "Sat, 22 Nov 2025 10:00:00 GMT"}


def limit(kind, left, reset="2025-11-22T10:00:07Z"):
    name = f"anthropic-ratelimit-{kind}"
    return {f"{name}-remaining": str(left), f"{name}-reset": reset}


def test_as_many_are_in_flight_as_are_asked_for():
    pace = Pace(3)
    assert [pace.wait_seconds(n, 0.0) > 0 for n in range(5)] == [False, False, False, True, True]


def test_a_refusal_halves_what_is_in_flight_and_pauses_as_long_as_the_service_says():
    pace = Pace(8)
    pace.failed(1.0, 2.0, busy=True, pause_seconds=1.0, retry_after=30.0)
    assert pace.wait_seconds(0, 2.0) == pytest.approx(30.0)
    assert pace.wait_seconds(3, 32.1) == 0
    assert pace.wait_seconds(4, 32.1) > 0


def test_all_that_was_in_flight_when_the_service_refused_counts_as_one_refusal():
    pace = Pace(50)
    for n in range(50):
        pace.failed(1.0, 2.0 + n / 1000, busy=True, pause_seconds=1.0)
    assert (pace.allowed, pace.failures) == (25, 1)


def test_pauses_double_without_a_retry_after_and_end_with_an_answer():
    pace, now, pauses = Pace(8), 0.0, []
    for _ in range(5):
        pace.failed(now, now, busy=True, pause_seconds=1.0, jitter=1.0)
        pauses.append(pace.wait_seconds(0, now))
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16]
    assert pace.allowed == 1
    pace.answered({}, {}, now)
    assert pace.failures == 0


def test_a_lone_error_of_another_kind_slows_nothing_down_but_a_row_of_them_does():
    pace = Pace(8)
    pace.failed(0.0, 1.0, busy=False, pause_seconds=1.0)
    assert (pace.wait_seconds(7, 1.0), pace.allowed) == (0, 8)
    pace.failed(1.5, 2.0, busy=False, pause_seconds=1.0)
    assert pace.allowed == 4
    assert pace.wait_seconds(0, 2.0) > 0


def test_a_service_that_never_answers_is_given_up():
    pace, now = Pace(8), 0.0
    while not pace.is_hopeless:
        now += 1
        pace.failed(now, now, busy=True, pause_seconds=0.1)
    assert now == 20


@given(st.integers(1, 200), st.lists(st.booleans(), max_size=300))
def test_never_more_than_asked_for_and_never_none_at_all(concurrency, answers):
    pace = Pace(concurrency)
    for now, answered in enumerate(answers):
        if answered:
            pace.answered({}, {}, now)
        else:
            pace.failed(now, now, busy=True, pause_seconds=1.0)
        assert 1 <= pace.allowed <= concurrency


def test_it_climbs_back_slowly():
    pace = Pace(40)
    pace.failed(0, 0, busy=True, pause_seconds=1.0)
    for _ in range(20):  # a round of what is in flight
        pace.answered({}, {}, 1)
    assert 20.5 < pace.allowed <= 21


def test_the_tightest_limit_counts_in_requests_and_time_by_the_services_own_clock():
    headers = DATE | limit("requests", 40) | limit("output-tokens", 500, "2025-11-22T10:00:30Z")
    assert headroom(headers, {"output-tokens": 100.0}) == (5.0, 30.0)
    assert headroom(headers, {"output-tokens": 1.0}) == (40.0, 7.0)


@pytest.mark.parametrize(
    "headers",
    [{}, DATE, limit("requests", 4), DATE | limit("requests", 4, "soon"), DATE | limit("requests", "some")],
)
def test_headers_that_say_nothing_hold_nobody_back(headers):
    assert headroom(headers, {})[0] == float("inf")


def test_nothing_is_sent_beyond_what_the_headers_leave_until_the_service_gives_more():
    pace = Pace(10)
    pace.answered(DATE | limit("requests", 2), {"input-tokens": 9}, now=100.0)
    sent = 0
    while not pace.wait_seconds(sent, 100.0):
        pace.sent()
        sent += 1
    assert sent == 2
    assert pace.wait_seconds(0, 100.0) == pytest.approx(7.0)
    assert pace.wait_seconds(0, 107.0) == 0
