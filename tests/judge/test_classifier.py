import os
import pickle
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from curation import stage, storage
from curation.claude.outcome import Answer, Outcome
from curation.document import SCHEMA
from curation.errors import LakeError, RecipeError
from curation.judge import classifier, judgments, learner, prompt, rubric, sample
from curation.judge.examples import threshold
from curation.layout import Layout
from curation.recipe import Judge
from tests.judge.lakes import decisions, document, partition
from tests.judge.ledgers import answered, judged

ROOT = Path(__file__).resolve().parents[2]
TEACHING = "because therefore theorem explains cell energy number proof water example reason step"
SELLING = "buy cart sale offer price click order now deal coupon shipping discount"
COMMON = "the of and a in to is it for on this that with as"
SETTINGS = Judge(sample=200)


def texts(count=200):
    """Half teach and half sell; all use the same common words, in any order and number."""
    words = random.Random(5)
    return [
        " ".join(
            words.choices(f"{(TEACHING, SELLING)[n % 2]} {COMMON} {COMMON}".split(), k=words.randint(40, 120))
        )
        for n in range(count)
    ]


def is_teaching(text):
    return "theorem" in text or "proof" in text or "because" in text


def trained(folder, answer=lambda text: judged(4 if is_teaching(text) else 1), made=None):
    lake = Layout(str(folder))
    held = partition(lake, "all", [[document(text) for text in made or texts()]])
    decided = decisions(lake, [held])
    drawn = sample.draw(decided, [held], SETTINGS.sample, seed=0, purpose="judge")
    ledger = answered(folder, prompt.requests(rubric.load("educational"), drawn, SETTINGS.model), answer)
    found = judgments.publish(lake, SETTINGS, decided, drawn, ledger)
    return classifier.publish(lake, SETTINGS, found, drawn)


def decided_in(folder):
    [uri] = Path(folder).glob("decisions/*/manifest-*.json")
    return stage.open_manifest(str(uri))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("lake"))


def annotate(published, rows):
    annotator = classifier.column(published).annotator
    batch = pa.RecordBatch.from_pylist([document(text) for text in rows], SCHEMA)
    return annotator.annotate(batch).column("educational_score").to_pylist()


def test_what_can_be_told_apart_is_told_apart_on_documents_never_trained_on(published):
    found = classifier.read_report(published)
    figures = found["figures"]
    assert found["held_out"]["documents"] >= 20
    assert found["training"]["documents"] + found["held_out"]["documents"] == 200
    assert figures["classifier"]["f1"] > 0.95
    for baseline in ("everything_good", "length", "stop_word_ratio", "source_alone"):
        assert figures["classifier"]["f1"] > figures[baseline]["f1"] + 0.2
        assert figures["classifier"]["auc"] > figures[baseline]["auc"] + 0.2


def test_the_column_is_the_probability_of_being_good(published):
    teaching, selling, empty = annotate(
        published, ["theorem proof because " * 20, "buy sale cart " * 20, "!?"]
    )
    assert teaching > 0.9
    assert selling < 0.1
    assert empty == 0.0


def test_the_same_judgments_give_the_same_bytes(published, tmp_path):
    again = trained(tmp_path / "another lake")
    assert again.manifest == published.manifest
    name = published.manifest.details["model"]
    one, other = (storage.join(p.directory, name) for p in (published, again))
    assert storage.read_bytes(one) == storage.read_bytes(other)


def test_another_process_trains_the_same_bytes(tmp_path):
    code = (
        "import sys, pathlib, tests.judge.test_classifier as t\n"
        "made = t.texts(40)\n"
        "t.learner.train(made, [t.is_teaching(x) for x in made], pathlib.Path(sys.argv[1]))\n"
    )
    models = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        env = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=env, cwd=ROOT)
        models.append((folder / "model.bin").read_bytes())
    assert models[0] == models[1]


def test_the_order_of_the_archives_does_not_change_the_model(published, tmp_path):
    again = trained(tmp_path, made=texts()[::-1])
    assert again.manifest.details["model_digest"] == published.manifest.details["model_digest"]


def test_a_published_classifier_is_not_trained_again(tmp_path, monkeypatch):
    first = trained(tmp_path)
    monkeypatch.setattr(learner, "train", lambda *_: pytest.fail("trained again"))
    again = trained(tmp_path)
    assert (again.uri, again.new) == (first.uri, False)


def test_the_annotator_goes_to_another_process_and_has_the_models_digest_in_its_fingerprint(published):
    column = classifier.column(published)
    assert pickle.loads(pickle.dumps(column.annotator)).columns == column.annotator.columns
    assert column.annotator.columns == pa.schema(
        [pa.field("educational_score", pa.float64(), nullable=False)]
    )
    details = {**published.manifest.details, "model_digest": "f" * 32}
    other = stage.Published("x", 1, published.manifest.model_copy(update={"details": details}))
    assert classifier.column(other).fingerprint != column.fingerprint


def test_a_published_classifier_is_found_without_its_sample(tmp_path):
    made = trained(tmp_path)
    learned_from = judgments.find(Layout(str(tmp_path)), SETTINGS, decided_in(tmp_path))
    assert learned_from is not None
    assert classifier.find(Layout(str(tmp_path)), SETTINGS, learned_from) == stage.open_manifest(made.uri)
    other = SETTINGS.model_copy(update={"column": "other"})
    assert classifier.find(Layout(str(tmp_path)), other, learned_from) is None


def test_a_model_that_was_changed_is_not_used(published, tmp_path):
    shutil.copytree(published.directory, tmp_path / "copy")
    details = published.manifest.details
    model = tmp_path / "copy" / details["model"]
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    annotator = classifier.annotator(str(model), details["model_digest"], "score")
    with pytest.raises(LakeError, match="it was changed"):
        annotator.annotate(pa.RecordBatch.from_pylist([document("text")], SCHEMA))


def test_a_model_in_an_object_store_scores_as_a_local_one(published):
    details = published.manifest.details
    local = storage.join(published.directory, details["model"])
    remote = "memory://lake/model.bin"
    fs, path = storage.filesystem(remote)
    fs.pipe_file(path, storage.read_bytes(local))
    batch = pa.RecordBatch.from_pylist([document(text) for text in texts(10)], SCHEMA)
    here, there = (classifier.annotator(uri, details["model_digest"], "s") for uri in (local, remote))
    assert here.annotate(batch) == there.annotate(batch)


def test_what_was_refused_or_speaks_to_its_judge_is_not_learned_from(tmp_path):
    made = texts()

    def answer(text):
        if text == made[0]:
            return Answer(Outcome.REFUSED)
        return judged(5 if text == made[1] or is_teaching(text) else 1, addresses_model=text == made[1])

    found = trained(tmp_path, answer, made).manifest
    assert found.dropped == {"addresses_model": 1, "refused": 1}
    assert (found.rows_in, found.kept) == (200, 198)


def test_judgments_that_all_say_the_same_teach_nothing(tmp_path):
    with pytest.raises(RecipeError, match=r"documents by score are \{3: \d+\}.*Raise judge.sample"):
        trained(tmp_path, lambda _: judged(3))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([1] * 50 + [4] * 50, 3),
        ([1] * 95 + [4] * 5, 3),  # few are good, but no other score divides more evenly
        ([3] * 50 + [4] * 40 + [5] * 10, 4),
        ([0] * 30 + [1] * 30 + [2] * 30, 2),  # 1 divides as evenly and is farther from 3
        ([5] * 50 + [2] * 12, 3),
    ],
)
def test_good_starts_at_three_unless_that_hardly_divides(scores, expected):
    assert threshold(scores) == expected


def test_a_text_cannot_bring_a_label_of_its_own_into_training():
    line = learner.line_of("__label__good  __label__poor\n</s> Ärger, 2nd e.g.")
    assert line == "label good label poor s ärger 2nd e.g"
