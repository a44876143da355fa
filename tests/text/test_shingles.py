import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.text.shingles import shingle_hashes
from curation.text.words import fold, words_of

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too


def test_a_short_document_has_one_shingle_so_that_its_copies_are_found():
    assert len(shingle_hashes("Buy now", width=5)) == 1
    assert np.array_equal(shingle_hashes("Buy now", 5), shingle_hashes("BUY  now!", 5))
    assert not np.array_equal(shingle_hashes("Buy now", 5), shingle_hashes("Now buy", 5))


def test_a_document_without_words_has_no_shingle():
    for text in ("", "\x00", "\n\n", "!!! — ???"):
        found = shingle_hashes(text, 5)
        assert found.dtype == np.uint64
        assert found.shape == (0,)


def test_hashes_are_fixed_for_ever_because_caches_hold_them():
    assert [hex(h) for h in shingle_hashes("the quick brown fox jumps over", 5)] == PINNED


def test_hashes_do_not_depend_on_the_process():
    code = (
        "from curation.text.shingles import shingle_hashes as s; print(list(map(int, s('a b c d e f g', 3))))"
    )
    root = Path(__file__).parents[2]
    env = {"PYTHONHASHSEED": "7"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=env, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(list(map(int, shingle_hashes("a b c d e f g", 3))))


def test_case_composition_and_punctuation_do_not_make_documents_different():
    one = shingle_hashes("The caf\u00e9, by STRASSE nine.", 3)
    other = shingle_hashes("the cafe\u0301 by Straße \u2014 Nine", 3)
    assert np.array_equal(one, other)


def test_zero_words_is_refused():
    with pytest.raises(ValueError, match="0 words"):
        shingle_hashes("a b", 0)


@given(ANY_TEXT, st.integers(1, 12))
def test_shingles_are_exactly_the_distinct_word_n_grams(text: str, n: int):
    sequence = words_of(fold(text))
    grams = {tuple(sequence[i : i + n]) for i in range(max(len(sequence) - n + 1, min(len(sequence), 1)))}
    found = shingle_hashes(text, n)
    assert len(found) == len(grams)
    assert np.all(found[:-1] < found[1:])


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=3), st.integers(1, 3))
def test_jaccard_of_hashes_is_jaccard_of_n_grams(sequence: list[str], n: int):
    other = [*sequence[1:], "d"]

    def grams(s: list[str]) -> set[tuple[str, ...]]:
        return {tuple(s[i : i + n]) for i in range(len(s) - n + 1)}

    shared = np.intersect1d(shingle_hashes(" ".join(sequence), n), shingle_hashes(" ".join(other), n))
    assert len(shared) == len(grams(sequence) & grams(other))


PINNED = ["0xbe1894a34a1d0f64", "0xeaa2ad36fab1eced"]
