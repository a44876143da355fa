from curation.annotate.length import LENGTH
from tests.annotate.batches import batch


def test_bytes_are_of_utf8_and_chars_are_code_points():
    assert LENGTH.annotate(batch("", "abc", "é漢😀", "\x00\n")).to_pylist() == [
        {"text_bytes": 0, "text_chars": 0},
        {"text_bytes": 3, "text_chars": 3},
        {"text_bytes": 9, "text_chars": 3},
        {"text_bytes": 2, "text_chars": 2},
    ]


def test_a_slice_of_a_batch_is_measured_from_where_it_starts():
    assert LENGTH.annotate(batch("abc", "é").slice(1)).to_pylist() == [{"text_bytes": 2, "text_chars": 1}]
