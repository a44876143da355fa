import io
import json

import pytest
import zstandard

from curation.annotate.language import LANGUAGE, UNKNOWN, languages
from tests.annotate.batches import batch
from tests.shared_data import shared_path


def test_languages_of_plain_sentences():
    texts = ["This is a sentence\nin two lines.", "Dies ist ein deutscher Satz.", "これは日本語の文です。"]
    assert [name for name, _ in languages(texts)] == ["en", "de", "ja"]


@pytest.mark.parametrize("text", ["", "\n\n", "\x00", "123 + 4", "!!!", "\u200b", "\ufeff"])
def test_a_text_without_a_letter_is_unknown_not_english(text: str):
    assert languages([text]) == [(UNKNOWN, 0.0)]


def test_nul_separates_words_and_a_line_feed_does_too():
    assert languages(["one\x00two three"]) == languages(["one two three"]) == languages(["one\ntwo three"])


def test_scores_are_probabilities_even_where_the_model_rounds_up():
    (row,) = LANGUAGE.annotate(batch("это очень русский текст " * 50)).to_pylist()
    assert row["language"] == "ru"
    assert 0.9 < row["language_score"] <= 1


@pytest.mark.shared
def test_sentences_in_75_languages_are_told_apart_as_well_as_the_model_can():
    path = shared_path("data/langid/lingua_sentences.jsonl.zst")
    lines = io.TextIOWrapper(zstandard.open(path), encoding="utf-8")
    rows = [json.loads(line) for n, line in enumerate(lines) if n % 10 == 0]
    found = languages([row["text"] for row in rows])
    right = sum(name == row["lang"] for (name, _), row in zip(found, rows, strict=True))
    assert right / len(rows) > 0.75  # .787 was measured for this model by others
