"""The time and memory that input made to hurt takes, for a size and for ten times as much.

    python -m tests.benchmarks.bad_input [MEGABYTES]

Prints the tables of docs/bad-input.md. Processor seconds; `growth` is how many times longer ten times the
input takes: 10 is linear. `peak` is what a process that did nothing but both grew by for the larger, the
input included. Texts are of 20 MB, or as asked.
"""

import gzip
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Work = Callable[[str, int], Callable[[], object]]  # given a name and a size: what to time

UNITS = {
    "one line": "word and word, then ",
    "one word": "a",
    "NUL bytes": "\0",
    "mixed line ends": "a\nb\r\nc\rd\u2028e\x0b",
    "blank lines": " \n",
    "zero-width and right-to-left marks": "a\u200b\u202eb\u200f \u2066c\u2069",
    "marks out of order": "e\u0301\u0327 ",
    "marks alone": "\u0301",
    "two marks in turns": "\u0301\u0327",
    "CJK": "漢字かな",
    "Thai": "สวัสดี",
    "emoji": "👩\u200d👩\u200d👧 ",
    "addresses": "https://a.b/c?",
    "abbreviations": "a.A.Dr.",
    "apostrophes": "'",
    "hyphens": "a-",
    "citations": "[1][",
    "C4's phrases": "rms vac coo vas ips, ",
    "lone surrogates": "",
    "different words": "",
    "10 million words": "",
    "one character a document": "",
}


def text(name: str, size: int) -> tuple[Any, Any]:
    """Offsets and bytes of about `size` bytes: one document, but for `one character a document`."""
    if name == "one character a document":
        return np.arange(size + 1), np.full(size, 97, dtype=np.uint8)
    if name == "different words":
        data = b" ".join(b"%x" % n for n in range(size // 7))
    elif name == "10 million words":
        data = b" ".join(b"w%x" % (n % 99_991) for n in range(size // 2))
    elif name == "lone surrogates":  # as bytes that are no UTF-8
        data = b"a \xed\xa0\x80 " * (size // 6)
    else:
        unit = UNITS[name].encode()
        data = unit * (size // len(unit))
    return np.array([0, len(data)]), np.frombuffer(data, dtype=np.uint8)


def sign(name: str, size: int) -> Callable[[], object]:
    """The signatures of a text."""
    from curation.dedup.signatures import _permutations
    from curation.text import minhash

    given = text(name, size)
    minhash.signatures(*text(name, 100), 5, *_permutations(112))
    return lambda: minhash.signatures(*given, 5, *_permutations(112))


def measure(name: str, size: int) -> Callable[[], object]:
    """The rules' values of a text."""
    from curation.text import rules

    given = text(name, size)
    rules.measure(*text(name, 100))
    return lambda: rules.measure(*given)


def read_json(name: str, size: int) -> Callable[[], object]:
    """What becomes of a file of JSON lines: how many rows by reason."""
    from curation.ingest import jsonl
    from curation.ingest.outcome import Quarantined
    from curation.recipe import Source

    file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
    match name:
        case "a line without end":
            file.truncate(size)  # NUL bytes that take no room on the disk
        case "a document of as many words":
            file.write(b'{"text": "' + b" ".join(b"w%x" % (n % 99_991) for n in range(size)) + b'"}')
        case "lone surrogates":
            file.write(b'{"text": "a \\ud800 b"}\n' * (size // 22))
        case "a list as deep as it is long":
            file.write(b'{"text": ' + b"[" * size + b"\n")
    file.seek(0)
    source = Source(name="bad", format="jsonl", path="")

    def run() -> object:
        rows = jsonl.outcomes(source, "file", file)
        return dict(Counter(row.reason if isinstance(row, Quarantined) else "document" for row in rows))

    return run


def read_table(name: str, size: int) -> Callable[[], object]:
    """What becomes of a table whose one text has `size` characters."""
    from curation.ingest import documents
    from curation.recipe import Source

    file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
    kind: Any = "parquet" if name.endswith("Parquet") else "csv"
    if kind == "parquet":
        pq.write_table(pa.table({"text": ["a" * size]}), file)
    else:
        with gzip.open(file, "wb", compresslevel=1) if "gzip" in name else nullcontext(file) as out:
            out.write(b"text\n")
            for _ in range(size // 1000):
                out.write(b"a" * 1000)
    source = Source(name="bad", format=kind, path="")

    def run() -> object:
        file.seek(0)
        made = list(documents.read(source, [("file", lambda: file)]))
        return dict(Counter(row for batch in made for row in batch.quarantined["reason"].to_pylist()))

    return run


def read_page(name: str, size: int) -> Callable[[], object]:
    """What becomes of a page: how many characters of text, or why there are none."""
    from curation.ingest.extract import page
    from curation.ingest.limits import check
    from curation.ingest.outcome import UnreadableError
    from curation.recipe import Extract

    html = {
        "nested tags": "<div>" * size,
        "nested tags, just allowed": "<div>" * size + "The text. " + "</div>" * size,
        "tags without end": "<p" * size,
        "one line of a page": "<p>" + "word and word, then " * (size // 20),
        "NUL bytes of a page": "<p>a" + "\0" * size,
    }[name]
    page("<p>The first one loads the model.", Extract())

    def run() -> object:
        try:
            check(html.encode())
            return f"{len(page(html, Extract()).text):,} characters"
        except UnreadableError as error:
            return error.reason

    return run


def seconds(run: Callable[[], object]) -> tuple[float, object]:
    """Processor seconds, and what came of it."""
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def cost(work: Work, name: str, size: int) -> list[str]:
    """Seconds, growth, MB that the process grew by at most, and what came of it, as cells."""
    small, _ = seconds(work(name, size // 10))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    large, found = seconds(work(name, size))
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    growth = f"{large / small:.1f}" if small > 0.005 else ""
    return [f"{large:.2f}", growth, f"{peak:.0f}", *([str(found)] if isinstance(found, str | dict) else [])]


def alone(work: Work, name: str, size: int) -> list[str]:
    """`cost` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(cost, work, name, size).result()


def main() -> None:
    size = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 20_000_000
    print("| text | MB | signature: seconds | growth | peak MB | rules: seconds | growth | peak MB |")
    for name in UNITS:
        large = size if name != "one character a document" else size // 20  # a signature is 448 bytes
        cells = [name, f"{large / 1e6:g}", *alone(sign, name, large), *alone(measure, name, large)]
        print("|", " | ".join(cells), "|", flush=True)
    print("| input | size | seconds | growth | peak MB | what becomes of it |")
    for work, name, large in INGESTED:
        print("|", " | ".join([name, f"{large:,}", *alone(work, name, large)]), "|", flush=True)


INGESTED: tuple[tuple[Work, str, int], ...] = (
    (read_json, "a line without end", 1_000_000_000),
    (read_json, "a document of as many words", 10_000_000),
    (read_json, "lone surrogates", 22_000_000),
    (read_json, "a list as deep as it is long", 1_000_000),
    (read_table, "a line without end of CSV", 300_000_000),
    (read_table, "the same, gzip", 300_000_000),
    (read_table, "a cell of Parquet", 100_000_000),
    (read_page, "nested tags", 100_000),
    (read_page, "nested tags, just allowed", 1_900),
    (read_page, "tags without end", 100_000),
    (read_page, "one line of a page", 10_000_000),
    (read_page, "NUL bytes of a page", 10_000_000),
)


if __name__ == "__main__":
    main()
