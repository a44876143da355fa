"""Other users' message batches: what a workspace's listing holds besides one's own.

They look like one's own from outside: of the same minute, some of the same count, with custom ids of the same
shape.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Foreign:
    """`delay_ratio` of the time that one's own message batch takes; None: it never ends."""

    custom_ids: list[str]
    delay_ratio: float | None


def neighbours(count: int, size: int, *, seed: int) -> Iterator[Foreign]:
    """`count` message batches of others, made beside one's own of `size` requests. In turns: of the same
    count, and ended soon; of another count, and never ended; of the same count, and ended late; of the same
    count, and never ended."""
    rng = random.Random(seed)
    kinds: tuple[tuple[int, float | None], ...] = ((size, 0.0), (size + 1, None), (size, 2.0), (size, None))
    for requests, delay_ratio in itertools.islice(itertools.cycle(kinds), count):
        nonce = rng.randbytes(8).hex()
        yield Foreign([f"{nonce}-{rng.randbytes(16).hex()}" for _ in range(requests)], delay_ratio)
