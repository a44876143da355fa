"""Requests a minute: no more pass than the bucket holds and gets, and none waits for longer than told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.claude.stand_in.bucket import Bucket
from curation.claude.stand_in.wire import ApiError


@given(st.integers(1, 100), st.lists(st.floats(0, 30), min_size=1, max_size=80))
def test_what_passes_never_exceeds_what_the_bucket_held_and_got(a_minute, gaps):
    bucket, now, passed = Bucket(a_minute), 1.0, 0
    for gap in gaps:
        now += gap
        try:
            left = int(bucket.take(now)["anthropic-ratelimit-requests-remaining"])
        except ApiError:
            continue
        else:
            passed += 1
            assert 0 <= left < a_minute
    assert passed <= a_minute + (now - 1.0) * a_minute / 60


def test_after_the_time_it_names_a_request_passes():
    bucket = Bucket(6)
    for _ in range(6):
        bucket.take(100.0)
    with pytest.raises(ApiError) as caught:
        bucket.take(101.0)
    wait = int(caught.value.headers["retry-after"])
    assert wait == 9
    assert bucket.take(101.0 + wait)["anthropic-ratelimit-requests-limit"] == "6"
