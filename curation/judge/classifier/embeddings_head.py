"""A head that reads meaning: logistic regression on the mean of static embeddings.

It sees what `embeddings` makes of a text's head and no order of words, but knows words that no judged text
had. Coefficients and intercept are stored as JSON, never as a pickle; the embeddings themselves stay where
the recipe names them, held to their digest.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curation.errors import LakeError
from curation.judge.classifier import embeddings
from curation.judge.classifier.fasttext_head import READ_BYTES
from curation.judge.classifier.measures import Numbers

SETTINGS: dict[str, Any] = {"C": 10.0, "max_iter": 1000, "class_weight": "balanced"}


@dataclass(frozen=True)
class Embedded:
    """The head, on the embeddings in `folder`, whose digest is `digest`."""

    folder: str
    digest: str
    name = "embeddings"
    ending = "json"

    @property
    def settings(self) -> Mapping[str, Any]:
        library = {"scikit-learn": version("scikit-learn"), "tokenizers": version("tokenizers")}
        return {**SETTINGS, "read_bytes": READ_BYTES, "embeddings": self.digest, **library}

    def train(self, texts: Sequence[str], good: Sequence[bool], path: Path) -> None:
        """Write a model to `path` that tells the good texts from the others."""
        from sklearn.linear_model import LogisticRegression

        vectors = _vectors(self.folder, self.digest, texts)
        model = LogisticRegression(**SETTINGS).fit(vectors, np.array(good))
        said = {
            "embeddings": self.digest,
            "coefficients": model.coef_[0].tolist(),
            "intercept": model.intercept_[0],
        }
        path.write_text(json.dumps(said), encoding="utf-8")

    def open(self, path: Path) -> "Scorer":
        """The model in the file at `path`, which is not needed afterwards."""
        said = json.loads(path.read_text(encoding="utf-8"))
        return Scorer(self, np.array(said["coefficients"]), said["intercept"])


@dataclass(frozen=True)
class Scorer:
    """A trained model at work."""

    head: Embedded
    coefficients: Numbers
    intercept: float

    def __call__(self, texts: pa.Array) -> Numbers:
        """The probability of being good for each text, in [0, 1]; 0 for a text without a known token."""
        vectors = _vectors(self.head.folder, self.head.digest, texts.to_pylist())
        odds = vectors @ self.coefficients + self.intercept
        return np.where(vectors.any(axis=1), 1 / (1 + np.exp(-odds)), 0.0)


def _vectors(folder: str, digest: str, texts: Sequence[str]) -> Numbers:
    from curation.text import bag  # here: to import numba takes most of a second

    found = _opened(folder, digest)([bag.head(text, READ_BYTES) for text in texts])
    return found.astype(np.float64)


@lru_cache(maxsize=1)
def _opened(folder: str, digest: str) -> embeddings.Embeddings:
    found = embeddings.digest(folder)
    if found != digest:
        raise LakeError(
            f"the embeddings in {folder} have the digest {found}, not {digest}: they were changed while they "
            "were in use; run again"
        )
    return embeddings.read(folder)
