import json

import pytest

from curation.claude.outcome import Outcome, Policy, read_result

SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer", "enum": [0, 1]}},
    "required": ["score"],
    "additionalProperties": False,
}


def message(text="", **changes):
    return {
        "model": "m",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    } | changes


def errored(kind, words="no", **more):
    return {"type": "errored", "error": {"error": {"type": kind, "message": words, **more}}}


def succeeded(*args, **changes):
    return read_result({"type": "succeeded", "message": message(*args, **changes)}, SCHEMA)


def test_thinking_is_not_part_of_the_answer():
    answer = succeeded('{"score": 1}')
    assert (answer.outcome, json.loads(answer.body)) == (Outcome.OK, {"score": 1})


def test_a_refusal_is_an_outcome_with_its_category_and_its_bill():
    answer = succeeded(stop_reason="refusal", stop_details={"type": "refusal", "category": "bio"})
    assert (answer.outcome, answer.detail, answer.body) == (Outcome.REFUSED, "bio", None)
    assert answer.usage
    assert answer.policy is Policy.STANDS


def test_a_truncated_answer_is_a_failure_even_where_its_json_parses():
    assert succeeded('{"score": 1}', stop_reason="max_tokens").outcome is Outcome.TRUNCATED


@pytest.mark.parametrize("text", ["", "not json", '{"score": 7}', '{"score": 1', "[1]"])
def test_an_answer_outside_its_schema_is_kept_as_an_outcome_and_its_bill_too(text):
    answer = succeeded(text)
    assert answer.outcome is Outcome.SCHEMA_INVALID
    assert answer.body is None
    assert answer.usage


@pytest.mark.parametrize(
    ("result", "outcome", "policy"),
    [
        ({"type": "canceled"}, Outcome.CANCELED, Policy.NEXT_RUN),
        ({"type": "expired"}, Outcome.EXPIRED, Policy.AGAIN),
        (errored("api_error"), Outcome.ERRORED, Policy.AGAIN),
        (errored("overloaded_error"), Outcome.ERRORED, Policy.AGAIN),
        (errored("invalid_request_error"), Outcome.ERRORED, Policy.STANDS),
        (errored("billing_error"), Outcome.ERRORED, Policy.NEXT_RUN),
        (errored("permission_error"), Outcome.ERRORED, Policy.NEXT_RUN),
        (
            errored("invalid_request_error", "You have reached your specified API usage limits."),
            Outcome.ERRORED,
            Policy.NEXT_RUN,
        ),
        (
            errored("rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}),
            Outcome.ERRORED,
            Policy.NEXT_RUN,
        ),
    ],
)
def test_what_the_service_failed_to_answer_goes_again_unless_it_would_fail_again(result, outcome, policy):
    answer = read_result(result, SCHEMA)
    assert (answer.outcome, answer.policy, answer.usage) == (outcome, policy, None)


def test_an_answer_that_the_context_window_ended_is_not_asked_for_again_with_more_room():
    assert succeeded(stop_reason="max_tokens").policy is Policy.ONCE_MORE
    assert succeeded(stop_reason="model_context_window_exceeded").policy is Policy.STANDS


def test_text_that_no_database_takes_is_made_storable():
    answer = read_result({"type": "succeeded", "message": message("a\0b\ud800c")}, None)
    answer.body.encode()
    assert "\0" not in answer.body
