"""Bias probes: the same document in other dress, to see whether the judge pays for the dress.

Each edit is made by rules, not by a model, and says nothing new of the subject:

    markdown         headings made of the paragraphs' first words, sentences as bullets
    padded           sentences that say nothing are added until the text is twice as long
    halved           the first half, up to the end of a sentence: this one does leave content out
    encyclopedic     a lead sentence that names the commonest word as the subject, and sections with headings
    questions        each paragraph becomes "Q: …" about its commonest word and "A: …"

That judges reward style was measured for FineWeb-Edu's classifier (Wikipedia's style flips about 7 % of its
decisions) and, of length and form, for language models: Zheng et al., "Judging LLM-as-a-Judge" (2023), Dubois
et al., "Length-Controlled AlpacaEval" (2024).
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping

import regex

from curation.text.words import words_of

VERSION = 1  # raised when an edit writes something else

_HEADING_WORDS = 6
_SUBJECT_CHARS = 5  # shorter words are rarely what a text is about
# White space after a sentence's end; not after an initial. Scripts that write none need none.
_sentence_end = regex.compile(r"(?<!\b\p{Lu})(?<=[.!?…][\"'”’)\]]*)\s+(?=[\p{Lu}\p{N}\"“‘(])|(?<=[。！？])")
_NEUTRAL = (
    "This sentence is part of the text.",
    "What has been said above is what the text says.",
    "The text goes on here, and nothing is added to it.",
    "Nothing that was said is taken back by this.",
)


def markdown(text: str) -> str:
    """`text` with a title, a heading a paragraph, and its sentences as bullets."""
    sections = []
    for paragraph in paragraphs(text):
        bullets = "\n".join(f"- {sentence}" for sentence in sentences(paragraph))
        sections.append(f"## {_first_words(paragraph)}\n\n{bullets}")
    return "\n\n".join([f"# {_subject(text)}", *sections])


def padded(text: str) -> str:
    """`text`, and sentences that say nothing until it is twice as long."""
    needed = math.ceil(len(text) / sum(len(sentence) + 1 for sentence in _NEUTRAL))
    room, added = len(text), []
    for sentence in _NEUTRAL * needed:
        if room <= 0:
            break
        added.append(sentence)
        room -= len(sentence) + 1
    return f"{text.rstrip()}\n\n{' '.join(added)}"


def halved(text: str) -> str:
    """The first half of `text` up to the last sentence that ends in it; its half as it is if none does."""
    half = text[: len(text) // 2]
    ends = [match.start() for match in _sentence_end.finditer(text, endpos=len(half) + 1)]
    ends = [end for end in ends if 0 < end <= len(half)]
    return text[: ends[-1]] if ends else half


def encyclopedic(text: str) -> str:
    """`text` as an article: a lead that names its subject, then sections."""
    subject, parts = _subject(text), paragraphs(text)
    named = [f"== {_first_words(part)} ==\n{part}" for part in parts]
    return "\n\n".join([f"{subject} is the subject of this article. It is described below.", *named])


def questions(text: str) -> str:
    """Each paragraph of `text` as the answer to a question about its commonest word."""
    return "\n\n".join(f"Q: What is said about {_subject(p)}?\nA: {p}" for p in paragraphs(text))


EDITS: Mapping[str, Callable[[str], str]] = {
    "markdown": markdown,
    "padded": padded,
    "halved": halved,
    "encyclopedic": encyclopedic,
    "questions": questions,
}


def paragraphs(text: str) -> list[str]:
    """The lines of `text` that are not blank, stripped."""
    return [line for line in map(str.strip, text.splitlines()) if line]


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph, in order, none empty."""
    return [part for part in map(str.strip, _sentence_end.split(paragraph)) if part]


def _subject(text: str) -> str:
    """The commonest long word, as first written with a capital; the first words where there is none."""
    words = [word for word in words_of(text) if len(word) >= _SUBJECT_CHARS]
    if not words:
        return _first_words(text)
    commonest, _ = Counter(word.casefold() for word in words).most_common(1)[0]
    return commonest[:1].upper() + commonest[1:]


def _first_words(text: str) -> str:
    return " ".join(words_of(text)[:_HEADING_WORDS])
