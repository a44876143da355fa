"""How often a score changes because only a part of a long document is asked about.

    python -m tests.benchmarks.truncation

Long documents of `text_bulk`, from a folder `shared` beside the checkout: 300 of 8,000 to 200,000 characters.
The scores are the stand-in's (`offline-rules-1`, rules over counts), whole and truncated; how a model's
scores change is not told by them. It answers whole numbers: one that differs is off by a point or more, one
that differs `by_two` by two or more.
"""

import json

from curation.claude.stand_in import rules
from curation.judge import rubric
from curation.judge.enclose import enclose
from curation.judge.truncate import cut
from curation.recipe import Truncate
from tests.benchmarks.corpora import text_bulk
from tests.benchmarks.figures import tell

DOCUMENTS, SHORTEST, LONGEST = 300, 8_000, 200_000
CHARS = (1000, 2000, 4000, 8000)
TAKES = ("head", "head_tail", "spans")


def main() -> None:
    texts = [text for text in text_bulk() if SHORTEST < len(text) <= LONGEST][:DOCUMENTS]
    whole = [_score(text) for text in texts]
    figures: dict[str, object] = {"benchmark": "truncation", "documents": len(texts)}
    for chars in CHARS:
        for take in TAKES:
            by = Truncate(take=take, chars=chars)
            found = [_score(cut(text, by)) for text in texts]
            off = [abs(a - b) for a, b in zip(found, whole, strict=True)]
            figures[f"{take}_{chars}_differ"] = sum(map(bool, off)) / len(off)
            figures[f"{take}_{chars}_by_two"] = sum(d >= 2 for d in off) / len(off)
    tell(figures)


def _score(text: str) -> int:
    schema = rubric.load("educational").schema
    score: int = json.loads(rules.answer(enclose(text, "", b""), schema))["score"]
    return score


if __name__ == "__main__":
    main()
