"""Faults come as often as they say, where the seed says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.claude.stand_in.faults import FAULTS
from curation.claude.stand_in.messages import request_of
from curation.claude.stand_in.reply import Reply
from curation.claude.stand_in.trouble import Trouble, strikes
from curation.claude.stand_in.wire import ApiError
from curation.errors import ClaudeError

WHOLE = Reply(200, b"".join(b'{"line": %d}\n' % i for i in range(20)))
MESSAGE = {
    "content": [{"type": "text", "text": '{"score": 3}'}],
    "stop_reason": "end_turn",
    "stop_details": None,
    "usage": {"input_tokens": 9, "output_tokens": 3},
}
RESULT = {"type": "succeeded", "message": MESSAGE}


def asked(i, max_tokens=100):
    return {"messages": [{"role": "user", "content": str(i)}], "max_tokens": max_tokens}


def replied(trouble, verb="create"):
    try:
        return trouble.around(verb, lambda: WHOLE)
    except ApiError as error:
        return error.status


def test_a_name_that_no_fault_has_is_refused_with_those_that_there_are():
    with pytest.raises(ClaudeError, match=r"'flood'.*rate_limit"):
        Trouble(["flood"])


@given(
    st.text(),
    st.integers(0, 6),
    st.floats(0, 1),
    st.lists(st.just(None), max_size=60),
)
def test_a_fault_strikes_early_and_never_more_often_than_it_says(seed, times, ratio, opportunities):
    struck = 0
    for number, _ in enumerate(opportunities):
        struck += strikes(seed, number, struck, ratio=ratio, times=times)
    assert struck <= times
    assert struck >= min(times, 1, len(opportunities) // 2)


def test_the_same_seed_strikes_the_same_calls():
    def run(seed):
        trouble = Trouble(["overloaded", "server_error", "garbled_body"], seed)
        return [replied(trouble) for _ in range(40)]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_without_faults_everything_passes():
    trouble = Trouble()
    assert replied(trouble) is WHOLE
    assert trouble.result(asked(1), RESULT) is RESULT
    assert (trouble.skew_seconds, trouble.course().delay_ratio, trouble.struck) == (0, 1, {})


def test_a_call_that_is_struck_before_its_work_does_none_of_it():
    work, trouble = [], Trouble(["overloaded"])
    for _ in range(20):
        try:
            trouble.around("create", lambda: work.append(1) or WHOLE)
        except ApiError:
            continue
    assert len(work) == 20 - trouble.struck["overloaded"] < 20


@pytest.mark.parametrize(("name", "ratio"), [("refusals", 0.15), ("expiry", 0.2), ("truncation", 0.2)])
def test_a_share_of_the_requests_is_struck_whatever_their_order(name, ratio):
    def struck(order):
        trouble = Trouble([name])
        return {i for i in order if trouble.result(asked(i), RESULT) is not RESULT}

    first = struck(range(500))
    assert ratio / 2 < len(first) / 500 < ratio * 2
    assert struck(reversed(range(500))) == first


def test_a_truncated_answer_is_whole_once_more_is_allowed_and_cut_again_if_not():
    trouble = Trouble(["truncation"])
    cut = next(i for i in range(100) if trouble.result(asked(i), RESULT) is not RESULT)
    again = trouble.result(asked(cut), RESULT)["message"]
    assert (again["stop_reason"], again["usage"]["output_tokens"]) == ("max_tokens", 100)
    assert trouble.result(asked(cut, 400), RESULT) is RESULT


def test_what_the_service_failed_at_succeeds_the_next_time_and_what_is_invalid_never():
    trouble = Trouble(["errored_rows"])
    kinds = {i: error_of(trouble.result(asked(i), RESULT)) for i in range(300)}
    again = {i: error_of(trouble.result(asked(i), RESULT)) for i, kind in kinds.items() if kind}
    assert set(kinds.values()) == {None, "api_error", "overloaded_error", "invalid_request_error"}
    assert set(again.values()) == {None, "invalid_request_error"}


def error_of(result):
    return result["error"]["error"]["type"] if result["type"] == "errored" else None


def test_nothing_expires_that_is_answered_at_once():
    trouble = Trouble(["expiry"])
    assert all(trouble.result(asked(i), RESULT, in_batch=False) is RESULT for i in range(100))


def test_result_lines_are_repeated_shuffled_and_cut_but_never_made_up():
    lines = WHOLE.read().splitlines()
    repeated = replied(Trouble(["duplicate_results"]), "results").read().splitlines()
    shuffled = replied(Trouble(["shuffled_results"]), "results").read().splitlines()
    assert len(repeated) > len(lines)
    assert set(repeated) == set(lines)
    assert shuffled != lines
    assert sorted(shuffled) == sorted(lines)
    both = replied(Trouble(["shuffled_results", "duplicate_results"]), "results").read().splitlines()
    assert sorted(both) == sorted(repeated)


def test_a_request_is_the_same_with_more_tokens_and_another_with_other_words():
    assert request_of(asked(1)) == request_of(asked(1, 400)) != request_of(asked(2))


def test_every_fault_says_what_it_does():
    assert all(fault.about and (fault.strikes or fault.skew_seconds) for fault in FAULTS.values())
