"""The texts that benchmarks run on, from the folder `shared` beside the checkout."""

import hashlib
import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

import zstandard

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def rows_of(name: str) -> list[dict[str, Any]]:
    """The objects of `<name>.jsonl.zst`, in order."""
    with zstandard.open(SHARED / f"{name}.jsonl.zst") as stream:
        return [json.loads(line) for line in io.TextIOWrapper(stream, encoding="utf-8")]


def labelled_bulk() -> list[tuple[str, str]]:
    """(source, text) of all documents of text_bulk, English, in the order of their texts' hashes: any stretch
    of it is a sample."""
    paths = sorted((SHARED / "text_bulk").glob("*.jsonl.zst"))
    names = [path.name.removesuffix(".jsonl.zst") for path in paths]
    every = [(name, row["text"]) for name in names for row in rows_of(f"text_bulk/{name}")]
    return sorted(every, key=lambda pair: hashlib.sha256(pair[1].encode()).digest())


def text_bulk() -> list[str]:
    """The texts of `labelled_bulk`."""
    return [text for _, text in labelled_bulk()]


@cache
def crawl() -> list[tuple[str | None, str]]:
    """(url, text) of the pages of the multilingual crawl, as `ingest` extracts them, by hash."""
    from curation import ingest
    from curation.recipe import Source

    source = Source(name="crawl", format="warc", path="")
    files = [(p.name, p.open) for p in sorted((SHARED / "crawl").glob("*/*.warc.gz"))]
    openers: list[tuple[str, Callable[[], Any]]] = [
        (name, lambda o=opener: o("rb")) for name, opener in files
    ]
    pages = {}
    for batch in ingest.read(source, openers):
        rows = zip(batch.documents["url"].to_pylist(), batch.documents["text"].to_pylist(), strict=True)
        pages.update({hashlib.sha256(text.encode()).digest(): (url, text) for url, text in rows})
    return [pages[key] for key in sorted(pages)]


def megabytes(texts: list[str]) -> float:
    """Their size in 10**6 bytes of UTF-8."""
    return sum(len(text.encode()) for text in texts) / 1e6


def speed(run: Callable[[], object], size: float, times: int) -> float:
    """`size` over the median of the processor seconds of some runs: what one core does, however loaded."""
    seconds = []
    for _ in range(times):
        start = process_time()
        run()
        seconds.append(process_time() - start)
    return size / sorted(seconds)[len(seconds) // 2]
