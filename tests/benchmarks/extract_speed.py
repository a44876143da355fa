"""Documents a second out of WARC files: curation, with its own extractor and with Resiliparse's, beside
datatrove's WARC reader and trafilatura."""

import os
import resource
import statistics
from collections.abc import Callable
from functools import partial
from multiprocessing import current_process, get_context
from typing import Any

import psutil

from curation.ingest import sandbox
from curation.recipe import Extract, Source
from tests.shared_data import SHARED

CRAWL = SHARED / "data/crawl"
FILES = "2025-11-0[3-7]/*-00000.warc.gz"
NOISE = "2025-11-03/*noise.warc.gz"
RUNS = 3


def read_by_curation(extract: Extract, pattern: str) -> int:
    """How many documents curation makes of the WARC files of the crawl that `pattern` names."""
    from curation.ingest.documents import read

    source = Source(name="crawl", format="warc", path="unused", extract=extract)
    openers = [(path.name, partial(path.open, "rb")) for path in sorted(CRAWL.glob(pattern))]
    return sum(batch.documents.num_rows for batch in read(source, openers))


def read_by_datatrove(pattern: str) -> int:
    """How many datatrove's WARC reader and trafilatura make of them."""
    import trafilatura  # noqa: F401  before its processes begin, so that none of them has to
    from datatrove.pipeline.extractors.trafilatura import Trafilatura
    from datatrove.pipeline.readers.warc import WarcReader
    from datatrove.utils.logging import logger

    logger.remove()
    reader = WarcReader(str(CRAWL), glob_pattern=pattern)
    return sum(1 for _ in Trafilatura(deduplicate=False, timeout=10).run(reader.run()))


READERS: dict[str, Callable[[str], int]] = {
    "curation": partial(read_by_curation, Extract()),
    "resiliparse": partial(read_by_curation, Extract(extractor="resiliparse")),
    "datatrove": read_by_datatrove,
}


def speed() -> dict[str, Any]:
    """CPU seconds for the same WARC files, median of RUNS, in turns; imports and compilation come before."""
    seconds: dict[str, list[float]] = {name: [] for name in READERS}
    documents: dict[str, int] = {}
    for _ in range(RUNS):
        for name, runs in seconds.items():
            with get_context("spawn").Pool(1) as pool:
                documents[name], spent = pool.apply(_timed, (name,))
            runs.append(spent)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"\nWARC files {FILES}, one core, CPU seconds, median of {RUNS}")
    for name, spent in middle.items():
        print(
            f"{name:<27}{spent:>7.2f} s{documents[name]:>6} documents{documents[name] / spent:>8.1f} a second"
        )
    return {
        "documents_per_second": round(documents["curation"] / middle["curation"], 1),
        "resiliparse_documents_per_second": round(documents["resiliparse"] / middle["resiliparse"], 1),
        "datatrove_documents_per_second": round(documents["datatrove"] / middle["datatrove"], 1),
        "datatrove_ratio": round(middle["datatrove"] / middle["curation"], 2),
    }


def _timed(name: str) -> tuple[int, float]:
    """Runs in a process of its own, which may have children of its own."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    read = READERS[name]
    read(NOISE)  # loads what is loaded once
    if name != "datatrove":
        sandbox.extract(b"<p>Warm.", None, Extract())
    before = _cpu_seconds()
    count = read(FILES)
    return count, _cpu_seconds() - before


def _cpu_seconds() -> float:
    """Of this process and of its children, the living among them."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    living = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(one.ru_utime + one.ru_stime for one in used) + sum(one.user + one.system for one in living)
