"""A bare local server's ways: what vLLM, llama.cpp, Ollama and LiteLLM do with `/v1/messages`.

No message batches, no rate limits, no account. Parameters that it does not know are passed over, and so is
the schema of the answer: JSON comes as the model happens to write it.
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from curation.claude.stand_in.messages import Respond, request_of, saying, text_of
from curation.claude.stand_in.wire import invalid, schema_of

_KNOWN = ("model", "max_tokens", "messages", "system")
_BROKEN_RATIO = 0.2


def local(respond: Respond, seed: int) -> Respond:
    """`respond` as a local server gives it: the JSON between prose or in a fence or bare; broken for some
    requests the first time, and better the next, as a model's answers differ from time to time."""
    asked: Counter[str] = Counter()
    lock = threading.Lock()

    def answered(params: Mapping[str, Any], service_tier: str) -> dict[str, Any]:
        if not isinstance(params.get("max_tokens"), int) or not params.get("messages"):
            raise invalid("max_tokens and messages are needed")
        known = {name: params[name] for name in _KNOWN if name in params}
        if schema := _schema_asked_for(params):
            known["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        message = respond(known, service_tier)
        text = text_of(message["content"])
        if schema:
            request = request_of(params)
            with lock:
                asked[request] += 1
                number = asked[request]
            text = as_written(text, random.Random(f"{seed}/{request}/{number}"), broken=number == 1)
        usage = {name: message["usage"][name] for name in ("input_tokens", "output_tokens")}
        return saying({**message, "usage": usage}, text, params["max_tokens"])

    return answered


def as_written(answer: str, rng: random.Random, *, broken: bool) -> str:
    """JSON as a model writes it that nobody holds to a schema; `broken` allows it to be none."""
    if broken and rng.random() < _BROKEN_RATIO:
        comma, quotes = f"{answer[:-1]},}}", answer.replace('"', "'")
        return rng.choice((answer[:-2], comma, quotes, "I am sorry, but I cannot say."))
    return rng.choice(
        (
            answer,
            f"```json\n{answer}\n```",
            f"Here is my judgment:\n\n```\n{answer}\n```\nTell me if you need more.",
            f"Let me look at it {{closely}}. {answer} I hope that this helps!",
        )
    )


def _schema_asked_for(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema that the parameters name, or that the prompt states: the first in it."""
    if (schema := schema_of(params)) is not None:
        return schema
    contents = [params.get("system") or "", *(message["content"] for message in params["messages"])]
    found = (value for content in contents for value in _objects(text_of(content)))
    return next((value for value in found if value.get("type") == "object"), None)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects that stand in a text, outermost only."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            end = at + 1
        else:
            yield value
        at = text.find("{", end)
