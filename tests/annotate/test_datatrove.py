import importlib.util
import json
import socket
from typing import Any

import pytest

from curation.annotate.datatrove import check, datatrove_filter
from curation.annotator import Annotator
from curation.errors import RecipeError
from curation.recipe import DatatroveFilter
from tests.annotate.batches import batch

pytestmark = pytest.mark.filterwarnings("ignore:The 'registered_domain' property")

PROSE = (
    "The old house that we have seen stands by the river, and people come to it with their children.\n" * 9
)


def annotator(name: str, **settings: Any) -> Annotator:
    asked = DatatroveFilter(filter=name, column="verdict", settings=settings)
    check(asked)
    return datatrove_filter(asked)


def verdicts(found: Annotator, *texts: str, **columns: Any) -> list[str]:
    return found.annotate(batch(*texts, **columns)).column("verdict").to_pylist()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a filter reached for the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_a_kept_document_has_no_reason_and_a_dropped_one_has_datatroves():
    found = annotator("GopherQualityFilter", min_doc_words=20)
    assert verdicts(found, PROSE, "Too short.", "") == ["", "gopher_short_doc", "gopher_short_doc"]


def test_a_filter_that_gives_no_reason_is_named_by_its_class():
    assert verdicts(annotator("RegexFilter", regex_exp="secret"), "a secret", "open") == ["RegexFilter", ""]


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GopherRepetitionFilter", ["dup_line_frac", "empty"]),
        ("C4QualityFilter", ["", "too_few_sentences"]),
        ("C4ParagraphFilter", ["< 3 paragraphs", "< 3 paragraphs"]),
        ("FineWebQualityFilter", ["char_dup_ratio", "empty"]),
        ("LanguageFilter", ["", "LanguageFilter"]),
    ],
)
def test_filters_run_offline(name: str, expected: list[str]):
    assert verdicts(annotator(name), PROSE, "") == expected


@pytest.mark.usefixtures("no_network")
def test_the_url_filter_runs_offline_and_sees_the_url():
    pytest.importorskip("ahocorasick")
    pytest.importorskip("fasteners")
    found = annotator(
        "URLFilter", use_integrated_lists=False, extra_domains=["bad.co.uk"], banned_words=["casino"]
    )
    assert verdicts(found, PROSE, url="https://www.bad.co.uk/x") == ["domain"]
    assert verdicts(found, PROSE, url="https://good.co.uk/casino") == ["hard_blacklisted"]
    assert verdicts(found, PROSE, url="https://good.co.uk/") == [""]


def test_a_document_on_which_a_filter_fails_is_dropped_with_a_reason_and_the_rest_go_on():
    pytest.importorskip("ahocorasick")
    found = annotator("URLFilter", use_integrated_lists=False)
    assert verdicts(found, "no url") == ["failed_AssertionError"]
    assert verdicts(found, "a url", url="https://good.org/") == [""]


def test_metadata_of_the_document_reaches_the_filter():
    found = annotator("C4BadWordsFilter", fail_on_missing_language=False)
    assert verdicts(found, PROSE, metadata=json.dumps({"language": "xx"})) == [""]


def test_a_fasttext_model_is_read_though_the_distribution_has_another_name(tmp_path, monkeypatch):
    pytest.importorskip("fasteners")
    import fasttext

    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "train").write_text("__label__sea ship wave\n__label__land tree hill\n" * 50)
    model = fasttext.train_supervised(str(tmp_path / "train"), epoch=25, lr=1.0, dim=8, thread=1, verbose=0)
    model.save_model(str(tmp_path / "model.bin"))
    path = str(tmp_path / "model.bin")

    found = annotator("FastTextClassifierFilter", model_url=path, keep_labels=[["sea", 0.5]])
    assert verdicts(found, "ship wave", "tree hill") == ["", "FastTextClassifierFilter"]
    with pytest.raises(RecipeError, match="Label 'air'"):
        verdicts(annotator("FastTextClassifierFilter", model_url=path, keep_labels=[["air", 0.5]]), "ship")


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("FinewebQuality", {}, "no filter 'FinewebQuality'; the nearest is 'FineWebQualityFilter'"),
        ("LambdaFilter", {}, "takes a function"),
        ("GopherQualityFilter", {"min_words": 5}, "no setting 'min_words'; the nearest is 'min_doc_words'"),
        ("GopherQualityFilter", {"min_doc_words": "fifty"}, "min_doc_words: 'fifty' should be int or null"),
        ("GopherQualityFilter", {"exclusion_writer": None}, "no setting 'exclusion_writer'"),
        ("SamplerFilter", {"rate": True}, "rate: True should be float or null"),
        ("RegexFilter", {}, "needs the setting 'regex_exp'"),
        ("RegexFilter", {"regex_exp": "("}, "refuses {'regex_exp': '\\('}"),
    ],
)
def test_what_a_recipe_gets_wrong_is_named(name: str, settings: dict[str, Any], message: str):
    with pytest.raises(RecipeError, match=message):
        annotator(name, **settings)


def test_a_number_with_a_fraction_may_stand_where_datatrove_declares_int():
    assert verdicts(annotator("GopherQualityFilter", min_avg_word_length=3.5), PROSE) == [""]


def test_a_module_that_is_missing_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RecipeError, match="'tldextract', which is not installed: pip install tldextract"):
        annotator("URLFilter")


def test_a_language_without_a_tokenizer_is_refused_before_the_run():
    with pytest.raises(RecipeError, match="Language 'zho_Hans' doesn't have a tokenizer"):
        annotator("GopherQualityFilter", language="zho_Hans")
    if importlib.util.find_spec("khmernltk") is None:
        with pytest.raises(RecipeError, match="install `khmernltk`"):
            annotator("GopherQualityFilter", language="khm")


@pytest.mark.parametrize(
    ("name", "settings"),
    [("SamplerFilter", {"rate": 0.5, "seed": 3}), ("GopherRepetitionFilter", {}), ("C4QualityFilter", {})],
)
def test_a_verdict_does_not_depend_on_the_documents_before(name: str, settings: dict[str, Any]):
    documents = batch(*[PROSE[: 50 * n] + f"{n}." for n in range(20)])
    whole = annotator(name, **settings).annotate(documents).to_pylist()
    again = annotator(name, **settings)
    backwards = [again.annotate(documents.slice(n, 1)).to_pylist()[0] for n in reversed(range(20))]
    assert backwards[::-1] == whole
    assert len({row["verdict"] for row in whole}) > 1


def test_another_seed_draws_another_sample():
    documents = batch(*map(str, range(30)))
    samples = [annotator("SamplerFilter", seed=seed).annotate(documents).to_pylist() for seed in (1, 2)]
    assert samples[0] != samples[1]


def test_the_text_of_the_document_is_left_as_it_is():
    documents = batch(PROSE + "no full stop")
    before = documents.to_pylist()
    annotator("C4QualityFilter").annotate(documents)
    assert documents.to_pylist() == before


def test_datatrove_writes_no_log_lines(capfd: pytest.CaptureFixture[str]):
    annotator("RegexFilter", regex_exp="x")
    exec("from loguru import logger; logger.warning('noise')", {"__name__": "datatrove.pipeline.any"})
    assert capfd.readouterr() == ("", "")
