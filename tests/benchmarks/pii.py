"""Personal data: how fast it is found, how much, and how often wrongly; datatrove's PIIFormatter beside it.

    python -m tests.benchmarks.pii

Precision and recall are on `tests/text/pii_labelled.jsonl`. Speed and false alarms are on the data set
`text_bulk` in a folder `shared` beside the checkout; one core, medians of three rounds, both in each round.
datatrove looks for e-mail addresses and IPv4 addresses only; ours looks for all five kinds.
"""

import io
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import zstandard
from datatrove.pipeline.formatters import PIIFormatter

from curation.text.pii import KINDS, spans

ROUNDS = 3
LABELLED = Path(__file__).parents[1] / "text" / "pii_labelled.jsonl"
BULK = Path(__file__).resolve().parents[3] / "shared" / "data" / "text_bulk"

Found = set[tuple[int, int, str]]
Find = Callable[[str], Iterable[tuple[int, int, str]]]


def main() -> None:
    formatter = PIIFormatter()
    theirs = _spans_of(formatter)
    rows = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    ours_scored, theirs_scored = _scores(rows, lambda text: set(spans(text))), _scores(rows, theirs)
    texts = list(_bulk())
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    seconds: dict[str, list[float]] = {"ours": [], "datatrove": []}
    for _ in range(ROUNDS):
        seconds["ours"].append(_seconds(spans, texts))
        seconds["datatrove"].append(_seconds(formatter.format, texts))
    speed = {name: megabytes / statistics.median(times) for name, times in seconds.items()}
    finders: dict[str, Find] = {"ours": spans, "datatrove": theirs}
    hits = {
        name: Counter(kind for text in texts for *_, kind in find(text)) for name, find in finders.items()
    }
    characters = sum(map(len, texts)) / 1e6
    _table(ours_scored, theirs_scored, hits, characters)
    figures = {
        "benchmark": "pii",
        "megabytes": round(megabytes, 1),
        "mb_per_second": round(speed["ours"], 1),
        "datatrove_mb_per_second": round(speed["datatrove"], 1),
        "datatrove_ratio": round(speed["ours"] / speed["datatrove"], 2),
        "precision": {kind: round(p, 3) for kind, (p, _) in ours_scored.items()},
        "recall": {kind: round(r, 3) for kind, (_, r) in ours_scored.items()},
        "hits_per_million_characters": {k: round(hits["ours"][k] / characters, 3) for k in KINDS},
    }
    print(json.dumps(figures))


def _spans_of(formatter: PIIFormatter) -> Callable[[str], Found]:
    """datatrove's own patterns and check, as byte spans."""
    replacers = {"email": formatter.emails_replacer, "ip": formatter.ip_replacer}

    def find(text: str) -> Found:
        return {
            (len(text[: m.start()].encode()), len(text[: m.end()].encode()), kind)
            for kind, replacer in replacers.items()
            for m in replacer.regex.finditer(text)
            if replacer.validator is None or replacer.validator(m[0])
        }

    return find


def _scores(rows: list[dict[str, Any]], find: Callable[[str], Found]) -> dict[str, tuple[float, float]]:
    """(precision, recall) by kind; a span counts if both its ends are right."""
    right, found, wanted = Counter(), Counter(), Counter()
    for row in rows:
        got, want = find(row["text"]), {tuple(span) for span in row["spans"]}
        for counter, some in ((right, got & want), (found, got), (wanted, want)):
            counter.update(kind for *_, kind in some)
    return {k: (right[k] / found[k] if found[k] else 0.0, right[k] / wanted[k]) for k in KINDS}


def _seconds(find: Callable[[str], object], texts: list[str]) -> float:
    started = time.perf_counter()
    for text in texts:
        find(text)
    return time.perf_counter() - started


def _bulk() -> Iterator[str]:
    for path in sorted(BULK.glob("*.jsonl.zst")):
        with path.open("rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
                yield json.loads(line)["text"]


def _table(
    ours: dict[str, tuple[float, float]],
    theirs: dict[str, tuple[float, float]],
    hits: dict[str, Counter[str]],
    characters: float,
) -> None:
    print(f"{'':<8}{'ours':^34}{'datatrove':^34}")
    print(f"{'kind':<8}" + f"{'precision':>10}{'recall':>8}{'hits/M chars':>14}  " * 2)
    for kind in KINDS:
        print(f"{kind:<8}", end="")
        for scored, name in ((ours, "ours"), (theirs, "datatrove")):
            precision, recall = scored[kind]
            if not recall:
                continue  # datatrove does not look for it
            print(f"{precision:>10.3f}{recall:>8.3f}{hits[name][kind] / characters:>14.3f}  ", end="")
        print()


if __name__ == "__main__":
    main()
