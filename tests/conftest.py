"""What is made once for all tests: a stand-in, the sample's recipe, a lake with its release."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from curation import pipeline
from curation.claude import stand_in
from curation.pipeline import Job
from tests import sample

# No deadline for an example: a loaded machine is slow, not wrong. The same examples each time: whether a
# commit passes is no matter of luck. `--hypothesis-profile=search` looks further, at others each time.
hypothesis.settings.register_profile("curation", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("curation")


@pytest.fixture(scope="session")
def server() -> Iterator[stand_in.StandIn]:
    with stand_in.serve() as running:
        yield running


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample.write_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="session")
def in_order(recipe: Path, server: stand_in.StandIn, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The job whose days came in order, finished. Its lake is looked at, not changed."""
    job = pipeline.open_job(recipe, str(tmp_path_factory.mktemp("lakes") / "in order"))
    for day in (*sample.DAYS, None):
        sample.ingest(job, day)
    sample.finish(job, server)
    return job
