"""The rules at datatrove's defaults: the same verdicts from our columns as from datatrove's filters.

docs/parity.md has the figures on real documents, and the cause of each difference.
"""

import json
from pathlib import Path

import pytest

from tests.benchmarks.corpora import text_bulk
from tests.parity.rules import Rule, compare, compare_urls, rules, whole
from tests.shared_data import shared_path
from tests.text.reference_tokens import tokens_of

SAMPLE = Path(__file__).with_name("english.jsonl")


@pytest.fixture(scope="module")
def asked() -> dict[str, Rule]:
    """All rules, with their verdicts on the sample and on copies of it that repeat themselves."""
    texts = [json.loads(line)["text"] for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    texts += [text + "\n\n" + text[: len(text) // 2] for text in texts]
    texts += [text.replace(". ", ".\n") for text in texts[:20]]
    texts += [text + "\nA lorem ipsum {." for text in texts[:5]]
    found = {**rules(), **whole()}
    compare(found, texts)
    return found


def test_filters_give_datatroves_verdicts(asked: dict[str, Rule]):
    for name in ("gopher_quality", "gopher_repetition", "c4", "fineweb"):
        assert asked[name].agreement >= 0.99, name
        assert asked[name].overlap >= 0.95, name
        assert any(theirs for _, theirs in asked[name].verdicts), name


def test_each_rule_alone_gives_datatroves_verdict(asked: dict[str, Rule]):
    for name, rule in asked.items():
        assert rule.agreement >= 0.99, name


@pytest.mark.shared
def test_each_rule_gives_datatroves_verdict_on_all_but_two_of_85_documents_of_text_bulk():
    shared_path("data/text_bulk")
    asked = {**rules(), **whole()}
    compare(asked, [text for text in text_bulk() if len(text) < 6_000][::40])
    for name, rule in asked.items():
        assert len(rule.verdicts) == 85
        assert sum(ours != theirs for ours, theirs in rule.verdicts) <= 2, name


def verdicts(name: str, text: str) -> tuple[bool, bool]:
    """Whether ours and datatrove's rule drop a text."""
    found = {name: rules()[name]}
    compare(found, [text])
    return found[name].verdicts[0]


def test_blank_lines_are_lines_without_an_ellipsis_as_they_are_for_datatrove():
    text = "Read on ...\n\nA line that ends.\n\nAnother one of them.\n"
    assert verdicts("gopher_quality.max_ellipsis_lines_ratio", text) == (False, False)
    assert verdicts("gopher_quality.max_ellipsis_lines_ratio", text.replace("\n\n", "\n")) == (True, True)


def test_a_line_of_white_space_is_no_repeated_line_as_it_is_for_datatrove():
    text = "\n \n".join(f"{c * 3} {c * 5} {c * 4} {c * 6}" for c in "abcdefghijklmnop")
    assert verdicts("gopher_repetition.dup_line_frac", text) == (False, True)


def test_stop_words_with_capitals_count_as_they_do_not_for_datatrove():
    assert verdicts("gopher_quality.min_stop_words", "The Who und The Clash And Friends") == (False, True)


def test_paragraphs_between_cr_lf_are_found_as_they_are_not_by_datatrove():
    text = "\r\n\r\n".join(["One paragraph.", "One paragraph.", "Another one."])
    assert verdicts("gopher_repetition.dup_para_frac", text) == (True, False)
    assert verdicts("gopher_repetition.dup_para_frac", text.replace("\r", "")) == (True, True)


@pytest.mark.parametrize(
    ("text", "ours", "theirs"),
    [
        ("im Haus", ["im", "Haus"], ["i", "m", "Haus"]),
        ("cannot", ["cannot"], ["can", "not"]),
        ("256GB", ["256GB"], ["256", "GB"]),
        ("+4915", ["+", "4915"], ["+4915"]),
        ("href=", ["href", "="], ["href="]),
        ("C++", ["C", "+", "+"], ["C++"]),
        ("დიახ.", ["დიახ", "."], ["დიახ."]),
        (":-)", [":", "-", ")"], [":-)"]),
        ("\"'s", ['"', "'", "s"], ['"', "'s"]),
        ("~/x", ["~", "/x"], ["~/x"]),
    ],
)
def test_tokens_differ_from_spacys_where_it_is_said(text: str, ours: list[str], theirs: list[str]):
    from datatrove.utils.text import split_into_words

    assert (tokens_of(text), split_into_words(text, "eng")) == (ours, theirs)


@pytest.mark.parametrize(
    ("language", "text", "ours", "theirs"),
    [
        ("deu", "am 3. Mai", ["am", "3", ".", "Mai"], ["am", "3.", "Mai"]),
        ("deu", "S-Bahn usw.", ["S", "-", "Bahn", "usw", "."], ["S-Bahn", "usw."]),
        ("por", "disse-lhe", ["disse", "-", "lhe"], ["disse-lhe"]),
        ("pol", "S.A. 9.11", ["S.A.", "9.11"], ["S", ".", "A", ".", "9", ".", "11"]),
        ("ind", "dan/atau 1/2", ["dan", "/", "atau", "1/2"], ["dan", "/", "atau", "1", "/", "2"]),
        ("cat", "del", ["del"], ["d", "el"]),
    ],
)
def test_tokens_differ_from_those_of_other_languages_where_it_is_said(
    language: str, text: str, ours: list[str], theirs: list[str]
):
    from datatrove.utils.text import split_into_words

    assert (tokens_of(text), split_into_words(text, language)) == (ours, theirs)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fra", "L'été qu’il s'en alla d’ici, jusqu'à l'aube."),
        ("ita", "Un'altra dell'arte, c'è."),
        ("cat", "S'ha d’ell."),
    ],
)
def test_elided_words_are_cut_as_spacy_does(language: str, text: str):
    from datatrove.utils.text import split_into_words

    assert tokens_of(text) == split_into_words(text, language)


@pytest.mark.parametrize(
    "text", ["Dr. Doe, p. 9, of X Inc. (said ''no'').", "U.S. e.g. don't; well-known/not."]
)
def test_abbreviations_and_contractions_are_cut_as_spacy_does(text: str):
    from datatrove.utils.text import split_into_words

    assert tokens_of(text) == split_into_words(text, "eng")


@pytest.mark.filterwarnings("ignore:The 'registered_domain' property")
def test_urls_get_datatroves_verdicts_whatever_the_case():
    urls = [
        "https://pornhub.com/",
        "https://example.org/xxx",
        "https://www.python.org/",
        "http://a.pornhub.com/b",
    ]
    assert all(ours == theirs for ours, theirs in compare_urls(urls).verdicts)
    assert compare_urls(["https://example.org/SEX-VIDEOS/"]).verdicts[0][0]
