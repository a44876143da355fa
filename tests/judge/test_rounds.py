"""What a later round judges: of the set, not of its order; nothing twice; the least sure."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import stage
from curation.annotate.length import LENGTH
from curation.annotator import Annotator
from curation.document import content_hash
from curation.judge import relabel, rounds
from curation.judge.frame import SAMPLE, Frame
from curation.judge.rounds import Loop, Taught
from curation.layout import Layout
from curation.manifest import Manifest
from curation.recipe import Judge
from curation.stage import Published
from tests.judge.lakes import decisions, document, partition

JUDGE = Judge(rounds=3, round=20)
TEXTS = [f"document {n} about thing{n % 7} and thing{n % 11}" for n in range(120)]


def score(text):
    return int(hashlib.sha256(text.encode()).hexdigest()[:4], 16) % 101 / 100


def scores(batch):
    found = [score(text) for text in batch.column("text").to_pylist()]
    return pa.record_batch({"educational_score": pa.array(found)})


SCORE = Annotator(
    "educational_score", 1, pa.schema([pa.field("educational_score", pa.float64(), nullable=False)]), scores
)


def manifest(stage_name, parts=(), **details):
    rows = sum(part.rows for part in parts)
    return Manifest(
        stage=stage_name,
        name="x",
        fingerprint="0" * 16,
        inputs=(),
        parts=tuple(parts),
        rows_in=rows,
        kept=rows,
        details=details,
    )


def taught(folder, rows, at=0.5, stop=None):
    """A round in which the documents `rows` were judged, and a classifier with a threshold."""
    with stage.part_writer(str(folder), pa.schema([("id", pa.string()), ("digest", pa.string())])) as writer:
        for row in rows:
            writer.write(pa.RecordBatch.from_pylist([{"id": row["id"], "digest": row["digest"]}]))
        file = writer.publish()
    judged = stage.publish(str(folder), manifest("judgments", [file] if file else []))
    details = {"threshold": at, "gate_passed": stop == "gate"} | ({"stop": stop} if stop != "gate" else {})
    return Taught(judged, Published("x", 1, manifest("classifiers", **details)))


def drawn(folder, partitions, judged=(), at=0.5, dropped=(), settings=JUDGE):
    lake = Layout(str(folder))
    made = [partition(lake, f"p{n}", parts, [LENGTH, SCORE]) for n, parts in enumerate(partitions)]
    of = Frame(decisions(lake, made, dropped), made, ("source",), "educational_score")
    table = rounds.draw(of, settings, [taught(folder / "judged", judged, at)])
    assert table.schema == SAMPLE
    return table.to_pylist()


def ids(rows, drawn_for=None):
    return {row["id"] for row in rows if drawn_for in (None, row["drawn_for"])}


@settings(max_examples=10)
@given(st.permutations(TEXTS), st.lists(st.integers(1, 119), min_size=3, max_size=3, unique=True))
def test_how_documents_lie_in_partitions_does_not_change_what_is_judged_next(tmp_path_factory, texts, cuts):
    a, b, c = sorted(cuts)
    judged = [document(text) for text in TEXTS[:15]]
    rows = [document(text) for text in texts]
    split = drawn(tmp_path_factory.mktemp("split"), [[rows[:a], rows[a:b]], [rows[b:c], rows[c:]]], judged)
    whole = drawn(tmp_path_factory.mktemp("whole"), [[[document(text) for text in TEXTS]]], judged)
    assert split == whole


def test_part_by_part_the_same_is_chosen_as_from_all_at_once(tmp_path):
    rows = [document(text) for text in TEXTS]
    found = drawn(tmp_path / "parts", [[[row] for row in rows]])
    keys = [content_hash("sample", "relabel", "0", row["digest"]) for row in rows]
    chosen = relabel.choose(
        np.array([score(text) for text in TEXTS]),
        keys,
        0.5,
        JUDGE.round,
        lambda wanted: [TEXTS[n] for n in wanted],
    )
    assert ids(found, "audit") == {rows[n]["id"] for n in chosen.audit}
    assert ids(found, "uncertain") == {rows[n]["id"] for n in chosen.uncertain}


def test_nothing_is_judged_twice_nor_what_is_dropped_or_written(tmp_path):
    rows = [document(text) for text in TEXTS]
    rows += [document(TEXTS[0], id="f" * 32)]  # says what the first one says
    rows += [document(f"written {n}", parents=["0" * 32]) for n in range(5)]
    found = drawn(tmp_path, [[rows]], judged=rows[:30], dropped=[row["id"] for row in rows[30:60]])
    assert len(found) == len({row["digest"] for row in found}) == JUDGE.round
    assert ids(found) <= {row["id"] for row in rows[60:120]}


def test_a_text_that_the_set_holds_twice_is_judged_once(tmp_path):
    rows = [document(text, id=f"{n:032x}") for n, text in enumerate(TEXTS[:10] * 2)]
    assert ids(drawn(tmp_path, [[rows[10:]], [rows[:10]]])) == {row["id"] for row in rows[:10]}


@pytest.mark.parametrize("at", [0.2, 0.9])
def test_what_is_judged_next_is_about_the_threshold_and_some_at_random(tmp_path, at):
    rows = [document(text) for text in TEXTS]
    found = drawn(tmp_path, [[rows]], judged=rows[:20], at=at)
    nearest = sorted(abs(score(row["text"]) - at) for row in rows[20:])
    limit = nearest[3 * JUDGE.round]  # of three times as many
    uncertain = [row for row in found if row["drawn_for"] == "uncertain"]
    audit = [row for row in found if row["drawn_for"] == "audit"]
    assert (len(uncertain), len(audit)) == (18, 2)
    assert all(abs(score(row["text"]) - at) <= limit for row in uncertain)
    assert all(row["weight"] == 0 for row in uncertain)
    assert all(row["weight"] == 100 / 2 for row in audit)
    assert {row["stratum"] for row in found} == {"web"}


def test_what_is_judged_next_has_the_score_of_the_classifier_before(tmp_path):
    for row in drawn(tmp_path, [[[document(text) for text in TEXTS]]]):
        assert row["classifier_score"] == score(row["text"])


def test_when_all_is_judged_nothing_is_drawn(tmp_path):
    rows = [document(text) for text in TEXTS]
    assert drawn(tmp_path, [[rows]], judged=rows) == []


@pytest.mark.parametrize(
    ("stops", "most", "expected"),
    [
        ([], 1, False),
        ([None], 1, True),
        ([None], 2, False),
        (["gate"], 2, True),
        ([None, "all_judged"], 5, True),
        ([None, None, "no_gain"], 5, True),
        ([None, None], 2, True),
    ],
)
def test_a_loop_is_over_when_a_classifier_says_so_or_the_recipe_asks_for_no_more(
    tmp_path, stops, most, expected
):
    done = [taught(tmp_path / str(n), [], stop=stop) for n, stop in enumerate(stops)]
    decided = taught(tmp_path / "any", []).judgments
    loop = Loop(Layout(str(tmp_path)), Judge(rounds=most), decided)
    assert bool(rounds.why_over(loop, done)) == expected
