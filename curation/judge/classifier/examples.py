"""Judged documents to learn from: which are good, and which are held out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation import stage
from curation.claude.outcome import Outcome
from curation.document import content_hash
from curation.errors import LakeError, RecipeError
from curation.judge.classifier.components import settled
from curation.judge.frame import UNCERTAIN
from curation.stage import Published

GOOD_FROM = 3  # FineWeb-Edu's
SIDE_MIN = 5  # documents on each side of that score, in the training part
SIDE_MIN_RATIO = 0.1
HELD_OUT_RATIO = 0.2
FOLDS = 5

Row = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """A judged document to learn from.

    `component` is the same for near copies, which stay on one side of every division. `weight` is the number
    of documents that it stands for; 0 of one that was chosen because the classifier is unsure of it. What is
    held out is measured on, and nothing is learned from it.
    """

    digest: str
    source: str
    text: str
    score: int
    component: str
    weight: float = 1.0
    is_held_out: bool = False

    @property
    def fold(self) -> int:
        """Of FOLDS parts of the training part, the one that it is in."""
        return _hash("fold", self.component) % FOLDS


def examples_of(
    judged: Sequence[Published], texts: Mapping[str, str]
) -> tuple[list[Example], dict[str, int]]:
    """What can be learned from, by digest, of the judgments of rounds in their order, with all `texts` by id;
    and why the rest cannot: its outcome; that it speaks to its reader as a model, or looks as if it did, so
    that its score may be its own doing; that a later round chose it and it is a near copy of what is held
    out, or of documents that are no near copies of each other."""
    dropped: Counter[str] = Counter()
    rounds = [_usable(published, dropped) for published in judged]
    rows = [{**row, "round": n} for n, rows in enumerate(rounds) for row in rows]
    if missing := {row["id"] for row in rows} - texts.keys():
        raise LakeError(f"document {min(missing)} is judged but not in the lake: judge anew")
    component = settled([{row["digest"]: texts[row["id"]] for row in rows} for rows in rounds])
    apart = sorted((row for row in rows if row["digest"] in component), key=lambda row: row["digest"])
    dropped["near_several"] += len(rows) - len(apart)
    held_out = _held_out(apart, component)
    found = []
    for row, weight in zip(apart, weights_of(apart), strict=True):
        of = component[row["digest"]]
        if weight == 0 and of in held_out:
            dropped["near_held_out"] += 1
            continue
        text, is_held_out = texts[row["id"]], of in held_out
        found.append(Example(row["digest"], row["source"], text, row["score"], of, weight, is_held_out))
    return found, dict(sorted((+dropped).items()))


def _usable(judged: Published, dropped: Counter[str]) -> list[Row]:
    """The rows that can be learned from; the others are counted in `dropped`."""
    rows = []
    for row in (row for uri in judged.part_uris() for row in stage.read_table(uri).to_pylist()):
        if row["outcome"] != Outcome.OK:
            dropped[row["outcome"]] += 1
        elif row["addresses_model"]:
            dropped["addresses_model"] += 1
        elif row["suspicion"]:
            dropped["suspicious"] += 1
        else:
            rows.append(row)
    return rows


def _held_out(rows: Sequence[Row], component: Mapping[str, str]) -> set[str]:
    """The components that are held out, one in five by a hash. It is settled by the round that a component
    comes with, whose classifier learns from it or does not; what was chosen for training is never measured
    on."""
    first: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row["round"]):
        of = first.setdefault(component[row["digest"]], [])
        if not of or of[0]["round"] == row["round"]:
            of.append(row)
    return {
        name
        for name, of in first.items()
        if _hash("held-out", name) < HELD_OUT_RATIO * 2**32
        and not any(row.get("drawn_for") == UNCERTAIN for row in of)
    }


def weights_of(rows: Sequence[Row]) -> list[float]:
    """How many documents each row stands for.

    The audit slice and the strata are two samples of the same documents, each with weights of its own; the
    audit slice of a later round is one of those that were not judged before. All are used, each for the share
    of the rows that it has: the mean of two unbiased estimates is one. (That of a later round leaves out what
    was judged, and is biased by no more than the share that this is of all.)
    """
    slices = Counter(_slice(row) for row in rows if row.get("drawn_for") != UNCERTAIN)
    every = slices.total()
    return [(row.get("weight") or 1.0) * slices[_slice(row)] / every if every else 0.0 for row in rows]


def _slice(row: Row) -> tuple[Any, Any]:
    return row.get("round"), row.get("drawn_for")


def good_from(scores: Sequence[int]) -> int:
    """The score from which a document is good: 3 if the smaller side holds SIDE_MIN documents and
    SIDE_MIN_RATIO of them, else the score whose smaller side is the largest, the nearest to 3 of several.
    Raises RecipeError if that is smaller than SIDE_MIN."""

    def smaller_side(at: int) -> int:
        good = sum(score >= at for score in scores)
        return min(good, len(scores) - good)

    if smaller_side(GOOD_FROM) >= max(SIDE_MIN, SIDE_MIN_RATIO * len(scores)):
        return GOOD_FROM
    candidates = sorted({*scores, GOOD_FROM}, key=lambda at: (-smaller_side(at), abs(at - GOOD_FROM), at))
    if smaller_side(candidates[0]) < SIDE_MIN:
        counts = dict(sorted(Counter(scores).items()))
        raise RecipeError(
            f"a classifier cannot learn from these judgments: documents by score are {counts}, and it needs "
            f"{SIDE_MIN} on each side of one. Raise judge.sample, or judge by another rubric"
        )
    return candidates[0]


def _hash(purpose: str, component: str) -> int:
    """32 bits."""
    return int(content_hash(purpose, component)[:8], 16)
