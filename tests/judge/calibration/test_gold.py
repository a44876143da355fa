"""Gold labels: what is wrong with a row is a reason, and how labels came onto the scale is said."""

import gzip
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import InputError
from curation.judge.calibration import gold
from curation.recipe import Gold
from tests.shared_data import shared_path

SCALE = (0, 1, 2, 3, 4, 5)


def write(folder, rows, name="gold.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def read(folder, rows, scale=SCALE, **settings):
    return gold.read(Gold(path=write(folder, rows), **settings), scale)


def levels(found):
    return found.documents.column("level").to_pylist()


def test_labels_of_the_scale_stay_as_they_are_whatever_type_they_have(tmp_path):
    rows = [{"text": f"text {n}", "label": label} for n, label in enumerate([0, "3", 5.0, 2])]
    found = read(tmp_path, rows)
    assert (found.mapping, levels(found)) == ("as they are", [0, 3, 5, 2])
    shifted = read(tmp_path, [{"text": "a", "label": 1}, {"text": "b", "label": 5}], scale=(1, 3, 5))
    assert levels(shifted) == [0, 2]


def test_words_are_spread_over_the_scale_in_the_order_given(tmp_path):
    rows = [{"text": f"text {n}", "grade": word} for n, word in enumerate(["adv", "ele", "int", "int"])]
    found = read(tmp_path, rows, label="grade", order=("adv", "int", "ele"))
    assert (found.mapping, levels(found)) == ("order", [0, 5, 3, 3])
    assert found.documents.column("label").to_pylist() == [0.0, 2.0, 1.0, 1.0]


@given(st.lists(st.floats(-5, 5), min_size=12, max_size=40, unique=True))
def test_other_numbers_get_equal_shares_of_the_scale_in_their_order(tmp_path_factory, labels):
    rows = [{"text": f"text {n}", "label": label} for n, label in enumerate([*labels, 9.5])]
    found = read(tmp_path_factory.mktemp("gold"), rows)
    assert found.mapping == "quantiles"
    ranked = [level for _, level in sorted(zip([*labels, 9.5], levels(found), strict=True))]
    assert ranked == sorted(ranked)
    counts = Counter(ranked)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert set(counts) == set(SCALE)


def test_a_bad_row_is_quarantined_with_its_place_and_its_reason(tmp_path):
    rows = [
        {"text": "good", "label": 1},
        {"text": "no label at all"},
        {"text": "a word", "label": "fine"},
        {"text": "not finite", "label": "nan"},
        {"text": "a list", "label": [1]},
        {"text": "huge", "label": 10**400},
        {"label": 2},
        {"text": " good ", "label": 4},
        {"text": "", "label": 4},
    ]
    path = tmp_path / "gold.jsonl"
    write(tmp_path, rows)
    path.write_bytes(path.read_bytes() + b'{"text": "cut off')
    found = gold.read(Gold(path=str(path)), SCALE)
    assert found.documents.column("text").to_pylist() == ["good"]
    assert found.dropped == {
        "broken_json": 1,
        "label_not_a_number": 4,
        "no_label": 1,
        "no_text": 1,
        "repeated_text": 1,
        "text_missing": 1,
    }
    assert found.rows == 1 + sum(found.dropped.values())
    assert found.quarantine.num_rows == found.rows - 2  # the empty text is sound
    places = dict(zip(*(found.quarantine.column(n).to_pylist() for n in ("reason", "offset")), strict=True))
    assert path.read_bytes()[places["no_label"] :].startswith(b'{"text": "no label at all"}')


def test_a_word_that_the_order_lacks_is_a_bad_row(tmp_path):
    rows = [{"text": "a", "label": "low"}, {"text": "b", "label": "high"}, {"text": "c", "label": "mid"}]
    found = read(tmp_path, rows, order=("low", "high"))
    assert (levels(found), found.dropped) == ([0, 5], {"label_not_in_order": 1})


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "1 empty_file"),
        ([{"text": "a", "label": "low"}], "(?s)label_not_a_number.*'low'.*their order"),
        ([{"body": "a", "label": 1}], "text_missing.*reads the text from 'text'"),
    ],
)
def test_where_no_row_can_be_used_the_error_says_why_and_what_to_name(tmp_path, rows, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, rows)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"there is no .*nowhere\.jsonl"):
        gold.read(Gold(path=str(tmp_path / "nowhere.jsonl")), SCALE)


def test_the_same_gold_is_the_same_input_wherever_it_lies(tmp_path):
    rows = [{"text": "a", "label": 1, "site": "x", "n": "1"}]
    (tmp_path / "other").mkdir()
    here, there = (Gold(path=write(folder, rows)) for folder in (tmp_path, tmp_path / "other"))
    one = gold.read(here, SCALE).input
    assert gold.read(there, SCALE).input == one
    assert gold.read(here.model_copy(update={"again": 0.5}), SCALE).input == one
    named = here.model_copy(update={"source": "site"})
    assert gold.read(named, SCALE).input != one
    assert gold.read(named, SCALE).documents.column("source").to_pylist() == ["x"]


def test_csv_and_compressed_files_are_read_too(tmp_path):
    data = b'key,body,grade\n1,"Hi, you.",4\n2,Bye.,0\n'
    (tmp_path / "gold.csv.gz").write_bytes(gzip.compress(data))
    settings = Gold(path=str(tmp_path / "gold.csv.gz"), text="body", label="grade", id="key")
    found = gold.read(settings, SCALE)
    assert found.documents.column("text").to_pylist() == ["Hi, you.", "Bye."]
    assert levels(found) == [4, 0]


def test_the_readability_of_excerpts_is_mapped_by_quantiles():
    path = str(shared_path("data/quality/clear_corpus.jsonl.zst"))
    settings = Gold(path=path, text="Excerpt", label="BT_easiness", source="License", id="ID")
    found = gold.read(settings, SCALE)
    assert (found.mapping, found.rows) == ("quantiles", 3202)
    counts = Counter(levels(found))
    assert max(counts.values()) - min(counts.values()) <= 5
