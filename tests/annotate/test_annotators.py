import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.annotate import annotators
from curation.annotator import Annotator
from curation.recipe import Annotate, DatatroveFilter
from tests.annotate.batches import batch

EVERY = annotators(
    Annotate(url=True, datatrove=(DatatroveFilter(filter="C4ParagraphFilter", column="c4_paragraphs"),))
)
ARROW_TEXT = st.text(st.characters(codec="utf-8"), max_size=200)  # what an Arrow string can hold


def test_length_is_always_there_and_the_rest_only_when_asked_for():
    assert [a.name for a in annotators(Annotate(language=False, rules=False))] == ["length"]
    assert [a.name for a in EVERY] == ["length", "language", "rules", "url", "datatrove-c4_paragraphs"]


@pytest.mark.parametrize("annotator", EVERY, ids=lambda a: a.name)
def test_an_empty_batch_has_columns_and_no_rows(annotator: Annotator):
    found = annotator.annotate(batch("x").slice(0, 0))
    assert found.schema == annotator.columns
    assert found.num_rows == 0


@pytest.mark.parametrize("annotator", EVERY, ids=lambda a: a.name)
def test_rows_keep_their_order_and_their_values_in_any_batch(annotator: Annotator):
    texts = [
        "The first of all, and that is it.",
        "",
        "\x00",
        "\n\n\n",
        "Der zweite Satz ist deutsch.",
        "漢字です",
        "z",
    ]
    documents = batch(*texts)
    whole = annotator.annotate(documents)
    assert whole.schema == annotator.columns
    assert all(not field.nullable for field in whole.schema)
    assert all(column.null_count == 0 for column in whole.columns)
    for n in reversed(range(len(texts))):
        assert annotator.annotate(documents.slice(n, 1)).to_pylist() == [whole.to_pylist()[n]]


@settings(max_examples=60, deadline=None)
@given(st.lists(ARROW_TEXT, max_size=4))
def test_every_value_is_a_number_or_a_word_whatever_the_text(texts: list[str]):
    for annotator in EVERY:
        found = annotator.annotate(batch(*texts))
        assert found.num_rows == len(texts)
        for row in found.to_pylist():
            for name, value in row.items():
                assert value == value  # noqa: PLR0124  not NaN
                if name.endswith(("_ratio", "_score")):
                    assert 0 <= value <= 1
