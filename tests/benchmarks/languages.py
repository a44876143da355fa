"""What `unknown` finds and what it costs; and how fast languages are identified.

    python -m tests.benchmarks.languages

Texts in languages of the model (known) and in others: single sentences, paragraphs, and documents, which are
20 sentences of one language or a whole declaration of human rights. A language is known if the model has a
label for it, or for the macrolanguage that it is part of. Speed is MB (of UTF-8) a processor second of one
thread, the median of three runs, beside the same model on whole texts.
"""

import io
import json
import os
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa
import zstandard

from curation.annotate.language import LANGUAGE, UNKNOWN, languages, model
from tests.benchmarks.corpora import SHARED, crawl, megabytes, speed, text_bulk

ROWS = 1000  # documents of a batch

LABELS = {
    **{"nb": "no", "zlm": "ms", "bjn": "ms", "prs": "fa", "cnr": "sh", "bho": "bh", "bik": "bcl"},
    **{"lah": "pnb", "rgn": "eml", "gsw": "als", "koi": "kv", "gnw": "gn", "nhn": "nah", "cat": "ca"},
    **dict.fromkeys(("quh", "qug", "qul", "quy", "qva", "qvc", "qvh", "qvm", "qvn", "qwh"), "qu"),
    **dict.fromkeys(("qxn", "qxu"), "qu"),
}
"""The model's label of a language, where it is not the language's own code."""

NEITHER = {"und", "cjy", "gan", "hak", "hsn", "nan"}
"""Chinese languages written as Mandarin is, and texts whose language has no code."""

STRANGE = {
    *("az-Cyrl", "bs-Cyrl", "ckb-Latn", "jv-Java", "sa-Gran", "tk-Cyrl", "tzm-Tfng", "ug-Latn", "uz-Cyrl"),
    *("vi-Hani", "zlm-Arab"),
}
"""Languages of the model in a script that it has not learnt them in; not counted."""


def main() -> None:
    labels = {label.removeprefix("__label__") for label in model().get_labels()}
    figures: dict[str, object] = {"benchmark": "languages"}
    for name, rows in _sets().items():
        known = [(LABELS.get(code, code), text) for code, text in rows if LABELS.get(code, code) in labels]
        other = [text for code, text in rows if LABELS.get(code, code) not in labels]
        found = _names([text for _, text in known])
        right = [answer for answer, (label, _) in zip(_answers(known), known, strict=True) if answer == label]
        lost = len(right) - sum(answer == label for answer, (label, _) in zip(found, known, strict=True))
        figures |= {
            f"{name}_known": len(known),
            f"{name}_known_called_unknown": found.count(UNKNOWN) / len(known),
            f"{name}_known_and_right_called_unknown": lost / len(right),
            f"{name}_other": len(other),
            f"{name}_other_called_unknown": _names(other).count(UNKNOWN) / len(other),
        }
    for name, texts in {"bulk": text_bulk(), "crawl": [text for _, text in crawl()]}.items():
        figures |= _speeds(name, texts)
    figures["load"] = os.getloadavg()[0]
    figures = {name: round(v, 3) if isinstance(v, float) else v for name, v in figures.items()}
    for name, value in figures.items():
        print(f"{name:<50}{value}")
    print(json.dumps(figures))


def _sets() -> dict[str, list[tuple[str, str]]]:
    """(code, text) of each set."""
    sentences = [(row["lang"], row["text"]) for row in _rows("lingua_sentences")]
    paragraphs = [
        ("sq" if row["udhr"] == "als" else row["bcp47"].split("-")[0], row["text"], row["udhr"])
        for row in _rows("udhr_paragraphs")
        if row["bcp47"] not in STRANGE and row["bcp47"] not in NEITHER
    ]
    declarations: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for code, text, declaration in paragraphs:
        declarations[code, declaration].append(text)
    return {
        "sentences": sentences,
        "paragraphs": [(code, text) for code, text, _ in paragraphs],
        "twenty_sentences": list(_joined(sentences, 20)),
        "declarations": [(code, "\n".join(texts)) for (code, _), texts in declarations.items()],
    }


def _rows(name: str) -> Iterator[dict[str, str]]:
    with zstandard.open(SHARED / "langid" / f"{name}.jsonl.zst") as stream:
        yield from map(json.loads, io.TextIOWrapper(stream, encoding="utf-8"))


def _joined(rows: Iterable[tuple[str, str]], size: int) -> Iterator[tuple[str, str]]:
    """`size` sentences of one language each, drawn without order."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for code, text in rows:
        texts[code].append(text)
    for code, all_of_it in texts.items():
        random.Random(0).shuffle(all_of_it)
        for n in range(0, len(all_of_it) - size + 1, size):
            yield code, "\n".join(all_of_it[n : n + size])


def _batches(texts: list[str]) -> list[pa.RecordBatch]:
    columns = [pa.array(texts[n : n + ROWS], pa.string()) for n in range(0, len(texts), ROWS)]
    return [pa.record_batch([column], names=["text"]) for column in columns]


def _names(texts: list[str]) -> list[str]:
    return [name for b in _batches(texts) for name in LANGUAGE.annotate(b)["language"].to_pylist()]


def _answers(known: list[tuple[str, str]]) -> list[str]:
    """What the model says, unknown to it or not."""
    found, _ = model().predict([text.replace("\n", " ") for _, text in known])
    return [label[0].removeprefix("__label__") for label in found]


def _speeds(name: str, texts: list[str]) -> dict[str, float]:
    batches = _batches(texts)
    ours = speed(lambda: [LANGUAGE.annotate(batch) for batch in batches], megabytes(texts), times=3)
    whole = speed(lambda: languages(texts), megabytes(texts), times=3)
    differ = [a != b for a, (b, _) in zip(_names(texts), languages(texts), strict=True)]
    return {
        f"{name}_megabytes": megabytes(texts),
        f"{name}_ours": ours,
        f"{name}_documents_per_second": ours / megabytes(texts) * len(texts),
        f"{name}_whole_texts": whole,
        f"{name}_named_otherwise_than_whole": sum(differ),
    }


if __name__ == "__main__":
    main()
