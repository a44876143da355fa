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
from curation.judge import classifier, judgments, sample
from curation.judge.classifier.examples import good_from
from curation.judge.classifier.fasttext_head import FastText, line_of
from curation.judge.frame import Frame
from curation.layout import Layout
from curation.recipe import Judge, Threshold
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


def by_words(text):
    return judged(4 if is_teaching(text) else 1)


def trained(folder, answer=by_words, made=None, settings=SETTINGS, source=lambda n: "web"):
    lake = Layout(str(folder))
    documents = [document(text, source(n)) for n, text in enumerate(made or texts())]
    held = partition(lake, "all", [documents])
    decided = decisions(lake, [held])
    drawn = sample.draw(decided, [held], settings.sample, seed=0, purpose="judge")
    asked = judgments.requests(b"key", settings, drawn)
    found = judgments.publish(lake, settings, decided, drawn, answered(folder, asked, answer))
    known = {each["id"]: each["text"] for each in documents}
    return classifier.publish(lake, settings, [found], known, Frame(decided, [held]))


def decided_in(folder):
    [uri] = Path(folder).glob("decisions/*/manifest-*.json")
    return stage.open_manifest(str(uri))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("lake"))


def annotate(published, rows):
    annotator = classifier.column(SETTINGS, published).annotator
    batch = pa.RecordBatch.from_pylist([document(text) for text in rows], SCHEMA)
    return annotator.annotate(batch).to_pydict()


def test_what_can_be_told_apart_is_told_apart_on_documents_never_trained_on(published):
    found = classifier.read_report(published)
    figures = {name: measured["overall"] for name, measured in found["figures"].items()}
    assert found["held_out"]["documents"] >= 20
    assert found["training"]["documents"] + found["held_out"]["documents"] == 200
    assert figures["classifier"]["f1"]["value"] > 0.95
    baselines = {"everything_good", "length", "stop_word_ratio", "terminal_line_ratio", "source_alone"}
    assert set(figures) == {"classifier", *baselines}
    for baseline in baselines:
        for name in ("f1", "auc"):
            assert figures["classifier"][name]["interval"][0] > figures[baseline][name]["value"]
    assert found["gate"]["passed"]
    assert published.manifest.details["gate_passed"]
    assert classifier.why_over(published) == "gate"  # no round follows


def test_the_columns_are_the_probability_of_being_good_and_whether_it_is_enough(published):
    found = annotate(published, ["theorem proof because " * 20, "buy sale cart " * 20, "!?"])
    teaching, selling, empty = found["educational_score"]
    assert teaching > 0.9
    assert selling < 0.1
    assert empty == 0.0
    assert found["educational_score_good"] == [True, False, False]


def test_the_same_judgments_give_the_same_bytes(published, tmp_path):
    again = trained(tmp_path / "another lake")
    assert again.manifest == published.manifest
    name = published.manifest.details["model"]
    one, other = (storage.join(p.directory, name) for p in (published, again))
    assert storage.read_bytes(one) == storage.read_bytes(other)


def test_another_process_trains_the_same_bytes(tmp_path):
    code = (
        "import sys, pathlib, tests.judge.classifier.test_classifier as t\n"
        "made = t.texts(40)\n"
        "t.FastText().train(made, [t.is_teaching(x) for x in made], pathlib.Path(sys.argv[1], 'model.bin'))\n"
    )
    models = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        env = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=env, cwd=ROOT)
        models.append((folder / "model.bin").read_bytes())
    assert models[0] == models[1]


def test_later_rounds_ask_what_the_first_one_asked_whatever_their_judgments_say(tmp_path):
    """Else the AUCs of two rounds, by which the loop ends, would be of different questions."""
    lake, documents = Layout(str(tmp_path)), [document(text) for text in texts(300)]
    held = partition(lake, "all", [documents])
    decided, known = decisions(lake, [held]), {each["id"]: each["text"] for each in documents}
    every = sample.draw(decided, [held], 300, seed=0, purpose="judge")

    def judge(drawn, answer, after=None):
        asked = judgments.requests(b"key", SETTINGS, drawn)
        ledger = answered(tmp_path, asked, answer)
        return judgments.publish(lake, SETTINGS, decided, drawn, ledger, after)

    first = judge(every.slice(0, 200), lambda text: judged(5 if is_teaching(text) else 4))
    one = classifier.publish(lake, SETTINGS, [first], known, Frame(decided, [held]))
    second = judge(every.slice(200), lambda _: judged(1), one)
    two = classifier.publish(lake, SETTINGS, [first, second], known, Frame(decided, [held]), [one])
    assert [made.manifest.details["good_from"] for made in (one, two)] == [5, 5]
    card = Path(two.directory, two.manifest.details["card"]).read_text()
    assert "Good starts at 5, as too few judgments of the first round lie on both sides of 3" in card


def test_the_order_of_the_archives_does_not_change_the_model(published, tmp_path):
    again = trained(tmp_path, made=texts()[::-1])
    assert again.manifest.details["model_digest"] == published.manifest.details["model_digest"]


def test_a_published_classifier_is_not_trained_again(tmp_path, monkeypatch):
    first = trained(tmp_path)
    monkeypatch.setattr(FastText, "train", lambda *_: pytest.fail("trained again"))
    again = trained(tmp_path)
    assert (again.uri, again.new) == (first.uri, False)


def test_the_annotator_goes_to_another_process_and_has_the_models_digest_in_its_fingerprint(published):
    column = classifier.column(SETTINGS, published)
    assert pickle.loads(pickle.dumps(column.annotator)).columns == column.annotator.columns
    assert column.annotator.columns == classifier.schema(SETTINGS)
    for changed in ({"model_digest": "f" * 32}, {"threshold": 0.7}):
        details = {**published.manifest.details, **changed}
        other = stage.Published("x", 1, published.manifest.model_copy(update={"details": details}))
        assert classifier.column(SETTINGS, other).fingerprint != column.fingerprint


def test_a_published_classifier_is_found_without_its_sample(tmp_path):
    made = trained(tmp_path)
    learned_from = judgments.find(Layout(str(tmp_path)), SETTINGS, decided_in(tmp_path))
    assert learned_from is not None
    assert classifier.find(Layout(str(tmp_path)), SETTINGS, [learned_from]) == stage.open_manifest(made.uri)
    other = SETTINGS.model_copy(update={"column": "other"})
    assert classifier.find(Layout(str(tmp_path)), other, [learned_from]) is None


def test_a_model_that_was_changed_is_not_used(published, tmp_path):
    shutil.copytree(published.directory, tmp_path / "copy")
    details = published.manifest.details
    model = tmp_path / "copy" / details["model"]
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    annotator = classifier.annotator(FastText(), str(model), details, classifier.schema(SETTINGS))
    with pytest.raises(LakeError, match="it was changed"):
        annotator.annotate(pa.RecordBatch.from_pylist([document("text")], SCHEMA))


def test_a_model_in_an_object_store_scores_as_a_local_one(published):
    details = published.manifest.details
    local = storage.join(published.directory, details["model"])
    remote = "memory://lake/model.bin"
    fs, path = storage.filesystem(remote)
    fs.pipe_file(path, storage.read_bytes(local))
    batch = pa.RecordBatch.from_pylist([document(text) for text in texts(10)], SCHEMA)
    here, there = (
        classifier.annotator(FastText(), uri, details, classifier.schema(SETTINGS)) for uri in (local, remote)
    )
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
    assert good_from(scores) == expected


def test_a_text_cannot_bring_a_label_of_its_own_into_training():
    line = line_of("__label__good  __label__poor\n</s> Ärger, 2nd e.g.")
    assert line == "label good label poor s ärger 2nd e.g"


def test_near_copies_are_never_on_both_sides(tmp_path):
    """Each text comes with an edition of itself, whose own hash would put one pair in three on both sides."""
    made = [edition for text in texts(100) for edition in (text, f"{text} click")]
    published = trained(tmp_path, made=made)
    found = classifier.read_report(published)
    assert found["held_out"]["components"] == found["held_out"]["documents"] / 2
    assert found["training"]["components"] == found["training"]["documents"] / 2
    assert found["training"]["documents"] + found["held_out"]["documents"] == 200


def test_a_source_that_gives_the_answer_away_does_not_pass_the_gate(tmp_path):
    """Good documents are one source's; which words are in them is chance."""
    words = random.Random(2)
    made = [" ".join(words.choices(f"{TEACHING} {COMMON}".split(), k=60)) + f" {n}" for n in range(200)]

    def answer(text):
        return judged(4 if int(text.split()[-1]) % 2 else 1)

    published = trained(tmp_path, answer, made, source=lambda n: ("shop", "school")[n % 2])
    found = classifier.read_report(published)
    assert found["figures"]["source_alone"]["overall"]["f1"]["value"] == 1.0
    assert not found["gate"]["passed"]
    assert not published.manifest.details["gate_passed"]


def test_of_a_precision_the_card_says_which_models_it_was_chosen_on_and_what_this_one_has(tmp_path):
    """Chosen on other models, it is no promise about this one."""
    asked = SETTINGS.model_copy(update={"threshold": Threshold(precision=0.9)})
    published = trained(tmp_path, settings=asked)
    found = classifier.read_report(published)
    assert found["threshold_chosen_on"].startswith("the scores of 5 other models")
    card = Path(published.directory, published.manifest.details["card"]).read_text()
    told = found["figures"]["classifier"]["overall"]["precision"]
    low, high = told["interval"]
    assert f"chosen by precision 0.9 on {found['threshold_chosen_on']}" in card
    assert f"on what is held out it has {told['value']:.2f} ({low:.2f}–{high:.2f})" in card


@pytest.mark.parametrize("threshold", [{"percentile": 90}, {"tokens": 5_000}])
def test_the_best_tenth_and_a_budget_of_tokens_are_those_of_all_documents(tmp_path, threshold):
    """Of all, not of the few that are judged, by the model that scores them: a budget that is overrun is
    compute that nobody planned."""
    asked = SETTINGS.model_copy(update={"threshold": Threshold(**threshold), "sample": 100})
    every = texts(400)
    published = trained(tmp_path, made=every, settings=asked)
    good = annotate(published, every)["educational_score_good"]
    if "tokens" in threshold:
        assert 4_500 < sum(len(text) for text, taken in zip(every, good, strict=True) if taken) / 4 <= 5_000
    else:
        assert 30 < sum(good) <= 40


def test_another_threshold_is_another_classifier_and_a_gate_that_is_required_is_not():
    asked = SETTINGS.model_copy(update={"threshold": Threshold(percentile=90)})
    assert classifier.mark(asked) != classifier.mark(SETTINGS)
    required = SETTINGS.model_copy(update={"gate": "required"})
    assert classifier.mark(required) == classifier.mark(SETTINGS)


def test_the_card_says_where_too_few_scores_were_there_to_suspect_one(published, tmp_path):
    """Else `nothing` left out reads as if nothing had been suspicious."""
    few = trained(tmp_path, made=texts(40))
    cards = [Path(made.directory, made.manifest.details["card"]).read_text() for made in (few, published)]
    said = "no score could be suspected where fewer than 50 can be compared: 40 in round 1"
    assert [said in card for card in cards] == [True, False]
    assert "no score could be suspected" not in cards[1]


def test_the_card_says_what_it_is_worth_and_what_it_is_not(published):
    uri = storage.join(published.directory, published.manifest.details["card"])
    card = storage.read_bytes(uri).decode()
    for said in (
        "# educational_score",
        "`educational`",
        "offline-rules-1",
        "| classifier |",
        "| source_alone |",
    ):
        assert said in card
    assert "## Limits" in card
    assert "None" not in card
    assert "nan" not in card
