"""Mixture: how often each kept document is released, by the weight of its source."""

import math

from curation.document import content_hash


def copies(id_: str, weight: float, seed: int) -> int:
    """How often the document `id_` is in a release where its source weighs `weight`.

    The whole part of the weight, and once more for a share of the documents as large as the rest: 2.5 gives
    2 or 3 copies, 0.5 gives 0 or 1. Which ones is a function of (seed, id) alone, so a document stays in
    when its source grows, and when its weight does.
    """
    whole = math.floor(weight)
    draw = int(content_hash("mixture", str(seed), id_)[:13], 16) / 16**13
    return whole + (draw < weight - whole)
