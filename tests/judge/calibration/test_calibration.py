"""A calibration: what is asked, what is published, and what is said when the judge has become worse."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from curation import alarms, approvals, cli, pipeline, stage, storage
from curation.claude import stand_in
from curation.claude.client import Connection
from curation.claude.ledger import Ledger
from curation.claude.run import run as ask
from curation.errors import AlarmError, ClaudeError, NotPublished, RecipeError
from curation.judge import calibration
from curation.judge.calibration import figures as calibration_figures
from curation.judge.calibration import probes
from curation.judge.enclose import open_
from curation.pipeline import Job
from curation.recipe import Alarms, Gold, Judge
from tests.judge.ledgers import answered, judged

DOCUMENTS = 60
SOURCES = ("wiki", "shop", "blog")
RECIPE = (
    "name: small\n"
    "interval: {start: 2025-11-03, end: 2025-11-04}\n"
    "sources: [{name: posts, format: jsonl, path: posts.jsonl}]\n"
    "judge:\n"
    "  model: MODEL\n"
    "  gold: {path: gold.jsonl, source: site, again: 0.5, probed: 10}\n"
)


def text_of(n: int) -> str:
    return f"Document {n} is about bridges. It says how they are built, and why they stand for long."


def level_of(text: str) -> int:
    """The gold's level of a text, or of what a probe made of it: its number is in every one."""
    number = next(word for word in text.replace(".", " ").split() if word.isdigit())
    return int(number) % 6


def sound(text: str):
    return judged(level_of(text))


def poor(text: str):
    """A judge that sees half of the differences, upside down in some."""
    return judged({0: 2, 1: 3, 2: 2, 3: 3, 4: 1, 5: 4}[level_of(text)])


@pytest.fixture
def make_job(tmp_path):
    rows = [
        {"text": text_of(n), "label": level_of(text_of(n)), "site": SOURCES[n % 3]} for n in range(DOCUMENTS)
    ]
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "gold.jsonl").write_text("\n".join([*lines, "not json", json.dumps({"text": "unlabelled"})]))

    def make(model: str = "offline-rules-1", **overrides) -> Job:
        (tmp_path / "small.yaml").write_text(RECIPE.replace("MODEL", model))
        return pipeline.open_job(tmp_path / "small.yaml", str(tmp_path / "lake"), overrides)

    return make


def calibrate(job: Job, answer):
    folder = storage.filesystem(job.lake.root)[1]
    answered(Path(folder), pipeline.calibrate_requests(job), answer)
    return pipeline.calibrate(job)


def rows_of(published):
    return [row for uri in published.part_uris() for row in stage.read_table(uri).to_pylist()]


def test_every_document_is_asked_about_some_twice_and_some_in_other_dress(make_job):
    job = make_job()
    requests = pipeline.calibrate_requests(job)
    assert len({request.key for request in requests}) == len(requests) == DOCUMENTS * 3 // 2 + 10 * 5
    again = [request for request in requests if request.replicate == 1]
    first = {request.text_digest for request in requests[:DOCUMENTS]}
    assert len(again) == DOCUMENTS // 2
    assert {request.text_digest for request in again} < first
    assert not {request.text_digest for request in requests[-50:]} & first


def test_a_larger_share_asks_the_same_again_and_more(make_job):
    small, large = (
        {request.key for request in pipeline.calibrate_requests(job)}
        for job in (make_job(), make_job(**{"judge.gold.again": 0.9, "judge.gold.probed": 20}))
    )
    assert small < large


def test_probed_is_what_the_judge_reads_whole_before_and_after(make_job):
    """Of a longer text the cut takes content out where the dress comes in, and the shift would be its."""
    job = make_job()
    sentence = "The bridge stands for long. "
    texts = [sentence * 100, sentence * 200, sentence * 400]  # the prompt takes 8,000 characters
    long_ones = job.gold.documents.slice(0, 3).set_column(
        job.gold.documents.schema.get_field_index("text"), "text", [texts]
    )
    asked = calibration.requests(job.key, job.judge, replace(job.gold, documents=long_ones))
    seen = [open_(request.message) for request in asked if request.replicate == 0][3:]
    assert probes.padded(texts[0]) in seen
    assert probes.halved(texts[1]) in seen
    assert not any("left out" in text for text in seen)
    assert not {probes.padded(texts[1]), probes.halved(texts[2])} & set(seen)


def test_an_edit_that_changes_nothing_is_no_probe(make_job, monkeypatch):
    monkeypatch.setattr(probes, "EDITS", {"none": str})
    assert {r.text_digest for r in pipeline.calibrate_requests(make_job())} == {
        r.text_digest for r in pipeline.calibrate_requests(make_job())[:DOCUMENTS]
    }


def test_a_row_for_each_request_the_bad_rows_of_the_gold_and_the_report_are_published(make_job):
    job = make_job()
    made = calibrate(job, sound)
    rows = rows_of(made)
    assert [row["key"] for row in rows] == [r.key for r in calibration.requests(job.key, job.judge, job.gold)]
    assert {row["asked"] for row in rows} == {"gold", "again", *probes.EDITS}
    assert made.manifest.dropped == {"broken_json": 1, "no_label": 1}
    assert (made.manifest.rows_in, made.manifest.kept) == (DOCUMENTS + 2, DOCUMENTS)
    [bad] = [stage.read_table(storage.join(made.directory, f.name)) for f in made.manifest.quarantine]
    assert bad.column("reason").to_pylist() == ["broken_json", "no_label"]
    told = calibration.read_report(made)
    assert told["overall"]["judge"]["kappa"]["value"] == 1.0
    assert told["itself"]["documents"] == DOCUMENTS // 2
    assert told["probes"]["markdown"]["shift"]["value"] == 0.0
    assert [s["source"] for s in told["by_source"]] == ["blog", "shop", "wiki"]
    assert np.trace(told["confusion"]) == DOCUMENTS
    markdown = storage.read_bytes(calibration.report_uri(made, "md")).decode()
    for kind in ("confusion", "scores"):
        name = made.manifest.details["report"][kind]
        assert f"({name})" in markdown
        assert storage.read_bytes(calibration.report_uri(made, kind)).startswith(b"\x89PNG")


def test_what_is_published_is_found_and_asks_nothing(make_job):
    first = calibrate(make_job(), sound)
    assert pipeline.calibrate_requests(make_job()) == []
    again = pipeline.calibrate(make_job())
    assert (again.uri, again.new) == (first.uri, False)
    with pytest.raises(NotPublished, match="curation calibrate"):
        pipeline.calibrate(replace(make_job("claude-haiku-5-5"), look_only=True))


def test_the_same_answers_give_the_same_bytes(make_job, tmp_path):
    one = calibrate(make_job(), sound)
    moved = pipeline.open_job(tmp_path / "small.yaml", str(tmp_path / "elsewhere"))
    assert calibrate(moved, sound).manifest == one.manifest


def test_too_few_answers_are_no_calibration(make_job):
    job = make_job()
    with pytest.raises(ClaudeError, match="90% are needed"):
        calibrate(job, lambda text: sound(text) if level_of(text) else None)
    assert calibration.find(job.lake, "small", job.judge, job.gold) is None


def test_a_recipe_without_gold_says_what_to_name(make_job):
    job = make_job()
    judge = job.judge.model_copy(update={"gold": None})
    with pytest.raises(RecipeError, match=r"judge\.gold"):
        pipeline.calibrate_requests(replace(job, recipe=job.recipe.model_copy(update={"judge": judge})))


@pytest.mark.parametrize(
    "change",
    [{"model": "claude-haiku-5-5"}, {"seed": 1}, {"gold": {"again": 0.1}}, {"gold": {"probed": 1}}],
)
def test_what_can_change_an_answer_makes_another_calibration(change):
    settings = {"gold": {"path": "a.csv"}}
    asked = settings | change | {"gold": settings["gold"] | change.get("gold", {})}
    mark = calibration.mark(Judge.model_validate(settings))
    assert calibration.mark(Judge.model_validate(asked)) != mark
    assert calibration.mark(Judge(sample=50, column="x", gold=Gold(path="b.csv"))) == mark


def test_a_worse_model_raises_an_alarm_that_a_person_may_let_pass(make_job):
    assert calibrate(make_job(), sound).manifest.details["drift"] == []
    job = make_job("claude-haiku-5-5")
    made = calibrate(job, poor)
    assert made.generation == 2
    with pytest.raises(
        AlarmError, match=r"(?s)offline-rules-1 and is .* with claude-haiku-5-5.*curation approve"
    ):
        pipeline.check_alarms(job, pipeline.calibrate)
    with pytest.raises(AlarmError):
        pipeline.score(job)  # before anything learns from such scores
    [held] = pipeline.alarming(replace(job, look_only=True))
    pending = approvals.pending(job.lake, job.recipe.alarms, held)
    assert {alarm.what for alarm in pending} == {"kappa_loss", "mae_loss"}
    approvals.add(job.lake, held, pending, approvals.Approval("cheaper, as agreed", None))
    pipeline.check_alarms(job, pipeline.calibrate)


def test_an_alarm_of_other_labels_than_the_recipe_names_is_approved_of_too(make_job, tmp_path):
    """As `curation calibrate --gold` makes it: less is asked twice, less in other dress."""
    calibrate(make_job(), sound)
    job = make_job("claude-haiku-5-5")
    judge = job.judge.model_copy(update={"gold": job.judge.gold.model_copy(update={"again": 0.1})})
    other = replace(job, recipe=job.recipe.model_copy(update={"judge": judge}))
    calibrate(other, poor)
    where = ["-r", str(tmp_path / "small.yaml"), "-l", str(tmp_path / "lake")]
    told = CliRunner().invoke(cli.app, ["approve", "--why", "cheaper", *where])
    assert told.exit_code == 0, told.output
    assert "approved: cheaper" in told.output
    pipeline.check_alarms(other, pipeline.calibrate)


def test_a_worse_model_that_nobody_approved_of_is_no_measure_for_the_next(make_job):
    calibrate(make_job(), sound)
    calibrate(make_job("claude-haiku-5-5"), poor)
    made = calibrate(make_job("claude-sonnet-5-5"), poor)
    assert made.manifest.details["drift"][0]["model_before"] == "offline-rules-1"
    assert alarms.raised(make_job().recipe.alarms, made)


def test_a_better_model_raises_none_and_the_first_is_still_there(make_job):
    first = calibrate(make_job(), poor)
    job = make_job("claude-haiku-5-5")
    made = calibrate(job, sound)
    assert alarms.raised(job.recipe.alarms, made) == ()
    assert made.manifest.details["drift"][0]["kappa"]["low"] > 0
    assert pipeline.calibrate(make_job()).uri == first.uri


def test_a_loss_within_the_limit_or_by_chance_raises_none(make_job):
    calibrate(make_job(), sound)
    made = calibrate(make_job("claude-haiku-5-5"), poor)
    assert alarms.raised(Alarms(kappa_loss=None, mae_loss=None), made) == ()
    assert alarms.raised(Alarms(kappa_loss=1.0, mae_loss=5.0), made) == ()
    by_chance = json.loads(json.dumps(made.manifest.details))
    by_chance["drift"][0]["kappa"] |= {"low": -0.9, "high": 0.1}
    by_chance["drift"][0]["mae"] |= {"low": -0.1, "high": 2.0}
    unsure = replace(made, manifest=made.manifest.model_copy(update={"details": by_chance}))
    assert alarms.raised(Alarms(), unsure) == ()


def test_gold_that_has_grown_is_compared_on_the_documents_that_both_have(make_job, tmp_path):
    """Labels of another scale are cut into equal shares: more of them move the level of each."""

    def lines(numbers, label):
        return [json.dumps({"text": text_of(n), "label": label(n), "site": "x"}) + "\n" for n in numbers]

    (tmp_path / "gold.jsonl").write_text("".join(lines(range(DOCUMENTS), lambda n: n % 6 + 0.5)))
    first = calibrate(make_job(), sound)
    with (tmp_path / "gold.jsonl").open("a") as file:
        file.writelines(lines(range(100, 160), lambda n: n + 9.5))
    job = make_job("claude-haiku-5-5")
    made = calibrate(job, poor)
    levels = [{row["digest"]: row["level"] for row in rows_of(each)} for each in (first, made)]
    assert levels[0].items() - levels[1].items()
    [drift] = made.manifest.details["drift"]
    assert drift["documents"] == DOCUMENTS
    assert alarms.raised(job.recipe.alarms, made)


def test_many_small_losses_are_seen_against_the_best(make_job):
    """Each time the judge errs about four documents more, which is less than the limit."""

    def worse(step):
        def answer(text):
            number = int(next(word for word in text.replace(".", " ").split() if word.isdigit()))
            return judged((level_of(text) + 3) % 6 if number < 4 * step else level_of(text))

        return answer

    models = ["offline-rules-1", "claude-haiku-5-5", "claude-sonnet-5-5"]
    raised = []
    for step in range(len(models)):
        job = make_job(models[step], **{"alarms.kappa_loss": 0.12, "alarms.mae_loss": None})
        made = calibrate(job, worse(step))
        raised.append(alarms.raised(job.recipe.alarms, made))
    assert [drift["which"] for drift in made.manifest.details["drift"]] == ["last", "best"]
    assert [len(found) for found in raised] == [0, 0, 1]
    assert "offline-rules-1" in raised[-1][0].evidence
    # What a person agreed to is the measure of what comes next.
    approvals.add(job.lake, made, raised[-1], approvals.Approval("agreed", None))
    last = make_job("claude-opus-5-5", **{"alarms.kappa_loss": 0.12, "alarms.mae_loss": None})
    after = calibrate(last, worse(2))
    assert [drift["model_before"] for drift in after.manifest.details["drift"]] == ["claude-sonnet-5-5"]
    assert alarms.raised(last.recipe.alarms, after) == ()


def test_another_cut_of_long_texts_is_another_prompt(make_job):
    """Errors measured when the judge read all say nothing of a judge that reads the start."""
    first = calibrate(make_job(), sound)
    cut = make_job(**{"judge.truncate": {"take": "head", "chars": 1000}})
    assert calibration.of_judge(cut.lake, "small", cut.judge) == []
    made = calibrate(cut, sound)
    assert made.uri != first.uri
    markdown = storage.read_bytes(calibration.report_uri(made, "md")).decode()
    assert "with another prompt (what is read of long texts)" in markdown
    assert {row["rubric_digest"] for row in rows_of(made)} == {made.manifest.details["prompt"]["digest"]}


def test_other_gold_is_not_compared(make_job, tmp_path):
    calibrate(make_job(), sound)
    (tmp_path / "gold.jsonl").write_text(
        "\n".join(json.dumps({"text": text_of(n), "label": n % 6, "site": "x"}) for n in range(600, 660))
    )
    assert calibrate(make_job("claude-haiku-5-5"), poor).manifest.details["drift"] == []


def test_a_judge_that_pays_for_dress_is_seen(make_job):
    """It gives a point more for bullets, and turns around half of the time the second time."""

    def vain(text):
        return judged(min(5, level_of(text) + 1) if text.startswith("#") else level_of(text))

    told = calibration.read_report(calibrate(make_job(), vain))
    flipped = told["probes"]["markdown"]
    assert flipped["shift"]["value"] > 0.5
    assert flipped["flipped_to_good"] > 0 == flipped["flipped_to_poor"]
    assert flipped["flip_rate"]["value"] == flipped["flipped_to_good"] / 10
    assert told["probes"]["questions"]["shift"]["value"] == 0.0


def test_a_refused_document_lowers_the_coverage_and_is_in_no_other_figure(make_job):
    from curation.claude.outcome import Answer, Outcome

    def answer(text):
        return Answer(Outcome.REFUSED, detail="bio") if text == text_of(7) else sound(text)

    told = calibration.read_report(calibrate(make_job(), answer))
    assert told["outcomes"] == {"ok": DOCUMENTS - 1, "refused": 1}
    assert told["coverage"]["value"] == pytest.approx(1 - 1 / DOCUMENTS, abs=1e-4)
    assert told["answered"] == sum(map(sum, told["confusion"])) == DOCUMENTS - 1


def test_a_source_that_is_refused_whole_does_not_vanish_from_the_report(make_job, tmp_path):
    from curation.claude.outcome import Answer, Outcome

    rows = [{"text": text_of(n), "label": n % 6, "site": "far" if n < 10 else "web"} for n in range(110)]
    (tmp_path / "gold.jsonl").write_text("\n".join(map(json.dumps, rows)))
    refused = {text_of(n) for n in range(10)}
    made = calibrate(make_job(), lambda t: Answer(Outcome.REFUSED) if t in refused else sound(t))
    covered = {
        s["source"]: s["coverage"]["value"] for s in calibration.read_report(made)["coverage_by_source"]
    }
    assert covered == {"web": 1.0, "far": 0.0}
    assert (
        "| far | 10 | 0.00 [0.00, 0.30] | – | – | – |"
        in storage.read_bytes(calibration.report_uri(made, "md")).decode()
    )


def test_versions_of_a_text_are_no_independent_evidence(make_job, tmp_path):
    def interval(**named):
        rows = [
            {"text": f"{text_of(n)} Version {v}.", "label": n % 6, "article": n}
            for n in range(30)
            for v in "abc"
        ]
        (tmp_path / "gold.jsonl").write_text("\n".join(map(json.dumps, rows)))
        told = calibration.read_report(calibrate(make_job(**named), poor))["overall"]["judge"]["mae"]
        return told["high"] - told["low"]

    alone, together = interval(), interval(**{"judge.gold.group": "article"})
    assert together > 1.4 * alone  # the root of 3, less chance


def test_baselines_are_told_and_the_source_is_worth_nothing_within_it(make_job):
    told = calibration.read_report(calibrate(make_job(), sound))
    assert set(told["overall"]) == set(told["within_source"]) == {
        "judge", "judge_cut", "word_count", "stop_word_ratio", "terminal_line_ratio", "source_alone",
    }  # fmt: skip
    assert told["within_source"]["source_alone"]["spearman"]["value"] is None
    assert told["overall"]["source_alone"]["spearman_lead"]["low"] > 0


def test_within_sources_a_baseline_is_read_in_the_direction_that_suits_there():
    """Of all documents the long are good, as they are of the better source; of each source the short are."""
    numbers, texts, rows = random.Random(3), {}, []
    for n in range(80):
        level, source = numbers.randint(0, 3) + 2 * (n % 2), SOURCES[n % 2]
        texts[str(n)] = "word " * (200 * (1 + 4 * (n % 2)) - 20 * level + numbers.randint(0, 9))
        rows.append({"id": str(n), "source": source, "level": level, "label": float(level), "score": 3})
    answered = [{**row, "asked": "gold", "outcome": "ok", "group": None} for row in rows]
    told = calibration_figures.measure(answered, texts, (0, 1, 2, 3, 4, 5), seed=0)
    for scope in ("overall", "within_source"):
        assert told[scope]["word_count"]["spearman"]["value"] > 0.1
        assert told[scope]["word_count"]["kappa"]["value"] > 0.1
    assert told["within_source"]["word_count"]["spearman"]["value"] > 0.9


def test_the_threshold_is_three_or_the_middle_of_a_scale_without_it():
    assert calibration_figures.threshold((0, 1, 2, 3, 4, 5)) == 3
    assert calibration_figures.threshold((0, 1, 2)) == 2
    assert calibration_figures.threshold((3, 4, 5, 6)) == 5


def test_nothing_is_paid_for_twice(make_job):
    """A gold document that is in the judged sample too has its answer already; so has all of a second run."""
    job = make_job()
    with stand_in.serve() as server:
        client = Connection("no-key", server.url).client()
        ledger = Ledger(job.ledger_at)
        sent = ask(client, ledger, pipeline.calibrate_requests(job)[:20], job.lake.answers).sent
        sent += ask(client, ledger, pipeline.calibrate_requests(job), job.lake.answers).sent
    assert (sent, len(pipeline.calibrate_requests(job))) == (140, 140)
    pipeline.calibrate(job)
    assert pipeline.calibrate_requests(job) == []
