"""Models behind a base URL of your own: vLLM, llama.cpp, Ollama, LiteLLM. Pure.

A recipe names one as `local/NAME`; NAME is what goes over the wire. It has no price per token, and is asked
one request at a time: none of these servers has message batches. Some refuse a parameter that they do not
know, others pass over it, the schema too, so the schema is always told in the message as well.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from curation.errors import ClaudeError

_PREFIX = "local/"
_ANTHROPIC = "anthropic.com"

# What a server may refuse, and the words by which it names it.
_DISPENSABLE = {"output_config": ("output_config", "effort", "json_schema"), "thinking": ("thinking",)}


def is_local(model: str) -> bool:
    return model.startswith(_PREFIX)


def is_direct(model: str, wanted: bool) -> bool:
    """Whether a model is asked one request at a time: a local one always is, another where it is wanted, at
    twice the price of a message batch."""
    return wanted or is_local(model)


def served_name(model: str) -> str:
    """The model's name at its server."""
    return model.removeprefix(_PREFIX)


def check_address(model: str, base_url: str) -> None:
    """Raise ClaudeError for a local model that would be asked for at Anthropic's own address."""
    host = urlsplit(base_url).hostname or ""
    if is_local(model) and (host == _ANTHROPIC or host.endswith(f".{_ANTHROPIC}")):
        raise ClaudeError(
            f"the model {model!r} is to be served at a base URL of your own, and the base URL is {host}: set "
            "ANTHROPIC_BASE_URL (in Airflow the connection's host) to your server's address"
        )


def adapted(body: Mapping[str, Any], refused: frozenset[str]) -> dict[str, Any]:
    """The parameters of a request as a local server is sent them: without those that it `refused`, with the
    schema in words after the message."""
    kept = {name: value for name, value in body.items() if name not in refused}
    kept["model"] = served_name(body["model"])
    form = body.get("output_config", {}).get("format")
    if form:
        [turn] = body["messages"]
        kept["messages"] = [{**turn, "content": f"{turn['content']}\n\n{_in_words(form['schema'])}"}]
    return kept


def _in_words(schema: Mapping[str, Any]) -> str:
    told = json.dumps(schema, ensure_ascii=False)
    return f"Answer with one JSON object that fits this JSON Schema, and with nothing else:\n{told}"


def refused_parameter(message: str, body: Mapping[str, Any]) -> str | None:
    """The parameter of `body` that a server's refusal (400) names, if the request can do without it."""
    words = set(re.findall(r"\w+", message.lower()))
    return next((n for n, names in _DISPENSABLE.items() if n in body and words & set(names)), None)
