"""Extraction beside trafilatura and datatrove: how much of a page's main text is found, what leaks, how fast.

    python -m tests.benchmarks.extract [FILE]

Quality is measured on pages of domains that the model in use has not been trained on: `block_folds.npz` holds
one model for each fold of domains, trained on the other four in the same way as the one that ships, and its
threshold chosen on their pages (`curation.ingest.train_blocks`). Speed is that of the shipped model, in CPU
seconds of one process and its children on one core. Into FILE go the ten pages where ours is worst against
trafilatura, gold, trafilatura and ours side by side; they are their publishers' and no part of the project.
Needs the data set `crawl` in a folder `shared` beside the checkout.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from curation.ingest.block_labels import tokens
from curation.ingest.block_model import load
from curation.ingest.extract import main_text, page, parsed
from curation.ingest.gold_pages import FOLDS, GoldPage, gold_pages
from curation.recipe import Extract
from tests.benchmarks.extract_pages import side_by_side
from tests.benchmarks.extract_speed import CRAWL, speed

FOLD_MODELS = Path(__file__).with_name("block_folds.npz")
MEASURED = ("scrapinghub-aeb", "crawl-to-the-future")
RESAMPLES = 10_000
WORST = 10


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


def fold_models() -> list[Any]:
    """For each fold of domains the model that has seen no page of it."""
    with np.load(FOLD_MODELS) as file:
        return [load(file, f"{fold}_") for fold in range(FOLDS)]


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


def interval(gains: Any, groups: Sequence[str] | None = None) -> list[float]:
    """The middle 95 % of the mean gain over resampled pages, or over resampled groups of them (domains)."""
    draw = np.random.default_rng(0)
    names = np.unique(
        groups if groups is not None else np.arange(len(gains)).astype(str), return_inverse=True
    )[1]
    sums, counts = np.bincount(names, gains), np.bincount(names)
    picks = draw.integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[picks].sum(1) / counts[picks].sum(1)
    return [round(float(end), 4) for end in np.percentile(means, [2.5, 97.5])]


def quality(side: Path | None) -> dict[str, Any]:
    """Prints the tables; returns the figures."""
    ways = {
        "blocks": by_blocks(fold_models()),
        "trafilatura": by_trafilatura,
        "trafilatura, as datatrove": by_datatrove,
        "resiliparse": by_resiliparse,
    }
    pages = list(gold_pages(CRAWL))
    known = [one for one in pages if one.text is not None]
    partly = [one for one in pages if one.text is None]
    texts = {name: [way(one) for one in known] for name, way in ways.items()}
    scores = {
        name: np.array([score(text, one.text or "") for text, one in zip(made, known, strict=True)])
        for name, made in texts.items()
    }
    chosen = np.array([one.origin in MEASURED for one in known])
    print(f"{len(known)} pages of known text, {len(partly)} of known snippets\n")
    print(f"{'':<27}{'F1':>7}{'prec.':>7}{'recall':>7}   snippets")
    found = {}
    for name, way in ways.items():
        found[name] = snippets(partly, [way(one) for one in partly])
        means = "".join(f"{mean:>7.4f}" for mean in scores[name][chosen].mean(0))
        print(f"{name:<27}{means}   {'found {:.3f} leaked {:.3f}'.format(*found[name])}")
    best = max(("trafilatura", "trafilatura, as datatrove"), key=lambda name: scores[name][chosen, 0].mean())
    f1, theirs = scores["blocks"][:, 0], scores[best][:, 0]
    _print_sources(known, f1, theirs)
    worst = np.flatnonzero(chosen)[np.argsort((f1 - theirs)[chosen], kind="stable")[:WORST]]
    side_by_side([(known[n], texts[best][n], texts["blocks"][n], scores[best][n], scores["blocks"][n])
                  for n in worst], side)  # fmt: skip
    gains = (f1 - theirs)[chosen]
    return {
        "pages": len(gains),
        "f1": round(float(f1[chosen].mean()), 4),
        "trafilatura_f1": round(float(theirs[chosen].mean()), 4),
        "f1_gain": round(float(gains.mean()), 4),
        "f1_gain_interval": interval(gains),
        "f1_gain_interval_by_domain": interval(
            gains, [one.domain for one in known if one.origin in MEASURED]
        ),
        "found": round(found["blocks"][0], 4),
        "leaked": round(found["blocks"][1], 4),
    }


def _print_sources(pages: Sequence[GoldPage], f1: Any, theirs: Any) -> None:
    """Mean F1 by where the gold is from, and the gain with both intervals."""
    print(f"\n{'':<22}{'pages':>6}{'domains':>8}{'ours':>8}{'traf.':>8}{'gain':>9}  by page, by domain")
    for origin in dict.fromkeys(one.origin for one in pages):
        some = np.array([one.origin == origin for one in pages])
        domains = [one.domain for one in pages if one.origin == origin]
        gain = (f1 - theirs)[some]
        print(
            f"{origin:<22}{some.sum():>6}{len(set(domains)):>8}{f1[some].mean():>8.4f}"
            f"{theirs[some].mean():>8.4f}{gain.mean():>+9.4f}  {interval(gain)} {interval(gain, domains)}"
        )


def main() -> None:
    if not CRAWL.exists():
        sys.exit(f"needs the data set crawl: {CRAWL} is not there")
    side = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    figures = {"benchmark": "extract", **quality(side), **speed()}
    print()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
