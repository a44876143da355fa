"""The rules at datatrove's defaults: the same verdicts from our columns as from datatrove's filters.

docs/parity.md has the figures on real documents, and the cause of each difference.
"""

import json
from pathlib import Path

import pytest

from tests.parity.rules import Rule, compare, compare_urls, rules, whole

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
        assert asked[name].dropped, name


def test_each_rule_alone_gives_datatroves_verdict(asked: dict[str, Rule]):
    for name, rule in asked.items():
        assert rule.agreement >= 0.99, name


def test_a_line_of_white_space_is_no_repeated_line_as_it_is_for_datatrove():
    text = "\n \n".join(f"{c * 3} {c * 5} {c * 4} {c * 6}" for c in "abcdefghijklmnop")
    found = {"gopher_repetition.dup_line_frac": rules()["gopher_repetition.dup_line_frac"]}
    compare(found, [text])
    assert found["gopher_repetition.dup_line_frac"].verdicts == [(False, True)]


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
