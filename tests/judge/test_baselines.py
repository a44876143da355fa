import pytest

from curation.judge.baselines import stop_word_ratio, terminal_line_ratio, word_count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A line.\nAnother\n\nA third!", 2 / 3),
        ("He said “so.”\n(And so.)  \n", 1.0),
        ("これは文です。", 1.0),
        ("", 0.0),
        (" \n\n", 0.0),
        ('"\n)', 0.0),
    ],
)
def test_lines_that_end_a_sentence(text, expected):
    assert terminal_line_ratio(text) == pytest.approx(expected)


def test_words_and_stop_words():
    assert word_count("To be, or not") == 4
    assert stop_word_ratio("To be, or not") == 0.5
    assert stop_word_ratio("!?") == 0.0
