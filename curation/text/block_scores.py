"""The block model: boosted trees over `block_features`, walked in compiled code.

Trained by `curation.ingest.train_blocks` with scikit-learn's histogram gradient boosting (after LightGBM: Ke
and others, NeurIPS 2017); here only the arrays that it leaves are read.
"""

from typing import Any, NamedTuple

import numpy as np

from curation.text.block_features import features
from curation.text.blocks import CJK, WORDS, Blocks
from curation.text.compiled import compiled


class Trees(NamedTuple):
    """Nodes of all trees, one after another. A row goes left where its feature is ≤ the threshold."""

    roots: Any  # int32[trees]
    feature: Any  # int16[nodes]: a column of `block_features.NAMES`; -1: a leaf
    threshold: Any  # float32[nodes]
    left: Any  # int32[nodes]
    right: Any  # int32[nodes]
    value: Any  # float32[nodes]: what a leaf adds to the log odds
    base: float  # the log odds before any tree


class BlockModel(NamedTuple):
    """All that training leaves."""

    words: tuple[Any, Any]  # hash table: log odds of a word being in the main text
    hints: tuple[Any, Any]  # the same of a word in a class, id, role or itemprop
    trees: Trees


NEIGHBOUR = 0.1
"""What a neighbour's score weighs in a block's own: text comes in stretches."""
FEW_WORDS = 50
"""A page that would keep fewer words than this is asked again, with the scores raised to `BEST`."""
BEST = 0.9


def scores(model: BlockModel, page: Blocks, title: Any, keep: float) -> Any:
    """How likely each block is main text: float64[blocks] in [0, 1]; at least `keep` is meant to be kept."""
    found = probabilities(features(page, title, model.words, model.hints), *model.trees)
    if not found.size:
        return found
    padded = np.concatenate((found[:1], found, found[-1:]))
    smooth = (1 - 2 * NEIGHBOUR) * found + NEIGHBOUR * (padded[:-2] + padded[2:])
    words = page.rows[:, WORDS] + page.rows[:, CJK] / 2
    if words[smooth >= keep].sum() >= FEW_WORDS:
        return smooth
    return smooth * max(1.0, BEST / max(1e-9, smooth.max()))


@compiled
def probabilities(
    rows: Any, roots: Any, feature: Any, threshold: Any, left: Any, right: Any, value: Any, base: float
) -> Any:
    """float64[rows]: the logistic of the sum of the trees' leaves."""
    made = np.empty(len(rows))
    for b in range(len(rows)):
        row = rows[b]
        total = np.float64(base)
        for tree in range(roots.size):
            node = roots[tree]
            while feature[node] >= 0:
                node = left[node] if row[feature[node]] <= threshold[node] else right[node]
            total += value[node]
        made[b] = 1.0 / (1.0 + np.exp(-total))
    return made
