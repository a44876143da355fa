"""Judged documents to learn from: which are good, and which are held out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from curation import stage
from curation.claude.outcome import Outcome
from curation.document import content_hash
from curation.errors import LakeError, RecipeError
from curation.stage import Published

THRESHOLD = 3
SIDE_MIN = 5  # documents on each side of the threshold, in the training part
SIDE_MIN_RATIO = 0.1
HELD_OUT_RATIO = 0.2


@dataclass(frozen=True)
class Example:
    """A judged document to learn from."""

    digest: str
    source: str
    text: str
    score: int

    @property
    def is_held_out(self) -> bool:
        return int(content_hash("held-out", self.digest)[:8], 16) < HELD_OUT_RATIO * 2**32


def examples_of(judgments: Published, sample: pa.Table) -> tuple[list[Example], dict[str, int]]:
    """What can be learned from, by digest, and why the rest cannot: its outcome, or that it speaks to its
    reader as a model, so that its score may be its own doing."""
    texts = dict(zip(sample.column("id").to_pylist(), sample.column("text").to_pylist(), strict=True))
    found: list[Example] = []
    dropped: Counter[str] = Counter()
    for uri in judgments.part_uris():
        for row in stage.read_table(uri).to_pylist():
            if row["outcome"] != Outcome.OK:
                dropped[row["outcome"]] += 1
            elif row["addresses_model"]:
                dropped["addresses_model"] += 1
            else:
                text = texts.get(row["id"])
                if text is None:
                    raise LakeError(f"document {row['id']} is judged but not in the sample: draw it anew")
                found.append(Example(row["digest"], row["source"], text, row["score"]))
    return sorted(found, key=lambda e: e.digest), dict(sorted(dropped.items()))


def threshold(scores: Sequence[int]) -> int:
    """The score from which a document is good: 3 if the smaller side holds SIDE_MIN documents and
    SIDE_MIN_RATIO of them, else the score whose smaller side is the largest, the nearest to 3 of several.
    Raises RecipeError if that is smaller than SIDE_MIN."""

    def smaller_side(at: int) -> int:
        good = sum(score >= at for score in scores)
        return min(good, len(scores) - good)

    if smaller_side(THRESHOLD) >= max(SIDE_MIN, SIDE_MIN_RATIO * len(scores)):
        return THRESHOLD
    candidates = sorted({*scores, THRESHOLD}, key=lambda at: (-smaller_side(at), abs(at - THRESHOLD), at))
    if smaller_side(candidates[0]) < SIDE_MIN:
        counts = dict(sorted(Counter(scores).items()))
        raise RecipeError(
            f"a classifier cannot learn from these judgments: documents by score are {counts}, and it needs "
            f"{SIDE_MIN} on each side of one. Raise judge.sample, or judge by another rubric"
        )
    return candidates[0]
