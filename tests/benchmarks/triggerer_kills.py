"""Twenty SIGKILLs of Airflow's triggerer while tasks wait for message batches: none is lost or sent twice."""

import random
import tempfile
from pathlib import Path

from tests.benchmarks.figures import tell
from tests.e2e.triggerer import asking, figures, kill_often

RUNS, KILLS = 5, 4  # message batches, and kills while each is waited for


def main() -> None:
    rng = random.Random(0)
    with tempfile.TemporaryDirectory(prefix="curation-") as folder, asking(Path(folder)) as running:
        states = [kill_often(running, run, KILLS, rng) for run in range(RUNS)]
        tell(figures(running, RUNS, states))


if __name__ == "__main__":
    main()
