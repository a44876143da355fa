"""A JSONL file the whole way to what is kept: `curation run` beside datatrove's local executor, one worker.

    python -m tests.benchmarks.curate

Both read the same English documents, take the same rules of Gopher, C4 and FineWeb at datatrove's defaults
and the same model of languages, collapse exact duplicates and near ones (word 5-grams, 14 bands of 8 rows)
and write what stays. Each is a process of its own, timed from its start to its end, imports and all; kernels
were compiled by a run before. Ours computes every value of every document and compares the real shingles of
near duplicates; datatrove leaves off at the first filter that drops a document, and trusts its buckets. What
is kept differs: there C4 takes lines out of a text before FineWeb's rules see it.

datatrove is slow, so both get every fourth document of text_bulk; ours also runs on the whole of it, where
imports weigh less. The ratio is of processor seconds, which a loaded machine does not change as much as the
clock; of ours on the sample, the median of three runs.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.benchmarks.corpora import megabytes, text_bulk
from tests.parity.rules import whole

STEP = 4
RUNS = 3


class Used(NamedTuple):
    """What a process and those it started took."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float  # of the largest of them


def main() -> None:
    texts = text_bulk()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample, bulk = (
            _written(folder / part, t) for part, t in (("sample", texts[::STEP]), ("bulk", texts))
        )
        _ours(sample, folder / "compiled")
        ours = [_ours(sample, folder / f"ours_{n}") for n in range(RUNS)]
        all_of_it = _ours(bulk, folder / "all_of_it")
        theirs = _used("tests.benchmarks.datatrove_chain", str(sample.parent), str(folder / "theirs"))
        figures = {
            "benchmark": "curate",
            "documents": len(texts[::STEP]),
            "megabytes": megabytes(texts[::STEP]),
            "ours_cpu_seconds": _median(ours).cpu_seconds,
            "ours_wall_seconds": _median(ours).wall_seconds,
            "datatrove_cpu_seconds": theirs.cpu_seconds,
            "datatrove_wall_seconds": theirs.wall_seconds,
            "datatrove_ratio": theirs.cpu_seconds / _median(ours).cpu_seconds,
            "datatrove_wall_ratio": theirs.wall_seconds / _median(ours).wall_seconds,
            "ours_kept": _released(folder / "ours_0"),
            "datatrove_kept": _lines(folder / "theirs" / "released"),
            "bulk_documents": len(texts),
            "bulk_megabytes": megabytes(texts),
            "bulk_cpu_seconds": all_of_it.cpu_seconds,
            "bulk_wall_seconds": all_of_it.wall_seconds,
            "bulk_megabytes_per_cpu_second": megabytes(texts) / all_of_it.cpu_seconds,
            "bulk_kept": _released(folder / "all_of_it"),
            "bulk_peak_mib": all_of_it.peak_mib,
            "load": os.getloadavg()[0],
        }
    figures = {name: round(v, 2) if isinstance(v, float) else v for name, v in figures.items()}
    for name, value in figures.items():
        print(f"{name:<32}{value}")
    print(json.dumps(figures))


def _written(folder: Path, texts: list[str]) -> Path:
    """The recipe, beside the documents as a JSONL file."""
    folder.mkdir()
    with (folder / "documents.jsonl").open("w", encoding="utf-8") as file:
        for n, text in enumerate(texts):
            file.write(json.dumps({"id": str(n), "text": text}) + "\n")
    reasons = {name: rule.condition for name, rule in whole().items()}
    order = ("gopher_repetition", "gopher_quality", "c4", "fineweb")
    recipe = {
        "name": "curate",
        "interval": {"start": "2025-01-01", "end": "2025-01-02"},
        "sources": [
            {
                "name": "bulk",
                "format": "jsonl",
                "path": f"{folder}/*.jsonl",
                "columns": {"text": "text", "id": "id"},
            }
        ],
        "select": {
            "drop": {"not_english": "language <> 'en'", "unsure_language": "language_score <= 0.65"}
            | {name: reasons[name] for name in order}
        },
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return path


def _ours(recipe: Path, lake: Path) -> Used:
    return _used("curation.cli", "run", "--recipe", str(recipe), "--lake", str(lake), "--workers", "1")


def _used(module: str, *arguments: str) -> Used:
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{module} {' '.join(arguments)} failed: run it to see why")
    return Used(used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss / 1024)


def _median(runs: list[Used]) -> Used:
    return Used(*(sorted(values)[len(runs) // 2] for values in zip(*runs, strict=True)))


def _released(lake: Path) -> int:
    (manifest,) = lake.glob("releases/*/*/manifest.json")
    return int(json.loads(manifest.read_text())["kept"])


def _lines(folder: Path) -> int:
    import gzip

    return sum(len(gzip.open(path).readlines()) for path in folder.glob("*.jsonl.gz"))


if __name__ == "__main__":
    main()
