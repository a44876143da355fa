"""Which language a document is in: fastText's lid.176.ftz (Joulin et al. 2016), which ships beside this file.

The model knows 176 languages and always answers one of them, so a low score means doubt. It has no zu, xh
or st, and answers `no` for Norwegian Bokmål. fastText takes NUL for white space and any length of text, in
linear time; it refuses a line feed and a lone surrogate, and an Arrow string holds no lone surrogate.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.annotator import Annotator

MODEL = Path(__file__).with_name("lid.176.ftz")
UNKNOWN = "unknown"
"""The language of a text without a letter: the model would answer `en` there."""

COLUMNS = pa.schema(
    [
        pa.field(
            "language", pa.string(), nullable=False
        ),  # ISO 639-1, or 639-3 where that has none, or unknown
        pa.field("language_score", pa.float64(), nullable=False),  # the model's probability, [0, 1]
    ]
)


@cache
def model() -> Any:
    """The fastText model, loaded once a process."""
    import fasttext

    return fasttext.load_model(str(MODEL))


def languages(texts: list[str]) -> list[tuple[str, float]]:
    """The language of each text, with the probability that the model gives it."""
    found = [(UNKNOWN, 0.0)] * len(texts)
    asked = [n for n, text in enumerate(texts) if any(map(str.isalpha, text))]
    if asked:
        labels, scores = model().predict([texts[n].replace("\n", " ") for n in asked])
        for n, label, score in zip(asked, labels, scores, strict=True):
            # a probability can come out as 1.00005: it is a sum of rounded numbers
            found[n] = label[0].removeprefix("__label__"), min(max(float(score[0]), 0.0), 1.0)
    return found


def _annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
    found = languages(batch.column("text").to_pylist())
    names, scores = [name for name, _ in found], [score for _, score in found]
    return pa.record_batch([pa.array(names, pa.string()), pa.array(scores, pa.float64())], schema=COLUMNS)


LANGUAGE = Annotator("language", 1, COLUMNS, _annotate)
