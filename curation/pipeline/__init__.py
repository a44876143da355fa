"""The whole way in plain Python: what a DAG does, without Airflow.

Each step can be called at any time: what is published for the same configuration and inputs is found, not
computed. A step that needs an earlier one finds it the same way. `Job` is a recipe at work in a lake.

    plan → ingest → annotate → publish      a partition's facts
    screen → judge → score → select         decisions, at last with the classifier's column; alarms stop them
    synthesize → release → pretrain         texts, shards, a training
"""

from curation.pipeline.calibrating import alarming, calibrate, calibrate_requests
from curation.pipeline.decisions import check_alarms, first_rules, merge_keys, screen
from curation.pipeline.job import Job, ledger_at, open_job
from curation.pipeline.judging import (
    all_columns,
    check_gate,
    corpus_rate,
    end_rounds,
    how_far,
    judge_requests,
    learned,
    loop,
    score,
    select,
    taught,
)
from curation.pipeline.partitions import (
    annotate,
    gather,
    ingest,
    is_published,
    missing,
    places,
    plan,
    publish,
)
from curation.pipeline.releasing import already_released, decided, everything, release
from curation.pipeline.synthesizing import synthesize, synthesize_requests
from curation.pipeline.training import pretrain, trained

__all__ = [
    "Job",
    "alarming",
    "all_columns",
    "already_released",
    "annotate",
    "calibrate",
    "calibrate_requests",
    "check_alarms",
    "check_gate",
    "corpus_rate",
    "decided",
    "end_rounds",
    "everything",
    "first_rules",
    "gather",
    "how_far",
    "ingest",
    "is_published",
    "judge_requests",
    "learned",
    "ledger_at",
    "loop",
    "merge_keys",
    "missing",
    "open_job",
    "places",
    "plan",
    "pretrain",
    "publish",
    "release",
    "score",
    "screen",
    "select",
    "synthesize",
    "synthesize_requests",
    "taught",
    "trained",
]
