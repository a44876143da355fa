"""How long a fresh process waits for kernels that are compiled already.

    python -m tests.benchmarks.warmup

Wall and processor seconds, medians of fresh processes that have imported what any stage imports (the
annotators, numpy, pyarrow): from there to the end of the first signatures, rules and page, numba's own import
with them. `compile_seconds` is what the first process on a machine waits, once for each version. Python keeps
its bytecode here, as it does unless it is told not to: PYTHONDONTWRITEBYTECODE would double the figures.
"""

import json
import os
import subprocess
import sys
import tempfile
from statistics import median

from tests.benchmarks.figures import tell

CODE = """
import time, json
import pyarrow as pa
from curation import annotate, dedup
from curation.recipe import Annotate, Duplicates, Extract
batch = pa.record_batch([pa.array(["The first text of all, and naïve."])], names=["text"])
wall, cpu = time.perf_counter(), time.process_time()
import numba
imported = time.perf_counter() - wall
dedup.annotator(Duplicates()).annotate(batch)
next(a for a in annotate.annotators(Annotate()) if a.name == "rules").annotate(batch)
from curation.ingest.extract import page
page("<title>A page</title><p>The first page of all, and naïve.", Extract())
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, imported]))
"""


def fresh(cache: str) -> list[float]:
    """Wall seconds, processor seconds, and wall seconds of numba's import, of one process."""
    env = {**os.environ, "XDG_CACHE_HOME": cache}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    run = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(run.stdout)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        compiling = fresh(folder)[0]
        runs = [fresh(folder) for _ in range(7)]
    figures = {
        "benchmark": "warmup",
        "seconds": median(run[0] for run in runs),
        "cpu_seconds": median(run[1] for run in runs),
        "numba_import_seconds": median(run[2] for run in runs),
        "compile_seconds": compiling,
        "load": os.getloadavg()[0],
    }
    tell(figures)


if __name__ == "__main__":
    main()
