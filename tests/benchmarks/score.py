"""Scoring by the distilled classifier, as its annotator does it from Arrow batches.

    python -m tests.benchmarks.score

MB (of UTF-8) a processor second, medians; embeddings use as many threads as they like, and all are counted.
Features: words and pairs of words of the first READ_BYTES bytes, folded; 16 floats each, 50,000 buckets of
pairs. `mb_per_second` is of documents no longer than what is read, so that every byte counted is read;
`whole_mb_per_second` of documents as they are, of which the rest is not read. `fasttext` is the same model
asked through its own library, with words cut in Python, as our annotator once did. The model learns to tell
textbooks from all else in text_bulk.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.judge import classifier
from curation.judge.classifier import embeddings
from curation.judge.classifier.embeddings_head import Embedded
from curation.judge.classifier.fasttext_head import GOOD, READ_BYTES, SETTINGS, FastText, line_of
from curation.judge.classifier.heads import Head
from curation.recipe import Judge
from curation.storage import digest
from curation.text.bag import head
from tests.benchmarks.corpora import SHARED, crawl, labelled_bulk, megabytes, speed
from tests.benchmarks.figures import tell

ROWS = 1000  # documents of a batch
TRAINED_ON = 1000
EMBEDDINGS = SHARED / "models" / "m2v_test_model"


def annotate(asked: Head, model: Path, texts: Sequence[str], times: int) -> float:
    """MB of `texts` a processor second."""
    details = {"model_digest": digest(str(model)), "threshold": 0.5, "column": "score"}
    of = classifier.annotator(asked, str(model), details, classifier.schema(Judge()))
    columns = [pa.array(texts[n : n + ROWS], pa.string()) for n in range(0, len(texts), ROWS)]
    batches = [pa.record_batch([column], names=["text"]) for column in columns]
    of.annotate(batches[0])
    return speed(lambda: [of.annotate(batch) for batch in batches], megabytes(list(texts)), times)


def difference(model: Path, texts: Sequence[str]) -> float:
    """The largest difference from what fastText's own library says, its added 1e-5 taken off."""
    import fasttext

    labels, values = fasttext.load_model(str(model)).predict([line_of(text) for text in texts], k=2)
    theirs = [dict(zip(*pair, strict=True))[GOOD] - 1e-5 for pair in zip(labels, values, strict=True)]
    return float(np.abs(FastText().open(model)(pa.array(texts)) - theirs).max())


def by_library(model: Path, texts: Sequence[str]) -> float:
    import fasttext

    found = fasttext.load_model(str(model))
    return speed(lambda: found.predict([line_of(text) for text in texts], k=2), megabytes(list(texts)), 3)


def main() -> None:
    every = labelled_bulk()
    bulk, pages = [text for _, text in every], [text for _, text in crawl()]
    read, read_pages = ([head(text, READ_BYTES) for text in texts] for texts in (bulk, pages))
    figures: dict[str, object] = {"benchmark": "score", "read_bytes": READ_BYTES, "dim": SETTINGS["dim"]}
    with tempfile.TemporaryDirectory() as folder:
        learned = [(text, source.startswith("openstax")) for source, text in every[:TRAINED_ON]]
        texts, good = zip(*learned, strict=True)
        words, meaning = Path(folder) / "model.bin", Path(folder) / "model.json"
        FastText().train(texts, good, words)
        embedded = Embedded(str(EMBEDDINGS), embeddings.digest(str(EMBEDDINGS)))
        embedded.train(texts[:300], good[:300], meaning)
        figures |= {
            "mb_per_second": annotate(FastText(), words, read, 5),
            "crawl_mb_per_second": annotate(FastText(), words, read_pages, 5),
            "whole_mb_per_second": annotate(FastText(), words, bulk, 5),
            "fasttext_mb_per_second": by_library(words, read[::10]),
            "difference_max": f"{difference(words, [text for text in read[::10] if line_of(text)]):.1e}",
            "embeddings_mb_per_second": annotate(embedded, meaning, read[::20], 3),
        }
    figures |= {
        "read_ratio": megabytes(read) / megabytes(bulk),
        "read_megabytes": megabytes(read),
        "crawl_megabytes": megabytes(read_pages),
        "load": os.getloadavg()[0],
    }
    tell(figures)


if __name__ == "__main__":
    main()
