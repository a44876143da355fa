"""What an answer costs, by one dated price file."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from curation.claude.local import is_local
from curation.errors import ClaudeError

_MILLION = Decimal(1_000_000)
_NOTHING = [dict.fromkeys(("input", "output", "write_5m", "write_1h", "read"), "0")]

# The API wraps a prompt in some tokens of its own, and tells the model of the schema in a few hundred.
OVERHEAD_TOKENS = 1_000


@cache
def _price_file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("prices.yaml").read_text("utf-8"))
    return loaded


def undated(model: str) -> str:
    """The name of a dated snapshot's model: claude-haiku-5-5 for claude-haiku-5-5-20261001."""
    return re.sub(r"-\d{8}$", "", model)


def _tiers(model: str) -> list[dict[str, Any]]:
    if is_local(model):
        return _NOTHING  # whatever the machine costs that serves it
    models = _price_file()["models"]
    tiers: list[dict[str, Any]] | None = models.get(model) or models.get(undated(model))
    if tiers is None:
        raise ClaudeError(
            f"no price for the model {model!r} in prices.yaml of {_price_file()['date']}; "
            f"name one of {', '.join(models)}, or add its price there, or name a model that a server of your "
            f"own serves local/{model}: that costs nothing per token"
        )
    return tiers


def tiers(model: str) -> list[tuple[float, dict[str, Decimal]]]:
    """USD per million tokens (input, output, write_5m, write_1h, read), each tier with the longest prompt, in
    tokens, that it is for; shorter prompts first."""
    return [
        (
            tier.get("up_to_tokens", math.inf),
            {kind: Decimal(usd) for kind, usd in tier.items() if kind != "up_to_tokens"},
        )
        for tier in _tiers(model)
    ]


def rates(model: str) -> dict[str, Decimal]:
    """USD per million tokens, for prompts of ordinary length."""
    return tiers(model)[0][1]


def batch_ratio() -> Decimal:
    """What a message batch costs, of the price of the same requests one by one."""
    return Decimal(_price_file()["batch_ratio"])


def date() -> str:
    """The day of the price file."""
    return str(_price_file()["date"])


def is_free(model: str) -> bool:
    """Whether the model bills nothing: a stand-in. Raises ClaudeError for a model without a price."""
    return all(Decimal(tier[kind]) == 0 for tier in _tiers(model) for kind in ("input", "output"))


def check_model(model: str) -> None:
    """Raise ClaudeError for a model that a recipe cannot name: without a price, or with one for tests."""
    _tiers(model)
    if model in _price_file()["test_only"]:
        raise ClaudeError(
            f"the model {model!r} is for tests: its prices are real, its answers are not; name a model of "
            "Anthropic's, or offline-rules-1 to try a recipe without a key"
        )


def most(
    model: str, *, input_bytes: int, max_tokens: int, ttl: str | None = None, batch: bool = True
) -> Decimal:
    """USD that one request can cost at most. A token of its input is at least one byte of what is sent, and
    OVERHEAD_TOKENS cover what the API adds; all of it at the dearest rate that can apply: a cache write of
    this `ttl` (5m or 1h) if it carries a breakpoint, the tier of long prompts if it may be that long; and all
    of `max_tokens` as output. Raises ClaudeError for a model without a price."""
    tokens = input_bytes + OVERHEAD_TOKENS
    kinds = ("input", f"write_{ttl}") if ttl else ("input",)
    usd = Decimal(0)
    shortest = 0  # prompt of a tier
    for tier in _tiers(model):
        if tokens >= shortest:
            dearest = max(Decimal(tier[kind]) for kind in kinds)
            usd = max(usd, tokens * dearest + max_tokens * Decimal(tier["output"]))
        shortest = tier.get("up_to_tokens", tokens) + 1
    ratio = batch_ratio() if batch else Decimal(1)
    return usd / _MILLION * ratio


def cost(model: str, usage: Mapping[str, Any], *, batch: bool = True) -> Decimal:
    """USD for one answer, from the API's `usage` record: cache reads and writes, the tier of a long prompt
    and the batch rate. Cache writes without a breakdown count as five-minute ones.
    Raises ClaudeError for a model without a price."""
    written = usage.get("cache_creation_input_tokens") or 0
    breakdown = usage.get("cache_creation") or {}
    written_1h = breakdown.get("ephemeral_1h_input_tokens") or 0
    tokens = {
        "input": usage["input_tokens"],
        "output": usage["output_tokens"],
        "write_1h": written_1h,
        "write_5m": written - written_1h,
        "read": usage.get("cache_read_input_tokens") or 0,
    }
    prompt_tokens = tokens["input"] + written + tokens["read"]
    tier = next(t for t in _tiers(model) if prompt_tokens <= t.get("up_to_tokens", prompt_tokens))
    usd = sum((count * Decimal(tier[kind]) for kind, count in tokens.items()), Decimal(0)) / _MILLION
    return usd * batch_ratio() if batch else usd
