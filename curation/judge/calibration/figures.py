"""What a calibration says, as numbers: the judge against the gold, against itself, and against its dress.

`measure` takes rows as `calibration.ROWS` has them. Every figure comes with its bootstrap interval (documents
drawn again within their source). Baselines are helped where there is a choice: each is read in the direction
that suits this gold, within sources the one that suits there, and cut so that its levels are as frequent as
the gold's; `judge_cut` is the judge with that help. `source_alone` is the mean label of its source, the
document's own in it: leaving that out would turn the order within a source round, and ranks would count it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from curation.claude.outcome import Outcome
from curation.judge import baselines
from curation.judge.calibration import agreement
from curation.judge.calibration.agreement import Figure, Ints, Numbers, estimate
from curation.judge.classifier.examples import GOOD_FROM
from curation.judge.intervals import draws

GOLD, AGAIN = "gold", "again"  # what a row was asked for; else the name of a probe
PAIRED_MIN = 30
"""Documents that two calibrations must share to be compared."""

Row = Mapping[str, Any]


class Pairs:
    """Documents with a level of the gold and one that somebody gave: arrays row for row."""

    def __init__(self, rows: Sequence[Row], scale: Sequence[int]) -> None:
        self.sources = [row["source"] for row in rows]
        self.labels = np.array([row["label"] for row in rows], dtype=np.float64)
        self.gold = np.array([row["level"] for row in rows], dtype=np.int64)
        self.judged = np.array([scale.index(row["score"]) for row in rows], dtype=np.int64)
        self.scale = scale

    def figures(self, given: Ints, values: Numbers, at: Ints | slice = slice(None)) -> dict[str, Figure]:
        """The figures of `given` levels, and of `values` by their ranks, on the documents at some places."""
        return {
            "kappa": agreement.kappa(self.gold[at], given[at], len(self.scale)),
            "spearman": agreement.spearman(self.labels[at], values[at]),
            "mae": agreement.mae(self.gold[at], given[at]),
        }


def measure(rows: Sequence[Row], texts: Mapping[str, str], scale: Sequence[int], seed: int) -> dict[str, Any]:
    """All figures; `texts` of the gold's documents by id."""
    asked: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        asked[row["asked"]].append(row)
    every = asked.pop(GOLD)
    again = asked.pop(AGAIN, [])
    answered = [row for row in every if row["outcome"] == Outcome.OK]
    at = threshold(scale)
    return {
        "documents": len(every),
        "answered": len(answered),
        "outcomes": dict(sorted(Counter(row["outcome"] for row in every).items())),
        "coverage": _coverage(every, seed),
        "coverage_by_source": _coverage_by_source(every, seed),
        **_against_gold(answered, [texts[row["id"]] for row in answered], scale, seed),
        "errors": errors(answered, scale, at),
        "itself": _against_itself(answered, again, scale, at, seed),
        "probes": {name: _probe(answered, edited, at, seed) for name, edited in sorted(asked.items())},
        "threshold": at,
        "scale": list(scale),
    }


def threshold(scale: Sequence[int]) -> int:
    """The score from which a document is good, as classifiers have it; of scales without it their middle."""
    return GOOD_FROM if GOOD_FROM in scale[1:] else scale[(len(scale) + 1) // 2]


def errors(answered: Sequence[Row], scale: Sequence[int], at: int) -> dict[str, dict[str, int]]:
    """How the judge errs at a threshold: of the documents that the gold has for good, how many it takes for
    good, and of the poor ones, how many for poor. What `rates.Share` is made of."""
    good = [row["score"] >= at for row in answered if row["level"] >= scale.index(at)]
    poor = [row["score"] < at for row in answered if row["level"] < scale.index(at)]
    return {
        "sensitivity": {"good": sum(good), "documents": len(good)},
        "specificity": {"good": sum(poor), "documents": len(poor)},
    }


def drift(
    before: Sequence[Row], after: Sequence[Row], scale: Sequence[int], seed: int
) -> dict[str, Any] | None:
    """By how much kappa and the mean absolute error of a later calibration are above those of an earlier one,
    on the documents that both have answered, draw by draw; None where fewer than PAIRED_MIN are the same.

    Both are held to the labels and levels of the later one: gold that grows or is corrected moves the cuts of
    quantiles, and the difference shall be the judge's alone."""
    earlier = {row["digest"]: row["score"] for row in _answers(before) if row["score"] in scale}
    later = [row for row in _answers(after) if row["digest"] in earlier]
    if len(later) < PAIRED_MIN:
        return None
    old, new = Pairs([{**row, "score": earlier[row["digest"]]} for row in later], scale), Pairs(later, scale)
    drawn = _drawn(later, seed)
    found: dict[str, Any] = {"documents": len(later)}
    for name in ("kappa", "mae"):
        then, now = (side.figures(side.judged, side.judged.astype(np.float64))[name] for side in (old, new))
        found[name] = asdict(estimate(agreement.difference(now, then), drawn))
        found[f"{name}_before"] = asdict(estimate(then, drawn))
    return found


def _answers(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["asked"] == GOLD and row["outcome"] == Outcome.OK]


def _drawn(rows: Sequence[Row], seed: int) -> Numbers:
    """Draws of the documents within their source; those of one group, as versions of a text are, together."""
    units = [row["group"] or row["id"] for row in rows]
    return draws(agreement.strata([row["source"] for row in rows]), units, seed=seed)


def _coverage(every: Sequence[Row], seed: int) -> dict[str, Any]:
    ok = np.array([row["outcome"] == Outcome.OK for row in every], dtype=np.float64)
    return asdict(agreement.share(ok, _drawn(every, seed)))


def _coverage_by_source(every: Sequence[Row], seed: int) -> list[dict[str, Any]]:
    """Of each source of some size, the largest first; a source that is refused whole has no other figure."""
    of = agreement.places_by_source([row["source"] for row in every])
    found = []
    for source, at in sorted(of.items(), key=lambda item: (-len(item[1]), item[0])):
        rows = [every[place] for place in at]
        found.append({"source": source, "documents": len(rows), "coverage": _coverage(rows, seed)})
    return found


def _against_gold(
    answered: Sequence[Row], texts: Sequence[str], scale: Sequence[int], seed: int
) -> dict[str, Any]:
    pairs = Pairs(answered, scale)
    drawn = _drawn(answered, seed)
    judged = pairs.judged.astype(np.float64)
    cut = agreement.cut_like(judged, pairs.gold)
    judge = {"judge": (pairs.judged, judged), "judge_cut": (cut, judged)}
    silly = _baselines(pairs, texts)
    own = agreement.places_by_source(pairs.sources)

    def within(name: str, one: Ints, values: Numbers) -> Figure:
        return agreement.within(pairs.sources, lambda at: pairs.figures(one, values, at)[name])

    given = judge | _helped(pairs, silly, partial(agreement.spearman, pairs.labels))
    given_inside = judge | _helped(pairs, silly, partial(within, "spearman", cut))
    overall: dict[str, Any] = {}
    for who, (one, values) in given.items():
        figures = pairs.figures(one, values)
        overall[who] = _estimates(figures, drawn)
        if who in silly:
            lead = agreement.difference(agreement.spearman(pairs.labels, judged), figures["spearman"])
            overall[who]["spearman_lead"] = asdict(estimate(lead, drawn))
    inside = {
        who: _estimates({name: within(name, one, values) for name in ("kappa", "spearman", "mae")}, drawn)
        for who, (one, values) in given_inside.items()
    }
    by_source = [
        {"source": source, "documents": len(at)}
        | _estimates(pairs.figures(pairs.judged, judged, at), drawn[:, at])
        for source, at in sorted(own.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return {
        "overall": overall,
        "within_source": inside,
        "by_source": by_source,
        "confusion": agreement.confusion(pairs.gold, pairs.judged, len(scale)).tolist(),
    }


def _estimates(figures: Mapping[str, Figure], drawn: Numbers) -> dict[str, Any]:
    return {name: asdict(estimate(figure, drawn)) for name, figure in figures.items()}


def _baselines(pairs: Pairs, texts: Sequence[str]) -> dict[str, Numbers]:
    """By name, what says nothing of worth."""
    of_text: dict[str, Callable[[str], float]] = {
        "word_count": baselines.word_count,
        "stop_word_ratio": baselines.stop_word_ratio,
        "terminal_line_ratio": baselines.terminal_line_ratio,
    }
    values = {name: np.array([of(text) for text in texts], dtype=np.float64) for name, of in of_text.items()}
    values["source_alone"] = _source_means(pairs)
    return values


def _helped(
    pairs: Pairs, values: Mapping[str, Numbers], rank: Callable[[Numbers], Figure]
) -> dict[str, tuple[Ints, Numbers]]:
    """By name: levels, and values that go up where the labels do, by their `rank`."""
    found = {}
    for name, value in values.items():
        rises = estimate(rank(value), np.ones((1, len(value)))).value or 0.0
        helped = value if rises >= 0 else -value
        found[name] = (agreement.cut_like(helped, pairs.gold), helped)
    return found


def _source_means(pairs: Pairs) -> Numbers:
    """The mean label of each document's source; of all where the source has few."""
    found = np.full(len(pairs.labels), pairs.labels.mean() if len(pairs.labels) else 0.0)
    for at in agreement.places_by_source(pairs.sources).values():
        found[at] = pairs.labels[at].mean()
    return found


def _against_itself(
    answered: Sequence[Row], again: Sequence[Row], scale: Sequence[int], at: int, seed: int
) -> dict[str, Any]:
    first, second = _paired(answered, again)
    drawn = _drawn(first, seed)
    one, other = (
        np.array([scale.index(r["score"]) for r in rows], dtype=np.int64) for rows in (first, second)
    )
    return {
        "documents": len(first),
        **_estimates(
            {"kappa": agreement.kappa(one, other, len(scale)), "mae": agreement.mae(one, other)}, drawn
        ),
        "flip_rate": asdict(agreement.share(_flips(first, second, at), drawn)),
    }


def _probe(answered: Sequence[Row], edited: Sequence[Row], at: int, seed: int) -> dict[str, Any]:
    before, after = _paired(answered, edited)
    drawn = _drawn(before, seed)
    shift = np.array([b["score"] - a["score"] for a, b in zip(before, after, strict=True)], dtype=np.float64)
    flips = _flips(before, after, at)
    return {
        "documents": len(before),
        "shift": asdict(estimate(agreement.mean(shift), drawn)),
        "flip_rate": asdict(agreement.share(flips, drawn)),
        "flipped_to_good": int((flips * (shift > 0)).sum()),
        "flipped_to_poor": int((flips * (shift < 0)).sum()),
    }


def _paired(answered: Sequence[Row], others: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows of documents that both have answered, row for row."""
    first = {row["id"]: row for row in answered}
    second = [row for row in others if row["outcome"] == Outcome.OK and row["id"] in first]
    return [first[row["id"]] for row in second], second


def _flips(before: Sequence[Row], after: Sequence[Row], at: int) -> Numbers:
    """1 where one is good and the other is not."""
    pairs = zip(before, after, strict=True)
    return np.array([(a["score"] >= at) != (b["score"] >= at) for a, b in pairs], dtype=np.float64)
