"""Pages as people read them: the gold, trafilatura's text and ours beside each other."""

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import Any

from curation.ingest.block_labels import tokens
from curation.ingest.gold_pages import GoldPage

COLUMN = 58  # characters
EXCERPT = 12  # words


def side_by_side(rows: Sequence[tuple[GoldPage, str, str, Any, Any]], side: Path | None) -> None:
    """Prints a line for each page (trafilatura's text and ours, their scores) and what of it is the longest
    paragraph that only one of ours and the gold has; the whole texts go into the file `side`."""
    print(f"\n{'':<28}{'traf.':>7}{'ours':>7}{'prec.':>7}{'recall':>7}{'gold':>7}{'ours':>7}  (tokens)")
    pieces = []
    for one, theirs, ours, their_score, our_score in rows:
        gold = one.text or ""
        counts = f"{len(tokens(gold)):>7}{len(tokens(ours)):>7}"
        scores = f"{their_score[0]:>7.3f}" + "".join(f"{x:>7.3f}" for x in our_score)
        print(f"{one.domain:<28}{scores}{counts}")
        print(f"    extra: {_longest(ours, gold)!r} missing: {_longest(gold, ours)!r}")
        pieces.append(f"{one.url}\ntrafilatura {their_score[0]:.3f}, ours {our_score[0]:.3f}\n\n")
        pieces.append(_columns(gold, theirs, ours) + "\n")
    if side:
        side.write_text("".join(pieces))


def _longest(text: str, other: str) -> str:
    """The first words of the longest line of `text` that `other` has less than half of."""
    there = Counter(tokens(other))
    only = [line for line in text.splitlines() if _shared(line, there) < 0.5]
    return " ".join(max(only, key=len, default="").split()[:EXCERPT])


def _shared(line: str, there: Counter[str]) -> float:
    own = Counter(tokens(line))
    return (own & there).total() / max(1, own.total())


def _columns(*texts: str) -> str:
    columns = [
        ["", *(part for line in text.splitlines() for part in (wrap(line, COLUMN) or [""]))] for text in texts
    ]
    for column, head in zip(columns, ("GOLD", "TRAFILATURA", "OURS"), strict=True):
        column[0] = head
    return "".join(
        " | ".join(f"{cell:<{COLUMN}}" for cell in row).rstrip() + "\n"
        for row in zip_longest(*columns, fillvalue="")
    )
