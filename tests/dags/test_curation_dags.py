"""The DAGs as Airflow sees them: whole, documented, cheap to parse, and keyed by the right days."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FIVE_DAYS = ["2025-11-03", "2025-11-04", "2025-11-05", "2025-11-06", "2025-11-07"]


def serialized(dag):
    """`dag` as the scheduler has it."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))


def scheduled(dag, *, catchup=True):
    """Every run that the scheduler would make by itself, as (when, day)."""
    from airflow.timetables.base import TimeRestriction

    known = serialized(dag)
    restriction = TimeRestriction(known.start_date, known.end_date, catchup=catchup)
    made, info = [], None
    while len(made) < 20:
        info = known.timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction)
        if info is None:
            break
        made.append((info.run_after, info.partition_key))
    return made


def test_every_recipe_has_its_dags_and_a_broken_one_takes_none_with_it(dags):
    shipped = {"ingest_sample", "release_sample", "pretrain_sample"}
    names = ("small", "wide", "held", "asking", "loop")
    own = {f"{stage}_{name}" for stage in ("ingest", "release") for name in names}
    assert set(dags) == {*shipped, *own, "broken_torn", "broken_twin", "broken_unpriced"}


def test_a_broken_recipe_says_where_and_what(dags):
    assert "shedule" in dags["broken_torn"].doc_md
    assert "torn.yaml:4" in dags["broken_torn"].doc_md
    assert "little.yaml" in dags["broken_twin"].doc_md
    assert "no price for the model" in dags["broken_unpriced"].doc_md


def test_stages_that_a_recipe_leaves_out_are_not_there(dags):
    assert dags["release_small"].task_ids == ["complete", "changed", "screen", "select", "release"]
    assert {"judge", "score", "synthesize_text", "synthesize"} <= set(dags["release_sample"].task_ids)


def test_ranges_of_keys_are_merged_in_tasks_of_their_own_before_anything_is_decided(dags):
    merge = serialized(dags["release_wide"]).get_task("merge_keys")
    assert (merge.upstream_task_ids, merge.downstream_task_ids) == ({"changed"}, {"screen"})
    assert merge.is_mapped
    assert merge.get_parse_time_mapped_ti_count() == 8


def test_what_costs_money_is_quoted_before(dags):
    assert {"judge", "quote_judge", "synthesize_text"} <= set(dags["release_asking"].task_ids)
    assert serialized(dags["release_asking"]).get_task("judge").upstream_task_ids == {"quote_judge"}
    assert "quote_synthesize" not in dags["release_asking"].task_ids  # the stand-in is free
    assert "quote_judge" not in dags["release_sample"].task_ids


def test_the_task_that_quotes_is_given_the_form_of_the_run_and_shows_it_to_nobody(dags):
    from airflow.sdk.definitions.param import process_params

    dag = dags["release_asking"]
    quoting = dag.get_task("quote_judge")
    given = process_params(dag, quoting, {"judge_sample": 50}, suppress_exception=False)
    assert given["judge_sample"] == 50
    assert not quoting.serialized_params


def test_the_stages_follow_one_another(dags):
    order = [task.task_id for task in dags["release_sample"].topological_sort()]
    stages = ["complete", "facts.publish", "changed", "screen", "judge", "score", "select"]
    stages += ["synthesize_text", "synthesize", "release"]
    assert [task for task in order if task in stages] == stages


def test_the_judge_is_held_to_gold_labels_before_it_is_paid_for_more_and_though_nothing_else_is_new(dags):
    order = [task.task_id for task in dags["release_held"].topological_sort()]
    assert order[order.index("calibrate") :][:5] == ["calibrate", "calibration", "changed", "screen", "judge"]
    ended_with = dags["release_held"].get_task("changed").get_flat_relative_ids(upstream=False)
    assert not ended_with & {"calibrate", "calibration"}


def test_every_round_that_a_recipe_may_take_has_its_tasks_one_after_the_other(dags):
    order = [task.task_id for task in dags["release_loop"].topological_sort()]
    first = ["quote_judge", "judge", "score"]
    later = [f"{task}_{number}" for number in (2, 3) for task in first]
    assert order[order.index("screen") :] == ["screen", *first, *later, "gate", "select", "release"]
    assert "gate" not in dags["release_sample"].task_ids  # there it is only reported
    loop = serialized(dags["release_loop"])
    assert loop.get_task("judge_2").upstream_task_ids == {"quote_judge_2"}
    assert [bool(dags["release_loop"].get_task(name).at_cap) for name in ("judge", "judge_2")] == [
        False,
        True,
    ]
    assert loop.get_task("quote_judge_3").upstream_task_ids == {"score_2"}


def test_every_dag_task_and_field_is_documented_where_the_ui_shows_it(dags):
    for dag in dags.values():
        assert all((dag.description, dag.doc_md, dag.tags))
        assert "{" not in dag.doc_md, f"{dag.dag_id}: a placeholder is left in its doc"
        for task in dag.tasks:
            assert task.owner == "curation"
            assert len(task.doc_md or "") > 30, f"{dag.dag_id}.{task.task_id} has no doc"
        for name, param in dag.params.items():
            field = dag.params.get_param(name)
            assert len(field.description or "") > 30, f"{dag.dag_id}: {name} has no help ({param!r})"
            assert {"type", "title"} <= set(field.schema)


def test_the_task_that_asks_a_person_is_given_the_form_of_the_run(dags):
    """Its own field must not hide the thresholds that a run by hand changes."""
    from airflow.sdk.definitions.param import process_params

    dag = dags["release_sample"]
    given = process_params(
        dag, dag.get_task("screen"), {"near_duplicate_similarity": 0.7}, suppress_exception=False
    )
    assert given["near_duplicate_similarity"] == 0.7
    assert given["why"] == ""
    assert set(given) == {*dag.params, "why"}


def test_every_dag_survives_the_way_to_the_scheduler(dags):
    for dag in dags.values():
        assert serialized(dag).task_ids == dag.task_ids


def test_faults_are_retried_and_users_mistakes_are_not(dags):
    from airflow.sdk import RetryAction

    from curation.errors import InputError

    for dag in dags.values():
        for task in dag.tasks:
            assert task.retries == 2
            policy = task.partial_kwargs["retry_policy"] if task.is_mapped else task.retry_policy
            assert policy.evaluate(InputError("x"), 1, 2).action is RetryAction.FAIL
            assert policy.evaluate(OSError("x"), 1, 2).action is RetryAction.DEFAULT


def test_the_run_at_midnight_takes_the_day_that_has_ended(dags):
    runs = scheduled(dags["ingest_sample"])
    assert [day for _, day in runs] == FIVE_DAYS
    assert runs[0][0] == datetime(2025, 11, 4, tzinfo=UTC)


def test_a_run_at_six_takes_the_day_before_too_the_last_one_included(dags):
    assert [day for _, day in scheduled(dags["ingest_small"])] == ["2025-12-30", "2025-12-31", "2026-01-01"]


def test_unpausing_a_recipe_of_the_past_starts_nothing(dags):
    assert scheduled(dags["ingest_sample"], catchup=False) == []


def test_a_backfill_makes_a_run_for_each_day(dags):
    first, last = datetime(2025, 11, 3, tzinfo=UTC), datetime(2025, 11, 7, tzinfo=UTC)
    infos = serialized(dags["ingest_sample"]).iter_dagrun_infos_between(first, last)
    assert [info.partition_key for info in infos] == FIVE_DAYS


def test_every_day_asks_for_the_one_release_and_the_release_for_its_training(dags):
    release, pretrain = serialized(dags["release_sample"]), serialized(dags["pretrain_sample"])
    days = release.timetable.get_partition_mapper(name="documents_sample", uri="documents_sample")
    assert {days.to_downstream(day) for day in FIVE_DAYS} == {"sample"}
    releases = pretrain.timetable.get_partition_mapper(name="release_sample", uri="release_sample")
    assert releases.to_downstream("sample") == "sample"
    assert release.max_active_runs == pretrain.max_active_runs == 1


def test_asset_names_meet(dags):
    published = {o.name for task in dags["ingest_sample"].tasks for o in task.outlets}
    released = {o.name for task in dags["release_sample"].tasks for o in task.outlets}
    assert published == {"documents_sample"}
    assert released == {"release_sample"}
    assert {i.name for i in dags["pretrain_sample"].get_task("pretrain").inlets} == released


@pytest.mark.parametrize(
    ("dag_id", "name", "good", "bad"),
    [
        ("release_sample", "near_duplicate_similarity", 0.7, 1.5),
        ("release_sample", "judge_sample", 50, 1),
        ("pretrain_sample", "learning_rate", 0.01, 0),
        ("pretrain_sample", "steps", 5, "many"),
        ("ingest_sample", "day", "2025-11-03", 20251103),
    ],
)
def test_a_form_refuses_what_the_recipe_would_refuse(dags, dag_id, name, good, bad):
    from airflow.sdk.exceptions import ParamValidationError

    field = dags[dag_id].params.get_param(name)
    assert field.resolve(good) == good
    with pytest.raises(ParamValidationError):
        field.resolve(bad)


def test_parsing_the_dags_imports_no_engine():
    """The processor parses every few seconds; one import of torch there is what everyone waits for."""
    program = (
        "import json, sys, time, airflow.sdk; before = set(sys.modules); start = time.process_time();"
        "import curation_dags; seconds = time.process_time() - start;"
        "print(json.dumps([seconds, sorted(set(sys.modules) - before)]))"
    )
    path = os.pathsep.join(str(PROJECT / name) for name in ("", "plugins", "dags"))
    environment = {**os.environ, "PYTHONPATH": path}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    seconds, imported = json.loads(told.stdout.splitlines()[-1])
    heavy = {"torch", "pyarrow", "anthropic", "duckdb", "numpy", "pandas", "fasttext", "datatrove", "spacy"}
    assert not heavy & {name.split(".")[0] for name in imported}
    assert "curation.pipeline" not in imported
    assert len(imported) < 300
    assert seconds < 5


def test_one_file_is_left_for_each_loader_to_find():
    """Airflow's plugin loader runs every file it finds and registers it under its bare name."""
    assert [path.name for path in sorted((PROJECT / "plugins").glob("*.py"))] == ["curation_plugin.py"]
    assert "curation_airflow/" in (PROJECT / "plugins" / ".airflowignore").read_text().split()
    assert "recipe_dags/" in (PROJECT / "dags" / ".airflowignore").read_text().split()
