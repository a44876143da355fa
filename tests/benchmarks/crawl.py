"""The main job on the real crawl: time, documents a second, peak memory of its processes.

    python -m tests.benchmarks.crawl

Needs the data set `crawl` in a folder `shared` beside the checkout.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from curation import pipeline
from curation.run import run

RECIPE = Path(__file__).with_name("crawl.yaml")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        command = ["curation", "run", "--recipe", str(RECIPE), "--lake", folder]
        subprocess.run([sys.executable, "-m", "curation.cli", *command[1:]], check=True)
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        released = run(pipeline.open_job(RECIPE, folder), lambda *_: None).released
        read = released.manifest.details["funnel"][0]
    figures = {
        "benchmark": "crawl",
        "cores": os.cpu_count(),
        "records": read["rows_in"],
        "documents": read["rows_out"],
        "released": released.manifest.kept,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "documents_per_second": round(read["rows_out"] / seconds, 1),
        "peak_mib_of_the_largest_process": round(used.ru_maxrss / 1024),
    }
    for name, value in figures.items():
        print(f"{name:<34}{value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
