"""The sample as tests run it: without a training and without datatrove's filter, which takes long."""

import shutil
from pathlib import Path

import yaml

from curation import pipeline, recipe_file
from curation.claude import stand_in
from curation.claude.client import Connection
from curation.claude.run import run as ask
from curation.pipeline import Job
from curation.release import Released

DAYS = recipe_file.load("sample").interval.days


def write_recipe(folder: Path) -> Path:
    """The recipe file, in `folder`."""
    said = yaml.safe_load(recipe_file.find("sample").read_text())
    for source in said["sources"]:
        source["path"] = str(recipe_file.SHIPPED / source["path"])
    said["annotate"]["datatrove"] = []
    said["select"]["drop"] = {r: c for r, c in said["select"]["drop"].items() if "fineweb" not in c}
    said["pretrain"] = None
    (folder / "sample.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    return folder / "sample.yaml"


def ingest(job: Job, day: str | None) -> None:
    """The facts of one day, or of the sources without time."""
    plans = pipeline.plan(job, day)
    for uri in plans:
        pipeline.ingest(job, uri)
        pipeline.annotate(job, uri)
    pipeline.publish(job, plans)


def finish(job: Job, server: stand_in.StandIn) -> tuple[Released, int]:
    """The release, and how many requests were sent for it."""
    client = Connection("no-key", server.url).client()
    sent = ask(client, job.ledger, pipeline.judge_requests(job), job.lake.answers).sent
    pipeline.score(job)
    sent += ask(client, job.ledger, pipeline.synthesize_requests(job), job.lake.answers).sent
    pipeline.synthesize(job)
    return pipeline.release(job), sent


def with_gate_required(finished: Job, recipe: Path, folder: Path) -> Job:
    """A finished sample, whose few judgments do not pass, in a lake of its own, with the gate required."""
    shutil.copytree(finished.lake.root, folder / "lake")
    text = recipe.read_text().replace("judge:\n", "judge:\n  gate: required\n")
    (folder / "required.yaml").write_text(text)
    made = pipeline.open_job(folder / "required.yaml", str(folder / "lake"))
    assert not pipeline.learned(made).manifest.details["gate_passed"]
    return made
