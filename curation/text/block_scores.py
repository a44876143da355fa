"""The block model: boosted trees over `block_features`, walked in compiled code.

Trained by `curation.ingest.train_blocks` with scikit-learn's histogram gradient boosting (after LightGBM: Ke
and others, NeurIPS 2017); here only the arrays that it leaves are read.
"""

from typing import Any, NamedTuple

import numpy as np

from curation.text.block_features import features
from curation.text.blocks import CJK, ELEMENT, WORDS, Blocks
from curation.text.compiled import compiled, uncounted
from curation.text.markup import HIDDEN_BIT, MASK


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
    keep: float  # the least likelihood of a block that is kept


NEIGHBOUR = 0.1
"""What a neighbour's likelihood weighs in a block's own: text comes in stretches."""
FEW_WORDS = 50
"""A page that would keep fewer words than this is asked again."""
BEST = 0.9
"""What the likeliest block of a page that is asked again is raised to, and the others with it."""


def likelihoods(model: BlockModel, page: Blocks, title: Any) -> Any:
    """How likely each block is main text: float64[blocks] in [0, 1]. `title`: as `features` has it."""
    found = probabilities(features(page, title, model.words, model.hints), *model.trees)
    padded = np.concatenate((found[:1], found, found[-1:]))
    return (1 - 2 * NEIGHBOUR) * found + NEIGHBOUR * (padded[:-2] + padded[2:])


def kept(found: Any, page: Blocks, keep: float) -> Any:
    """bool[blocks]: those that are likely enough. What a style hides is kept only on a page that has few
    words without it, as some pages show their text by a script."""
    words = page.rows[:, WORDS] + page.rows[:, CJK] / 2
    hidden = page.page.elements[page.rows[:, ELEMENT], MASK] >> HIDDEN_BIT & 1
    for likely in (found * (1 - hidden), found):
        if words[likely >= keep].sum() >= FEW_WORDS:
            return likely >= keep
    return found * max(1.0, BEST / found.max(initial=1e-9)) >= keep


@compiled
def probabilities(
    rows: Any, roots: Any, feature: Any, threshold: Any, left: Any, right: Any, value: Any, base: float
) -> Any:
    """float64[rows]: the logistic of the sum of the trees' leaves.

    Four trees are walked in turns: a step in one need not wait for the step before it in another.
    """
    made = np.empty(len(rows))
    fours = roots.size // 4 * 4
    for n in range(len(rows)):
        row = rows[n]
        total = np.float64(base)
        for k in range(0, fours, 4):
            a, b, c, d = roots[k], roots[k + 1], roots[k + 2], roots[k + 3]
            while feature[a] >= 0 or feature[b] >= 0 or feature[c] >= 0 or feature[d] >= 0:
                a = _below(a, row, feature, threshold, left, right)
                b = _below(b, row, feature, threshold, left, right)
                c = _below(c, row, feature, threshold, left, right)
                d = _below(d, row, feature, threshold, left, right)
            for leaf in (a, b, c, d):
                total += value[leaf]
        for k in range(fours, roots.size):
            a = roots[k]
            while feature[a] >= 0:
                a = _below(a, row, feature, threshold, left, right)
            total += value[a]
        made[n] = 1.0 / (1.0 + np.exp(-total))
    return made


@uncounted
def _below(node: int, row: Any, feature: Any, threshold: Any, left: Any, right: Any) -> Any:
    """The node to which a row goes from this one: itself, if it is a leaf."""
    if feature[node] < 0:
        return node
    return left[node] if row[feature[node]] <= threshold[node] else right[node]
