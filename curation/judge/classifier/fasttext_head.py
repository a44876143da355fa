"""A head that reads words: fastText, trained on judged texts.

Joulin et al., "Bag of Tricks for Efficient Text Classification" (2016): the mean of word and word-pair
vectors through a linear layer. One thread and a fixed seed, so that the same judgments give the same bytes.
fastText trains; `text.bag` scores with its model, a dozen times as fast and to 1e-6 of what it would say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curation.annotator import utf8
from curation.judge.classifier.measures import Numbers
from curation.text.words import fold, words_of

READ_BYTES = 12_000  # of a text's UTF-8, from its start, some 2,000 words; the rest says little more
SETTINGS: dict[str, Any] = {
    "dim": 16,
    "epoch": 30,
    "lr": 0.5,
    "wordNgrams": 2,  # `text.bag` knows words and pairs
    "minCount": 2,
    "bucket": 50_000,  # of hashed word pairs; 16 floats each, 3 MB
    "loss": "softmax",
    "seed": 1,
    "thread": 1,
}
GOOD, POOR = "__label__good", "__label__poor"


@dataclass(frozen=True)
class FastText:
    """The head; it has no setting that a recipe changes."""

    name = "fasttext"
    ending = "bin"

    @property
    def settings(self) -> Mapping[str, Any]:
        return {**SETTINGS, "read_bytes": READ_BYTES, "library": version("fasttext-community")}

    def train(self, texts: Sequence[str], good: Sequence[bool], path: Path) -> None:
        """Write a model to `path` that tells the good texts from the others. Their order counts."""
        import fasttext

        lines = path.with_suffix(".txt")
        with lines.open("w", encoding="utf-8") as file:
            file.writelines(f"{GOOD if g else POOR} {line_of(t)}\n" for t, g in zip(texts, good, strict=True))
        fasttext.train_supervised(input=str(lines), verbose=0, **SETTINGS).save_model(str(path))
        lines.unlink()

    def open(self, path: Path) -> "Scorer":
        """The model in the file at `path`, which is not needed afterwards."""
        import fasttext

        return Scorer(fasttext.load_model(str(path)))


class Scorer:
    """A trained model at work."""

    def __init__(self, model: Any) -> None:
        from curation.text import bag  # here: to import numba takes most of a second

        labels, layer = model.get_labels(), model.get_output_matrix().astype(np.float64)
        weights = model.get_input_matrix() @ (layer[labels.index(GOOD)] - layer[labels.index(POOR)])
        self._bag = bag.bag(model.get_words(), weights)

    def __call__(self, texts: pa.Array) -> Numbers:
        """The probability of being good for each text, in [0, 1]; 0 for a text without a word."""
        from curation.text import bag

        odds = bag.log_odds(*utf8(texts), READ_BYTES, self._bag)
        with np.errstate(over="ignore"):
            return np.where(np.isnan(odds), 0.0, 1 / (1 + np.exp(-odds)))


def line_of(text: str) -> str:
    """What fastText sees of `text` in training: the words of its head, folded, with one space between.

    A word starts with a letter or digit, so none can be taken for a label.
    """
    from curation.text import bag

    return " ".join(words_of(fold(bag.head(text, READ_BYTES))))
