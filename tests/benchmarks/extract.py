"""Extraction beside trafilatura and datatrove: how much of a page's main text is found, what leaks, how fast.

    python -m tests.benchmarks.extract

Quality is measured on pages of domains that the model in use has not been trained on: `block_folds.npz` holds
one model for each fold of domains, trained on the other four in the same way as the one that ships
(`curation.ingest.train_blocks`). Speed is that of the shipped model, in CPU seconds of one process and its
children on one core. Needs the data set `crawl` in a folder `shared` beside the checkout.
"""

import json
import os
import resource
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from curation.ingest.block_labels import tokens
from curation.ingest.block_model import load
from curation.ingest.extract import main_text, page, parsed
from curation.ingest.gold_pages import FOLDS, GoldPage, gold_pages
from curation.recipe import Extract, Source
from tests.shared_data import SHARED

CRAWL = SHARED / "data/crawl"
FOLD_MODELS = Path(__file__).with_name("block_folds.npz")
MEASURED = ("scrapinghub-aeb", "crawl-to-the-future")
SPEED_FILES = "2025-11-0[3-7]/*-00000.warc.gz"
RUNS = 3
RESAMPLES = 10_000


class Score(NamedTuple):
    """Of a page whose text is known: multisets of tokens compared."""

    f1: float
    precision: float
    recall: float


def score(text: str, gold: str) -> Score:
    """Token F1: tokens are runs of letters and digits in lower case, each as often as it is in both."""
    made, wanted = Counter(tokens(text)), Counter(tokens(gold))
    shared = (made & wanted).total()
    if not shared:
        return Score(0.0, 0.0, 0.0)
    precision, recall = shared / made.total(), shared / wanted.total()
    return Score(2 * precision * recall / (precision + recall), precision, recall)


def by_blocks(models: Sequence[Any]) -> Callable[[GoldPage], str]:
    """The block model that has seen no page of the page's domain."""

    def extract(one: GoldPage) -> str:
        blocks, title = parsed(one.html)
        return main_text(blocks, title, models[one.fold], "plain")

    return extract


def by_trafilatura(one: GoldPage) -> str:
    """trafilatura as it comes, but without comments, which are no part of the gold."""
    import trafilatura

    return trafilatura.extract(one.html, include_comments=False) or ""


def by_datatrove(one: GoldPage) -> str:
    """trafilatura as datatrove calls it (favor_precision), without its cache of earlier pages."""
    import trafilatura

    return (
        trafilatura.extract(one.html, include_comments=False, favor_precision=True, deduplicate=False) or ""
    )


def by_resiliparse(one: GoldPage) -> str:
    return page(one.html, Extract(extractor="resiliparse")).text


def snippets(pages: Sequence[GoldPage], texts: Sequence[str]) -> tuple[float, float]:
    """The shares of strings that must be in the text, and are, and that must not be, and are. White space is
    made one space in both."""
    flat = [" ".join(text.split()) for text in texts]
    rates = []
    for field in ("present", "absent"):
        hits = [
            " ".join(s.split()) in text
            for one, text in zip(pages, flat, strict=True)
            for s in getattr(one, field)
        ]
        rates.append(sum(hits) / max(1, len(hits)))
    return rates[0], rates[1]


def interval(gains: Any, groups: Sequence[str] | None = None) -> tuple[float, float]:
    """The middle 95 % of the mean gain over resampled pages, or over resampled groups of them (domains)."""
    draw = np.random.default_rng(0)
    names = np.unique(
        groups if groups is not None else np.arange(len(gains)).astype(str), return_inverse=True
    )[1]
    sums, counts = np.bincount(names, gains), np.bincount(names)
    picks = draw.integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[picks].sum(1) / counts[picks].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def quality() -> dict[str, Any]:
    """Prints the table; returns the figures."""
    with np.load(FOLD_MODELS) as file:
        models = [load(file, f"{fold}_") for fold in range(FOLDS)]
    pages = list(gold_pages(CRAWL))
    known = [one for one in pages if one.text is not None]
    partly = [one for one in pages if one.text is None]
    ways = {
        "blocks": by_blocks(models),
        "trafilatura": by_trafilatura,
        "trafilatura, as datatrove": by_datatrove,
        "resiliparse": by_resiliparse,
    }
    f1: dict[str, Any] = {}
    found: dict[str, tuple[float, float]] = {}
    print(f"{len(known)} pages of known text, {len(partly)} of known snippets\n")
    print(f"{'':<27}{'F1':>7}{'prec.':>7}{'recall':>7}   by source, F1")
    for name, way in ways.items():
        scores = [score(way(one), one.text or "") for one in known]
        f1[name] = np.array([s.f1 for s in scores])
        found[name] = snippets(partly, [way(one) for one in partly])
        chosen = [s for s, one in zip(scores, known, strict=True) if one.origin in MEASURED]
        means = "".join(f"{np.mean([getattr(s, f) for s in chosen]):>7.4f}" for f in Score._fields)
        rates = "found {:.3f} leaked {:.3f}".format(*found[name])
        print(f"{name:<27}{means}   {_by_source(known, f1[name])}; {rates}")
    chosen = np.array([one.origin in MEASURED for one in known])
    domains = [one.domain for one in known if one.origin in MEASURED]
    best = max(("trafilatura", "trafilatura, as datatrove"), key=lambda name: f1[name][chosen].mean())
    gains = (f1["blocks"] - f1[best])[chosen]
    return {
        "pages": len(gains),
        "f1": round(float(f1["blocks"][chosen].mean()), 4),
        "trafilatura_f1": round(float(f1[best][chosen].mean()), 4),
        "f1_gain": round(float(gains.mean()), 4),
        "f1_gain_interval": [round(x, 4) for x in interval(gains)],
        "f1_gain_interval_by_domain": [round(x, 4) for x in interval(gains, domains)],
        "found": round(found["blocks"][0], 4),
        "leaked": round(found["blocks"][1], 4),
    }


def _by_source(pages: Sequence[GoldPage], f1: Any) -> str:
    origins = list(dict.fromkeys(one.origin for one in pages))
    return ", ".join(
        f"{origin} {np.mean([x for x, one in zip(f1, pages, strict=True) if one.origin == origin]):.4f}"
        for origin in origins
    )


def read_by_curation(files: list[str]) -> int:
    """Documents that curation makes of WARC files."""
    from curation.ingest.documents import read

    source = Source(name="crawl", format="warc", path="unused")
    openers = [(name, partial(Path(name).open, "rb")) for name in files]
    return sum(batch.documents.num_rows for batch in read(source, openers))


def read_by_datatrove(files: list[str]) -> int:
    """Documents that datatrove's WARC reader and trafilatura make of them."""
    from datatrove.pipeline.extractors.trafilatura import Trafilatura
    from datatrove.pipeline.readers.warc import WarcReader
    from datatrove.utils.logging import logger

    logger.remove()
    count = 0
    for name in files:
        path = Path(name)
        reader = WarcReader(str(path.parent), glob_pattern=path.name)
        count += sum(1 for _ in Trafilatura(deduplicate=False, timeout=10).run(reader.run()))
    return count


def speed() -> dict[str, Any]:
    """CPU seconds for the same WARC files, median of RUNS, in turns; imports and compilation come before."""
    files = sorted(map(str, CRAWL.glob(SPEED_FILES)))
    seconds: dict[str, list[float]] = {"curation": [], "datatrove": []}
    documents: dict[str, int] = {}
    for _ in range(RUNS):
        for name, runs in seconds.items():
            with get_context("spawn").Pool(1) as pool:
                documents[name], spent = pool.apply(_timed, (name, files))
            runs.append(spent)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"\n{len(files)} WARC files ({SPEED_FILES}), one core, CPU seconds, median of {RUNS}")
    for name, spent in middle.items():
        print(
            f"{name:<27}{spent:>7.2f} s{documents[name]:>6} documents{documents[name] / spent:>8.1f} a second"
        )
    return {
        "documents_per_second": round(documents["curation"] / middle["curation"], 1),
        "datatrove_documents_per_second": round(documents["datatrove"] / middle["datatrove"], 1),
        "datatrove_ratio": round(middle["datatrove"] / middle["curation"], 2),
    }


def _timed(name: str, files: list[str]) -> tuple[int, float]:
    """Runs in a process of its own, which may have children of its own."""
    import multiprocessing

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    read = {"curation": read_by_curation, "datatrove": read_by_datatrove}[name]
    noise = sorted(map(str, CRAWL.glob("2025-11-03/*noise.warc.gz")))
    read(noise)
    page("<p>Warm.", Extract())
    before = _cpu_seconds()
    count = read(files)
    return count, _cpu_seconds() - before


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    if not CRAWL.exists():
        sys.exit(f"needs the data set crawl: {CRAWL} is not there")
    figures = {"benchmark": "extract", **quality(), **speed()}
    print()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
