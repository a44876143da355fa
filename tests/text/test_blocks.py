"""A page falls into the blocks that a browser would show, and their counts are right in any script."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.text import blocks as b
from curation.text.blocks import Blocks, blocks
from curation.text.markup import HIDDEN_BIT, MASK, MASKED, Page, hash_of


def texts(made: Blocks) -> list[str]:
    return [made.block(number) for number in range(len(made.rows))]


def test_blocks_end_where_the_line_does_and_not_at_inline_tags() -> None:
    made = blocks(b"<div>One <b>w</b>ord<p>two</p>three<span> four</span></div>")
    assert texts(made) == ["One word", "two", "three four"]


def test_counts_are_of_characters_and_words_not_of_bytes() -> None:
    made = blocks("<p>Über <a href=x>café</a>, 12 Straßen!</p>".encode())
    row = made.rows[0]
    assert row[b.CHARS] == len("Übercafé,12Straßen!")
    assert row[b.WORDS] == 4
    assert row[b.LINK_CHARS] == 4
    assert (row[b.LINKS], row[b.DIGITS], row[b.CAPITALS], row[b.COMMAS], row[b.STOPS]) == (1, 2, 2, 1, 1)
    assert made.word_hashes.tolist() == [hash_of(w) for w in ("über", "café", "12", "straßen")]


def test_scripts_without_spaces_are_counted_by_their_characters() -> None:
    row = blocks("<p>東京は日本の首都です。</p>".encode()).rows[0]
    assert row[b.CJK] == 10
    assert row[b.STOPS] == 1


@pytest.mark.parametrize(
    "text", ["Привет, мир.", "Γειά σου Κόσμε", "مرحبا بالعالم", "नमस्ते दुनिया", "안녕 세상"]
)
def test_text_of_other_scripts_comes_through_as_it_is(text: str) -> None:
    assert texts(blocks(f"<p>{text}</p>".encode())) == [text]


def test_what_cannot_be_seen_is_left_out_and_does_not_part_words_from_their_block() -> None:
    assert texts(blocks("<p>a\u200bb\u00adc\ufeff \u202ed</p>".encode())) == ["abc d"]


def test_an_element_knows_what_it_is_in_and_whether_it_is_hidden() -> None:
    made = blocks(b'<nav><ul><li style="color:red;Display : none">x</li></ul></nav><p>y</p>')
    first, second = (made.page.elements[row[b.ELEMENT]] for row in made.rows)
    inside = {name for bit, name in enumerate(MASKED) if first[MASK] >> bit & 1}
    assert inside == {"nav", "ul", "li"}
    assert first[MASK] >> HIDDEN_BIT & 1
    assert not second[MASK] >> HIDDEN_BIT & 1


def test_the_words_of_classes_and_ids_are_parted_at_hyphens_and_capitals() -> None:
    page: Page = blocks(b'<div class="post-bodyMain ad2 xy side3" id="HTMLText">x</div>').page
    assert page.hint_hashes.tolist() == [hash_of(w) for w in ("post", "body", "main", "side", "htmltext")]


@pytest.mark.parametrize(
    "html", [b"", b"<", b"<p", b"<!--", b"</", b'<p title="', b"&", b"&amp", b"\xe6\x97", b"<script>"]
)
def test_markup_that_ends_in_the_middle_is_read_to_its_end(html: bytes) -> None:
    assert len(blocks(html).rows) <= 1


@pytest.mark.parametrize(
    "script",
    [
        "<script>a</script>",
        "<script><!-- document.write('<script>x</script>') --></script>",
        "<script><!-- a --> '<!' </script>",
        "<SCRIPT>if (a</b) '</scrip>'</SCRIPT>",
        "<style>a > b {}</style><iframe><p>x</p></iframe>",
    ],
)
def test_a_script_ends_where_browsers_end_it(script: str) -> None:
    assert texts(blocks(f"<p>a</p>{script}<p>b</p>".encode())) == ["a", "b"]


@given(st.binary(max_size=80))
def test_any_bytes_are_read_within_bounds(html: bytes) -> None:
    made = blocks(html)
    assert all(0 <= row[b.START] < row[b.END] <= made.text.size for row in made.rows)


@given(
    st.lists(
        st.sampled_from(["<p>", "</p>", "<br>", "<pre>", "</pre>", " ", "\n", "a", "B.", "é", "<a>", "</a>"])
    )
)
def test_every_character_that_shows_is_in_one_block_in_order(parts: list[str]) -> None:
    html = "".join(parts)
    shown = "".join(part for part in parts if part in ("a", "B.", "é"))
    made = blocks(html.encode())
    assert "".join("".join(text.split()) for text in texts(made)) == shown
    assert made.rows[:, b.CHARS].sum() == len(shown)


@pytest.mark.parametrize(
    "unit", ["<p>x", "<b>x", "<div><div>x</div>", "<!--", "<a href='", "<script>", "&am", "x "]
)
def test_time_grows_as_the_page_does(unit: str) -> None:
    """Ten times the page takes about ten times as long; what grew with the square would take a hundred."""

    def seconds(html: bytes) -> float:
        started = time.process_time()
        blocks(html)
        return time.process_time() - started

    short, long = (min(seconds((unit * times).encode()) for _ in range(3)) for times in (20_000, 200_000))
    assert long < 40 * max(short, 0.003)
