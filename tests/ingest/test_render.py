"""The structure of a page survives: headings, lists, quotations, code and tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.ingest.extract import page, parsed
from curation.ingest.render import Format, render
from curation.recipe import Extract


def written(html: str, form: Format) -> str:
    """All of a page, with nothing left out."""
    blocks, _ = parsed(html)
    return render(blocks, range(len(blocks.rows)), form)


def test_headings_have_their_level_in_markdown_and_are_plain_paragraphs_otherwise() -> None:
    html = "<h1>Shoes</h1><p>One.</p><h3>Left <em>and</em><br>right</h3><p>Two.</p>"
    assert written(html, "markdown") == "# Shoes\n\nOne.\n\n### Left and right\n\nTwo."
    assert written(html, "plain") == "Shoes\n\nOne.\n\nLeft and\nright\n\nTwo."


def test_lists_keep_marks_numbers_and_depth() -> None:
    html = "<p>a</p><ul><li>one<ol><li>A<li>B<p>more of B</ol><li>two</ul><ol><li>x<li>y</ol><p>z</p>"
    assert written(html, "markdown") == (
        "a\n\n- one\n    1. A\n    2. B\n       more of B\n- two\n1. x\n2. y\n\nz"
    )
    assert written("<dl><dt>shoe<dd>worn on a foot</dl>", "plain") == "shoe\nworn on a foot"


def test_code_keeps_its_lines_and_indentation_behind_a_fence_that_it_cannot_close() -> None:
    html = "<p>Run:</p><pre>\n  if a &lt; b:\n\t```\n\n    run()  \n</pre><p>Done.</p>"
    code = "  if a < b:\n\t```\n\n    run()"
    assert written(html, "markdown") == f"Run:\n\n````\n{code}\n````\n\nDone."
    assert written(html, "plain") == f"Run:\n\n{code}\n\nDone."


def test_lines_of_code_in_elements_of_their_own_are_one_piece_of_code() -> None:
    html = "<pre><div>a = 1</div><div>  b = 2</div></pre>"
    assert written(html, "markdown") == "```\na = 1\n  b = 2\n```"


def test_quotations_are_marked_as_deep_as_they_are() -> None:
    html = "<blockquote><p>One<br>line.</p><blockquote>Deep.</blockquote></blockquote><p>Out.</p>"
    assert written(html, "markdown") == "> One\n> line.\n\n> > Deep.\n\nOut."


def test_a_table_of_data_keeps_its_cells_in_their_columns() -> None:
    html = (
        "<table><tr><th>Shoe<th>Size<th>Note</tr><tr><td>left<td><td>a|b</tr><tr><td>right<td>43</tr></table>"
    )
    assert written(html, "markdown") == (
        "| Shoe | Size | Note |\n| --- | --- | --- |\n| left |  | a\\|b |\n| right | 43 |  |"
    )
    assert written(html, "plain") == "Shoe\tSize\tNote\nleft\t\ta|b\nright\t43"


def test_a_table_that_lays_out_a_page_is_written_as_paragraphs() -> None:
    html = f"<table><tr><td>menu<td><p>{'Long text. ' * 30}</p><p>More.</p></tr></table>"
    assert "|" not in written(html, "markdown")
    assert written(html, "markdown").split("\n\n")[0] == "menu"


def test_one_long_row_does_not_widen_thousands_of_short_ones() -> None:
    long, short = "<td>x" * 5_000, "<tr><td>y<td>z" * 5_000
    text = written(f"<table><tr>{long}{short}</table>", "markdown")
    assert len(text) < 100_000
    assert (text.count("x"), text.count("y"), text.count("z")) == (5_000, 5_000, 5_000)


def test_two_line_breaks_part_paragraphs_and_one_parts_lines() -> None:
    assert written("one<br>two<br>\n<br>three", "plain") == "one\ntwo\n\nthree"


def test_references_are_read_and_white_space_is_made_one_space() -> None:
    html = "<p>a&nbsp;&amp;&lt;b&gt; &quot;c&#x27;\u200bd \n\t e&ouml;&unknown;</p>"
    assert written(html, "plain") == "a &<b> \"c'd eö&unknown;"


@pytest.mark.parametrize(
    "hidden",
    [f"<{name}>x</{name}>" for name in ("script", "style", "template", "textarea", "button", "noscript")]
    + ["<!-- x -->", "<svg><text>x</text></svg>", "<select><option>x</select>"],
)
def test_what_is_no_text_is_not_in_it(hidden: str) -> None:
    assert written(f"<p>a</p>{hidden}<p>b</p>", "plain") == "a\n\nb"


def test_a_script_that_writes_markup_does_not_swallow_the_page() -> None:
    html = "<p>a</p><script>if (a<b) s='</p><!-- ';</script><p>b</p>"
    assert "b" in written(html, "plain")
    assert written('<p title="a > b" data-x=\'"\'>c</p>', "plain") == "c"


@given(st.text(alphabet=st.sampled_from("<>/=\"'-!&; \nabp日é"), max_size=60))
def test_any_markup_is_read_without_an_error(html: str) -> None:
    for form in ("plain", "markdown"):
        text = page(f"<body>{html}", Extract(main_content=False, format=form)).text
        text.encode()
