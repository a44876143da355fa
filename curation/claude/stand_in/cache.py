"""What a prompt cache does to the usage of an answer: tokens written once, then read, at a rate of hits."""

import hashlib
import json
import random
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from curation.claude.stand_in.messages import Respond, request_of, tokens_of

PREFIX_TOKENS_MIN = 512  # what claude-haiku-5-5 and claude-sonnet-5-5 cache; others want more


def cached(respond: Respond, hit_ratio: float, seed: int) -> Respond:
    """`respond` with the usage of a prompt cache: of the requests that mark a prefix, the first writes it,
    and each later one reads it with the probability `hit_ratio` or writes it again. Whether a request of a
    message batch hits is such a matter of luck: 30 to 98 % were seen."""
    written: set[str] = set()
    lock = threading.Lock()

    def accounted(params: Mapping[str, Any], service_tier: str) -> dict[str, Any]:
        message = respond(params, service_tier)
        prefix, ttl = marked_prefix(params)
        tokens = sum(map(tokens_of, prefix))
        if tokens < PREFIX_TOKENS_MIN:
            return message
        digest = hashlib.blake2b(json.dumps(prefix).encode()).hexdigest()
        with lock:
            is_first = digest not in written
            written.add(digest)
        is_hit = not is_first and random.Random(f"{seed}/{request_of(params)}").random() < hit_ratio
        return {**message, "usage": message["usage"] | _usage(message["usage"], tokens, ttl, is_hit)}

    return accounted


def marked_prefix(params: Mapping[str, Any]) -> tuple[list[str], str]:
    """The texts up to the last block that has `cache_control`, and for how long it is to be kept; no texts if
    none has. A mark on the request as a whole stands for its last block."""
    prefix: list[str] = []
    texts: list[str] = []
    ttl = "5m"
    for text, control in _blocks(params):
        texts.append(text)
        if control:
            prefix, ttl = list(texts), control.get("ttl") or "5m"
    if whole := params.get("cache_control"):
        return texts, whole.get("ttl") or "5m"
    return prefix, ttl


def _blocks(params: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    contents = [params.get("system") or "", *(message["content"] for message in params["messages"])]
    for content in contents:
        blocks: list[dict[str, Any]] = [{"text": content}] if isinstance(content, str) else content
        for block in blocks:
            yield block.get("text", ""), block.get("cache_control")


def _usage(usage: Mapping[str, Any], tokens: int, ttl: str, is_hit: bool) -> dict[str, Any]:
    written = 0 if is_hit else tokens
    return {
        "input_tokens": usage["input_tokens"] - tokens,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": tokens - written,
        "cache_creation": {
            "ephemeral_5m_input_tokens": written if ttl == "5m" else 0,
            "ephemeral_1h_input_tokens": written if ttl == "1h" else 0,
        },
    }
