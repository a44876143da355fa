"""What a page says, without what surrounds it; and no page takes the process down."""

import time

import pytest

from curation.ingest.extract import MAX_DEPTH, depth, page
from curation.ingest.outcome import UnreadableError
from curation.recipe import Extract

ARTICLE = (
    "<html><head><title> On \n shoes </title><style>p {}</style></head><body>"
    "<nav><ul><li><a href='/'>Home</a></li></ul></nav>"
    "<main><article><p>Shoes are worn on feet.</p><p>Most people have two.</p></article></main>"
    "<script>track()</script><footer>Imprint</footer></body></html>"
)


def test_the_main_content_is_kept_in_paragraphs_and_the_rest_left_out() -> None:
    made = page(ARTICLE, Extract())
    assert made == ("Shoes are worn on feet.\n\nMost people have two.", "On shoes", False)


def test_without_main_content_navigation_stays_but_no_script_does() -> None:
    text = page(ARTICLE, Extract(main_content=False)).text
    assert "Home" in text
    assert "Imprint" in text
    assert "track" not in text


def test_a_page_without_main_content_gives_its_whole_text_rather_than_none() -> None:
    made = page("<html><body><nav><p>Everything is in the navigation.</p></nav></body></html>", Extract())
    assert made.text == "Everything is in the navigation."
    assert made.whole


def test_tags_are_counted_as_deep_as_they_nest() -> None:
    many = "<div></div>" * 2 * MAX_DEPTH + "<p>" * 2 * MAX_DEPTH + "<br><img/><li>" * MAX_DEPTH
    assert depth(many) == 1
    assert depth("<div></p>" * 3_000) == 3_000
    assert depth("<DIV\n>" * 3_000 + "</div>" * 3_000) == 3_000


@pytest.mark.parametrize(
    "unit", ["<div>", "<b>", "<x-y>", "<div></p>", "<font color={}><p>x", "<table><tr><td>"]
)
def test_a_page_too_deep_to_extract_is_refused_at_once(unit: str) -> None:
    started = time.monotonic()
    with pytest.raises(UnreadableError, match="nested_too_deep"):
        page("".join(unit.format(n) for n in range(100_000)), Extract())
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("unit", ["<p>x", "<li>x", "<div>x</div>", "<br>"])
def test_a_long_but_flat_page_is_extracted(unit: str) -> None:
    assert depth(unit * 50_000) <= 1
    page(f"<main>{unit * 50_000}</main>", Extract())
