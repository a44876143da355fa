"""Overlap with evaluation sets: speed, recall and false alarms, ours and datatrove's NGramsDecontFilter.

    python -m tests.benchmarks.decontaminate

On the data sets `eval_sets` and `text_bulk` in a folder `shared` beside the checkout, 13 words. datatrove
gets every n-gram of every item's text, as ours does; by default it takes those of answers. Both see the same
documents: every 25th, those that `natural_contamination` names, and 200 with an item planted in the middle as
the web would write it. Speeds are MB of UTF-8 a processor second on every 25th document; ours is measured on
all of them, too. An alarm is false if document and items have no run of 13 words of a plain regular
expression in common; datatrove's are printed with what they were raised for.
"""

import hashlib
import json
import os
import re
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import zstandard

from curation import decontaminate
from curation.decontaminate import evaluation_sets
from curation.recipe import Decontaminate
from tests.benchmarks.corpora import SHARED, megabytes, speed

WIDTH = 13
PLANTED = 200
ROWS = 1000  # documents of a batch
LABELS = "natural_contamination"
_word = re.compile(r"[^\W_]+")


def documents() -> dict[str, str]:
    """text_bulk by the names that the labels use, in the order of the texts' hashes."""
    found = {}
    for path in (SHARED / "text_bulk").glob("*.jsonl.zst"):
        source = path.name.removesuffix(".jsonl.zst")
        for row in _lines(path):
            name = row["id"] if row["id"].startswith(f"{source}/") else f"{source}/{row['id']}"
            found[name] = row["text"]
    return dict(sorted(found.items(), key=lambda item: hashlib.sha256(item[1].encode()).digest()))


def planted(items: list[str], clean: list[str]) -> list[str]:
    """Items of 20 words and more within clean documents: in capitals, ASCII, other lines, other quotes."""
    ways = (
        str.upper,
        lambda text: unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode(),
        lambda text: re.sub(r"\s+", "\n", text),
        lambda text: text.replace("'", "’").replace('"', "”").replace(" - ", " — "),
    )
    long = [text for text in items if len(_word.findall(text)) >= 20]
    chosen = sorted(long, key=lambda text: hashlib.sha256(text.encode()).digest())[:PLANTED]
    made = []
    for n, (item, host) in enumerate(zip(chosen, clean, strict=False)):
        middle = host.find("\n", len(host) // 2) + 1
        made.append(f"{host[:middle]}\n{ways[n % len(ways)](item)}\n{host[middle:]}")
    return made


def runs(text: str) -> set[int]:
    """The hashes of its runs of words, by other means than those that are measured."""
    marked = unicodedata.normalize("NFKD", text.casefold())
    words = _word.findall("".join(c for c in marked if not unicodedata.combining(c)))
    return {hash(tuple(words[i : i + WIDTH])) for i in range(len(words) - WIDTH + 1)}


def ours(texts: list[str]) -> list[dict[str, Any]]:
    annotate = decontaminate.annotator(Decontaminate(path=str(SHARED / "eval_sets"))).annotate
    columns = [pa.array(texts[n : n + ROWS], pa.string()) for n in range(0, len(texts), ROWS)]
    batches = [annotate(pa.record_batch([column], names=["text"])) for column in columns]
    return [row for batch in batches for row in batch.to_pylist()]


def datatrove(sets: list[evaluation_sets.EvaluationSet], folder: str) -> Any:
    """datatrove's filter over the same sets. Its indexer's `run` asks for lighteval, so what its
    `compute_hashes` gives is written here."""
    from datatrove.pipeline.decont import n_grams

    config = n_grams.NGramsDecontConfig(n_grams=WIDTH, find_query_ngrams=True)
    made = []
    for kind in (n_grams.NGramsDecontIndexer, n_grams.NGramsDecontFilter):
        step = object.__new__(kind)
        step.__init__(folder, config=config)
        plain = step.hash_func
        step.hash_func = lambda text, plain=plain: plain(text.encode())  # xxhash 4 refuses str
        made.append(step)
    indexer, filter_ = made
    for of in sets:
        hashes = {h for text in of.texts for h in indexer.compute_hashes(text)}
        np.array(sorted(hashes), dtype=np.uint64).tofile(Path(folder) / f"{of.name}.index.hashes")
    return filter_


def natural(bulk: dict[str, str], known: set[int]) -> tuple[dict[str, Any], set[str]]:
    """Figures of ours on all documents, and the labelled ones."""
    rows = dict(zip(bulk, ours(list(bulk.values())), strict=True))
    labels = [row for row in _lines(SHARED / "eval_sets" / f"{LABELS}.jsonl.zst") if row["doc"] in bulk]
    wanted = {(row["doc"], row["eval"], str(row["row"] + 1)) for row in labels}
    found = {(name, o["set"], o["item"]) for name, row in rows.items() for o in row["evaluation_overlaps"]}
    flagged = [name for name, row in rows.items() if row["evaluation_ngrams"]]
    figures = {
        "documents": len(bulk),
        "recall": len(wanted & found) / len(wanted),
        "flagged": len(flagged),
        "flagged_without_overlap": sum(known.isdisjoint(runs(bulk[name])) for name in flagged),
    }
    return figures, {doc for doc, *_ in wanted}


def same(
    bulk: dict[str, str],
    sample: list[str],
    labelled: set[str],
    added: list[str],
    known: set[int],
    theirs: Any,
) -> dict[str, Any]:
    """Figures of both on the same documents: those of `sample`, the `labelled` and what is `added`."""
    names = list(dict.fromkeys([*sample, *sorted(labelled)]))
    texts = [bulk[name] for name in names] + added
    verdicts = {
        "": [row["evaluation_ngrams"] for row in ours(texts)],
        "datatrove_": [alarm(theirs, text) for text in texts],
    }
    figures: dict[str, Any] = {"same_documents": len(texts), "labelled": len(labelled), "planted": len(added)}
    for who, said in verdicts.items():
        by_name = dict(zip(names, said, strict=False))
        false = [name for name in names if by_name[name] and known.isdisjoint(runs(bulk[name]))]
        for name in false:
            print(f"{who}false alarm: {name}: {by_name[name]}")
        figures[f"{who}labelled_found"] = sum(bool(by_name[name]) for name in labelled)
        figures[f"{who}planted_found"] = sum(map(bool, said[len(names) :]))
        figures[f"{who}false_alarms"] = len(false)
    return figures


def alarm(theirs: Any, text: str) -> str:
    """The n-gram for which datatrove drops a text; '' if it keeps it."""
    from datatrove.data import Document

    document = Document(text=text, id="")
    theirs.filter(document)
    return document.metadata.get("contaminated_ngram", "")


def main() -> None:
    bulk = documents()
    sets = [s for s in evaluation_sets.read(str(SHARED / "eval_sets")) if s.name != LABELS]
    items = [text for of in sets for text in of.texts]
    known = set().union(*map(runs, items))
    figures, labelled = natural(bulk, known)
    hosts = [text for text in bulk.values() if 2000 < len(text) < 20000 and known.isdisjoint(runs(text))]
    every, sample = list(bulk.values()), list(bulk)[::25]
    some = [bulk[name] for name in sample]
    with TemporaryDirectory() as folder:
        theirs = datatrove(sets, folder)
        figures |= same(bulk, sample, labelled, planted(items, hosts), known, theirs)
        speeds = {
            "mb_per_second": speed(lambda: ours(every), megabytes(every), times=5),
            "sample_mb_per_second": speed(lambda: ours(some), megabytes(some), times=5),
            "datatrove_mb_per_second": speed(
                lambda: [alarm(theirs, text) for text in some], megabytes(some), times=1
            ),
        }
    speeds["datatrove_ratio"] = speeds["sample_mb_per_second"] / speeds["datatrove_mb_per_second"]
    figures = {"benchmark": "decontaminate", **figures, **{k: round(v, 2) for k, v in speeds.items()}}
    figures["load"] = round(os.getloadavg()[0], 1)
    for name, value in figures.items():
        print(f"{name:<28}{value}")
    print(json.dumps(figures))


def _lines(path: Path) -> list[dict[str, Any]]:
    with zstandard.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
