"""Order: a deterministic shuffle in which every document finds its place by itself."""

import hashlib

KEYS = 1 << 64


def key(id_: str, copy: int, seed: int) -> int:
    """The place of a copy of a document in the release: uniform in [0, 2^64)."""
    h = hashlib.blake2b(f"{seed}\0{id_}\0{copy}".encode(), digest_size=8)
    return int.from_bytes(h.digest(), "big")


def shard(place: int, shards: int) -> int:
    """The shard, of `shards`, that holds `place`: read in order, the shards are the release in order."""
    return place * shards // KEYS


def shard_count(text_bytes: int, target: int) -> int:
    """How many shards hold `text_bytes` bytes of text in about `target` bytes each; at least one."""
    return max(1, -(-text_bytes // target))
