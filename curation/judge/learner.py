"""fastText on judged documents: what it learns from, how it is trained, what it says of a text.

Joulin et al., "Bag of Tricks for Efficient Text Classification" (2016): the mean of word and word-pair
vectors through a linear layer. One thread and a fixed seed, so that the same judgments give the same bytes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curation.text.words import fold, words_of

WORDS_MAX = 2000  # of a text, from its start; what comes after says little more about its worth
SETTINGS: dict[str, Any] = {
    "dim": 16,
    "epoch": 30,
    "lr": 0.5,
    "wordNgrams": 2,
    "minCount": 2,
    "bucket": 50_000,  # of hashed word pairs; 16 floats each, 3 MB
    "loss": "softmax",
    "seed": 1,
    "thread": 1,
}
GOOD, POOR = "__label__good", "__label__poor"
SCORE_DECIMALS = 4


def line_of(text: str) -> str:
    """What fastText sees of `text`, in training and later: its first words, folded, with one space between.

    A word starts with a letter or digit, so none can be taken for a label.
    """
    return " ".join(words_of(fold(text))[:WORDS_MAX])


def train(texts: Sequence[str], good: Sequence[bool], folder: Path) -> Path:
    """A model, in `folder`, that tells the good texts from the others. Their order counts."""
    import fasttext

    lines = (f"{GOOD if g else POOR} {line_of(t)}\n" for t, g in zip(texts, good, strict=True))
    (folder / "training.txt").write_text("".join(lines), encoding="utf-8")
    model = fasttext.train_supervised(input=str(folder / "training.txt"), verbose=0, **SETTINGS)
    model.save_model(str(folder / "model.bin"))
    return folder / "model.bin"


def open_model(path: Path) -> Any:
    """The model in the file at `path`, which is not needed afterwards."""
    import fasttext

    return fasttext.load_model(str(path))


def scores(model: Any, texts: Sequence[str]) -> list[float]:
    """The probability of being good for each text, in [0, 1]; 0 for a text without a word."""
    lines = [line_of(text) for text in texts]
    if not lines:
        return []
    labels, probabilities = model.predict(lines, k=2)
    found = []
    for line, names, values in zip(lines, labels, probabilities, strict=True):
        of = dict(zip(names, map(float, values), strict=True))
        found.append(round(min(of.get(GOOD, 0.0), 1.0), SCORE_DECIMALS) if line else 0.0)
    return found
