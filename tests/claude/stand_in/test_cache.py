"""What a prompt cache would bill: the parts add up, and hits come at the rate that was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.claude.stand_in.cache import PREFIX_TOKENS_MIN, cached, marked_prefix
from curation.claude.stand_in.messages import input_tokens, respond
from curation.claude.stand_in.rules import MODEL

MARK = {"type": "ephemeral"}


def params(rubric, i=0, control=MARK, **more):
    system = [{"type": "text", "text": rubric} | ({"cache_control": control} if control else {})]
    message = {"role": "user", "content": f"Text {i}."}
    return {"model": MODEL, "max_tokens": 50, "system": system, "messages": [message], **more}


def usage(answer, asked):
    return answer(asked, "batch")["usage"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4000), st.booleans()), max_size=12))
def test_the_parts_of_a_prompt_add_up_to_the_whole(asked):
    answer = cached(respond, 0.5, seed=0)
    for i, chars, is_marked in asked:
        given_params = params("r" * chars, i, MARK if is_marked else None)
        told = usage(answer, given_params)
        parts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        assert sum(told[part] for part in parts) == input_tokens(given_params)
        assert sum(told["cache_creation"].values()) == told["cache_creation_input_tokens"]
        assert (told["input_tokens"] < input_tokens(given_params)) == (
            is_marked and -(-chars // 4) >= PREFIX_TOKENS_MIN
        )


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.98, 1.0])
def test_hits_come_at_the_rate_that_was_asked_for(ratio):
    answer = cached(respond, ratio, seed=0)
    told = [usage(answer, params("r" * 4000, i)) for i in range(400)]
    assert told[0]["cache_creation_input_tokens"] == 1000, "nothing is read before it was written"
    hits = sum(each["cache_read_input_tokens"] == 1000 for each in told[1:]) / 399
    assert abs(hits - ratio) < 0.06


def test_a_mark_on_the_whole_request_marks_its_last_block():
    prefix, ttl = marked_prefix(params("rubric", 7, None, cache_control={"type": "ephemeral", "ttl": "1h"}))
    assert (prefix, ttl) == (["rubric", "Text 7."], "1h")
    assert marked_prefix(params("rubric", 7, None)) == ([], "5m")
