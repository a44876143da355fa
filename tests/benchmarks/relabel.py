"""The relabel loop against random sampling: what a classifier is worth by how many documents were judged.

    python -m tests.benchmarks.relabel

The oracle is simulated: real labels of clear_corpus (easier than the median), onestopenglish (advanced or
not; an article's three versions on one side) and sms_spam. Each of 20 seeds holds out a fifth of the
documents, judges a first sample at random, then goes on in rounds, by `relabel` or at random from the same
first sample. AUC and F1 (at .5) are of the documents held out. `gain` is the mean over rounds of the loop's
figure less that of random sampling, the area between the two curves; its interval is a bootstrap over seeds,
paired. Seeds share documents, so the intervals are about this data, not about all. `labels_ratio` is how many
labels the loop takes for the AUC at which random sampling ends. `stopped_judged` is where "no gain" would
have ended the loop in the median (the gate is left out of it), `stopped_auc_lost` the AUC that this forgoes;
that end sees as few held-out documents as a recipe has: one for four of the first sample.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.document import content_hash
from curation.judge import relabel
from curation.judge.classifier.examples import SIDE_MIN
from curation.judge.classifier.fasttext_head import FastText
from curation.judge.classifier.measures import Flags, Numbers, at_cut, auc
from curation.judge.classifier.threshold import EVEN
from curation.judge.intervals import draws, interval
from curation.judge.relabel import Round, Rows
from tests.benchmarks.corpora import rows_of
from tests.benchmarks.figures import tell

SEEDS = 20
HELD_OUT_RATIO = 0.2


@dataclass(frozen=True)
class Labelled:
    """Texts whose labels are known, and how many are judged: at first, a round more, at last."""

    name: str
    texts: Sequence[str]
    good: Flags
    groups: Sequence[str]  # of one group, all are on one side
    first: int
    step: int
    last: int


@dataclass(frozen=True)
class Curve:
    """A figure a round."""

    judged: list[int]
    auc: list[float]
    f1: list[float]
    stopped: int  # the round after which the loop would have stopped for want of gain; the last, if none


def sets() -> list[Labelled]:
    clear = rows_of("quality/clear_corpus")
    easy = np.array([float(row["BT_easiness"]) for row in clear])
    levels, messages = rows_of("quality/onestopenglish"), rows_of("quality/sms_spam")
    return [
        Labelled(
            "clear",
            [row["Excerpt"] for row in clear],
            easy > np.median(easy),
            [row["ID"] for row in clear],
            *(100, 100, 800),
        ),
        Labelled(
            "onestop",
            [row["text"] for row in levels],
            np.array([row["level"] == "adv" for row in levels]),
            [row["article"] for row in levels],
            *(40, 20, 200),
        ),
        Labelled(
            "sms",
            [row["text"] for row in messages],
            np.array([row["label"] == "spam" for row in messages]),
            [row["text"] for row in messages],  # the same message comes more than once
            *(50, 50, 400),
        ),
    ]


def curve(of: Labelled, seed: int, random_only: bool, folder: Path) -> Curve:
    """What the classifier is worth after each round."""
    held, pool = split(of, seed)
    judged, found, rounds = _first(of, pool), Curve([], [], [], 0), list[Round]()
    weights = np.ones((1, int(held.sum())))
    few = np.array(sorted(np.flatnonzero(held), key=lambda row: _key(seed, row))[: len(judged) // 4])
    of_few = _weights([of.groups[row] for row in few])
    while True:
        scores = _scores(of, judged, folder)
        values, good = scores[held], of.good[held]
        found.judged.append(len(judged))
        found.auc.append(float(auc(values, good, weights)[0]))
        found.f1.append(float(at_cut(values >= EVEN, good, weights)["f1"][0]))
        rounds.append(Round(len(judged), False, auc(scores[few], of.good[few], of_few), len(few)))
        if len(judged) >= of.last:
            break
        rest = np.array([row for row in pool if row not in set(judged)])
        judged = np.sort(np.append(judged, _next(of, rest, scores, seed, random_only)))
    stops = (n for n in range(len(rounds)) if relabel.why_stop(rounds[: n + 1]))
    return Curve(found.judged, found.auc, found.f1, next(stops, len(rounds) - 1))


def split(of: Labelled, seed: int) -> tuple[Flags, Rows]:
    """Which documents are held out, and the rows of the others in the order in which they are drawn."""
    held = np.array([_share("held", seed, group) < HELD_OUT_RATIO for group in of.groups])
    return held, np.array(sorted(np.flatnonzero(~held), key=lambda row: _key(seed, row)))


def _key(seed: int, row: int) -> str:
    return content_hash(str(seed), str(row))


def _first(of: Labelled, pool: Rows) -> Rows:
    """The first sample, larger where it does not hold SIDE_MIN of each kind."""
    for size in range(of.first, len(pool)):
        good = int(of.good[pool[:size]].sum())
        if min(good, size - good) >= SIDE_MIN:
            return np.sort(pool[:size])
    raise AssertionError(f"{of.name} has too few of a kind")


def _next(of: Labelled, rest: Rows, scores: Numbers, seed: int, random_only: bool) -> Rows:
    if random_only:
        return rest[: of.step]  # they are in the order of their keys
    names = [_key(seed, row) for row in rest]

    def texts_of(rows: Rows) -> list[str]:
        return [of.texts[rest[n]] for n in rows]

    chosen = relabel.choose(scores[rest], names, EVEN, of.step, texts_of)
    return rest[np.append(chosen.audit, chosen.uncertain)]


def _scores(of: Labelled, judged: Rows, folder: Path) -> Numbers:
    head = FastText()
    head.train([of.texts[row] for row in judged], of.good[judged].tolist(), folder / "model.bin")
    return head.open(folder / "model.bin")(pa.array(of.texts))


def _weights(groups: Sequence[str]) -> Numbers:
    return np.vstack([np.ones(len(groups)), draws([""] * len(groups), groups, count=200)])


def _share(*key: object) -> float:
    return int(content_hash(*map(str, key))[:8], 16) / 2**32


def _gain(loop: Sequence[Sequence[float]], at_random: Sequence[Sequence[float]]) -> tuple[str, float, float]:
    """The mean over rounds of the difference, its interval over seeds, and the two curves' means."""
    by_seed = np.mean(np.array(loop) - np.array(at_random), axis=1)
    again = draws([""] * len(by_seed)) @ by_seed / len(by_seed)
    low, high = interval(again) or (np.nan, np.nan)
    said = f"{by_seed.mean():+.4f} ({low:+.4f} to {high:+.4f})"
    return said, float(np.mean(at_random)), float(np.mean(loop))


def _labels_ratio(judged: Sequence[int], loop: NDArray[np.float64], at_random: NDArray[np.float64]) -> float:
    """How many labels the loop takes, by its mean curve, for the figure at which random sampling ends."""
    reached = np.flatnonzero(loop >= at_random[-1])
    return judged[int(reached[0])] / judged[-1] if len(reached) else np.inf


def compare(of: Labelled) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        loop, at_random = (
            [curve(of, seed, random_only, Path(folder)) for seed in range(SEEDS)]
            for random_only in (False, True)
        )
    rounds = min(len(c.judged) for c in (*loop, *at_random))  # a first sample may have been larger
    aucs = [[c.auc[:rounds] for c in curves] for curves in (loop, at_random)]
    f1s = [[c.f1[:rounds] for c in curves] for curves in (loop, at_random)]
    gained, auc_random, auc_loop = _gain(*aucs)
    gained_f1, f1_random, f1_loop = _gain(*f1s)
    means = [np.mean(a, axis=0) for a in aucs]
    return {
        "judged": f"{loop[0].judged[0]} to {loop[0].judged[rounds - 1]} by {of.step}",
        "auc_curve_loop": " ".join(f"{v:.3f}" for v in means[0]),
        "auc_curve_random": " ".join(f"{v:.3f}" for v in means[1]),
        "auc_random": auc_random,
        "auc_loop": auc_loop,
        "auc_gain": gained,
        "f1_random": f1_random,
        "f1_loop": f1_loop,
        "f1_gain": gained_f1,
        "labels_ratio": _labels_ratio(loop[0].judged[:rounds], *means),
        "stopped_judged": float(np.median([c.judged[c.stopped] for c in loop])),
        "stopped_auc_lost": float(np.mean([c.auc[-1] - c.auc[c.stopped] for c in loop])),
    }


def main() -> None:
    figures: dict[str, object] = {"benchmark": "relabel", "seeds": SEEDS}
    for of in sets():
        figures |= {f"{of.name}_{name}": value for name, value in compare(of).items()}
    tell(figures)


if __name__ == "__main__":
    main()
