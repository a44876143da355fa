"""Scores straight from bytes are fastText's own."""

import fasttext
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.judge.classifier.fasttext_head import GOOD, FastText, line_of
from curation.text import bag
from curation.text.words import fold, words_of

WORDS = (
    *("the", "cat", "Straße", "naïve", "don’t", "3.14", "中文", "ไทย", "İstanbul", "ﬁne", "e\u0301tude"),
    *("x", "\u200dy", "___", "!?", "\ud7b0", "カタカナ"),
)
texts = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=8)), max_size=40).map(" ".join)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    made = [" ".join(WORDS[n % 5 : n % 11 + 3]) for n in range(60)]
    path = tmp_path_factory.mktemp("model") / "model.bin"
    FastText().train(made, ["cat" in text for text in made], path)
    return fasttext.load_model(str(path)), FastText().open(path)


def of_fasttext(model, texts):
    labels, values = model.predict([line_of(text) for text in texts], k=2)
    by_label = [dict(zip(*pair, strict=True)) for pair in zip(labels, values, strict=True)]
    return np.array([found[GOOD] - 1e-5 for found in by_label])  # it adds that before it takes a logarithm


@given(st.lists(texts.filter(lambda text: words_of(fold(text))), min_size=1, max_size=8))
def test_scores_are_those_of_fasttext(model, made):
    theirs, ours = model
    assert ours(pa.array(made)) == pytest.approx(of_fasttext(theirs, made), abs=1e-5)


def test_a_text_longer_than_what_is_read_is_cut_between_characters(model):
    theirs, ours = model
    made = ["the cat " * 1400 + "中文 naïve " * n for n in range(90, 100)]
    assert all(len(text.encode()) > 12_000 for text in made)
    assert ours(pa.array(made)) == pytest.approx(of_fasttext(theirs, made), abs=1e-5)


@given(st.text(), st.integers(0, 20))
def test_the_head_of_a_text_is_what_fits(text, limit):
    text = text.encode("utf-8", "ignore").decode()
    found = bag.head(text, limit)
    assert text.startswith(found)
    assert len(found.encode()) <= limit
    rest = text[len(found) :]
    assert not rest or len((found + rest[0]).encode()) > limit


def test_slices_and_nulls_of_a_column_are_read_as_they_are(model):
    _, ours = model
    column = pa.array(["the cat", None, "x", "naïve 中文"])
    every = ours(column.fill_null(""))
    assert ours(column[1:]).tolist() == every[1:].tolist()
    assert every[1] == 0.0
    assert len(ours(column[:0])) == 0
