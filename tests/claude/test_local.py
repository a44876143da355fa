import json

import pytest

from curation.claude import local
from curation.claude.decide import Patience
from curation.claude.prices import check_model, cost, is_free, most
from curation.errors import ClaudeError
from tests.claude.asking import SCHEMA, ask

BODY = ask(
    model="local/qwen/8b", parameters={"max_tokens": 9, "effort": "low", "thinking": {"type": "disabled"}}
).body(cached=False)


def test_a_local_model_costs_nothing_and_needs_no_price():
    check_model("local/qwen")
    assert is_free("local/qwen")
    assert cost("local/qwen", {"input_tokens": 5_000, "output_tokens": 50}) == 0
    assert most("local/qwen", input_bytes=10**9, max_tokens=10**6, batch=False) == 0
    assert Patience.of("local/qwen") == Patience.of("offline-rules-1")


def test_a_model_without_a_price_is_told_how_a_local_one_is_named():
    with pytest.raises(ClaudeError, match="local/qwen"):
        check_model("qwen")


@pytest.mark.parametrize(
    "url", ["https://api.anthropic.com", "https://api.anthropic.com/v1/", "https://anthropic.com"]
)
def test_a_local_model_is_not_asked_for_at_anthropics_own_address(url):
    with pytest.raises(ClaudeError, match=r"local/qwen.*ANTHROPIC_BASE_URL"):
        local.check_address("local/qwen", url)
    local.check_address("claude-haiku-5-5", url)
    local.check_address("local/qwen", "http://anthropic.com.example.org:8000")


def test_the_path_is_chosen_by_the_model_and_the_recipe():
    assert local.is_direct("local/qwen", wanted=False)
    assert local.is_direct("claude-haiku-5-5", wanted=True)
    assert not local.is_direct("claude-haiku-5-5", wanted=False)


def test_a_local_server_is_sent_the_bare_name_and_the_schema_in_words_too():
    sent = local.adapted(BODY, frozenset())
    assert sent["model"] == "qwen/8b"
    assert json.dumps(SCHEMA) in sent["messages"][0]["content"]
    assert sent["output_config"] == BODY["output_config"]
    assert sent["messages"][0]["content"].startswith(BODY["messages"][0]["content"])


def test_what_a_server_refuses_is_left_out_and_the_schema_stays_in_words():
    sent = local.adapted(BODY, frozenset(("output_config", "thinking")))
    assert set(sent) == {"model", "max_tokens", "system", "messages"}
    assert json.dumps(SCHEMA) in sent["messages"][0]["content"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("output_config: Extra inputs are not permitted", "output_config"),
        ("Unrecognized request argument supplied: effort", "output_config"),
        ("`thinking` is not supported by this model", "thinking"),
        ("prompt is too long", None),
        ("max_tokens must be at most 10", None),
    ],
)
def test_a_refusal_is_understood_where_it_names_what_can_be_left_out(words, found):
    assert local.refused_parameter(words, BODY) == found
    assert local.refused_parameter(words, {"model": "m", "messages": []}) is None
