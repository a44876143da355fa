"""The weights that ship are those that the card describes, and find real pages' text as they did."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from curation.ingest.block_model import WEIGHTS, load, shipped, store
from curation.ingest.extract import main_text, parsed, title_hashes
from curation.ingest.gold_pages import FOLDS, gold_pages
from curation.text.block_features import COLUMNS, NAMES, features
from curation.text.block_scores import MAX_LEAVES, kept, likelihoods, probabilities, slot
from curation.text.blocks import LINK_CHARS, LINKS
from tests.benchmarks.extract import FOLD_MODELS, MEASURED, score, snippets
from tests.shared_data import shared_path

HTML = (
    "<title>On shoes</title><nav><a href=/>Home</a></nav><article class=article-content><h1>On shoes</h1>"
    + "<p>Shoes are worn on feet, as everybody knows, and most people have two of them.</p>" * 5
    + "</article><div class=sidebar><ul><li><a href=/1>One of many more pages</a>"
    "<li><a href=/2>Another of many more pages</a></ul></div>"
)


def test_the_card_names_the_weights_that_ship() -> None:
    card = WEIGHTS.with_suffix(".md").read_text()
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() in card


def test_the_weights_fit_the_features() -> None:
    trees = shipped().trees
    assert len(NAMES) == COLUMNS == len(set(NAMES))
    assert 0 <= trees.feature.min() <= trees.feature.max() < COLUMNS
    assert trees.starts[0] == 0
    assert trees.starts[-1] == len(trees.feature) == len(trees.threshold) == len(trees.stays)
    leaves = np.diff(trees.starts) + 1
    assert leaves.max() <= MAX_LEAVES
    for tree, count in enumerate(leaves):  # every leaf can be reached, none beyond them
        reached = {int(slot(np.uint32(1 << leaf))) for leaf in range(count)}
        assert set(np.flatnonzero(trees.value[tree]).tolist()) <= reached


def test_trees_say_what_they_said_where_they_were_grown() -> None:
    sklearn = pytest.importorskip("sklearn.ensemble")
    from curation.ingest.train_blocks import _exported

    draw = np.random.default_rng(0)
    rows = draw.integers(0, 5, (500, 6)).astype(np.float32)
    model = sklearn.HistGradientBoostingClassifier(max_iter=20).fit(rows, rows[:, 0] + rows[:, 3] > 4)
    found = probabilities(rows, *_exported(model))
    np.testing.assert_allclose(found, model.predict_proba(rows)[:, 1], atol=1e-6)


def test_a_page_gets_the_same_scores_every_time_and_after_a_model_is_stored(tmp_path: Path) -> None:
    blocks, title = parsed(HTML)
    first = likelihoods(shipped(), blocks, title_hashes(title))
    np.savez(tmp_path / "weights.npz", **store(shipped(), "x_"))
    with np.load(tmp_path / "weights.npz") as file:
        stored = load(file, "x_")
    again = likelihoods(stored, parsed(HTML)[0], title_hashes(title))
    assert first.tolist() == again.tolist()
    assert 0 < stored.keep == shipped().keep < 1
    assert main_text(blocks, title, shipped(), "plain").count("Shoes are worn") == 5
    assert "Home" not in main_text(blocks, title, shipped(), "plain")


def test_features_say_what_their_names_do() -> None:
    blocks, title = parsed(HTML)
    model = shipped()
    made = features(blocks, title_hashes(title), model.words, model.hints)
    column = {name: made[:, NAMES.index(name)] for name in NAMES}
    assert made.shape == (9, COLUMNS)
    assert column["link_share"].tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 1]
    assert column["heading"].tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert column["in_title"][1] == 1
    assert column["repeated"].tolist() == [1, 1, 5, 5, 5, 5, 5, 1, 1]
    assert column["in_article"].tolist() == [0, 1, 1, 1, 1, 1, 1, 0, 0]
    assert column["heading@-1"].tolist() == [-1, 0, 1, 0, 0, 0, 0, 0, 0]
    assert column["parent_prose"][2] == 1
    assert column["hint_path"][8] < 0 < column["hint_path"][2]
    assert np.isfinite(made).all()


WORDS = "Shoes are worn on feet, as everybody knows. "
MENU = "".join(f"<li><a href=/{n}>Shoe number {n}</a>" for n in range(30))


def test_the_names_of_what_holds_the_whole_page_say_nothing_of_a_part() -> None:
    def page(body: str, main: str, side: str) -> str:
        return (
            f"<body class='{body}'><div class='{main}'>{f'<p>{WORDS * 6}</p>' * 9}</div>"
            f"<div class='{side}'>{MENU}</div>"
        )

    def path(html: str) -> tuple[float, float, float]:
        blocks, title = parsed(html)
        made = features(blocks, title_hashes(title), shipped().words, shipped().hints)
        wanted = "hint_path", "hint_worst", "in_comments"
        return tuple(float(made[0, NAMES.index(name)]) for name in wanted)  # type: ignore[return-value]

    plain = path(page("", "", ""))
    assert path(page("with-sidebar has-comments article", "footer comments", "menu")) == plain
    assert path(page("", "article-body", "menu"))[0] > plain[0]


def test_an_anchor_that_an_old_page_leaves_open_makes_no_link_of_the_text() -> None:
    blocks, _ = parsed(f"<p><a name=top>{WORDS}</p><p>{WORDS}</p><p><a href=/x>{WORDS}</a></p>")
    assert (blocks.rows[:, LINK_CHARS] > 0).tolist() == [False, False, True]
    assert blocks.rows[:, LINKS].tolist() == [0, 0, 1]


def test_what_a_style_hides_is_left_out_unless_hardly_anything_else_is_there() -> None:
    hidden = f"<div style='display:none'>{f'<p>Unseen. {WORDS * 3}</p>' * 4}</div>"
    seen = f"<article>{f'<p>{WORDS * 3}</p>' * 4}</article>"

    def keeps(html: str) -> str:
        blocks, title = parsed(html)
        return main_text(blocks, title, shipped(), "plain")

    assert "Unseen" not in keeps(seen + hidden)
    assert keeps(seen + hidden).count(WORDS.strip()) == 12
    assert "Unseen" in keeps(hidden)


def test_a_page_of_which_little_is_likely_keeps_its_likeliest() -> None:
    blocks, _ = parsed("<p>one two three</p><p>four five</p>")
    assert kept(np.array([0.2, 0.1]), blocks, 0.45).tolist() == [True, True]
    assert kept(np.array([0.2, 0.05]), blocks, 0.45).tolist() == [True, False]
    assert kept(np.zeros(2), blocks, 0.45).tolist() == [False, False]
    empty, _ = parsed("")
    assert kept(np.zeros(0), empty, 0.45).tolist() == []


@pytest.mark.shared
def test_the_text_of_real_pages_of_domains_not_trained_on_is_found() -> None:
    """Every fifth gold page; the figures of all are in docs/extraction.md."""
    pages = list(gold_pages(shared_path("data/crawl")))[::5]
    with np.load(FOLD_MODELS) as file:
        models = [load(file, f"{fold}_") for fold in range(FOLDS)]
    texts = []
    for one in pages:
        blocks, title = parsed(one.html)
        texts.append(main_text(blocks, title, models[one.fold], "plain"))
    f1 = [
        score(t, one.text).f1
        for t, one in zip(texts, pages, strict=True)
        if one.text and one.origin in MEASURED
    ]
    found, leaked = snippets(pages, texts)
    assert len(f1) > 100
    assert np.mean(f1) >= 0.93
    assert found >= 0.91
    assert leaked <= 0.11
