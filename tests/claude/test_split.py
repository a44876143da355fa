import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.claude import stand_in
from curation.claude.split import Limits, split
from curation.errors import ClaudeError


def test_a_batch_is_of_one_model_and_one_prompt_and_within_the_count(ask):
    kinds = [("claude-haiku-5-5", "p"), (stand_in.MODEL, "p"), (stand_in.MODEL, "q")]
    requests = [ask(i, model=model, prompt_digest=digest) for i in range(5) for model, digest in kinds]
    parts = list(split(requests, Limits(requests=2)))
    assert sum(map(len, parts)) == 15
    assert all(len(part) <= 2 and len({(r.model, r.prompt_digest) for r in part}) == 1 for part in parts)


def test_a_text_that_no_batch_can_hold_is_named_with_the_remedy(ask):
    with pytest.raises(ClaudeError, match="truncate"):
        list(split([ask(0)], Limits(bytes=100)))


def test_requests_are_made_as_they_are_needed_and_no_more_than_a_batch_is_held(ask):
    made = []
    parts = split((made.append(i) or ask(i) for i in range(100)), Limits(requests=10))
    next(parts)
    assert len(made) == 11


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from("pq"), st.integers(0, 30)), max_size=40),
    st.integers(1, 7),
)
def test_every_request_is_in_one_batch_once_and_no_batch_is_beyond_its_bytes(ask, drawn, count):
    requests = [ask(i, prompt_digest=digest, message="é" * size) for i, digest, size in drawn]
    limit = 3 * max((r.bytes for r in requests), default=0) + 20
    parts = list(split(requests, Limits(requests=count, bytes=limit)))
    assert all(sum(r.bytes + 1 for r in part) <= limit and 0 < len(part) <= count for part in parts)
    for part in parts:
        assert len({r.key for r in part}) == len(part)
    assert {r.key for part in parts for r in part} == {r.key for r in requests}
