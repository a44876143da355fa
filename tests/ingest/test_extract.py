"""What a page says, without what surrounds it; and no page takes the process down."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from resiliparse.parse.html import HTMLTree

from curation.ingest.extract import page
from curation.ingest.limits import MAX_DEPTH, MAX_TAGS, check
from curation.ingest.outcome import UnreadableError
from curation.recipe import Extract
from curation.text import nesting


def depth(html: str) -> int:
    """The most tags that are open at a time."""
    return int(nesting.deepest(np.frombuffer(html.encode("utf-8", "replace"), np.uint8))[0])


ARTICLE = (
    "<html><head><title> On \n shoes </title><style>p {}</style></head><body>"
    "<nav><ul><li><a href='/'>Home</a></li></ul></nav>"
    "<main><article><p>Shoes are worn on feet.</p><p>Most people have two.</p></article></main>"
    "<script>track()</script><footer>Imprint</footer></body></html>"
)


@pytest.mark.parametrize("extractor", ["blocks", "resiliparse"])
def test_the_main_content_is_kept_in_paragraphs_and_the_rest_left_out(extractor: Any) -> None:
    made = page(ARTICLE, Extract(extractor=extractor))
    assert made == ("Shoes are worn on feet.\n\nMost people have two.", "On shoes", False)


@pytest.mark.parametrize("extractor", ["blocks", "resiliparse"])
def test_without_main_content_navigation_stays_but_no_script_does(extractor: Any) -> None:
    text = page(ARTICLE, Extract(main_content=False, extractor=extractor)).text
    assert "Home" in text
    assert "Imprint" in text
    assert "track" not in text


def test_a_page_without_main_content_gives_its_whole_text_rather_than_none() -> None:
    html = "<html><body><nav><p>Everything is in the navigation.</p></nav></body></html>"
    assert page(html, Extract()).text == "Everything is in the navigation."
    made = page(html, Extract(extractor="resiliparse"))
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
        check("".join(unit.format(n) for n in range(100_000)).encode())
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("unit", ["<p>x", "<li>x", "<div>x</div>", "<br>"])
def test_a_long_but_flat_page_is_extracted(unit: str) -> None:
    assert depth(unit * 50_000) <= 1
    check(f"<main>{unit * 50_000}</main>".encode())
    page(f"<main>{unit * 50_000}</main>", Extract())


@pytest.mark.parametrize("unit", ["<p>x", "<b>x</b>", "<tr><td>x"])
def test_a_page_of_too_many_tags_is_refused_at_once(unit: str) -> None:
    with pytest.raises(UnreadableError, match="too_many_tags"):
        check(unit.encode() * (MAX_TAGS + 1))


@pytest.mark.parametrize("unit", ["<p>x", "<li>x. y, z", "<b>x</b> ", "<a href=x>y</a><br>"])
def test_a_page_of_nearly_too_many_tags_takes_seconds(unit: str) -> None:
    started = time.monotonic()
    page(unit * (MAX_TAGS // unit.count("<") - 1), Extract())
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "html",
    [
        "",
        " ",
        "\0",
        "plain text",
        "<frameset><frame src=x></frameset>",
        "<html><head><title>t</title>",
        "<p>",
    ],
)
def test_an_odd_page_gives_what_text_it_has(html: str) -> None:
    for form in ("plain", "markdown"):
        made = page(html, Extract(format=form))
        assert made.text.strip("\ufffd") == ("plain text" if "plain" in html else "")


def test_a_page_in_any_script_keeps_its_article_and_leaves_its_menu() -> None:
    sentences = {
        "ru": "Сегодня в городе открылась новая библиотека, и жители пришли посмотреть на неё. ",
        "ja": "今日、町に新しい図書館が開館し、住民が見に来ました。本はたくさんあります。",
        "ar": "افتتحت اليوم مكتبة جديدة في المدينة، وجاء السكان لرؤيتها. الكتب كثيرة. ",
        "el": "Σήμερα άνοιξε στην πόλη μια νέα βιβλιοθήκη, και οι κάτοικοι ήρθαν να τη δουν. ",
        "hi": "आज शहर में एक नया पुस्तकालय खुला, और निवासी उसे देखने आए। किताबें बहुत हैं। ",
    }
    for sentence in sentences.values():
        menu = "".join(f"<li><a href=/{n}>{sentence.split()[0][:6]}{n}</a></li>" for n in range(12))
        html = (
            f"<body><nav><ul>{menu}</ul></nav><article>" + f"<p>{sentence * 4}</p>" * 6 + "</article>"
            f"<footer><ul>{menu}</ul></footer>"
        )
        text = page(html, Extract()).text
        assert text.count(sentence.strip()) == 24
        assert "11" not in text


def test_trafilatura_is_an_option_and_no_page_depends_on_those_before() -> None:
    html = f"<html><body><article>{'<p>Shoes are worn on feet, which come in twos.</p>' * 9}</article>"
    settings = Extract(extractor="trafilatura")
    first = page(html, settings).text
    assert "Shoes are worn" in first
    assert all(page(html, settings).text == first for _ in range(4))


@pytest.mark.parametrize(
    "settings",
    [{"extractor": "resiliparse", "format": "markdown"}, {"extractor": "trafilatura", "main_content": False}],
)
def test_what_an_extractor_cannot_do_is_an_error_of_the_recipe(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="extractor: blocks"):
        Extract(**settings)


N = MAX_DEPTH + 1


@pytest.mark.parametrize(
    "html",
    [
        "<svg>" + "<path d='M0'/>" * N + "</svg>",
        "<script>for (;i<n;)" + "i<n;" * N + "</script>",
        '<script type="application/json">' + '"<div>",' * N + "</script>",
        "<style>/*" + "<div>" * N + "*/</style>",
        "<!--" + "<div>" * N + "-->",
        "<p title='" + "<div>" * N + "'>x</p>",
        *("<main>" + unit * N for unit in ("<a name=x>y", "<h3>y", "<button>y</main>", "<svg/>")),
    ],
)
def test_a_flat_page_with_much_that_looks_like_open_tags_is_read(html: str) -> None:
    check(html.encode())
    assert depth(html) < 5


PIECES = [
    "<!--",
    "--",
    ">",
    "!>",
    "<!",
    "<script>",
    "</script>",
    "<style/>",
    "</style>",
    "<svg>",
    "<svg/>",
    "</svg>",
]
PIECES += [
    "<p a=",
    "'",
    '"',
    "=",
    "/",
    " ",
    "<p>",
    "<div/>",
    "<foreignobject>",
    "</",
    "<",
    "x",
    "<title>",
    "</title>",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_no_markup_hides_the_open_tags_after_it(pieces: list[str]) -> None:
    html = "".join(pieces) + "<x>" * 20
    if HTMLTree.parse(html).document.query_selector("x " * 20):
        assert depth(html) >= 20
