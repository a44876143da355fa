"""Each rule of Gopher, C4 and FineWeb and of URLs, by our columns and by datatrove's filters, side by side.

    python -m tests.parity.rules

Compares them on every tenth document of text_bulk and on all of the multilingual crawl, in the folder
`shared` beside the checkout, and prints the table of docs/parity.md; documents of 60,000 characters or more,
and those in scripts without spaces, are left out. Each rule is asked for alone, so that none hides another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import pyarrow as pa
import regex

from curation.annotate.rules import RULES as MEASURES
from curation.annotate.url import values_of
from curation.text.characters import UNSPACED_SET

GOPHER_QUALITY = {
    "min_doc_words": (50, "word_count < 50"),
    "max_doc_words": (100_000, "word_count > 100000"),
    "min_avg_word_length": (3, "mean_word_chars < 3"),
    "max_avg_word_length": (10, "mean_word_chars > 10"),
    "max_symbol_word_ratio": (0.1, "hash_ratio > 0.1 or ellipsis_ratio > 0.1"),
    "max_bullet_lines_ratio": (0.9, "bullet_line_ratio > 0.9"),
    "max_ellipsis_lines_ratio": (0.3, "ellipsis_line_ratio > 0.3"),
    "max_non_alpha_words_ratio": (0.8, "alphabetic_ratio < 0.8"),
    "min_stop_words": (2, "stop_word_count < 2"),
}
GOPHER_REPETITION = {
    "dup_para_frac": (0.3, "duplicate_paragraph_ratio > 0.3"),
    "dup_para_char_frac": (0.2, "duplicate_paragraph_char_ratio > 0.2"),
    "dup_line_frac": (0.3, "duplicate_line_ratio > 0.3"),
    "dup_line_char_frac": (0.2, "duplicate_line_char_ratio > 0.2"),
}
TOP = {2: 0.2, 3: 0.18, 4: 0.16}
DUPLICATE = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
FINEWEB_OFF = {
    "line_punct_thr": 0.0,
    "short_line_thr": 1.0,
    "char_duplicates_ratio": 1.0,
    "new_line_ratio": inf,
}
FINEWEB = {
    "line_punct_thr": (0.12, "terminal_line_ratio < 0.12"),
    "short_line_thr": (0.67, "short_line_ratio > 0.67"),
    "char_duplicates_ratio": (0.01, "duplicate_char_ratio > 0.01"),
    "new_line_ratio": (0.3, "line_feed_ratio > 0.3"),
}
URL = "url_blocked or url_banned_word_count > 0 or url_soft_word_count > 1 or url_banned_subword_count > 0"

_unspaced = regex.compile(UNSPACED_SET)


@dataclass
class Rule:
    """One rule: a condition on our columns, and datatrove's filter with all other rules off."""

    condition: str
    oracle: Any
    verdicts: list[tuple[bool, bool]] = field(default_factory=list)  # ours, theirs: whether it drops

    @property
    def agreement(self) -> float:
        """The share of documents that both keep or both drop."""
        return sum(ours == theirs for ours, theirs in self.verdicts) / len(self.verdicts)

    @property
    def overlap(self) -> float:
        """Among the documents that either drops, the share that both drop."""
        either = sum(ours or theirs for ours, theirs in self.verdicts)
        return sum(ours and theirs for ours, theirs in self.verdicts) / either if either else 1.0

    def row(self) -> str:
        """Agreement and overlap, and how many documents both drop, ours alone, datatrove alone."""
        counts = (
            self.verdicts.count((True, True)),
            self.verdicts.count((True, False)),
            self.verdicts.count((False, True)),
        )
        return f"{self.agreement:.2%} | {self.overlap:.1%} | " + " | ".join(f"{n:,}" for n in counts)


def rules() -> dict[str, Rule]:
    """The rules at datatrove's defaults, by filter and setting."""
    from datatrove.pipeline import filters as f

    quality_off = dict.fromkeys(GOPHER_QUALITY)
    repetition_off = {**dict.fromkeys(GOPHER_REPETITION), "top_n_grams": (), "dup_n_grams": ()}
    made = {
        f"gopher_quality.{name}": Rule(condition, f.GopherQualityFilter(**{**quality_off, name: limit}))
        for name, (limit, condition) in GOPHER_QUALITY.items()
    }
    made |= {
        f"gopher_repetition.{name}": Rule(
            condition, f.GopherRepetitionFilter(**{**repetition_off, name: limit})
        )
        for name, (limit, condition) in GOPHER_REPETITION.items()
    }
    for kind, limits, column in (("top", TOP, "top"), ("dup", DUPLICATE, "duplicate")):
        for n, limit in limits.items():
            oracle = f.GopherRepetitionFilter(**{**repetition_off, f"{kind}_n_grams": ((n, limit),)})
            made[f"gopher_repetition.{kind}_{n}"] = Rule(f"{column}_{n}gram_char_ratio > {limit}", oracle)
    page = {"filter_lorem_ipsum": False, "filter_curly_bracket": False, "min_num_sentences": -1}
    for name, value, condition in (
        ("filter_lorem_ipsum", True, "c4_lorem_ipsum_line_count > 0"),
        ("filter_curly_bracket", True, "c4_curly_bracket_line_count > 0"),
        ("min_num_sentences", 5, "c4_sentence_count < 5"),
    ):
        made[f"c4.{name}"] = Rule(condition, f.C4QualityFilter(**{**page, name: value}))
    made["c4.paragraphs"] = Rule("long_line_count < 3", f.C4ParagraphFilter())
    made |= {
        f"fineweb.{name}": Rule(condition, f.FineWebQualityFilter(**{**FINEWEB_OFF, name: limit}))
        for name, (limit, condition) in FINEWEB.items()
    }
    return made


def whole() -> dict[str, Rule]:
    """Whole filters at their defaults: any of their rules drops."""
    from datatrove.pipeline import filters as f

    alone = rules()

    def any_of(*names: str) -> str:
        return " or ".join(f"({rule.condition})" for name, rule in alone.items() if name.startswith(names))

    return {
        "gopher_quality": Rule(any_of("gopher_quality."), f.GopherQualityFilter()),
        "gopher_repetition": Rule(any_of("gopher_repetition."), f.GopherRepetitionFilter()),
        "c4": Rule(any_of("c4.filter", "c4.min"), f.C4QualityFilter()),
        "fineweb": Rule(any_of("fineweb."), f.FineWebQualityFilter()),
    }


def compare(asked: dict[str, Rule], texts: Iterable[str]) -> None:
    """Adds the verdicts on `texts` to those of the rules. Empty texts, which datatrove drops each time with
    the reason `empty`, or fails on, are left out."""
    from datatrove.data import Document

    for text in texts:
        if not text.strip():
            continue
        (row,) = MEASURES.annotate(pa.record_batch([pa.array([text])], names=["text"])).to_pylist()
        for rule in asked.values():
            theirs = rule.oracle.filter(Document(text=text, id="")) is not True
            rule.verdicts.append((bool(eval(rule.condition, {}, row)), theirs))


def compare_urls(urls: Iterable[str]) -> Rule:
    """Both sides' verdicts on URLs."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import URLFilter
    from tldextract import TLDExtract

    rule = Rule(URL, URLFilter())
    rule.oracle.tldextractor = TLDExtract(cache_dir=None, suffix_list_urls=())
    names = [part for part in URL.replace(">", " ").split() if part.startswith("url_")]
    for url in urls:
        row = dict(zip(names, values_of(url), strict=True))
        theirs = rule.oracle.filter(Document(text="", id="", metadata={"url": url})) is not True
        rule.verdicts.append((bool(eval(URL, {}, row)), theirs))
    return rule


def unspaced(text: str) -> bool:
    """Whether more than a twentieth of a text is in scripts without spaces, which datatrove's English
    tokenizer takes for one word from space to space."""
    return len(_unspaced.findall(text)) > len(text) / 20


def main() -> None:
    """Prints the table of docs/parity.md, text_bulk beside the crawl."""
    from tests.benchmarks.corpora import crawl, text_bulk

    bulk, pages = {**rules(), **whole()}, {**rules(), **whole()}
    compare(bulk, [text for text in text_bulk() if len(text) < 60_000][::10])
    compare(pages, (text for _, text in crawl() if len(text) < 60_000 and not unspaced(text)))
    for name, rule in bulk.items():
        print(f"| `{name}` | {rule.row()} | {pages[name].row()} |")
    urls = compare_urls(url for url, _ in crawl() if url)
    print(f"URLs | {len(urls.verdicts)} | {urls.row()}")


if __name__ == "__main__":
    main()
