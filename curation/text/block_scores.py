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
    """The splits of all trees, one tree after another, and what their leaves add to the log odds.

    A split is lost where its feature is above the threshold; then none of the leaves on its left can be the
    row's. The row's leaf is the leftmost that no lost split rules out.
    """

    starts: Any  # int32[trees + 1]: the first split of each tree
    feature: Any  # int16[splits]: a column of `block_features.NAMES`
    threshold: Any  # float32[splits]
    stays: (
        Any  # uint32[splits]: a bit for each leaf, the leftmost lowest; 0: ruled out where the split is lost
    )
    value: Any  # float32[trees, 32]: of the leaf whose bit's `slot` it is
    base: float  # the log odds before any tree


MAX_LEAVES = 32  # of a tree
DE_BRUIJN = 0x077CB531
"""A power of two times this has a `slot` of its own in its five highest bits (Leiserson, Prokop, Randall,
"Using de Bruijn Sequences to Index a 1 in a Computer Word", 1998)."""


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
    rows: Any, starts: Any, feature: Any, threshold: Any, stays: Any, value: Any, base: float
) -> Any:
    """float64[rows]: the logistic of the sum of the trees' leaves.

    No tree is walked: each split is looked at for all rows at once, which takes no branch and many rows an
    instruction (after QuickScorer: Lucchese and others, SIGIR 2015).
    """
    columns = rows.T.copy()
    made = np.full(len(rows), base)
    leaves = np.empty(len(rows), np.uint32)
    for tree in range(starts.size - 1):
        leaves[:] = 0xFFFFFFFF
        for split in range(starts[tree], starts[tree + 1]):
            _rule_out(columns[feature[split]], threshold[split], stays[split], leaves)
        _add(leaves, value[tree], made)
    return 1.0 / (1.0 + np.exp(-made))


@uncounted
def _rule_out(column: Any, threshold: Any, stays: Any, leaves: Any) -> None:
    for n in range(leaves.size):
        leaves[n] &= stays if column[n] > threshold else np.uint32(0xFFFFFFFF)


@uncounted
def _add(leaves: Any, value: Any, made: Any) -> None:
    for n in range(leaves.size):
        leftmost = leaves[n] & (~leaves[n] + np.uint32(1))
        made[n] += value[slot(leftmost)]


@uncounted
def slot(bit: Any) -> Any:
    """Where `Trees.value` has the leaf of a uint32 with one bit set."""
    return np.uint32(bit * np.uint32(DE_BRUIJN)) >> np.uint32(27)
