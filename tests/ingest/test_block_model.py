"""The weights that ship are those that the card describes, and find real pages' text as they did."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from curation.ingest.block_model import WEIGHTS, load, shipped, store
from curation.ingest.extract import main_text, parsed, title_hashes
from curation.ingest.gold_pages import FOLDS, gold_pages
from curation.text.block_features import COLUMNS, NAMES, features
from curation.text.block_scores import probabilities, scores
from tests.benchmarks.extract import FOLD_MODELS, MEASURED, score, snippets
from tests.shared_data import shared_path

HTML = (
    "<title>On shoes</title><nav><a href=/>Home</a></nav><article class=article-content><h1>On shoes</h1>"
    + "<p>Shoes are worn on feet, as everybody knows, and most people have two of them.</p>" * 5
    + "</article><div class=sidebar><ul><li><a href=/1>One</a><li><a href=/2>Two</a></ul></div>"
)


def test_the_card_names_the_weights_that_ship() -> None:
    card = WEIGHTS.with_suffix(".md").read_text()
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() in card


def test_the_weights_fit_the_features() -> None:
    trees = shipped().trees
    assert len(NAMES) == COLUMNS == len(set(NAMES))
    assert -1 <= trees.feature.min() <= trees.feature.max() < COLUMNS
    inner = trees.feature >= 0
    children = np.concatenate((trees.left[inner], trees.right[inner]))
    parents = np.concatenate((np.flatnonzero(inner), np.flatnonzero(inner)))
    assert (children > parents).all()  # no walk down a tree goes on for ever


def test_trees_are_walked_as_they_were_grown() -> None:
    sklearn = pytest.importorskip("sklearn.ensemble")
    from curation.ingest.train_blocks import _exported

    draw = np.random.default_rng(0)
    rows = draw.integers(0, 5, (500, 6)).astype(np.float32)
    model = sklearn.HistGradientBoostingClassifier(max_iter=20).fit(rows, rows[:, 0] + rows[:, 3] > 4)
    found = probabilities(rows, *_exported(model))
    np.testing.assert_allclose(found, model.predict_proba(rows)[:, 1], atol=1e-6)


def test_a_page_gets_the_same_scores_every_time_and_after_a_model_is_stored(tmp_path: Path) -> None:
    blocks, title = parsed(HTML)
    first = scores(shipped(), blocks, title_hashes(title), 0.45)
    np.savez(tmp_path / "weights.npz", **store(shipped(), "x_"))
    with np.load(tmp_path / "weights.npz") as file:
        again = scores(load(file, "x_"), *(parsed(HTML)[0], title_hashes(title)), 0.45)
    assert first.tolist() == again.tolist()
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
