"""Answers as long as a model's are: most short, a few very long.

The tokens of an answer are drawn from a lognormal distribution by the seed and the request, and the text is
really that long. The distribution is an assumption, made to be hard on who estimates a mean from a sample.
"""

import bisect
import json
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from curation.claude.stand_in.messages import BYTES_A_TOKEN, Respond, request_of, saying, text_of
from curation.claude.stand_in.rules import ABOUT
from curation.claude.stand_in.wire import check_params

_FILLER = f" {ABOUT} This is said to make the answer as long as it was drawn."
_NO_LIMIT = 1 << 30


@dataclass(frozen=True)
class Lengths:
    """`spread` is the standard deviation of the logarithm: at 1, one answer in a hundred is ten times the
    median. What is beyond `max_tokens` is cut, as any answer is."""

    median_tokens: float
    spread: float = 1.0
    seed: int = 0

    def tokens(self, request: str) -> int:
        draw = random.Random(f"{self.seed}/{request}")
        return max(1, round(draw.lognormvariate(math.log(self.median_tokens), self.spread)))


def lengthened(respond: Respond, lengths: Lengths) -> Respond:
    """`respond` with answers of these lengths: a JSON object is as long as its first free text makes it, and
    no shorter than without that."""

    def drawn(params: Mapping[str, Any], service_tier: str) -> dict[str, Any]:
        check_params(params)  # before its max_tokens are set aside
        message = respond({**params, "max_tokens": _NO_LIMIT}, service_tier)
        text = fitted(text_of(message["content"]), lengths.tokens(request_of(params)))
        return saying(message, text, params["max_tokens"])

    return drawn


def fitted(text: str, tokens: int) -> str:
    """`text` cut or filled up to `tokens` tokens; JSON stays JSON."""
    room = tokens * BYTES_A_TOKEN
    try:
        value = json.loads(text)
        name = next(name for name, part in value.items() if isinstance(part, str))
    except (ValueError, AttributeError, StopIteration):
        return _fill(text, room, lambda said: said)
    return _fill(value[name], room, lambda said: json.dumps(value | {name: said}, ensure_ascii=False))


def _fill(text: str, room: int, shape: Callable[[str], str]) -> str:
    """`shape` of as much of `text` as there is room for, in bytes, or of all of it and filler."""

    def size(chars: int) -> int:
        return len(shape(text[:chars]).encode("utf-8", "replace"))

    kept = max(0, bisect.bisect_right(range(len(text) + 1), room, key=size) - 1)
    missing = max(0, room - size(kept))
    filler = (_FILLER * (missing // len(_FILLER) + 1))[:missing] if kept == len(text) else ""
    return shape(text[:kept] + filler)
