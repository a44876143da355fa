import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from curation.annotate import language
from curation.annotate.language import LANGUAGE, SAMPLE_BYTES, UNKNOWN, languages
from tests.annotate.batches import batch
from tests.shared_data import shared_path

# A paragraph each of the Universal Declaration of Human Rights, which is in the public domain.
DECLARATION = [
    json.loads(line) for line in Path(__file__).with_name("declaration.jsonl").read_text("utf-8").splitlines()
]
STRANGE = {"ff-Adlm", "ii", "tzm-Tfng"}  # the model is sure enough of Kannada, Polish and Russian here
ENGLISH = "Everyone has the right to life, liberty and security of person, and to own property.\n"
GERMAN = "Jeder hat das Recht auf Leben, Freiheit und Sicherheit der Person, und auf Eigentum.\n"


def named(*texts: str) -> list[str]:
    return [row["language"] for row in LANGUAGE.annotate(batch(*texts)).to_pylist()]


@pytest.mark.parametrize("row", DECLARATION, ids=[row["language"] for row in DECLARATION])
def test_a_paragraph_is_in_its_language_or_in_one_that_the_model_does_not_know(row: dict[str, str]):
    assert named(row["text"]) == [row["expected"]]


def test_a_script_that_the_model_has_not_learnt_is_unknown_however_sure_the_model_is():
    texts = [row["text"] for row in DECLARATION if row["language"] in STRANGE]
    assert len(texts) == len(STRANGE)
    assert all(name == UNKNOWN and score >= language.LEAST_SCORE for name, score in languages(texts))


def test_some_words_in_a_strange_script_leave_a_text_its_language():
    (cherokee,) = (row["text"] for row in DECLARATION if row["language"] == "chr")
    assert named(f"{ENGLISH * 3}In Cherokee: {cherokee}") == ["en"]


def test_the_score_is_the_models_of_its_best_answer_where_the_language_is_unknown_too():
    (row,) = LANGUAGE.annotate(batch("Abantu bonke bazalwa bekhululekile.")).to_pylist()
    assert row["language"] == UNKNOWN
    assert 0 < row["language_score"] < language.LEAST_SCORE


@pytest.mark.parametrize("text", ["", "\n\n", "\x00", "123 + 4", "!!!", "\u200b", "\ufeff"])
def test_a_text_without_a_letter_is_unknown_not_english(text: str):
    assert languages([text]) == [(UNKNOWN, 0.0)]


def test_nul_separates_words_and_a_line_feed_does_too():
    assert languages(["one\x00two three"]) == languages(["one two three"]) == languages(["one\ntwo three"])


def test_scores_are_probabilities_even_where_the_model_rounds_up():
    (row,) = LANGUAGE.annotate(batch("это очень русский текст " * 50)).to_pylist()
    assert row["language"] == "ru"
    assert 0.9 < row["language_score"] <= 1


def test_a_long_text_under_an_english_licence_is_in_the_language_of_most_of_it():
    licence = ENGLISH * (2 * SAMPLE_BYTES // len(ENGLISH))
    assert named(licence + 5 * GERMAN * (2 * SAMPLE_BYTES // len(GERMAN))) == ["de"]


def test_of_a_long_text_a_bounded_part_is_judged_from_its_first_byte_to_its_last():
    text = "a" * SAMPLE_BYTES + "м" * 10 * SAMPLE_BYTES + "z"
    judged = language.sample(memoryview(text.encode()))
    assert judged[0] == "a"
    assert judged[-1] == "z"
    assert len(judged.encode()) <= SAMPLE_BYTES + language.PIECES


@pytest.mark.parametrize("shift", range(4))
def test_no_character_is_cut_where_a_piece_ends(shift: int):
    text = "a" * shift + "𐐀" * SAMPLE_BYTES
    assert set(language.sample(memoryview(text.encode()))) <= {"a", "𐐀", " "}


def test_rows_keep_their_order_whatever_is_between_them():
    texts = [ENGLISH, "", GERMAN, "12", "これは日本語の文です。"]
    assert named(*texts) == ["en", UNKNOWN, "de", UNKNOWN, "ja"]
    assert LANGUAGE.annotate(batch(*texts).slice(2)).to_pylist()[0]["language"] == "de"


def test_an_empty_batch_has_no_rows():
    assert LANGUAGE.annotate(batch()).num_rows == 0


@pytest.mark.shared
def test_sentences_in_75_languages_are_told_apart_as_well_as_the_model_can():
    rows = [row for n, row in enumerate(_rows("lingua_sentences")) if n % 10 == 0]
    known = [row for row in rows if row["lang"] not in {"lg", "mi", "sn", "st", "tn", "ts", "xh", "zu"}]
    right = sum(
        name == {"nb": "no"}.get(row["lang"], row["lang"])
        for name, row in zip(named(*(row["text"] for row in known)), known, strict=True)
    )
    assert right / len(known) > 0.85  # measured on all: .892 by the model, .872 with what is unknown


@pytest.mark.shared
def test_most_sentences_in_languages_that_the_model_lacks_are_unknown():
    lacking = {"lg", "mi", "sn", "st", "tn", "ts", "xh", "zu"}
    found = named(*(row["text"] for row in _rows("lingua_sentences") if row["lang"] in lacking))
    assert found.count(UNKNOWN) / len(found) > 0.8  # measured: .845


def _rows(name: str) -> Iterator[dict[str, str]]:
    with zstandard.open(shared_path(f"data/langid/{name}.jsonl.zst")) as stream:
        yield from map(json.loads, io.TextIOWrapper(stream, encoding="utf-8"))
