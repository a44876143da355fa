"""What is read through a window is the stream, however it is cut."""

from hypothesis import given
from hypothesis import strategies as st

from curation.ingest.window import Window


@given(st.lists(st.binary()), st.integers(1, 9))
def test_lines_put_together_are_the_stream(parts: list[bytes], limit: int) -> None:
    window, lines = Window(parts), []
    while line := window.take_line(limit):
        assert len(line) <= limit
        assert b"\n" not in line[:-1]
        assert line.endswith(b"\n") or len(line) == limit or not window.peek(1)
        lines.append(line)
    assert b"".join(lines) == b"".join(parts)
    assert window.position == len(b"".join(parts))


@given(st.lists(st.binary()), st.binary(min_size=1, max_size=3))
def test_a_pattern_is_found_where_it_first_stands(parts: list[bytes], pattern: bytes) -> None:
    window, data = Window(parts), b"".join(parts)
    assert window.skip_to(pattern) == (pattern in data)
    assert window.position == (data.index(pattern) if pattern in data else len(data))


def test_a_pattern_across_two_chunks_is_found_in_a_long_stream() -> None:
    window = Window([b"x" * 65_535 + b"A", b"BC" + b"x" * 100_000, b"ABC"])
    assert window.skip_to(b"ABC")
    assert window.position == 65_535


@given(st.binary(), st.integers(0, 20))
def test_what_is_given_back_is_taken_again(data: bytes, count: int) -> None:
    window = Window([data])
    taken = window.take(count)
    window.give_back(taken)
    assert (window.position, window.take(len(data))) == (0, data)
