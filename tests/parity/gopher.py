"""Gopher's rules by our columns and by datatrove's filters, side by side.

`python -m tests.parity.gopher [STEP]` compares them on every STEP-th document of ../shared/data/text_bulk
(below 60,000 characters) and prints where they differ.
"""

import hashlib
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import zstandard

from curation.annotate.gopher import COLUMNS, measures_of

QUALITY = {
    "gopher_short_doc": "word_count < 50",
    "gopher_long_doc": "word_count > 100000",
    "gopher_below_avg_threshold": "mean_word_chars < 3",
    "gopher_above_avg_threshold": "mean_word_chars > 10",
    "gopher_too_many_hashes": "hash_ratio > 0.1",
    "gopher_too_many_ellipsis": "ellipsis_ratio > 0.1",
    "gopher_too_many_bullets": "bullet_line_ratio > 0.9",
    "gopher_too_many_end_ellipsis": "ellipsis_line_ratio > 0.3",
    "gopher_below_alpha_threshold": "alphabetic_ratio < 0.8",
    "gopher_enough_stop_words": "stop_word_count < 2",
}
REPETITION = {
    "dup_para_frac": "duplicate_paragraph_ratio > 0.3",
    "dup_para_char_frac": "duplicate_paragraph_char_ratio > 0.2",
    "dup_line_frac": "duplicate_line_ratio > 0.3",
    "dup_line_char_frac": "duplicate_line_char_ratio > 0.2",
    **{f"top_{n}_gram": f"top_{n}gram_char_ratio > {limit}" for n, limit in ((2, 0.2), (3, 0.18), (4, 0.16))},
    **{f"duplicated_{n}_n_grams": f"duplicate_{n}gram_char_ratio > 0.{20 - n}" for n in range(5, 11)},
}
"""datatrove's reasons at its defaults, in its order, as conditions on our columns."""


class Verdicts(NamedTuple):
    """'' or the first reason, by each side."""

    ours: str
    theirs: str


@dataclass(frozen=True)
class Comparison:
    """The verdicts on the same documents, in order."""

    verdicts: list[Verdicts]

    @property
    def agreement(self) -> float:
        """The share of documents that both keep or both drop."""
        same = sum(bool(v.ours) == bool(v.theirs) for v in self.verdicts)
        return same / len(self.verdicts)

    @property
    def overlap(self) -> float:
        """Among the documents that either drops, the share that both drop."""
        either = sum(bool(v.ours or v.theirs) for v in self.verdicts)
        return sum(bool(v.ours and v.theirs) for v in self.verdicts) / either if either else 1.0

    @property
    def dropped(self) -> int:
        """How many documents datatrove drops."""
        return sum(bool(v.theirs) for v in self.verdicts)


def compare(texts: Iterable[str]) -> dict[str, Comparison]:
    """Both sides' verdicts on `texts`, for quality and for repetition."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter

    sides = {
        "quality": (QUALITY, GopherQualityFilter()),
        "repetition": (REPETITION, GopherRepetitionFilter()),
    }
    found: dict[str, list[Verdicts]] = {name: [] for name in sides}
    for text in texts:
        row = dict(zip(COLUMNS.names, measures_of(text), strict=True))
        for name, (rules, oracle) in sides.items():
            result = oracle.filter(Document(text=text, id=""))
            found[name].append(Verdicts(_first(rules, row), result[1] if isinstance(result, tuple) else ""))
    return {name: Comparison(verdicts) for name, verdicts in found.items()}


def _first(rules: dict[str, str], row: dict[str, float]) -> str:
    return next((reason for reason, condition in rules.items() if _holds(condition, row)), "")


def _holds(condition: str, row: dict[str, float]) -> bool:
    column, sign, limit = condition.split()
    return row[column] < float(limit) if sign == "<" else row[column] > float(limit)


def text_bulk(folder: Path, step: int) -> list[tuple[str, str]]:
    """(file, text) of every `step`-th document of `folder` in the order of their hashes."""
    pool = []
    for path in sorted(folder.glob("*.jsonl.zst")):
        for line in io.TextIOWrapper(zstandard.open(path), encoding="utf-8"):
            text = json.loads(line)["text"]
            if len(text) < 60_000:
                pool.append((hashlib.sha256(text.encode()).digest(), path.name.split(".jsonl")[0], text))
    return [(name, text) for _, name, text in sorted(pool)[::step]]


def main() -> None:
    """Prints agreement, overlap and differences, as a table and as one JSON object."""
    step = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "text_bulk"
    documents = text_bulk(folder, step)
    figures: dict[str, float] = {"documents": len(documents)}
    for name, comparison in compare(text for _, text in documents).items():
        print(f"{name}: agreement {comparison.agreement:.4f}, overlap {comparison.overlap:.3f}", end=" ")
        print(f"of {len(documents)} documents, {comparison.dropped} dropped by datatrove")
        pairs = zip(documents, comparison.verdicts, strict=True)
        differ = Counter((file, *v) for (file, _), v in pairs if bool(v.ours) != bool(v.theirs))
        for (file, ours, theirs), count in differ.most_common():
            print(f"  {count:4} {file}: ours {ours or 'keeps'}, datatrove {theirs or 'keeps'}")
        figures |= {f"{name}_agreement": comparison.agreement, f"{name}_overlap": comparison.overlap}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
