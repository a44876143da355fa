"""The least likelihood of a block that is kept, chosen on pages that the model in use has not seen."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from curation.ingest.block_labels import tokens
from curation.ingest.gold_pages import GoldPage
from curation.text.block_scores import kept
from curation.text.blocks import Blocks

CHOICES = tuple(np.arange(0.30, 0.701, 0.025).round(3).tolist())
AS_GOOD = 0.0005
"""What is no further from the best mean is as good: the means of neighbouring choices hardly differ."""


def best_keep(agreements: Sequence[Any]) -> float:
    """Of the choices with the best mean over pages of what `agreement` gives the least, which keeps the most
    text."""
    means = np.mean(agreements, 0)
    return float(CHOICES[int(np.argmax(means >= means.max() - AS_GOOD))])


def agreement(page: GoldPage, made: Blocks, found: Any) -> Any:
    """float64[choices]: F1 of what each choice keeps of a page: of tokens where its text is known, else of
    the strings that must and must not be there."""
    texts = [made.block(number) for number in range(len(made.rows))]
    rate = _by_strings if page.text is None else _by_tokens
    keeps = [np.flatnonzero(kept(found, made, keep)).tolist() for keep in CHOICES]
    return rate(page, texts, keeps)


def _by_tokens(page: GoldPage, texts: list[str], keeps: list[list[int]]) -> Any:
    gold = Counter(tokens(page.text or ""))
    parted = [Counter(tokens(text)) for text in texts]
    rates = []
    for numbers in keeps:
        made: Counter[str] = Counter()
        for number in numbers:
            made.update(parted[number])
        rates.append(2 * (made & gold).total() / max(1, made.total() + gold.total()))
    return np.array(rates)


def _by_strings(page: GoldPage, texts: list[str], keeps: list[list[int]]) -> Any:
    flat = [" ".join(text.split()) for text in texts]
    wanted, unwanted = ([" ".join(s.split()) for s in some] for some in (page.present, page.absent))
    rates = []
    for numbers in keeps:
        text = " ".join(flat[number] for number in numbers)
        found, leaked = sum(s in text for s in wanted), sum(s in text for s in unwanted)
        rates.append(2 * found / max(1, found + leaked + len(wanted)))
    return np.array(rates)
