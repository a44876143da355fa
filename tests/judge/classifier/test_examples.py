"""What is learned from, what is left out, and how many documents each stands for."""

import random

import pyarrow as pa
import pytest

from curation import stage
from curation.judge.classifier.examples import examples_of, weights_of
from curation.judge.judgments import JUDGMENTS
from curation.manifest import Manifest


def row(n, **said):
    return {
        "id": f"{n:032x}",
        "digest": f"{n:032x}",
        "source": "web",
        "rubric": "educational",
        "rubric_digest": "r",
        "model": "m",
        "key": str(n),
        "outcome": "ok",
        "detail": "",
        "score": 3,
        "evidence": "",
        "addresses_model": False,
        "suspicion": "",
        "drawn_for": "stratified",
        "weight": 1.0,
        **said,
    }


def learned(folder, *rounds):
    """What is learned from rows of judgments, round by round; a row's `text` is by its key if it has none."""
    more = [("suspicion", pa.string()), ("drawn_for", pa.string()), ("weight", pa.float64())]
    schema = pa.schema([*JUDGMENTS, *(pa.field(*f) for f in more if f[0] not in JUDGMENTS.names)])
    published = []
    for n, rows in enumerate(rounds):
        with stage.part_writer(str(folder / str(n)), schema) as writer:
            for batch in pa.Table.from_pylist(rows, schema=schema).to_batches():
                writer.write(batch)
            file = writer.publish()
        made = Manifest(
            stage="judgments",
            name="educational",
            fingerprint="0" * 16,
            inputs=(),
            parts=(file,),
            rows_in=len(rows),
            kept=len(rows),
        )
        published.append(stage.publish(str(folder / str(n)), made))
    texts = {row["id"]: row.get("text", f"text {row['key']}") for rows in rounds for row in rows}
    return examples_of(published, texts)


def test_what_may_have_talked_its_judge_round_is_left_out_and_counted_once(tmp_path):
    rows = [
        row(1),
        row(2, outcome="refused", score=None, addresses_model=None),
        row(3, addresses_model=True, suspicion="lexical"),
        row(4, suspicion="disagrees"),
    ]
    found, dropped = learned(tmp_path, rows[::-1])
    assert [e.text for e in found] == ["text 1"]
    assert dropped == {"addresses_model": 1, "refused": 1, "suspicious": 1}


def test_two_slices_together_stand_for_the_whole_once():
    """Ten documents of two strata: four drawn from them, and two for the audit."""
    strata = [{"drawn_for": "stratified", "weight": w} for w in (3.0, 3.0, 2.0, 2.0)]
    audit = [{"drawn_for": "audit", "weight": 5.0}] * 2
    found = weights_of([*strata, *audit, {"drawn_for": "uncertain", "weight": None}])
    assert sum(found) == pytest.approx(10)
    assert found[:4] == pytest.approx([2.0, 2.0, 4 / 3, 4 / 3])
    assert found[6] == 0


def test_a_sample_without_slices_stands_for_itself():
    assert weights_of([{}, {}]) == [1.0, 1.0]
    assert weights_of([]) == []


def page(n):
    return " ".join(random.Random(n).choices([f"word{n}" for n in range(2000)], k=60))


def rows_of(numbers, **said):
    return [row(n, text=page(n), **said) for n in numbers]


def uncertain(*rows):
    return [{**each, "drawn_for": "uncertain", "weight": 0.0} for each in rows]


def test_one_in_five_is_held_out_but_never_what_was_chosen_for_its_score(tmp_path):
    first, later = rows_of(range(200)), uncertain(*rows_of(range(200, 400)))
    found, dropped = learned(tmp_path, first, later)
    held = [e for e in found if e.is_held_out]
    assert 20 < len(held) < 60
    assert {e.weight for e in found if int(e.digest, 16) >= 200} == {0}
    assert all(int(e.digest, 16) < 200 for e in held)
    assert {e.fold for e in found} == {0, 1, 2, 3, 4}
    assert dropped == {}


def test_what_is_held_out_stays_so_and_no_later_copy_of_it_is_learned_from(tmp_path):
    """The copies' digests are smaller than the originals': they would name, and so move, each component."""
    first = rows_of(range(1000, 1100))
    copies = [row(n - 1000, text=page(n) + " more") for n in range(1000, 1100)]
    before, _ = learned(tmp_path / "before", first)
    held = {e.digest for e in before if e.is_held_out}
    after, dropped = learned(tmp_path / "after", first, uncertain(*copies))
    assert {e.digest for e in after if e.is_held_out} == held
    assert dropped == {"near_held_out": len(held)}
    assert len(after) == 200 - len(held)
    audited, dropped = learned(tmp_path / "audit", first, [{**c, "drawn_for": "audit"} for c in copies])
    assert sum(e.is_held_out for e in audited) == 2 * len(held)
    assert dropped == {}


def test_a_copy_of_what_was_learned_from_is_not_held_out_later(tmp_path):
    """Round 2 learns from a document; a copy that the third draws for the audit must not judge round 2."""
    chosen = uncertain(*rows_of(range(1000, 1100)))
    copies = [row(n, text=page(n + 1000) + " more", drawn_for="audit") for n in range(100)]
    found, _ = learned(tmp_path, rows_of([5000, 5001]), chosen, copies)
    assert not any(e.is_held_out for e in found if int(e.digest, 16) < 5000)


def test_each_audit_slice_stands_for_the_whole_once():
    first = [{"round": 0, "drawn_for": "audit", "weight": 5.0}] * 2
    later = [{"round": 1, "drawn_for": "audit", "weight": 4.0}] * 2
    chosen = [{"round": 1, "drawn_for": "uncertain", "weight": 0.0}] * 8
    assert weights_of([*first, *later, *chosen]) == [2.5] * 2 + [2.0] * 2 + [0.0] * 8
