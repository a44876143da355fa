"""What a classifier is worth: its figures on documents held out, beside those of silly baselines."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from curation.judge import learner
from curation.judge.examples import THRESHOLD, Example
from curation.judge.measures import Cut, Flags, Numbers, best_cut, figures
from curation.text.values import STOP_WORDS
from curation.text.words import fold, words_of

CUT = Cut(0.5)


def report(model: Any, training: Sequence[Example], held_out: Sequence[Example], at: int) -> dict[str, Any]:
    """The figures on the held-out part: of the model, at probability 0.5, and of what it has to beat.

    The baselines are told what is best about the training part: the cut of highest F1 in words or in the
    share of stop words, and how often a document of the same source is good there.
    """
    good = _flags(held_out, at)
    values = _numbers(learner.scores(model, [e.text for e in held_out]))
    measured = {"classifier": figures(values, CUT, good)}
    for name, (known, asked) in _baselines(training, held_out, at).items():
        measured[name] = figures(asked, best_cut(known, _flags(training, at)), good)
    return {
        "threshold_moved": at != THRESHOLD,
        "training": _counts(training, at),
        "held_out": _counts(held_out, at),
        "figures": measured,
    }


def _baselines(
    training: Sequence[Example], held_out: Sequence[Example], at: int
) -> dict[str, tuple[Numbers, Numbers]]:
    """By name: the values of the training part and of the held-out part."""
    by_source: dict[str, list[bool]] = {}
    for e in training:
        by_source.setdefault(e.source, []).append(e.score >= at)
    rate = {source: sum(good) / len(good) for source, good in by_source.items()}
    measures: dict[str, Callable[[Example], float]] = {
        "everything_good": lambda e: 0.0,
        "length": lambda e: float(len(words_of(e.text))),
        "stop_word_ratio": lambda e: _stop_word_ratio(e.text),
        "source_alone": lambda e: rate.get(e.source, 0.0),
    }
    return {name: (_numbers(map(of, training)), _numbers(map(of, held_out))) for name, of in measures.items()}


def _flags(examples: Sequence[Example], at: int) -> Flags:
    return np.array([e.score >= at for e in examples], dtype=np.bool_)


def _numbers(values: Iterable[float]) -> Numbers:
    return np.array(list(values), dtype=np.float64)


def _stop_word_ratio(text: str) -> float:
    words = words_of(fold(text))
    return sum(word in STOP_WORDS for word in words) / len(words) if words else 0.0


def _counts(examples: Sequence[Example], at: int) -> dict[str, Any]:
    scores = Counter(e.score for e in examples)
    good = sum(n for score, n in scores.items() if score >= at)
    by_score = {str(score): n for score, n in sorted(scores.items())}
    return {"documents": len(examples), "good": good, "by_score": by_score}
