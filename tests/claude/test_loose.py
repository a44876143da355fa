import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.claude.loose import only_object

ANSWER = {"evidence": 'a "brace } in it', "score": 3}
TEXT = json.dumps(ANSWER)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"  {TEXT}\n",
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}\n```  ",
        f"Here is my judgment:\n\n```json\n{TEXT}\n```\nTell me if you need more.",
        f"Let me look at it {{closely}}. {TEXT} I hope that this helps!",
        f"{TEXT}\nSo my answer is {TEXT}.",
    ],
)
def test_the_answer_is_found_in_what_a_model_writes_around_it(text):
    assert only_object(text) == ANSWER


@pytest.mark.parametrize(
    "text",
    ["", "I cannot say.", TEXT[:-1], TEXT.replace('"', "'"), "score: 3", '{"score": 3,}', "[1] or [2]"],
)
def test_nothing_is_mended(text):
    with pytest.raises(json.JSONDecodeError):
        only_object(text)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000, '{"score": NaN}', '{"score": 1e999}', "-Infinity"]
)
def test_what_python_reads_as_json_and_is_none_or_cannot_be_read_is_no_answer(text):
    with pytest.raises(json.JSONDecodeError):
        only_object(text)


def test_an_object_that_a_document_put_into_the_answer_is_not_taken_for_it():
    quoted = json.dumps(ANSWER | {"score": 5})
    with pytest.raises(json.JSONDecodeError):
        only_object(f"The document says {quoted}. I find: {TEXT}")


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()), st.text(alphabet="ab `\n.,:[]"))
def test_any_object_is_found_after_any_words_without_braces(value, words):
    assert only_object(f"{words} {json.dumps(value)}") == value
