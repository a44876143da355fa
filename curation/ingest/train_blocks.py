"""Trains the block model and writes its weights.

    python -m curation.ingest.train_blocks ../shared/data/crawl --folds tests/benchmarks/block_folds.npz

The shipped model learns from every gold page. For each fold of domains one more is made that has seen none
of its pages: what extraction is measured with. From which likelihood on blocks are kept is chosen on what
these say of the pages that they have not seen; for a fold's model, on those of the other folds. Takes
minutes; needs scikit-learn.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from curation.ingest.block_keep import CHOICES, agreement, best_keep
from curation.ingest.block_labels import labels_of_snippets, shares_in
from curation.ingest.block_model import WEIGHTS, store
from curation.ingest.extract import parsed, title_hashes
from curation.ingest.gold_pages import FOLDS, GoldPage, gold_pages
from curation.text.block_features import features
from curation.text.block_scores import MAX_LEAVES, BlockModel, Trees, likelihoods, slot
from curation.text.blocks import CJK, ELEMENT, WORDS, Blocks
from curation.text.markup import PARENT, hash_of, hash_table

SOURCES = {"scrapinghub-aeb": 2.0, "newspaper4k": 2.0, "mozilla-readability": 1.5, "crawl-to-the-future": 1.0}
"""What a page weighs by where its gold is from; many of the last are of few domains."""
SNIPPET_WEIGHT = 1.0  # of a block that a snippet labels
WORD_DOMAINS, HINT_DOMAINS = 12, 6
"""A word counts as evidence if it is on pages of so many domains."""
PRIOR, MOST_ODDS, LEAST_ODDS = 0.3, 2.5, 0.15
WORDLESS = 0.25
"""The share of pages that are learned as if no word were known: most of the gold is English or German."""
TREES: dict[str, Any] = {
    "max_iter": 100,
    "max_leaf_nodes": 12,
    "learning_rate": 0.1,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "random_state": 0,
}


class Example(NamedTuple):
    """A page to learn from."""

    page: GoldPage
    blocks: Blocks
    title: Any
    labels: Any  # float64[blocks]: the share of a block that is main text; NaN: not known
    lengths: Any  # float64[blocks], words
    words: "Counts"
    hints: "Counts"


class Counts(NamedTuple):
    """How much of a page's main text, and of the rest, each hash goes with; shares in [0, 1]."""

    hashes: Any
    inside: Any
    outside: Any


def example(page: GoldPage) -> Example:
    """`page` as blocks, labelled and counted."""
    made, title = parsed(page.html)
    texts = [made.block(number) for number in range(len(made.rows))]
    if page.text is None:
        labels = labels_of_snippets(texts, page.present, page.absent)
    else:
        labels = shares_in(texts, page.text)
    lengths = made.rows[:, WORDS] + made.rows[:, CJK] / 2
    inside = np.nan_to_num(labels) >= 0.5
    outside = ~inside & ~np.isnan(labels)
    counts = _word_counts(made, inside, outside), _hint_counts(made, lengths, inside, outside)
    return Example(page, made, title_hashes(title), labels, lengths, *counts)


def _word_counts(made: Blocks, inside: Any, outside: Any) -> Counts:
    """In what share of the blocks inside, and outside, a word is."""
    block, word = _pairs(made.word_blocks, made.word_hashes)
    hashes, at = np.unique(word, return_inverse=True)
    shares = (np.bincount(at, s[block], len(hashes)) / max(1, s.sum()) for s in (inside, outside))
    return Counts(hashes, *shares)


def _hint_counts(made: Blocks, lengths: Any, inside: Any, outside: Any) -> Counts:
    """What share of the text inside, and outside, lies in elements with a name."""
    element, name = _pairs(made.page.hint_elements, made.page.hint_hashes)
    hashes, at = np.unique(name, return_inverse=True)
    shares = []
    for some in (inside, outside):
        held = np.zeros(len(made.page.elements))
        np.add.at(held, made.rows[some, ELEMENT], np.sqrt(lengths[some]))
        for e in range(len(held) - 1, 0, -1):
            held[made.page.elements[e, PARENT]] += held[e]
        shares.append(np.minimum(1, np.bincount(at, held[element], len(hashes)) / max(1e-9, held[0])))
    return Counts(hashes, *shares)


def _pairs(owners: Any, hashes: Any) -> tuple[Any, Any]:
    """Each pair once."""
    both = np.unique(owners << 33 | hashes)
    return both >> 33, both & ((1 << 33) - 1)


def odds(examples: Sequence[Example], field: str, domains: int) -> tuple[Any, Any]:
    """Log odds of each hash that pages of at least so many domains have, as a hash table."""
    pages = Counter(one.page.domain for one in examples)
    number = {domain: index for index, domain in enumerate(sorted(pages))}
    counts = [getattr(one, field) for one in examples]
    known, at = np.unique(np.concatenate([c.hashes for c in counts]), return_inverse=True)
    weights = [
        np.full(len(c.hashes), pages[e.page.domain] ** -0.5) for c, e in zip(counts, examples, strict=True)
    ]
    weight = np.concatenate(weights)
    inside = np.bincount(at, weight * np.concatenate([c.inside for c in counts]))
    outside = np.bincount(at, weight * np.concatenate([c.outside for c in counts]))
    owners = [np.full(len(c.hashes), number[e.page.domain]) for c, e in zip(counts, examples, strict=True)]
    seen = np.bincount(_pairs(np.concatenate(owners), at)[1], minlength=len(known))
    found = np.clip(np.log((inside + PRIOR) / (outside + PRIOR)), -MOST_ODDS, MOST_ODDS)
    kept = (seen >= domains) & (np.abs(found) > LEAST_ODDS)
    return hash_table(dict(zip(known[kept].tolist(), found[kept].tolist(), strict=True)), np.float32)


def train(examples: Sequence[Example]) -> BlockModel:
    """A model of `examples`. The odds that the trees learn from are of other domains than the page's, as
    they will be where the model is used."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    pages = Counter(one.page.domain for one in examples if one.page.text is not None)
    nothing = hash_table({}, np.float32)
    rows, labels, weights = [], [], []
    for fold in range(FOLDS):
        others = [one for one in examples if _inner(one) != fold]
        words, hints = odds(others, "words", WORD_DOMAINS), odds(others, "hints", HINT_DOMAINS)
        for one in (one for one in examples if _inner(one) == fold):
            wordless = hash_of(one.page.id) % 1000 < 1000 * WORDLESS
            found = features(one.blocks, one.title, nothing if wordless else words, hints)
            known = ~np.isnan(one.labels)
            rows.append(found[known])
            labels.append(one.labels[known] >= 0.5)
            weights.append(_weights(one, pages)[known])
    trees = HistGradientBoostingClassifier(**TREES)
    trees.fit(np.concatenate(rows), np.concatenate(labels), np.concatenate(weights))
    made = odds(examples, "words", WORD_DOMAINS), odds(examples, "hints", HINT_DOMAINS)
    return BlockModel(*made, _exported(trees), keep=0.5)


def _inner(one: Example) -> int:
    return hash_of("inner " + one.page.domain) % FOLDS


def _weights(one: Example, pages: Counter[str]) -> Any:
    """Long blocks weigh more, but less than their length; pages of one domain less than as many of many."""
    if one.page.text is None:
        return np.full(len(one.labels), SNIPPET_WEIGHT)
    by_length = one.lengths**0.75
    text = (one.labels * by_length).sum()
    page = SOURCES[one.page.origin] / np.sqrt(pages[one.page.domain])
    return by_length * page / np.sqrt(text) if text else 0 * by_length


def _exported(model: Any) -> Trees:
    """scikit-learn's trees, which have at most MAX_LEAVES leaves each, as `Trees`."""
    starts, splits = [0], []
    value = np.zeros((len(model._predictors), MAX_LEAVES), np.float32)
    for number, (tree,) in enumerate(model._predictors):
        own, leaves = _splits(tree.nodes)
        value[number, [slot(np.uint32(1 << n)) for n in range(len(leaves))]] = leaves
        splits += own
        starts.append(len(splits))
    feature, threshold, stays = zip(*splits, strict=True)
    return Trees(
        np.array(starts, np.int32),
        np.array(feature, np.int16),
        _rounded_down(np.array(threshold, np.float64)),
        np.array(stays, np.uint32),
        value,
        float(model._baseline_prediction[0, 0]),
    )


def _splits(nodes: Any) -> tuple[list[tuple[int, float, int]], list[float]]:
    """Of a tree: feature, threshold and `stays` of each split, and the leaves' values from left to right."""
    splits: list[tuple[int, float, int]] = []
    leaves: list[float] = []

    def below(node: int) -> int:
        """The leaves below a node, as bits."""
        this = nodes[node]
        if this["is_leaf"]:
            leaves.append(float(this["value"]))
            return 1 << (len(leaves) - 1)
        left = below(int(this["left"]))
        splits.append((int(this["feature_idx"]), float(this["num_threshold"]), 0xFFFFFFFF ^ left))
        return left | below(int(this["right"]))

    below(0)
    return splits, leaves


def _rounded_down(threshold: Any) -> Any:
    """float32: of a number that is float32 too, it says what the float64 said."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("crawl", type=Path, help="a folder as `gold_pages` reads it")
    arguments.add_argument("--out", type=Path, default=WEIGHTS)
    arguments.add_argument("--folds", type=Path, help="where to write the models that leave a fold out")
    options = arguments.parse_args()
    examples = [example(page) for page in gold_pages(options.crawl)]
    print(f"{len(examples)} pages: {dict(Counter(one.page.origin for one in examples))}", flush=True)
    models = [train([one for one in examples if one.page.fold != fold]) for fold in range(FOLDS)]
    rates = [
        agreement(one.page, one.blocks, likelihoods(models[one.page.fold], one.blocks, one.title))
        for one in examples
    ]
    arrays: dict[str, Any] = {}
    for fold, model in enumerate(models):
        others = [rate for rate, one in zip(rates, examples, strict=True) if one.page.fold != fold]
        arrays |= store(model._replace(keep=best_keep(others)), f"{fold}_")
        print(f"without fold {fold}: kept from {arrays[f'{fold}_keep']} on", flush=True)
    if options.folds:
        np.savez_compressed(options.folds, **arrays)
    model = train(examples)._replace(keep=best_keep(rates))
    print(f"kept from {model.keep} on; of the choices {CHOICES}: {np.mean(rates, 0).round(4).tolist()}")
    np.savez_compressed(options.out, **store(model, ""))
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
