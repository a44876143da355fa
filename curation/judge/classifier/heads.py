"""The classifiers that a recipe may choose from: what learns from judged texts, and scores others."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from curation.judge.classifier import embeddings
from curation.judge.classifier.embeddings_head import Embedded
from curation.judge.classifier.fasttext_head import FastText
from curation.judge.classifier.measures import Numbers
from curation.recipe import Judge

Scorer = Callable[[pa.Array], Numbers]
"""Gives the probability of being good for each text, in [0, 1], as its model says it, not calibrated."""


class Head(Hashable, Protocol):
    """Small and frozen, so that it can be sent to other processes; models are files."""

    @property
    def name(self) -> str:
        """As in a recipe."""

    @property
    def ending(self) -> str:
        """Of the model's file."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that decides what is learned from the same texts: part of a classifier's fingerprint."""

    def train(self, texts: Sequence[str], good: Sequence[bool], path: Path) -> None:
        """Write a model to `path`; there are good texts and others. The same texts give the same bytes."""

    def open(self, path: Path) -> Scorer:
        """The model in the file at `path`, which is not needed afterwards."""


def heads(settings: Judge) -> list[Head]:
    """The head that scores, then the one that is reported beside it, if there is another."""
    every: list[Head] = [FastText()]
    if settings.embeddings is not None:
        every.append(Embedded(settings.embeddings, embeddings.digest(settings.embeddings)))
    return sorted(every, key=lambda head: head.name != settings.head)


SCORE_DECIMALS = 4


def scores(scorer: Scorer, texts: pa.Array) -> Numbers:
    """The score of each text as it is stored, so that a threshold means the same wherever it is compared."""
    return np.round(scorer(texts), SCORE_DECIMALS)
