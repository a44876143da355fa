"""A new day against a hundred days of history, and a run from scratch as the history grows.

    python -m tests.benchmarks.incremental [days] [documents a day]

Documents are spliced of text_bulk's paragraphs, about 120 words each; one in ten is a copy of an earlier one,
mostly of another day, with some of its words in other places. Each step is a process of its own, so that its
seconds (wall clock, imports left out) and its peak memory are its own.

    day_ratio          plan, ingest, annotate, publish and decide a day on top of `days`, over the same day in
                       an empty lake, with the columns of a recipe that asks for nothing; `decide_ratio` is
                       the same of the decisions alone, `late_day_ratio` that of a day captured before all
                       others, to which they lose
    memory_ratio       peak memory of deciding it on top of `days`, over that on top of a tenth of them
    scaling_exponent   of deciding a tenth, three tenths and all days from scratch: the slope of log seconds
                       over log documents, by least squares; keys, index and pairs are made anew each time
    of_seconds         `curation duplicates --of` a document of the first day, all days in the lake
    mib_per_million    what a run from scratch holds at its peak for each million documents: the slope from a
                       tenth of the days to all
    bytes_*            on disk, for each document, of all that duplicates need
"""

import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from curation.pipeline import Job
from tests.benchmarks import corpora
from tests.benchmarks.slope import slope

FIRST = date(2025, 1, 1)
COPIES = 0.1  # of the documents
COLUMNS = {"id": "id", "fetched_at": "at"}
PATHS = {
    "history": "../days/{partition}.jsonl",
    "new": "../days/new.jsonl",
    "late": "../days/late.jsonl",
}
"""Of each source: the days; the one after them; the same documents, captured before all."""


def _day(n: int) -> str:
    return (FIRST + timedelta(days=n)).isoformat()


def write_days(folder: Path, days: int, size: int) -> None:
    """Write `days` days as JSON lines, and the new one."""
    draw = random.Random(0)
    paragraphs = [p.split() for text in corpora.text_bulk() for p in text.split("\n\n")]
    paragraphs = [words[:120] for words in paragraphs if len(words) > 20]
    earlier: list[list[str]] = []
    for day in range(days + 1):
        name = _day(day) if day < days else "new"
        with (folder / f"{name}.jsonl").open("w") as file:
            for n in range(size):
                if earlier and draw.random() < COPIES:
                    words = _copy(draw.choice(earlier), draw)
                else:
                    words = [word for p in draw.choices(paragraphs, k=3) for word in p][:120]
                    words = [*words, f"{day}.{n}"]
                    if draw.random() < 0.3:  # a bounded memory of what can be copied
                        earlier.append(words)
                row = {"id": f"{day}-{n}", "text": " ".join(words), "at": f"{_day(day)}T00:00:00Z"}
                file.write(json.dumps(row) + "\n")
    late = (folder / "new.jsonl").read_text().replace(f"{_day(days)}T", f"{_day(-1)}T")
    (folder / "late.jsonl").write_text(late)


def _copy(words: list[str], draw: random.Random) -> list[str]:
    """`words` with a stretch of them replaced: of word 5-grams that leaves .5 to 1 in common."""
    length = draw.randrange(0, len(words) // 4)
    start = draw.randrange(len(words) - length)
    return [*words[:start], *(f"new{draw.random()}" for _ in range(length // 8)), *words[start + length :]]


def _recipe(root: Path, days: int, sources: list[str]) -> Path:
    """A recipe of the first `days` days of these sources; all recipes share their decisions."""
    said = {
        "name": "all",
        "interval": {"start": _day(0), "end": _day(max(days, 1))},
        "sources": [
            {
                "name": name,
                "format": "jsonl",
                "path": PATHS[name],
                "columns": {"id": "id", "fetched_at": "at"},
            }
            for name in sources
        ],
    }
    path = root / "recipes" / f"{days}-{'-'.join(sources)}.yaml"
    path.write_text(json.dumps(said))
    return path


def step(root: str, lake: str, what: str, days: int, *sources: str) -> dict[str, float]:
    """One step, in this process: the facts of `days` days, or of the other source, if there is one, if
    `what` is facts or both, and the decisions about all of them, if it is decide or both."""
    from curation import pipeline
    from curation.text import minhash, shingles  # noqa: F401  compiled before the clock starts

    job = pipeline.open_job(_recipe(Path(root), days, list(sources)), lake)
    if what == "of":
        return _of(job, Path(root) / "days" / f"{_day(0)}.jsonl")
    start, decided = time.perf_counter(), 0.0
    if what in ("facts", "both"):
        for day in [_day(n) for n in range(days)] if sources == ("history",) else [None]:
            plans = pipeline.plan(job, day)
            for uri in plans:
                pipeline.ingest(job, uri)
                pipeline.annotate(job, uri)
            pipeline.publish(job, plans)
    facts = time.perf_counter() - start
    if what in ("decide", "both"):
        manifest = pipeline.screen(job).manifest
        decided = time.perf_counter() - start - facts
        print(manifest.rows_in, manifest.dropped, file=sys.stderr)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"facts": facts, "decide": decided, "mib": peak}


def _of(job: Job, day: Path) -> dict[str, float]:
    """The seconds until the near copies of the second document of `day` are found."""
    from curation import near_copies

    with day.open() as lines:
        texts = [json.loads(next(lines))["text"] for _ in range(2)]
    near_copies.find(job, texts[0])  # kernels are loaded before the clock starts
    start = time.perf_counter()
    found = near_copies.find(job, texts[1])
    seconds = time.perf_counter() - start
    assert found[0].similarity == 1
    return {"seconds": seconds}


def _run(*arguments: object) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.incremental", *map(str, arguments)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(said)
    return found


def _forget(lake: Path, *patterns: str) -> None:
    for pattern in patterns:
        for folder in lake.glob(pattern):
            shutil.rmtree(folder)


def measure(root: Path, days: int, size: int) -> dict[str, float]:
    for folder in ("days", "recipes"):
        (root / folder).mkdir()
    _run("write", root, days, size)
    lake = root / "lake"
    _run("step", root, lake, "facts", days, "history")
    points, day, peaks = [], {}, []
    for part in (0.1, 0.3, 1.0):
        count = round(days * part)
        _forget(lake, "bands", "index", "pairs", "decisions")
        found = _run("step", root, lake, "decide", count, "history")
        points.append((count * size, found["decide"]))
        peaks.append(found["mib"])
        print(f"from scratch: {count * size} documents, {found['decide']:.1f} s, {found['mib']:.0f} MiB")
        day[count] = _run("step", root, lake, "both", count, "history", "new")
        _tell(f"on top of {count} days", day[count])
        _forget(lake, "documents/new-*", "annotations/*/new", "bands/*/new")
    late = _run("step", root, lake, "both", days, "history", "late")
    _tell(f"captured before {days} days", late)
    of_seconds = _run("step", root, lake, "of", days, "history")["seconds"]
    disk = {f"bytes_{kind}": _bytes(lake / kind) / (days * size) for kind in ("bands", "index", "pairs")}
    alone = _run("step", root, root / "alone", "both", 0, "new")
    _tell("alone", alone)
    whole, tenth = day[days], day[round(days * 0.1)]
    return {
        "day_ratio": (whole["facts"] + whole["decide"]) / (alone["facts"] + alone["decide"]),
        "decide_ratio": whole["decide"] / alone["decide"],
        "late_day_ratio": (late["facts"] + late["decide"]) / (alone["facts"] + alone["decide"]),
        "memory_ratio": whole["mib"] / tenth["mib"],
        "scaling_exponent": slope(points),
        "of_seconds": of_seconds,
        "mib_per_million": (peaks[-1] - peaks[0]) / (points[-1][0] - points[0][0]) * 1e6,
        **disk,
    }


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.parquet"))


def _tell(what: str, found: dict[str, float]) -> None:
    seconds = f"facts {found['facts']:.1f} s, decisions {found['decide']:.1f} s"
    print(f"a day {what}: {seconds}, {found['mib']:.0f} MiB")


def main() -> None:
    if sys.argv[1:2] == ["write"]:  # beside, since a process's peak counts from what its parent holds
        root, days, size = sys.argv[2:]
        print(json.dumps(write_days(Path(root) / "days", int(days), int(size))))
        return
    if sys.argv[1:2] == ["step"]:
        root, lake, what, days, *sources = sys.argv[2:]
        print(json.dumps(step(root, lake, what, int(days), *sources)))
        return
    days, size = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (100, 10_000)
    with tempfile.TemporaryDirectory() as folder:
        for name, value in measure(Path(folder), days, size).items():
            print(f"{name} {value:.2f}")


if __name__ == "__main__":
    main()
