import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.claude.request import Request, answers_for, key_of, prompt_digest
from curation.errors import ClaudeError


@pytest.mark.parametrize(
    "change",
    [
        {"text_digest": "0" * 32},
        {"prompt_digest": prompt_digest("Judge!", "template")},
        {"model": "claude-haiku-5-5"},
        {"parameters": {"max_tokens": 401}},
        {"parameters": {"max_tokens": 400, "effort": "low"}},
        {"schema": None},
        {"replicate": 1},
    ],
)
def test_what_can_change_an_answer_changes_its_key(ask, change):
    assert ask(**change).key != ask().key


def test_the_order_of_a_schema_is_part_of_the_question(ask):
    schema = ask().schema
    turned = {**schema, "properties": dict(reversed(schema["properties"].items()))}
    assert ask(schema=turned).key != ask().key


def test_a_rerun_finds_its_answers_though_delimiters_and_the_order_of_parameters_differ(ask):
    one = ask(parameters={"max_tokens": 400, "effort": "low"}, message="<document-a>x</document-a>")
    two = ask(parameters={"effort": "low", "max_tokens": 400}, message="<document-b>x</document-b>")
    assert one.key == two.key


def test_system_and_template_do_not_run_into_each_other():
    assert prompt_digest("ab", "c") != prompt_digest("a", "bc")


def test_the_rubric_carries_the_cache_breakpoint_and_the_document_does_not(ask):
    params = ask(parameters={"max_tokens": 9, "effort": "low"}).params
    assert params["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert isinstance(params["messages"][0]["content"], str)
    assert params["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": ask().schema},
    }
    assert "effort" not in params


@given(st.text(alphabet="0123456789abcdef", min_size=16, max_size=16))
def test_custom_ids_are_ones_the_api_takes_and_lead_back_to_the_key(nonce):
    request = Request("t" * 32, "p" * 32, "m", {"max_tokens": 1}, "", "x")
    custom_id = request.entry(nonce)["custom_id"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", custom_id)
    assert key_of(custom_id, nonce) == request.key
    assert key_of(custom_id, "f" * 15 + "g") is None


@pytest.mark.parametrize("parameters", [{}, {"max_tokens": 0}, {"max_tokens": 5, "stream": True}])
def test_parameters_that_a_batch_refuses_are_refused_before_anything_is_sent(ask, parameters):
    with pytest.raises(ClaudeError, match=r"max_tokens|stream"):
        ask(parameters=parameters)


@pytest.mark.parametrize(
    ("asked", "answered", "is_same"),
    [
        ("claude-haiku-5-5", "claude-haiku-5-5", True),
        ("claude-haiku-5-5", "claude-haiku-5-5-20261001", True),
        ("claude-haiku-5-5", "claude-haiku-5", False),
        ("claude-haiku-5", "claude-haiku-5-5", False),
        ("claude-haiku-5-5", "offline-rules-1", False),
        ("offline-rules-1", "claude-haiku-5-5", False),
    ],
)
def test_another_models_answer_is_never_taken_for_the_one_asked(asked, answered, is_same):
    assert answers_for(asked, answered) is is_same
