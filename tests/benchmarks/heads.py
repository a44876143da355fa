"""The two heads side by side, on the same documents judged by real labels.

    python -m tests.benchmarks.heads

Sets and labels are those of `relabel`: as many documents as its loop ends with are learned from, at random; a
fifth is held out. Means over 20 seeds; `ahead` is the AUC of embeddings less that of fastText, its interval a
bootstrap over seeds, paired.
"""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.judge.classifier import embeddings
from curation.judge.classifier.embeddings_head import Embedded
from curation.judge.classifier.fasttext_head import FastText
from curation.judge.classifier.heads import Head
from curation.judge.classifier.measures import at_cut, auc
from curation.judge.classifier.threshold import EVEN
from curation.judge.intervals import draws, interval
from tests.benchmarks.corpora import SHARED
from tests.benchmarks.figures import tell
from tests.benchmarks.relabel import SEEDS, Labelled, sets, split

EMBEDDINGS = str(SHARED / "models" / "m2v_test_model")


def worth(head: Head, of: Labelled, seed: int, path: Path) -> tuple[float, float]:
    """AUC and F1 on the documents held out."""
    held, pool = split(of, seed)
    judged = np.sort(pool[: of.last])
    head.train([of.texts[row] for row in judged], of.good[judged].tolist(), path)
    rows = np.flatnonzero(held)
    scores = head.open(path)(pa.array([of.texts[row] for row in rows]))
    good, weights = of.good[rows], np.ones((1, len(rows)))
    return float(auc(scores, good, weights)[0]), float(at_cut(scores >= EVEN, good, weights)["f1"][0])


def main() -> None:
    heads: list[Head] = [FastText(), Embedded(EMBEDDINGS, embeddings.digest(EMBEDDINGS))]
    figures: dict[str, object] = {"benchmark": "heads", "seeds": SEEDS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        for of in sets():
            found = np.array([[worth(head, of, seed, path) for seed in range(SEEDS)] for head in heads])
            for head, (ranked, f1) in zip(heads, found.mean(axis=1), strict=True):
                figures |= {f"{of.name}_{head.name}_auc": ranked, f"{of.name}_{head.name}_f1": f1}
            ahead = found[1, :, 0] - found[0, :, 0]
            low, high = interval(draws([""] * SEEDS) @ ahead / SEEDS) or (np.nan, np.nan)
            figures[f"{of.name}_ahead"] = f"{ahead.mean():+.4f} ({low:+.4f} to {high:+.4f})"
    tell(figures)


if __name__ == "__main__":
    main()
