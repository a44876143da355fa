"""Answers of drawn lengths: really that long, still JSON, and the same for the same seed."""

import json
import math
import statistics

from hypothesis import given
from hypothesis import strategies as st

from curation.claude.stand_in.lengths import Lengths, fitted, lengthened
from curation.claude.stand_in.messages import request_of, respond, tokens_of
from curation.claude.stand_in.rules import MODEL
from tests.claude.asking import SCHEMA
from tests.claude.stand_in.test_rules import wrapped


def params(i, max_tokens=10_000):
    return {
        "model": MODEL,
        "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": wrapped(f"Text number {i}.")}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    }


@given(st.text(), st.text(), st.integers(1, 500))
def test_a_fitted_answer_is_as_long_as_asked_and_still_the_same_json(evidence, text, tokens):
    value = {"score": 3, "evidence": evidence}
    answer = fitted(json.dumps(value, ensure_ascii=False), tokens)
    shortest = tokens_of(json.dumps(value | {"evidence": ""}))
    assert json.loads(answer)["score"] == 3
    assert abs(tokens_of(answer) - max(tokens, shortest)) <= 1
    assert abs(tokens_of(fitted(text, tokens)) - tokens) <= 1


def test_lengths_are_lognormal_and_usage_says_what_the_text_has():
    lengths = Lengths(median_tokens=200, spread=0.8)
    longer = lengthened(respond, lengths)
    messages = [longer(params(i), "batch") for i in range(400)]
    tokens = [message["usage"]["output_tokens"] for message in messages]
    assert tokens == [tokens_of(message["content"][0]["text"]) for message in messages]
    assert 170 < statistics.median(tokens) < 235
    assert 0.7 < statistics.stdev(map(math.log, tokens)) < 0.9
    assert max(tokens) > 5 * statistics.median(tokens), "a heavy tail"
    assert all(json.loads(message["content"][0]["text"])["score"] == 0 for message in messages)


def test_what_is_drawn_beyond_max_tokens_is_cut_and_says_so():
    longer = lengthened(respond, Lengths(median_tokens=200))
    i = next(i for i in range(99) if Lengths(median_tokens=200).tokens(request_of(params(i))) > 250)
    message = longer(params(i, max_tokens=250), "batch")
    assert (message["stop_reason"], message["usage"]["output_tokens"]) == ("max_tokens", 250)
    assert longer(params(i), "batch")["stop_reason"] == "end_turn"


def test_the_seed_and_the_request_decide():
    drawn = [Lengths(50, seed=seed).tokens(request_of(params(i))) for seed in (0, 0, 1) for i in range(20)]
    assert drawn[:20] == drawn[20:40] != drawn[40:]
