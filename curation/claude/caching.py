"""Where a cache breakpoint after the rubric pays, decided from the hits that were measured. Pure.

A prefix token costs a write when it misses the cache and a read when it hits, and the plain input price
without a breakpoint. So a breakpoint pays above the share of hits at which the two are equal, which follows
from the price file: 22 % for a five-minute write. Hits inside a message batch are best effort: they are
measured, not assumed. (An hour's write is dearer at every share of hits, and the ledger cannot tell which
misses it would have spared: it is not used.)
"""

from curation.claude.prices import rates, undated

# The shortest prefix that is cached at all, in tokens (Anthropic's documentation of prompt caching).
_SHORTEST = {"claude-haiku-5-5": 512, "claude-sonnet-5-5": 512, "claude-haiku-4-5": 4096}
_SHORTEST_OTHERS = 1024

_BYTES_A_TOKEN = 3  # of prose, generously: a breakpoint on a prefix that is too short costs nothing
_ENOUGH = 50  # prefixes written or read before their hits say something


def pays(model: str, prefix_bytes: int, write_tokens: int, read_tokens: int) -> bool:
    """Whether to mark a prefix of so many bytes (UTF-8), given how many tokens of it were written to the
    cache and read from it so far. Yes at first, if it is long enough."""
    prefix_tokens = prefix_bytes / _BYTES_A_TOKEN
    if prefix_tokens < _SHORTEST.get(undated(model), _SHORTEST_OTHERS):
        return False
    seen = write_tokens + read_tokens
    return seen < _ENOUGH * prefix_tokens or read_tokens / seen > break_even_ratio(model)


def break_even_ratio(model: str) -> float:
    """The share of prefix tokens that must hit the cache for a five-minute breakpoint to cost nothing more;
    1 for a model whose prices leave nothing to gain."""
    rate = rates(model)
    plain, write, read = rate["input"], rate["write_5m"], rate["read"]
    return float((write - plain) / (write - read)) if write > read else 1.0
