"""Are near duplicates found, and is what is removed one? Ours, and datatrove's MinHash, on the same texts.

    python -m tests.benchmarks.near_duplicates [FILE for ten removals side by side]

The documents: each page of PowerShell's documentation in up to five versions; all of text_bulk with its
natural pairs; and planted ones, of which none is a duplicate:

    templated    one in a hundred documents: pages of a header and a footer in common and a body of their own
    same_title   the same title over other bodies
    licensed     the MIT licence under another holder's name, over a description of its own

A pair is found if not both sides stay. A removal is right if the two are versions of one page, or, where
there is no such truth, if their sets of word 5-grams, cut by a regular expression and not by our kernels,
have a Jaccard similarity of .8 or more; one of a planted document is wrong. `bare_licences_removed` is how
many of 20 bare licence texts, which differ in the name alone, are removed beside that: by the rule they are
near, whatever one thinks of it, so they are counted apart.
"""

import io
import json
import random
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import zstandard

from tests.benchmarks.corpora import SHARED

NAMES = ["Ada Byron", "Grace Murray", "Alan Mathison", "Edsger Wybe", "Barbara Jane", "Donald Ervin"]
MIT = """Copyright (c) {year} {name}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without
limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies,
and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions
of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED
TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT."""

Texts = dict[str, str]
Removals = dict[str, str]
"""What goes, and what stays in its place."""
METHODS = ("exact", "minhash")


def _rows(name: str) -> list[dict[str, Any]]:
    with zstandard.open(SHARED / f"{name}.jsonl.zst") as stream:
        return [json.loads(line) for line in io.TextIOWrapper(stream, encoding="utf-8")]


def _bulk() -> tuple[dict[str, str], Texts]:
    """The source of each document of text_bulk, and its text."""
    names = sorted(path.name.removesuffix(".jsonl.zst") for path in (SHARED / "text_bulk").glob("*.zst"))
    rows = {name: _rows(f"text_bulk/{name}") for name in names}
    texts = {row["id"]: row["text"] for name in names for row in rows[name]}
    return {row["id"]: name for name in names for row in rows[name]}, texts


def planted(bulk: Texts, count: int) -> Texts:
    """Documents of which none is a duplicate, `count` templated ones among them; an id tells the kind."""
    draw = random.Random(0)
    paragraphs = [p for text in bulk.values() for p in text.split("\n\n") if 40 < len(p.split()) < 90]
    draw.shuffle(paragraphs)
    own = iter(paragraphs)
    header, footer, title = (next(own) for _ in range(3))
    made = {f"templated-{n}": f"{header}\n\n{next(own)}\n\n{next(own)}\n\n{footer}" for n in range(count)}
    made |= {f"same_title-{n}": f"{title[:80]}\n\n{next(own)}\n\n{next(own)}" for n in range(20)}
    for n in range(20):
        licence = MIT.format(year=2000 + n, name=draw.choice(NAMES))
        made[f"licensed-{n}"] = f"{next(own)}\n\n{next(own)}\n\n{licence}"
    return made


def bare_licences() -> Texts:
    draw = random.Random(1)
    return {f"bare-{n}": MIT.format(year=2000 + n, name=f"{draw.choice(NAMES)} {n}") for n in range(20)}


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[n : n + 5]) for n in range(max(1, len(words) - 4))}


def similarity(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


def ours(texts: Texts, folder: Path) -> tuple[Removals, dict[str, str]]:
    """What goes, and the method by which it was found."""
    from curation import pipeline, stage
    from curation.document import document_id

    _write(texts, folder / "documents")
    recipe = {
        "name": "near",
        "interval": {"start": "2025-01-01", "end": "2025-01-02"},
        "sources": [{"name": "all", "format": "jsonl", "path": "documents/*.jsonl", "columns": {"id": "id"}}],
        "annotate": {"language": False, "rules": False},
    }
    (folder / "near.yaml").write_text(json.dumps(recipe))
    job = pipeline.open_job(folder / "near.yaml", str(folder / "lake"))
    plans = pipeline.plan(job, None)
    for uri in plans:
        pipeline.ingest(job, uri)
        pipeline.annotate(job, uri)
    pipeline.publish(job, plans)
    names = {document_id("all", name): name for name in texts}
    rows = [row for uri in pipeline.screen(job).part_uris() for row in stage.read_table(uri).to_pylist()]
    gone = [row for row in rows if row["duplicate_of"]]
    removals = {names[row["id"]]: names[row["duplicate_of"]] for row in gone}
    return removals, {names[row["id"]]: row["method"] for row in gone}


def table(texts: Texts, methods: Mapping[str, str], source: Mapping[str, str]) -> Iterator[str]:
    """What goes of each source and how it was found, as Markdown."""
    yield "| source | documents | " + " | ".join(METHODS) + " | stay |"
    yield "|---|---|" + "---|" * (len(METHODS) + 1)
    for name in sorted(set(source.values())):
        ids = [id_ for id_ in texts if source[id_] == name]
        counts = [sum(methods.get(id_) == method for id_ in ids) for method in METHODS]
        yield f"| {name} | {len(ids)} | {' | '.join(map(str, counts))} | {len(ids) - sum(counts)} |"


def datatroves(texts: Texts, folder: Path) -> Removals:
    """Its own four steps, and its own clusters: what goes is not told beside what stays, so a removal is held
    against the document of its cluster that stays."""
    _write(texts, folder / "documents")
    command = [sys.executable, "-m", "tests.benchmarks.datatrove_minhash", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    clusters: Mapping[str, list[tuple[str, bool]]] = defaultdict(list)
    for line in (folder / "clusters.jsonl").read_text().splitlines():
        row = json.loads(line)
        clusters[row["cluster"]].append((row["id"], row["kept"]))
    removals = {}
    for members in clusters.values():
        (stays,) = (name for name, kept in members if kept)
        removals.update({name: stays for name, kept in members if not kept})
    return removals


def _write(texts: Texts, folder: Path) -> None:
    folder.mkdir(parents=True)
    with (folder / "all.jsonl").open("w") as file:
        for name, text in texts.items():
            file.write(json.dumps({"id": name, "text": text}) + "\n")


def right(gone: str, stays: str, texts: Texts, cluster: Mapping[str, str]) -> bool:
    if gone in cluster and stays in cluster:
        return cluster[gone] == cluster[stays]
    return not _is_planted(gone) and not _is_planted(stays) and similarity(texts[gone], texts[stays]) >= 0.8


def _is_planted(name: str) -> bool:
    return name.startswith(("templated-", "same_title-", "licensed-"))


def figures(removals: Removals, texts: Texts, cluster: Mapping[str, str], near: set[tuple[str, str]]) -> Any:
    judged = {gone: stays for gone, stays in removals.items() if not gone.startswith("bare-")}
    good = sum(right(gone, stays, texts, cluster) for gone, stays in judged.items())
    return {
        "removed": len(judged),
        "recall": sum(a in removals or b in removals for a, b in near) / len(near),
        "precision": good / len(judged),
        "planted_removed": sum(_is_planted(gone) for gone in judged),
        "bare_licences_removed": len(removals) - len(judged),
    }


def side_by_side(removals: Removals, texts: Texts, path: Path) -> None:
    """Ten removals, drawn without choice, as Markdown."""
    chosen = random.Random(2).sample(sorted(removals), 10)
    with path.open("w") as file:
        for gone in chosen:
            stays = removals[gone]
            told = f"{gone} goes for {stays}, similarity {similarity(texts[gone], texts[stays]):.3f}"
            file.write(f"## {told}\n\n### goes\n{texts[gone]}\n\n### stays\n{texts[stays]}\n\n")


def main() -> None:
    source, bulk = _bulk()
    natural = [row for row in _rows("near_dup/text_bulk_natural_pairs") if {row["a"], row["b"]} <= set(bulk)]
    pages = _rows("near_dup/powershell_docs_versions")
    texts = bulk | {page["id"]: page["text"] for page in pages}
    texts |= planted(bulk, count=len(texts) // 100) | bare_licences()
    source |= {page["id"]: "powershell_docs_versions" for page in pages}
    source = {name: source.get(name, name.rpartition("-")[0]) for name in texts}
    cluster = {page["id"]: page["cluster"] for page in pages}
    near = {
        (r["a"], r["b"]) for r in natural + _rows("near_dup/powershell_docs_pairs") if r["jaccard5"] >= 0.8
    }
    worst = max(similarity(texts[a], texts[b]) for a, b in combinations(filter(_is_planted, texts), 2))
    print(
        f"{len(texts)} documents, {len(near)} pairs to be found; of two planted ones, the most is {worst:.2f}"
    )
    with tempfile.TemporaryDirectory() as name:
        removals, methods = ours(texts, Path(name) / "ours")
        print("\n".join(table(texts, methods, source)))
        for key, value in figures(removals, texts, cluster, near).items():
            print(f"{key:<34}{value if isinstance(value, int) else round(value, 4)}", flush=True)
        if len(sys.argv) > 1:
            side_by_side(removals, texts, Path(sys.argv[1]))
        theirs = datatroves(texts, Path(name) / "datatrove")
        for key, value in figures(theirs, texts, cluster, near).items():
            print(f"datatrove_{key:<24}{value if isinstance(value, int) else round(value, 4)}")


if __name__ == "__main__":
    main()
