"""What an answer costs, by one dated price file."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from curation.errors import ClaudeError

_MILLION = Decimal(1_000_000)


@cache
def _price_file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("prices.yaml").read_text("utf-8"))
    return loaded


def _tiers(model: str) -> list[dict[str, Any]]:
    models = _price_file()["models"]
    tiers: list[dict[str, Any]] | None = models.get(model) or models.get(re.sub(r"-\d{8}$", "", model))
    if tiers is None:
        raise ClaudeError(
            f"no price for the model {model!r} in prices.yaml of {_price_file()['date']}; "
            f"name one of {', '.join(models)}, or add its price there"
        )
    return tiers


def is_free(model: str) -> bool:
    """Whether the model bills nothing: a stand-in. Raises ClaudeError for a model without a price."""
    return all(Decimal(tier[kind]) == 0 for tier in _tiers(model) for kind in ("input", "output"))


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
    return usd * Decimal(_price_file()["batch_ratio"]) if batch else usd
