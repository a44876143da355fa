"""Which documents are held out of training, to measure on.

A document is held out if a hash of its id is small: not by its place, the seed or (unless there are few) the
documents beside it, so the same document is held out of every release it is in. A synthetic document goes
where its parents go, by their ids, for otherwise a rewriting of held-out text would be trained on. (Only the
parents it names are looked at: a rewriting of a rewriting goes by the first rewriting's id.)
"""

from collections.abc import Iterable, Sequence

from curation.document import content_hash

RATIO = 1 / 32
_RANGE = 1 << 64


def key(document: str, parents: Sequence[str]) -> int:
    """A number in [0, 2**64) that decides: the smallest over the document's parents, or its own."""
    return min(int(content_hash("held-out", name)[:16], 16) for name in (parents or [document]))


def threshold(keys: Iterable[int]) -> int:
    """Documents with a key up to this are held out: `RATIO` of many.

    Of few documents at least the one with the smallest key, so that there is something to measure on, and
    never the one with the largest, so that there is something to train on. -1, none, if all keys are one.
    """
    lowest, highest = _RANGE, -1
    for value in keys:
        lowest, highest = min(lowest, value), max(highest, value)
    return -1 if lowest >= highest else min(max(int(RATIO * _RANGE), lowest), highest - 1)
