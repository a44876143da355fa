"""Gates: what Claude wrote from a text is refused for a reason, or passes.

Each is a pure function of what was asked about and what was written. They catch what goes wrong often and
shows on the surface: nothing written, a refusal, talk about the text, invented numbers, another text. That a
passage is true to its source in every sentence they cannot tell. They are made for languages that put spaces
between words: in others the two last find no content words, and let pass.
"""

import re
from collections import Counter
from collections.abc import Iterator

from curation.text.words import fold, words_of

LENGTH_RATIO_MIN, LENGTH_RATIO_MAX = 0.1, 1.5  # characters written to characters asked about
RECALL_MIN = 0.3  # of the source's most frequent content words
TOP_WORDS = 20
NEW_WORDS_RATIO_MAX = 0.4  # of the written content words, those that the source does not have

_CONTENT_WORD_CHARS = 5  # at least; shorter words are mostly grammar
_STEM_CHARS = 5  # `restate`, `restates`, `restated` count as the same word

_META = re.compile(
    r"\bas an? (?:ai\b|artificial intelligence\b|(?:large )?language model\b)"
    r"|\bi(?:'m| am) (?:sorry|unable|an ai)\b|\bi apologi[sz]e\b"
    r"|\bi (?:cannot|can't|can not|won't|will not) (?:\w+ )?"
    r"(?:assist|help|comply|provide|fulfil|rewrite|restate|create)"
    r"|^(?:sure|certainly|of course)[,!]"
    r"|\b(?:here is|here's|below is) (?:the|a|your) [^.\n]{0,40}\b(?:passage|rewrit|restate|version|summary)"
    r"|\b(?:the|this) (?:document|passage|text|article|page|author) (?:also )?"
    r"(?:above|below|provided|states?|says|describes?|explains?|discusses|mentions?|provides?|appears)\b"
    r"|\b(?:rewritten|provided) (?:document|passage|text)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SPELLED = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


def refuse(source: str, written: str) -> str | None:
    """Why `written` is no rewriting of `source`: the first of `reasons`, or None."""
    return next(reasons(source, written), None)


def reasons(source: str, written: str) -> Iterator[str]:
    """Everything that is wrong with `written`."""
    if not written.strip():
        yield "empty_text"
        return
    ratio = len(written) / max(len(source), 1)
    if ratio < LENGTH_RATIO_MIN:
        yield "too_short"
    if ratio > LENGTH_RATIO_MAX:
        yield "too_long"
    if meta_text(source, written):
        yield "meta_text"
    if invented_numbers(source, written):
        yield "invented_numbers"
    if new_words_ratio(source, written) > NEW_WORDS_RATIO_MAX:
        yield "too_many_new_words"
    if recall(source, written) < RECALL_MIN:
        yield "too_little_of_its_source"


def meta_text(source: str, written: str) -> str | None:
    """The first words of `written` that refuse, or speak of the task or the text, and are not in `source`."""
    known = " ".join(source.lower().split())
    said = " ".join(written.replace("’", "'").split())
    return next((m.group() for m in _META.finditer(said) if m.group().lower() not in known), None)


def invented_numbers(source: str, written: str) -> list[str]:
    """The numbers in `written` that are not in `source`, sorted.

    1,000 is 1000, 2.50 is 2.5, 03 is 3; numbers up to twelve may be spelled out in the source; the marks of a
    list (`1.` at a line's start) are no numbers.
    """
    spelled = {str(n) for n, word in enumerate(_SPELLED) if word in words_of(fold(source))}
    prose = re.sub(r"(?m)^\s*\d{1,2}[.)]\s", "", written)
    return sorted(set(_numbers(prose)) - set(_numbers(source)) - spelled)


def recall(source: str, written: str) -> float:
    """How many of the TOP_WORDS most frequent content words of `source` are in `written`, in [0, 1]; 1 where
    there are none."""
    top = [word for word, _ in sorted(_content(source).items(), key=lambda i: (-i[1], i[0]))[:TOP_WORDS]]
    return len(set(top) & set(_content(written))) / len(top) if top else 1.0


def new_words_ratio(source: str, written: str) -> float:
    """How many of the distinct content words of `written` are not in `source`, in [0, 1]; 0 for none."""
    words = set(_content(written))
    return len(words - set(_content(source))) / len(words) if words else 0.0


def _content(text: str) -> Counter[str]:
    """How often each content word occurs, cut to its stem."""
    words = (word for word in words_of(fold(text)) if len(word) >= _CONTENT_WORD_CHARS and word.isalpha())
    return Counter(word[:_STEM_CHARS] for word in words)


def _numbers(text: str) -> Iterator[str]:
    for match in _NUMBER.finditer(text):
        number = match.group()
        if _GROUPED.fullmatch(number):
            number = number.replace(",", "")
        if number.count(".") == 1:
            number = number.rstrip("0").rstrip(".")
        yield number.lstrip("0") or "0"
