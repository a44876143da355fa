"""C4's rules in plain Python: what `text.c4` is held to. The order of the rules is that of `c4_utils.py`
(github.com/tensorflow/datasets)."""

import unicodedata
from typing import NamedTuple

import regex

from curation.text.c4 import PHRASES
from tests.text.reference_tokens import tokens_of

_citation = regex.compile(r"\[\p{N}*\]|\[edit\]|\[citation needed\]")
_terminal = regex.compile(r"\p{Sentence_Terminal}")


class Cleaned(NamedTuple):
    counts: dict[str, int]
    text: str  # what is left


def clean(text: str, language: str = "en") -> Cleaned:
    names = ("long_word", "unpunctuated", "few_words", "javascript", "policy", "lorem_ipsum", "curly_bracket")
    counts = dict.fromkeys(names, 0)
    kept, sentences = [], 0
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if not stripped:
            continue
        words = stripped.split()
        cleaned = _citation.sub("", stripped)
        rule = _rule(words, cleaned)
        if rule in {"", "javascript", "policy"}:
            counts["lorem_ipsum"] += PHRASES[0] in cleaned.lower()
            counts["curly_bracket"] += "{" in cleaned and rule != "javascript"
        if rule:
            counts[rule] += 1
            continue
        end = "\n" if line.endswith("\r\n") else line[-1] if len(line.splitlines()[0]) < len(line) else ""
        kept += [cleaned, end]
        sentences += _sentences(stripped, language)
    values = {
        f"c4_{name.removesuffix('s') if name == 'few_words' else name}_line_count": n
        for name, n in counts.items()
    }
    values |= {"c4_line_count": len(kept) // 2, "c4_sentence_count": sentences}
    return Cleaned(values, "".join(kept[:-1]))


def _rule(words: list[str], line: str) -> str:
    if any(len(word) > 1000 for word in words):
        return "long_word"
    if not line.endswith((".", "?", "!", '"', "'")) or line.endswith("..."):
        return "unpunctuated"
    if len(words) < 3:
        return "few_words"
    lower = line.lower()
    if PHRASES[1] in lower:
        return "javascript"
    return "policy" if any(phrase in lower for phrase in PHRASES[2:]) else ""


def _sentences(line: str, language: str) -> int:
    tokens = [token for chunk in line.split() for token in tokens_of(chunk, language)]
    count, ended = min(len(tokens), 1), False
    for token in tokens:
        if len(token) == 1 and _terminal.match(token):
            ended = True
        elif ended and not all(unicodedata.category(c).startswith("P") for c in token):
            count, ended = count + 1, False
    return count
