"""A bare local server: no message batches, JSON as a model happens to write it."""

import json
from collections import Counter

import anthropic
import httpx2
import pytest

from curation.claude import stand_in
from curation.claude.client import Connection
from curation.claude.stand_in.local import local
from curation.claude.stand_in.messages import respond
from tests.claude.asking import SCHEMA
from tests.claude.stand_in.test_rules import wrapped


def params(i, **more):
    asked = {"model": stand_in.MODEL, "max_tokens": 400}
    return asked | {"messages": [{"role": "user", "content": wrapped(f"Text number {i}.")}]} | more


def kind(text):
    """How the JSON stands in an answer."""
    try:
        return "bare" if json.loads(text) else ""
    except ValueError:
        start, end = text.find('{"'), text.rfind("}") + 1
    try:
        json.loads(text[start:end])
    except ValueError:
        return "broken"
    return "fenced" if "```" in text else "in prose"


def test_it_has_no_batches_needs_no_key_and_tells_errors_its_own_way():
    with stand_in.serve(persona="local") as server:
        client = Connection("k", server.url).client()
        with pytest.raises(anthropic.NotFoundError) as caught:
            client.messages.batches.create(requests=[{"custom_id": "a", "params": params(1)}])
        assert caught.value.body == {"detail": "Not Found"}
        message = httpx2.post(f"{server.url}/v1/messages", json=params(1, temperature=0.2, top_k=5)).json()
        assert message["usage"].keys() == {"input_tokens", "output_tokens"}
        models = httpx2.get(f"{server.url}/v1/models").json()
        assert [model["id"] for model in models["data"]] == [stand_in.MODEL]
        with pytest.raises(anthropic.NotFoundError):
            client.messages.create(**params(1, model="claude-haiku-5-5"))


@pytest.mark.parametrize("where", ["output_config", "prompt"])
def test_json_comes_bare_fenced_in_prose_and_sometimes_broken(where):
    stated = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    if where == "prompt":
        stated = {"system": f"Answer with JSON of this schema: {json.dumps(SCHEMA)}. Nothing else."}
    answer = local(respond, seed=0)
    texts = [answer(params(i, **stated), "standard")["content"][0]["text"] for i in range(200)]
    kinds = Counter(map(kind, texts))
    assert set(kinds) == {"bare", "fenced", "in prose", "broken"}
    assert 0.1 < kinds["broken"] / 200 < 0.3
    broken = next(i for i, text in enumerate(texts) if kind(text) == "broken")
    again = answer(params(broken, **stated), "standard")["content"][0]["text"]
    assert kind(again) != "broken", "asked again, a model answers otherwise"


def test_without_a_schema_it_answers_in_words():
    text = local(respond, seed=0)(params(1), "standard")["content"][0]["text"]
    assert "not a language model" in text
