"""What a classifier is worth: its figures on documents held out, beside those of what says nothing of worth.

Each figure has a bootstrap interval: documents are drawn again within their source, near copies together.
Precision, recall, F1 and AUC are estimates for the whole set, as each document counts for those that it
stands for. A source alone often tells good documents better than any classifier, so every figure is told
within sources too.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from curation.judge import baselines, intervals
from curation.judge.classifier.examples import Example
from curation.judge.classifier.measures import Cut, Flags, Numbers, at_cut, auc, best_cut
from curation.judge.intervals import estimate
from curation.judge.relabel import Round, why_stop

Measured = Mapping[str, Any]
"""`overall` (precision, recall, f1, auc), `within_source` (auc, of pairs of one source) and `by_source`, each
a mapping from a figure's name to its `value` and `interval`; and `confusion`, counts of documents."""


@dataclass(frozen=True)
class Part:
    """Examples, and those of them that are good."""

    examples: Sequence[Example]
    good_from: int

    @cached_property
    def good(self) -> Flags:
        return np.array([e.score >= self.good_from for e in self.examples], dtype=np.bool_)

    @cached_property
    def sources(self) -> list[str]:
        return [e.source for e in self.examples]

    @cached_property
    def texts(self) -> list[str]:
        return [e.text for e in self.examples]

    @cached_property
    def weights(self) -> Numbers:
        return np.array([e.weight for e in self.examples])

    @cached_property
    def draws(self) -> Numbers:
        """Row 0: the documents as they are; then the draws. Shape (1 + draws, documents): 8 MB for 1,000."""
        drawn = intervals.draws(self.sources, [e.component for e in self.examples])
        return np.vstack([np.ones(len(self.examples)), drawn]) * self.weights

    @property
    def counts(self) -> dict[str, Any]:
        """How many documents and components, how many good, and how many of each score and source."""
        return {
            "documents": len(self.examples),
            "components": len({e.component for e in self.examples}),
            "good": int(self.good.sum()),
            "by_score": {str(k): n for k, n in sorted(Counter(e.score for e in self.examples).items())},
            "by_source": dict(sorted(Counter(self.sources).items())),
        }


@dataclass(frozen=True)
class Guess:
    """A number for each document of a part, and the cut from which it says good.

    Small values may be the good ones: `rises` is -1 if they are of all documents, `rises_within` if they are
    of those of one source; the two may differ.
    """

    values: Numbers
    cut: Cut
    rises: int = 1
    rises_within: int = 1


def baselines_of(training: Part, held_out: Part) -> dict[str, Guess]:
    """What a classifier has to beat, on `held_out`.

    Each is told what is best about the training part: the cut of highest F1, whether small values are the
    good ones, and how often a document of the same source is good there. The cut says nothing of that: where
    most are good, the one of highest F1 takes nearly all, from either end.
    """
    rate = {
        source: float(training.good[[s == source for s in training.sources]].mean())
        for source in set(training.sources)
    }
    measures: dict[str, Callable[[Example], float]] = {
        "everything_good": lambda e: 0.0,
        "length": lambda e: baselines.word_count(e.text),
        "stop_word_ratio": lambda e: baselines.stop_word_ratio(e.text),
        "terminal_line_ratio": lambda e: baselines.terminal_line_ratio(e.text),
        "source_alone": lambda e: rate.get(e.source, 0.0),
    }
    found = {}
    for name, of in measures.items():
        known, asked = (np.array([of(e) for e in part.examples]) for part in (training, held_out))
        rises = _direction(known, training)
        within = _direction(known, training, training.sources) or rises
        found[name] = Guess(asked, best_cut(known, training.good), rises or 1, within or 1)
    return found


def _direction(values: Numbers, part: Part, groups: Sequence[str] | None = None) -> int:
    """1 where large values are the good documents', of those of a group; -1 where small ones are; else 0."""
    found = auc(values, part.good, part.weights[np.newaxis], groups)[0]
    return int(np.sign(np.nan_to_num(found, nan=0.5) - 0.5))


def measure(guess: Guess, part: Part) -> Measured:
    """The figures of a guess about the documents of `part`."""
    taken = guess.cut.take(guess.values)
    sources = np.array(part.sources)
    right, every = int(np.sum(taken & part.good)), len(taken)
    return {
        "overall": _figures(guess, part, np.ones(every, dtype=np.bool_), guess.rises),
        "within_source": {"auc": estimate(auc_within(guess, part))},
        "by_source": {
            str(s): _figures(guess, part, sources == s, guess.rises_within) for s in np.unique(sources)
        },
        "confusion": {
            "true_positives": right,
            "false_positives": int(taken.sum()) - right,
            "false_negatives": int(part.good.sum()) - right,
            "true_negatives": every - int(np.sum(taken | part.good)),
        },
    }


def compare(judged: Sequence[int], guesses: Sequence[Guess], part: Part, passed: bool) -> dict[str, Any]:
    """The classifier of each round on the same documents, from none of which any has learned: `rounds` has
    their figures and how many documents were `judged` by then, `stop` why no other should follow, or null.
    The last of them has `passed` the gate, or has not."""
    rows, rounds = [], []
    for count, guess in zip(judged, guesses, strict=True):
        found = measure(guess, part)
        told = {name: found["overall"][name] for name in ("precision", "recall", "f1", "auc")}
        rows.append({"judged": count, **told, "auc_within_source": found["within_source"]["auc"]})
        ranked = auc(guess.rises * guess.values, part.good, part.draws)
        rounds.append(Round(count, passed and guess is guesses[-1], ranked, len(part.examples)))
    return {"rounds": rows, "stop": why_stop(rounds)}


def auc_within(guess: Guess, part: Part) -> Numbers:
    """The AUC over pairs of documents of one source, in each draw."""
    return auc(guess.rises_within * guess.values, part.good, part.draws, part.sources)


def _figures(guess: Guess, part: Part, rows: Flags, rises: int) -> dict[str, Any]:
    weights, good, values = part.draws[:, rows], part.good[rows], guess.values[rows]
    found = at_cut(guess.cut.take(values), good, weights)
    found["auc"] = auc(rises * values, good, weights)
    return {name: estimate(of_draws) for name, of_draws in found.items()}
