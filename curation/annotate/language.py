"""Which language a document is in: fastText's lid.176.ftz (Joulin et al. 2016), which ships beside this file.

The model knows 176 languages and always answers one of them, so what it cannot know is said here to be
unknown; docs/languages.md says what that finds, what it loses and what the model's labels stand for.
fastText takes NUL for white space; it refuses a line feed and a lone surrogate, and an Arrow string holds no
lone surrogate.
"""

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.annotator import UNICODE, Annotator, utf8

MODEL = Path(__file__).with_name("lid.176.ftz")

UNKNOWN = "unknown"
"""The language of a text without a letter, in a script of no language of the model, or that it doubts."""

LEAST_SCORE = 0.35
"""Below it a text is in an unknown language. Of sentences in languages that the model lacks 85 % are below,
of those in languages that it knows and names rightly 2 %. How long a text is hardly changes a score, so one
threshold serves all."""

SAMPLE_BYTES, PIECES = 8_000, 8
"""A longer text is judged by so many bytes, in pieces at even distances from its first byte to its last: the
first ones alone are often a menu or a licence in English."""

STRANGE_LETTER = (
    r"[\p{L}--[\p{Common}\p{Inherited}\p{Arabic}\p{Armenian}\p{Bengali}\p{Cyrillic}\p{Devanagari}\p{Ethiopic}"
    r"\p{Georgian}\p{Greek}\p{Gujarati}\p{Gurmukhi}\p{Han}\p{Hangul}\p{Hebrew}\p{Hiragana}\p{Kannada}"
    r"\p{Katakana}\p{Khmer}\p{Lao}\p{Latin}\p{Malayalam}\p{Myanmar}\p{Oriya}\p{Sinhala}\p{Tamil}\p{Telugu}"
    r"\p{Thaana}\p{Thai}\p{Tibetan}]]"
)
"""A letter of a script that no language of the model is written in, for the package `regex`."""

COLUMNS = pa.schema(
    [
        # ISO 639-1, or 639-3 where that has none, or unknown
        pa.field("language", pa.string(), nullable=False),
        # the model's probability of its best answer, unknown or not, [0, 1]; 0 without a letter
        pa.field("language_score", pa.float64(), nullable=False),
    ]
)


@cache
def model() -> Any:
    """The fastText model, loaded once a process."""
    import fasttext

    return fasttext.load_model(str(MODEL))


def languages(texts: list[str]) -> list[tuple[str, float]]:
    """The language of each text, with the probability of the model's best answer. Each is read whole."""
    found = [(UNKNOWN, 0.0)] * len(texts)
    asked = [n for n, text in enumerate(texts) if any(map(str.isalpha, text))]
    if asked:
        labels, scores = model().predict([texts[n].replace("\n", " ") for n in asked])
        for n, label, score in zip(asked, labels, scores, strict=True):
            # a probability can come out as 1.00005: it is a sum of rounded numbers
            probability = min(max(float(score[0]), 0.0), 1.0)
            known = probability >= LEAST_SCORE and not _is_in_strange_script(texts[n])
            found[n] = label[0].removeprefix("__label__") if known else UNKNOWN, probability
    return found


def sample(text: memoryview) -> str:
    """What of a text in UTF-8 is judged: all of it up to SAMPLE_BYTES, else PIECES at even distances.

    A character that an edge cuts is left out.
    """
    if len(text) <= SAMPLE_BYTES:
        return str(text, "utf-8")
    size = SAMPLE_BYTES // PIECES
    starts = ((len(text) - size) * n // (PIECES - 1) for n in range(PIECES))
    return " ".join(str(text[start : start + size], "utf-8", "ignore") for start in starts)


@cache
def _strange_letter() -> Any:
    import regex

    return regex.compile(STRANGE_LETTER, regex.V1)


def _is_in_strange_script(text: str) -> bool:
    """Whether more than half of the letters are of scripts that no language of the model is written in."""
    if text.isascii():
        return False
    strange = set(_strange_letter().findall("".join(set(text))))  # few distinct ones: the pattern is slow
    if not strange:
        return False
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(letter in strange for letter in letters) > len(letters)


def _annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
    offsets, data = utf8(batch.column("text"))
    edges = offsets.tolist()
    found = languages([sample(data.data[a:b]) for a, b in pairwise(edges)])
    names, scores = [name for name, _ in found], [score for _, score in found]
    return pa.record_batch([pa.array(names, pa.string()), pa.array(scores, pa.float64())], schema=COLUMNS)


LANGUAGE = Annotator("language", 2, COLUMNS, _annotate, UNICODE)
