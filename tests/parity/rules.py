"""Each rule of Gopher, C4 and FineWeb and of URLs, by our columns and by datatrove's filters, side by side.

    python -m tests.parity.rules

Compares them on every tenth document of text_bulk, which is English, and on pages of the multilingual crawl,
both sides being told the language of each, in the folder `shared` beside the checkout, and prints
the tables of docs/parity.md; documents of 60,000 characters or more are left out. Each rule is asked for
alone, so that none hides another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import pyarrow as pa

from curation.annotate.language import languages
from curation.annotate.rules import rules as measures
from curation.annotate.url import values_of
from tests.benchmarks.corpora import crawl, rows_of, text_bulk

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

LANGUAGES = {
    "en": "eng",
    "de": "deu",
    "es": "spa",
    "fr": "fra",
    "pl": "pol",
    "pt": "por",
    "it": "ita",
    "ru": "rus",
    "id": "ind",
    "ca": "cat",
    "no": "nob",
    "nl": "nld",
}
"""Those with five pages of the crawl or more that spaCy cuts by itself, as datatrove calls them; for Arabic,
Chinese, Japanese, Korean and Persian its filters ask for packages that it does not install."""
PAGES = 300
"""The most pages of a language, in the order of their hashes."""


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


def rules(language: str = "eng") -> dict[str, Rule]:
    """The rules at datatrove's defaults, by filter and setting; its filters take words for a language's."""
    from datatrove.pipeline import filters as f

    spoken = {"language": language}
    quality_off = dict.fromkeys(GOPHER_QUALITY)
    repetition_off = {**dict.fromkeys(GOPHER_REPETITION), "top_n_grams": (), "dup_n_grams": ()}
    made = {
        f"gopher_quality.{name}": Rule(
            condition, f.GopherQualityFilter(**{**quality_off, **spoken, name: limit})
        )
        for name, (limit, condition) in GOPHER_QUALITY.items()
    }
    made |= {
        f"gopher_repetition.{name}": Rule(
            condition, f.GopherRepetitionFilter(**{**repetition_off, **spoken, name: limit})
        )
        for name, (limit, condition) in GOPHER_REPETITION.items()
    }
    for kind, limits, column in (("top", TOP, "top"), ("dup", DUPLICATE, "duplicate")):
        for n, limit in limits.items():
            oracle = f.GopherRepetitionFilter(
                **{**repetition_off, **spoken, f"{kind}_n_grams": ((n, limit),)}
            )
            made[f"gopher_repetition.{kind}_{n}"] = Rule(f"{column}_{n}gram_char_ratio > {limit}", oracle)
    page = {"filter_lorem_ipsum": False, "filter_curly_bracket": False, "min_num_sentences": -1}
    for name, value, condition in (
        ("filter_lorem_ipsum", True, "c4_lorem_ipsum_line_count > 0"),
        ("filter_curly_bracket", True, "c4_curly_bracket_line_count > 0"),
        ("min_num_sentences", 5, "c4_sentence_count < 5"),
    ):
        made[f"c4.{name}"] = Rule(condition, f.C4QualityFilter(**{**page, **spoken, name: value}))
    made["c4.paragraphs"] = Rule("long_line_count < 3", f.C4ParagraphFilter())
    made |= {
        f"fineweb.{name}": Rule(condition, f.FineWebQualityFilter(**{**FINEWEB_OFF, **spoken, name: limit}))
        for name, (limit, condition) in FINEWEB.items()
    }
    return made


def whole(language: str = "eng") -> dict[str, Rule]:
    """Whole filters at their defaults: any of their rules drops."""
    from datatrove.pipeline import filters as f

    alone = rules(language)

    def any_of(*names: str) -> str:
        return " or ".join(f"({rule.condition})" for name, rule in alone.items() if name.startswith(names))

    return {
        "gopher_quality": Rule(any_of("gopher_quality."), f.GopherQualityFilter(language=language)),
        "gopher_repetition": Rule(any_of("gopher_repetition."), f.GopherRepetitionFilter(language=language)),
        "c4": Rule(any_of("c4.filter", "c4.min"), f.C4QualityFilter(language=language)),
        "fineweb": Rule(any_of("fineweb."), f.FineWebQualityFilter(language=language)),
    }


def compare(asked: dict[str, Rule], texts: Iterable[str], language: str = "en") -> None:
    """Adds the verdicts on `texts` to those of the rules, tokens being cut as in `language`. Empty texts,
    which datatrove drops each time with the reason `empty`, or fails on, are left out."""
    from datatrove.data import Document

    annotator = measures(language)
    for text in texts:
        if not text.strip():
            continue
        (row,) = annotator.annotate(pa.record_batch([pa.array([text])], names=["text"])).to_pylist()
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


def sentences(language: str) -> list[str]:
    """Sentences of newspapers in a language, three a document; none where lingua has none."""
    label = {"no": "nb"}.get(language, language)
    found = [row["text"] for row in rows_of("langid/lingua_sentences") if row["lang"] == label]
    return [" ".join(found[n : n + 3]) for n in range(0, len(found) - 2, 3)]


def by_language(pages: list[str]) -> dict[str, dict[str, Rule]]:
    """The rules and filters in each of LANGUAGES, with the verdicts on the first of `pages` in it."""
    named = list(zip(pages, languages(pages), strict=True))
    found = {}
    for short, language in LANGUAGES.items():
        found[short] = {**rules(language), **whole(language)}
        compare(found[short], [text for text, (spoken, _) in named if spoken == short][:PAGES], short)
    return found


def tell(language: str, what: str, asked: dict[str, Rule]) -> None:
    """Prints the rules of which a verdict differs."""
    print(language, len(asked["gopher_quality"].verdicts), what)
    for name, rule in asked.items():
        if rule.agreement < 1:
            print(f"| {language} | `{name}` | {rule.row()} |")


def main() -> None:
    """Prints the tables of docs/parity.md: text_bulk beside the crawl, the crawl by language, its URLs."""
    bulk = {**rules(), **whole()}
    compare(bulk, [text for text in text_bulk() if len(text) < 60_000][::10])
    spoken = by_language([text for _, text in crawl() if 0 < len(text) < 60_000])
    for name, rule in bulk.items():
        every = Rule("", None, [pair for asked in spoken.values() for pair in asked[name].verdicts])
        print(f"| `{name}` | {rule.row()} | {every.row()} |")
    for language, asked in spoken.items():
        tell(language, "pages", asked)
        said = rules(LANGUAGES[language])
        said["gopher_quality"] = whole(LANGUAGES[language])["gopher_quality"]
        compare(said, sentences(language), language)
        tell(language, "documents of sentences", said)
    urls = compare_urls(url for url, _ in crawl() if url)
    print(f"URLs | {len(urls.verdicts)} | {urls.row()}")


if __name__ == "__main__":
    main()
