"""The stand-in held to readability labels: agreement with intervals beside the silly baselines, and the
processor time of 1,000 bootstrap draws. `python -m tests.benchmarks.calibration`

The stand-in counts; it is no judge of readability, and none of this says anything about Claude.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from curation.claude import stand_in
from curation.claude.client import Connection
from curation.claude.ledger import Ledger
from curation.claude.run import run as ask
from curation.judge import calibration, lake_key
from curation.judge.calibration import agreement
from curation.judge.intervals import draws
from curation.layout import Layout
from curation.recipe import Gold, Judge
from tests.benchmarks.corpora import SHARED
from tests.benchmarks.figures import tell

SETS = {
    "clear": Gold(
        path=str(SHARED / "quality" / "clear_corpus.jsonl.zst"),
        text="Excerpt", label="BT_easiness", source="License", id="ID",
    ),
    "onestop": Gold(
        path=str(SHARED / "quality" / "onestopenglish.jsonl.zst"), label="level", group="article",
        order=("adv", "int", "ele"),
    ),
}  # fmt: skip
WHO = {
    "judge": "judge",
    "judge_cut": "judge_cut",
    "word_count": "length",
    "stop_word_ratio": "stop_words",
    "terminal_line_ratio": "line_ends",
    "source_alone": "source",
}
DOCUMENTS = 5_000  # of the timed bootstrap


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, stand_in.serve() as server:
        client = Connection("no-key", server.url).client()
        ledger = Ledger(Path(folder) / "ledger.sqlite")
        figures: dict[str, object] = {}
        for name, gold in SETS.items():
            figures |= _calibrated(name, Judge(gold=gold), Layout(folder), client, ledger)
    tell(figures | _bootstrap())


def _calibrated(name: str, judge: Judge, lake: Layout, client: Any, ledger: Ledger) -> dict[str, object]:
    labelled = calibration.load(judge)
    asked = ask(client, ledger, calibration.requests(lake_key.read(lake), judge, labelled), lake.answers)
    start = time.process_time()
    made = calibration.publish(lake, name, judge, labelled, ledger, lambda earlier: earlier)
    seconds = time.process_time() - start
    told = calibration.read_report(made)
    found: dict[str, object] = {f"{name}_documents": told["answered"], f"{name}_requests": asked.requested}
    for who, short in WHO.items():
        overall, inside = told["overall"][who], told["within_source"][who]
        found |= {f"{name}_{short}_{figure}": _shown(overall[figure]) for figure in ("kappa", "mae")}
        found |= {f"{name}_{short}_rho": _shown(overall["spearman"])}
        if len(told["by_source"]) > 1:
            found |= {f"{name}_within_{short}_rho": _shown(inside["spearman"])}
    found |= {f"{name}_{probe}_shift": _shown(f["shift"]) for probe, f in told["probes"].items()}
    return found | {f"{name}_report_cpu_seconds": seconds}


def _shown(told: dict[str, float | None]) -> list[float | None]:
    return [told["value"], told["low"], told["high"]]


def _bootstrap() -> dict[str, object]:
    random = np.random.default_rng(0)
    gold, judged = random.integers(0, 6, (2, DOCUMENTS))
    start = time.process_time()
    drawn = draws(["a"] * DOCUMENTS)
    for figure in (
        agreement.kappa(gold, judged, 6),
        agreement.spearman(random.standard_normal(DOCUMENTS), judged.astype(np.float64)),
        agreement.mae(gold, judged),
    ):
        agreement.estimate(figure, drawn)
    return {"bootstrap_documents": DOCUMENTS, "bootstrap_cpu_seconds": time.process_time() - start}


if __name__ == "__main__":
    main()
