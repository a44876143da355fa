"""Gopher's rules at datatrove's defaults: the same verdicts from our columns as from datatrove's filters.

Where verdicts differ on text_bulk it is for these reasons:
- datatrove takes a line of white space for a line that repeats; here it is blank (wikitext has many);
- datatrove finds no paragraphs and no lines between CR LF, and keeps blank lines among the lines of which
  90 % may be bullets and 30 % may end with an ellipsis; here blank lines are no lines;
- `the` counts as a stop word for datatrove only in lower case;
- spaCy's list of exceptions (`cannot` is two tokens, `Mr.` and `a.m.` are one) and its pattern for addresses
  without a scheme move the share of tokens with a letter by less than .01; it is often that close to .8.
"""

import json
from pathlib import Path

import pytest

from tests.parity.gopher import compare, text_bulk
from tests.shared_data import shared_path

SAMPLE = Path(__file__).with_name("english.jsonl")


def test_the_sample_gets_datatroves_verdicts():
    texts = [json.loads(line)["text"] for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    texts += [text + "\n\n" + text[: len(text) // 2] for text in texts]  # some that repeat themselves
    for comparison in compare(texts).values():
        assert comparison.agreement >= 0.99
        assert 0 < comparison.dropped < len(texts)


@pytest.mark.shared
def test_real_english_gets_datatroves_verdicts():
    documents = text_bulk(shared_path("data/text_bulk"), step=25)
    for comparison in compare(text for _, text in documents).values():
        assert comparison.agreement >= 0.99
        assert comparison.overlap >= 0.9


def test_a_line_of_white_space_is_no_repeated_line_as_it_is_for_datatrove():
    text = "\n \n".join(f"{c * 3} {c * 5} {c * 4} {c * 6}" for c in "abcdefghijklmnop")
    (verdict,) = compare([text])["repetition"].verdicts
    assert verdict == ("", "dup_line_frac")
